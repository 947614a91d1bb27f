"""When an event that was not handled is tried again, and when it is given up; pure.

Follows "Error handling for asynchronous invocations": two retries after 1 and 2 minutes for the function's errors; throttles and
system errors are backed off exponentially from 1 s to 5 min until the event's age limit.
"""

from __future__ import annotations

from enum import Enum
from typing import Final, TypeAlias

import msgspec

from lambent.domain.functions import EventInvokeConfig

FUNCTION_RETRY_S: Final = (60.0, 120.0)
BACKOFF_S_MIN: Final = 1.0
BACKOFF_S_MAX: Final = 300.0


class Condition(Enum):
    """Why an event reached its end, as destinations are told."""

    SUCCESS = "Success"
    RETRIES_EXHAUSTED = "RetriesExhausted"
    EVENT_AGE_EXCEEDED = "EventAgeExceeded"
    ZERO_RESERVED_CONCURRENCY = "ZeroReservedConcurrency"
    RECURSIVE = "RecursiveInvocationsDropped"


class Retry(msgspec.Struct, frozen=True):
    """Try again at ``due`` (seconds since 1970)."""

    due: float


class GiveUp(msgspec.Struct, frozen=True):
    """The event is not tried again."""

    condition: Condition


Decision: TypeAlias = "Retry | GiveUp"


def after_function_error(config: EventInvokeConfig, *, submitted: float, now: float, errors: int) -> Decision:
    """Decide after the function failed for the ``errors``-th time."""
    if errors > config.retries:
        return GiveUp(Condition.RETRIES_EXHAUSTED)
    return _within_age(config, submitted, now + FUNCTION_RETRY_S[min(errors, len(FUNCTION_RETRY_S)) - 1])


def after_refusal(config: EventInvokeConfig, *, submitted: float, now: float, refusals: int, jitter: float) -> Decision:
    """Decide after Lambda could not run the function (throttle, system error) ``refusals`` times in a row; ``jitter`` is in [0, 1)."""
    pause = min(BACKOFF_S_MAX, BACKOFF_S_MIN * 2.0 ** min(refusals - 1, 20))
    return _within_age(config, submitted, now + pause * (0.75 + jitter / 4))


def _within_age(config: EventInvokeConfig, submitted: float, due: float) -> Decision:
    return Retry(due) if due <= submitted + config.age_s_max else GiveUp(Condition.EVENT_AGE_EXCEEDED)

"""What becomes of a stream's batch that failed; pure. Follows "Lambda … Kinesis/DynamoDB … error handling".

A batch is tried again, in two halves with ``BisectBatchOnFunctionError`` (which doesn't count as a try), until the tries are used up or
its records are too old. Throttles and Lambda's own errors don't count. Nothing behind the batch is read meanwhile: order holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Final

import msgspec
from msgspec.structs import replace

from lambent.domain.mappings import EventSourceMapping
from lambent.engine.sources.records import StreamRecord

BACKOFF_S_MIN: Final = 0.25
BACKOFF_S_MAX: Final = 60.0


class Discard(Enum):
    """Why a batch is given up, as destinations are told."""

    RETRIES = "RetryAttemptsExhausted"
    AGE = "RecordAgeExceeded"


class Attempt(msgspec.Struct, frozen=True):
    """Records that are handed over together; ``errors``: how often the function failed with them."""

    records: tuple[StreamRecord, ...]
    errors: int = 0


class Step(msgspec.Struct, frozen=True):
    """What to do next: give up, and try in this order."""

    given_up: Attempt | None = None
    ahead: tuple[Attempt, ...] = ()


def after_error(attempt: Attempt, mapping: EventSourceMapping) -> Step:
    """Decide after the function failed with the whole attempt."""
    count = len(attempt.records)
    failed = replace(attempt, errors=attempt.errors + 1)
    if mapping.bisects and count > 1:
        half = count // 2
        return Step(ahead=(replace(attempt, records=attempt.records[:half]), replace(attempt, records=attempt.records[half:])))
    if 0 <= mapping.retries < failed.errors:
        return Step(given_up=failed)
    return Step(ahead=(failed,))


def after_partial(attempt: Attempt, failed: Sequence[int], mapping: EventSourceMapping) -> tuple[tuple[StreamRecord, ...], Step]:
    """Return what was handled, and what to do, after the function reported the records at these places as failed.

    A shard goes on from its first failure: what comes after it is handed over again, with all its tries if anything was handled.
    """
    first = min(failed)
    if first:
        return attempt.records[:first], Step(ahead=(Attempt(attempt.records[first:]),))
    rest = replace(attempt, errors=attempt.errors + 1)
    if 0 <= mapping.retries < rest.errors:
        return (), Step(given_up=rest)
    return (), Step(ahead=(rest,))


def aged(attempt: Attempt, mapping: EventSourceMapping, retention_s: float, now: float) -> Step:
    """Separate the records that are too old from the others; they are the first, for records come in order."""
    limit = retention_s if mapping.record_age_s < 0 else min(retention_s, float(mapping.record_age_s))
    young = next((number for number, each in enumerate(attempt.records) if now - each.arrived <= limit), len(attempt.records))
    given_up = replace(attempt, records=attempt.records[:young]) if young else None
    return Step(given_up, (replace(attempt, records=attempt.records[young:]),) if young < len(attempt.records) else ())


def backoff_s(errors: int) -> float:
    """Return the pause before another try."""
    return min(BACKOFF_S_MAX, BACKOFF_S_MIN * 2.0 ** min(max(0, errors - 1), 16))

"""When a delivery to a target of EventBridge or its Scheduler that failed is tried again, and what a dead-letter queue is told; pure.

"By default, EventBridge retries sending the event for 24 hours and up to 185 times with an exponential back off and jitter"; what fails
for want of a permission or of the target itself isn't tried again. Attributes and codes follow "Using dead-letter queues to process
undelivered events" of the user guide.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from lambent.domain.errors import AwsError

RETRIES_MAX: Final = 185
AGE_S_MAX: Final = 86_400
PAUSE_S_MIN: Final = 1.0
PAUSE_S_MAX: Final = 480.0
"""185 attempts then take about a day, as AWS's do."""

_THROTTLES: Final = frozenset(
    (
        *("ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded", "RequestThrottled"),
        *("ProvisionedThroughputExceededException", "LimitExceededException", "SlowDown", "KMSThrottlingException"),
    )
)
_NOT_THERE: Final = ("NotFound", "NonExistent", "DoesNotExist", "NoSuch")
_DENIED: Final = ("AccessDenied", "NotAuthorized", "AuthorizationError", "UnauthorizedOperation")


class Retry(msgspec.Struct, frozen=True):
    """Try again at ``due`` (seconds since 1970)."""

    due: float


class GiveUp(msgspec.Struct, frozen=True):
    """Don't try again."""

    code: str  #: AWS's ``ERROR_CODE``
    exhausted: str = ""  #: the condition that ended the retries; empty when there were to be none


def decide(error: AwsError, policy: Mapping[str, Any], *, ingested: float, now: float, attempts: int, jitter: float) -> Retry | GiveUp:
    """Decide after the ``attempts``-th attempt failed; ``policy`` is the target's ``RetryPolicy``, ``jitter`` is in [0, 1)."""
    code = error_code(error)
    if not _is_passing(error):
        return GiveUp(code)
    if attempts > policy.get("MaximumRetryAttempts", RETRIES_MAX):
        return GiveUp(code, "MaximumRetryAttempts")
    due = now + min(PAUSE_S_MAX, PAUSE_S_MIN * 2.0 ** min(attempts - 1, 20)) * (0.75 + jitter / 4)
    if due > ingested + policy.get("MaximumEventAgeInSeconds", AGE_S_MAX):
        return GiveUp(code, "MaximumEventAgeInSeconds")
    return Retry(due)


def error_code(error: AwsError) -> str:
    """Return what a dead-letter queue is told of an error."""
    if error.code in _THROTTLES or error.status == 429:
        return "THROTTLING"
    if error.status == 403 or any(each in error.code for each in _DENIED):
        return "NO_PERMISSIONS"
    if error.status == 404 or any(each in error.code for each in _NOT_THERE):
        return "NO_RESOURCE"
    return "INTERNAL_ERROR" if error.status >= 500 else "ERROR_FROM_TARGET"


def _is_passing(error: AwsError) -> bool:
    """Return whether the same call may go well later. What isn't built here (501) never does."""
    return error.status != 501 and (error.retryable or error.status == 409 or error.code in _THROTTLES)

"""What ``PutLogEvents`` makes of a batch: refuse it whole, or take the events between the too old and the too new. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from lambent.services.logs.errors import invalid

if TYPE_CHECKING:
    from lambent.services.logs import _generated_shapes as shapes

HOUR_MS = 3_600_000
BATCH_BYTES_MAX = 1_048_576
EVENT_OVERHEAD_BYTES = 26
EVENTS_MAX = 10_000
TOO_NEW_MS = 2 * HOUR_MS
TOO_OLD_MS = 14 * 24 * HOUR_MS
SPAN_MS_MAX = 24 * HOUR_MS


class Verdict(msgspec.Struct, frozen=True):
    """What is taken of a batch."""

    accepted: Sequence[shapes.InputLogEvent]
    rejected: shapes.RejectedLogEventsInfo | None
    bytes: int  #: of the accepted events, with AWS's 26 per event


def judge(events: Sequence[shapes.InputLogEvent], now_ms: int, expired_before_ms: int) -> Verdict:
    """Return which events are taken; raise AWS's ``InvalidParameterException`` when the batch is refused as a whole."""
    size = _size(events)
    times = [each["timestamp"] for each in events]
    if times != sorted(times):
        raise invalid("Log events in a single PutLogEvents request must be in chronological order.")
    too_old = _count_below(times, now_ms - TOO_OLD_MS)
    expired = _count_below(times, expired_before_ms)
    too_new = _count_below(times, now_ms + TOO_NEW_MS + 1)
    first = max(too_old, expired)
    accepted = events[first:too_new]
    if accepted and accepted[-1]["timestamp"] - accepted[0]["timestamp"] > SPAN_MS_MAX:
        raise invalid("The batch of log events in a single PutLogEvents request cannot span more than 24 hours.")
    rejected: shapes.RejectedLogEventsInfo = {}
    if too_new < len(events):
        rejected["tooNewLogEventStartIndex"] = too_new
    if too_old:
        rejected["tooOldLogEventEndIndex"] = too_old
    if expired > too_old:
        rejected["expiredLogEventEndIndex"] = expired
    return Verdict(accepted, rejected or None, size if len(accepted) == len(events) else _bytes(accepted))


def _size(events: Sequence[shapes.InputLogEvent]) -> int:
    """Return what the events count for, in bytes; raise when one of them or all together are too much."""
    if not events:
        raise invalid(
            "1 validation error detected: Value '[]' at 'logEvents' failed to satisfy constraint: Member must have length greater than or "
            "equal to 1"
        )
    if len(events) > EVENTS_MAX:
        raise invalid(
            f"1 validation error detected: Value at 'logEvents' failed to satisfy constraint: "
            f"Member must have length less than or equal to {EVENTS_MAX}"
        )
    size = _bytes(events)
    if size > BATCH_BYTES_MAX:
        largest = max([_bytes([each]) for each in events])
        if largest > BATCH_BYTES_MAX:
            raise invalid(f"Log event too large: {largest} bytes exceeds limit of {BATCH_BYTES_MAX}")
        raise invalid(f"Upload too large: {size} bytes exceeds limit of {BATCH_BYTES_MAX}")
    return size


def _bytes(events: Sequence[shapes.InputLogEvent]) -> int:
    return len("".join([each["message"] for each in events]).encode()) + EVENT_OVERHEAD_BYTES * len(events)


def _count_below(times: list[int], limit_ms: int) -> int:
    """Return how many of these, which are in order, are below the limit."""
    return bisect_left(times, limit_ms)

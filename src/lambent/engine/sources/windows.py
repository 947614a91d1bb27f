"""Tumbling windows: distinct, contiguous spans of time by which records are aggregated; pure. Follows "Tumbling windows"."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from lambent.engine.sources.checkpoints import Window
from lambent.engine.sources.records import StreamRecord, envelope

STATE_BYTES_MAX: Final = 1 << 20
"""A state that is larger ends its window early."""


def start_of(arrived: float, size_s: int) -> float:
    """Return when the window began that a record belongs to; windows begin at multiples of their size since 1970."""
    return float(int(arrived // size_s) * size_s)


def is_over(window: Window, size_s: int, now: float, upcoming: StreamRecord | None, *, at_tip: bool) -> bool:
    """Whether no record can come any more that belongs to the window: a later one was read, or all were and its time is over."""
    if upcoming is not None:
        return start_of(upcoming.arrived, size_s) > window.start
    return at_tip and now >= window.start + size_s


def of_one_window(records: Sequence[StreamRecord], size_s: int) -> int:
    """Return how many of the first records belong to the same window."""
    start = start_of(records[0].arrived, size_s)
    return next((number for number, each in enumerate(records) if start_of(each.arrived, size_s) > start), len(records))


def event(
    records: Sequence[StreamRecord],
    window: Window,
    size_s: int,
    *,
    shard_id: str,
    source_arn: str,
    final: bool = False,
    early: bool = False,
) -> bytes:
    """Return the function's event: the records, and what belongs to the window."""
    state: Any = json.loads(window.state)
    return envelope(
        [each.data for each in records],
        window={"start": _stamp(window.start), "end": _stamp(window.start + size_s)},
        state=state,
        shardId=shard_id,
        eventSourceARN=source_arn,
        isFinalInvokeForWindow=final,
        isWindowTerminatedEarly=early,
    )


def _stamp(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"

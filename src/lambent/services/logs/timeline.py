"""A stream's events in the order of their timestamps, read at bounded memory from a log that is in the order of arrival.

A stream knows its *disorder* D: an event's timestamp lies at most D before that of any event that arrived earlier. For nearly all
streams D is 0. From it follow both tricks here:

- To begin at time T, every event that arrived up to one with a timestamp below T - D is below T: bisection finds such a place.
- To go on in order, an event may be given once one was read whose timestamp is at least D later, for no earlier one can follow.

Backwards the same holds with signs turned, so there is one implementation, over ``sign * timestamp`` and ``sign * sequence``.
"""

from __future__ import annotations

import heapq
from collections.abc import AsyncIterator
from typing import TypeAlias

import msgspec

from lambent.domain.storage import Entry, Store
from lambent.services.logs.state import Stream

Place: TypeAlias = tuple[int, int]
"""An event's timestamp (milliseconds since 1970) and sequence number: the order of a timeline."""

_CHUNK = 500


class Window(msgspec.Struct, frozen=True):
    """Which events are wanted: timestamps in [``from_ms``, ``until_ms``)."""

    from_ms: int
    until_ms: int


async def forwards(store: Store, stream: Stream, window: Window, after: Place | None = None) -> AsyncIterator[Entry]:
    """Give the window's events, oldest first; only those past ``after`` when it is given."""
    begin = (window.from_ms, 0) if after is None else max((window.from_ms, 0), after)
    async for entry in _ordered(store, stream, 1, begin[0]):
        if entry.time_ms >= window.until_ms:
            return
        if (entry.time_ms, entry.sequence) > begin:
            yield entry


async def backwards(store: Store, stream: Stream, window: Window, before: Place | None = None) -> AsyncIterator[Entry]:
    """Give the window's events, newest first; only those before ``before`` when it is given."""
    end = (window.until_ms, 0) if before is None else min((window.until_ms, 0), before)
    async for entry in _ordered(store, stream, -1, end[0]):
        if entry.time_ms < window.from_ms:
            return
        if (entry.time_ms, entry.sequence) < end:
            yield entry


async def _ordered(store: Store, stream: Stream, sign: int, from_ms: int) -> AsyncIterator[Entry]:
    """Give entries in order, from some place on that surely has all entries at ``from_ms`` ahead of it."""
    waiting: list[tuple[int, int, Entry]] = []
    furthest: int | None = None
    async for entry in _arrivals(store, stream, sign, await _safe_start(store, stream, sign, from_ms)):
        time = sign * entry.time_ms
        furthest = time if furthest is None else max(furthest, time)
        heapq.heappush(waiting, (time, sign * entry.sequence, entry))
        while waiting and waiting[0][0] <= furthest - stream.disorder_ms:
            yield heapq.heappop(waiting)[2]
    while waiting:
        yield heapq.heappop(waiting)[2]


async def _arrivals(store: Store, stream: Stream, sign: int, start: int) -> AsyncIterator[Entry]:
    limit = 50  # a page that is small and near is answered fast; a long read soon reads in long strides
    while True:
        if sign > 0:
            chunk = await store.read(stream.log, after=start, limit=limit)
        else:
            chunk = await store.read(stream.log, before=start, limit=limit, reverse=True)
        for entry in chunk:
            yield entry
        if len(chunk) < limit:
            return
        start, limit = chunk[-1].sequence, _CHUNK


async def _safe_start(store: Store, stream: Stream, sign: int, from_ms: int) -> int:
    """Return a sequence number: whatever lies at it or behind it (as seen in the direction of reading) is before ``from_ms``."""
    ends = [await store.read(stream.log, limit=1), await store.read(stream.log, limit=1, reverse=True)]
    if not ends[0] or not ends[1]:
        return 0 if sign > 0 else 1
    low, high = ends[0][0].sequence - 1, ends[1][0].sequence + 1
    surely_before = sign * from_ms - stream.disorder_ms
    while high - low > 1:
        middle = (low + high) // 2
        found = (await store.read(stream.log, after=middle - 1, limit=1))[0]  # trimming leaves holes: the next that is there
        passed = sign * found.time_ms < surely_before
        if passed == (sign > 0):
            if found.sequence >= high:
                high = middle
            else:
                low = found.sequence
        else:
            high = middle
    return low if sign > 0 else high

"""One of a shard's lanes (``ParallelizationFactor``): gathers records into batches and hands them over, one batch after the other."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable
from itertools import islice
from typing import Final, Protocol

from lambent.base.clock import Clock
from lambent.domain.mappings import EventSourceMapping
from lambent.engine.sources import windows
from lambent.engine.sources.checkpoints import Window
from lambent.engine.sources.records import StreamRecord

PAYLOAD_BYTES_MAX: Final = 6_000_000  # of an event, below the 6 MB of an invocation
_ENVELOPE_BYTES: Final = 2_000_000  # kept for a tumbling window's state


class Hands(Protocol):
    """What a lane has done with its batches."""

    async def handle(self, records: tuple[StreamRecord, ...], window: Window | None) -> None:
        """Hand a batch over until it was handled or given up, and commit that."""
        ...

    async def close_window(self, window: Window) -> None:
        """Give the function the window's last event, and commit that the window is closed."""
        ...


class Lane:
    """Records of a shard whose order holds among themselves."""

    def __init__(self, mapping: EventSourceMapping, clock: Clock, hands: Hands, window: Window | None) -> None:
        self._mapping = mapping
        self._clock = clock
        self._hands = hands
        self.window = window
        self._waiting: deque[tuple[float, StreamRecord]] = deque()  # with the time at which it was read
        self._ended = False
        self._stopped = False
        self._at_tip = False
        self._changed = asyncio.Event()

    def put(self, record: StreamRecord) -> None:
        """Take a record."""
        self._waiting.append((self._clock.now(), record))
        self._changed.set()

    def tip(self, at_tip: bool) -> None:
        """The reader has, or has not, read everything there is."""
        if at_tip and not self._at_tip:
            self._changed.set()
        self._at_tip = at_tip

    def end(self) -> None:
        """No record comes any more: the shard is closed."""
        self._ended = True
        self._changed.set()

    def stop(self) -> None:
        """Begin no other batch."""
        self._stopped = True
        self._changed.set()

    async def run(self) -> None:
        """Hand over until the shard ends or the lane is stopped."""
        while not self._stopped:
            if await self._close_window():
                continue
            batch = self._batch()
            if batch:
                await self._hands.handle(batch, self._open_window(batch))
            elif self._ended:
                return
            else:
                await self._wait()

    def _limit_bytes(self) -> int:
        return PAYLOAD_BYTES_MAX - (_ENVELOPE_BYTES if self._mapping.tumbling_s else 0)

    def _batch(self) -> tuple[StreamRecord, ...]:
        """Return the next batch and take it, or nothing if it may still gather."""
        if not self._waiting:
            return ()
        size, count, full = 0, 0, False
        for _, each in self._waiting:
            size += len(each.data) + 1
            if count == self._mapping.batch_size or (count and size > self._limit_bytes()):
                full = True
                break
            count += 1
        records = [each for _, each in islice(self._waiting, count)]
        full = full or count == self._mapping.batch_size or self._ended
        if self._mapping.tumbling_s:
            same = windows.of_one_window(records, self._mapping.tumbling_s)
            full, records = full or same < count, records[:same]
        if not full and self._clock.now() < self._waiting[0][0] + self._mapping.window_s:
            return ()
        for _ in records:
            self._waiting.popleft()
        return tuple(records)

    def _open_window(self, batch: tuple[StreamRecord, ...]) -> Window | None:
        if not self._mapping.tumbling_s:
            return None
        if self.window is None:
            self.window = Window(windows.start_of(batch[0].arrived, self._mapping.tumbling_s))
        return self.window

    async def _close_window(self) -> bool:
        """Close the open window if it is over; return whether it was."""
        window, size_s = self.window, self._mapping.tumbling_s
        if window is None or not size_s:
            return False
        upcoming = self._waiting[0][1] if self._waiting else None
        if not windows.is_over(window, size_s, self._clock.now(), upcoming, at_tip=self._at_tip) and not (self._ended and not upcoming):
            return False
        await self._hands.close_window(window)
        self.window = None
        return True

    def _next_time(self) -> float | None:
        """Return when something is to be done though nothing comes."""
        times = []
        if self._waiting:
            times.append(self._waiting[0][0] + self._mapping.window_s)
        if self.window is not None and self._mapping.tumbling_s and not self._waiting:
            times.append(self.window.start + self._mapping.tumbling_s)
        return min(times) if times else None

    async def _wait(self) -> None:
        self._changed.clear()
        at = self._next_time()
        if at is None or (self.window is not None and at <= self._clock.now()):
            await self._changed.wait()
            return
        await either(self._changed.wait(), self._clock, at - self._clock.now())


async def either(awaited: Awaitable[object], clock: Clock, seconds: float) -> bool:
    """Wait for something, for so long at most; return whether it came."""
    came, timer = asyncio.ensure_future(awaited), asyncio.ensure_future(clock.sleep(max(0.001, seconds)))
    try:
        await asyncio.wait({came, timer}, return_when=asyncio.FIRST_COMPLETED)
        return came.done()
    finally:
        came.cancel()
        timer.cancel()

"""Time as a parameter: nothing else in the project calls ``time.time`` or ``asyncio.sleep``."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable
from typing import Protocol


class Timer(Protocol):
    """A callback that waits for its time."""

    def cancel(self) -> None:
        """See to it that it isn't called."""
        ...


class Clock(Protocol):
    """Where time comes from. Wall time is in seconds since 1970 (UTC); durations are in seconds."""

    def now(self) -> float:
        """Return the wall time, in seconds since 1970."""
        ...

    def monotonic(self) -> float:
        """Return a time that never goes back, in seconds; only differences mean anything."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait this many seconds of this clock; at once when not positive."""
        ...

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Timer:
        """Have ``callback`` called after so many seconds of this clock. A fraction of what a task that sleeps costs."""
        ...


class SystemClock:
    """The machine's clock; ``scale`` 60 makes a minute pass in a second (``lambent start --time-scale 60``)."""

    now: Callable[[], float]
    monotonic: Callable[[], float]

    def __init__(self, scale: float = 1.0) -> None:
        if scale <= 0:
            raise ValueError(f"a clock's scale must be positive, not {scale}")
        self._scale = scale
        self._wall_origin = time.time()
        self._origin = time.monotonic()
        # An invocation asks fifteen times: the machine's own functions take a quarter of what methods around them do.
        self.now = time.time if scale == 1.0 else self._scaled_now
        self.monotonic = time.monotonic if scale == 1.0 else self._scaled_monotonic

    def _scaled_now(self) -> float:
        return self._wall_origin + (time.monotonic() - self._origin) * self._scale

    def _scaled_monotonic(self) -> float:
        return time.monotonic() * self._scale

    async def sleep(self, seconds: float) -> None:
        """Wait this many scaled seconds."""
        await asyncio.sleep(max(0.0, seconds / self._scale))

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Timer:
        """Have ``callback`` called after so many scaled seconds."""
        return asyncio.get_running_loop().call_later(max(0.0, seconds / self._scale), callback)


class VirtualClock:
    """A clock that only moves when told to, for tests and simulations.

    ``await clock.advance(60)`` lets every task that is due within the minute run, in order of its due time.
    """

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        self._now = start
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> float:
        """Return the virtual wall time, in seconds since 1970."""
        return self._now

    def monotonic(self) -> float:
        """Return the virtual time; the same as ``now``."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock was advanced this far."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + seconds, next(self._order), future))
        await future

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Timer:
        """Have ``callback`` called when the clock was advanced this far."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        future.add_done_callback(lambda done: None if done.cancelled() else callback())
        heapq.heappush(self._sleepers, (self._now + max(0.0, seconds), next(self._order), future))
        return _Cancel(future)

    async def advance(self, seconds: float) -> None:
        """Move the clock on by ``seconds``, waking each sleeper at its own time and letting it run."""
        target = self._now + seconds
        await self.settle()
        while self._sleepers and self._sleepers[0][0] <= target:
            due, _, future = heapq.heappop(self._sleepers)
            self._now = max(self._now, due)
            if not future.done():
                future.set_result(None)
            await self.settle()
        self._now = target

    async def settle(self, turns: int = 50) -> None:
        """Let ready tasks run for a bounded number of turns of the event loop."""
        for _ in range(turns):
            await asyncio.sleep(0)


class _Cancel:
    """Cancels a virtual timer."""

    def __init__(self, future: asyncio.Future[None]) -> None:
        self._future = future

    def cancel(self) -> None:
        """See to it that it isn't called."""
        self._future.cancel()

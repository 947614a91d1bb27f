"""Berths of one runtime: those that wait for the next functions, and those that are being made.

How many wait follows what was taken lately: a runtime that is in use finds more than ``READY``, one that isn't gives their memory back.
What is made goes to whoever has waited longest, and to the stock after that. While a start is on its way, nothing is begun for the stock
(for ``PATIENCE_S`` at most): the two would compete for the same processors.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, Generic, Protocol, TypeVar

from lambent.adapters.sandbox.helpers import HelperLost
from lambent.base.clock import Clock, Timer

READY: Final = 4
READY_MAX: Final = 16
RECENT_S: Final = 10.0
AT_ONCE: Final = 8
PATIENCE_S: Final = 0.02

_log = logging.getLogger(__name__)


class Waiting(Protocol):
    """What a stock holds."""

    @property
    def is_sound(self) -> bool:
        """Whether what was made is all still there."""
        ...

    async def close(self) -> None:
        """Let go of everything. Safe to call twice."""
        ...


Held = TypeVar("Held", bound=Waiting)


class Traffic:
    """The starts that are on their way, of every runtime."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._starts = 0
        self._waiters: list[asyncio.Future[None]] = []

    def begins(self) -> Callable[[], None]:
        """Note a start, and return what is to be called when it is over, once or more. After ``PATIENCE_S`` it counts as over, too."""
        self._starts += 1
        is_over = False

        def over() -> None:
            nonlocal is_over
            if not is_over:
                is_over = True
                timer.cancel()
                self._over()

        timer = self._clock.call_later(PATIENCE_S, over)
        return over

    async def lull(self) -> None:
        """Return when no start is on its way, or after ``PATIENCE_S``."""
        if not self._starts:
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        timer = self._clock.call_later(PATIENCE_S, lambda: _wake(waiter))
        try:
            await waiter
        finally:
            timer.cancel()
            with contextlib.suppress(ValueError):
                self._waiters.remove(waiter)

    def _over(self) -> None:
        self._starts -= 1
        if not self._starts:
            for each in self._waiters:
                _wake(each)


class Stock(Generic[Held]):
    """Makes berths with ``make``, and keeps some: ``least`` when the runtime isn't in use, ``most`` when it is very much.

    ``name`` is for the log. ``make`` is told whether one is made ahead: then there is time for what makes its start shorter.
    """

    def __init__(
        self,
        name: str,
        make: Callable[[bool], Awaitable[Held]],
        traffic: Traffic,
        clock: Clock,
        *,
        least: int = READY,
        most: int = READY_MAX,
    ) -> None:
        self._name = name
        self._least, self._most = least, most
        self._make = make
        self._traffic = traffic
        self._clock = clock
        self._ready: deque[Held] = deque()
        self._wanted: deque[asyncio.Future[Held]] = deque()  #: by starts that found none
        self._taken: deque[float] = deque()  #: when, within the last ``RECENT_S``
        self._making = 0
        self._servers = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing: set[asyncio.Task[None]] = set()
        self._refilling: asyncio.Task[None] | None = None
        self._timer: Timer | None = None
        self._is_closed = False

    def __len__(self) -> int:
        return len(self._ready)

    @property
    def size(self) -> int:
        """How many should wait now."""
        since = self._clock.monotonic() - RECENT_S
        while self._taken and self._taken[0] <= since:
            self._taken.popleft()
        return min(self._most, max(self._least, len(self._taken)))

    async def take(self) -> Held:
        """Return one that waits, or the next that is made. Raises what making it raises."""
        self._taken.append(self._clock.monotonic())
        while self._ready:
            held = self._ready.popleft()
            if held.is_sound:
                self.tend()
                return held
            _run(held.close(), self._closing)
        future: asyncio.Future[Held] = asyncio.get_running_loop().create_future()
        self._wanted.append(future)
        if self._unserved() > 0 and self._servers < AT_ONCE:
            self._servers += 1
            _run(self._serve(), self._tasks)
        try:
            return await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled() and future.exception() is None:
                self._put(future.result())
            raise
        finally:
            self.tend()

    def tend(self) -> None:
        """See to it that the stock comes to its size. Returns at once."""
        if self._is_closed:
            return
        size = self.size
        while len(self._ready) > size:
            _run(self._ready.popleft().close(), self._closing)
        if len(self._ready) < size and (self._refilling is None or self._refilling.done()):
            self._refilling = _run(self._refill(), self._tasks)
        if size > self._least and self._timer is None:
            self._timer = self._clock.call_later(self._taken[0] + RECENT_S - self._clock.monotonic(), self._later)

    async def close(self) -> None:
        """Let go of those that wait, and stop making more."""
        self._is_closed = True
        if self._timer is not None:
            self._timer.cancel()
        for task in self._tasks:
            task.cancel()  # what it is making is let go of there
        await asyncio.gather(*self._tasks, return_exceptions=True)
        while (future := self._first()) is not None:
            future.set_exception(HelperLost("the server stops"))
        ready, self._ready = self._ready, deque()
        await asyncio.gather(*self._closing, *(each.close() for each in ready))

    async def _serve(self) -> None:
        try:
            while self._unserved() > 0:
                await self._make_one(ahead=False)
        finally:
            self._servers -= 1

    async def _refill(self) -> None:
        while len(self._ready) < self.size:
            await self._traffic.lull()
            if not await self._make_one(ahead=True):
                return

    async def _make_one(self, *, ahead: bool) -> bool:
        """Make one; return False when that failed. Then whoever waits longest is told; nobody waiting, the next start tries again."""
        self._making += 1
        try:
            held = await self._make(ahead)
        except (HelperLost, OSError) as error:
            if (future := self._first()) is not None:
                future.set_exception(error)
            else:
                _log.warning("no environments can be kept ready for %s: %s", self._name, error)
            return False
        finally:
            self._making -= 1
        self._put(held)
        return True

    def _put(self, held: Held) -> None:
        if (future := self._first()) is not None:
            future.set_result(held)
        else:
            self._ready.append(held)

    def _first(self) -> asyncio.Future[Held] | None:
        while self._wanted:
            future = self._wanted.popleft()
            if not future.done():
                return future
        return None

    def _unserved(self) -> int:
        return sum(not each.done() for each in self._wanted) - self._making

    def _later(self) -> None:
        self._timer = None
        self.tend()


def _run(coroutine: Coroutine[Any, Any, None], tasks: set[asyncio.Task[None]]) -> asyncio.Task[None]:
    task = asyncio.create_task(coroutine)
    tasks.add(task)
    task.add_done_callback(tasks.discard)
    return task


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)

"""A consumer of many queues, one per function: ``lanes`` decides whose turn it is, this leases, hands over, and has the ends committed.

A place is a task that handles a lane's messages one after the other, from those that were leased ahead, as long as the lane may have it:
between two messages nobody is woken and nothing is committed.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeAlias

from lambent.base.clock import Clock
from lambent.domain.storage import Enqueue, Lease, Postpone, Store, Write
from lambent.engine.delivery.endings import Endings, Handled
from lambent.engine.delivery.lanes import OWN, PLACES, START, Lanes
from lambent.engine.delivery.parking import Parking

_log = logging.getLogger(__name__)

_ERROR_S: Final = 1.0
RESCAN_S: Final = 10.0
"""How often all queues are looked for: one may hold a message whose commit was cancelled, or failed, after it was written."""
_AHEAD_MIN: Final = 4
_AHEAD_MAX: Final = 128
"""Messages of a lane that are leased beyond its places: as many as it handles in about ``_AHEAD_S``."""
_AHEAD_S: Final = 0.25
_AHEAD_S_MAX: Final = 30.0
"""A message that waited longer than this ahead is given back, so that its lease never ends before it was handled."""
_AHEAD_BYTES_MAX: Final = 16 << 20
_FINISHING_MAX: Final = 2048
_FINISHING_BYTES_MAX: Final = 64 << 20
"""Messages that were handled and whose end is not committed yet, and what follows from them (a record may have megabytes): the bounds of
memory for a log service or a disk that is slow."""
_YIELD_S: Final = 0.02
"""How often it is looked whether something that matters more is still under way."""

LeaseHandler: TypeAlias = Callable[[Lease], Awaitable[Handled]]
"""Handles a message and returns what to commit. May be called again for the same message after a crash. What it raises is logged and the
message is tried again later, see ``parking``."""


class _Ahead:
    """What is leased of a lane beyond what is being handled."""

    __slots__ = ("leased", "leases", "size")

    def __init__(self) -> None:
        self.leases: deque[Lease] = deque()
        self.size = _AHEAD_MIN
        self.leased = 0.0  #: when, the last time

    def resize(self, now: float) -> None:
        """Fit the size to how long the last ones were enough."""
        if now - self.leased < _AHEAD_S:
            self.size = min(_AHEAD_MAX, self.size * 2)
        elif now - self.leased > 4 * _AHEAD_S:
            self.size = max(_AHEAD_MIN, self.size // 2)
        self.leased = now


class FairWorker:
    """A ``Worker`` over the queues ``<prefix><lane>``. ``lease_s`` must be longer than the handler ever takes, by a minute.

    Nothing is lost at a kill: what was leased becomes due again. Messages are made with ``enqueue``; ``touched``, once they are
    committed, has them handled at once, without it they are found within ``RESCAN_S``. ``on_commit`` is told what was committed.
    While ``yields`` says so, each lane handles few messages at a time.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        prefix: str,
        handle: LeaseHandler,
        *,
        name: str = "",
        places: int = PLACES,
        own: int = OWN,
        start: int = START,
        lease_s: float = 120.0,
        on_commit: Callable[[Sequence[Write]], None] = lambda writes: None,
        yields: Callable[[], bool] = lambda: False,
    ) -> None:
        self.name = name or prefix
        self._store = store
        self._clock = clock
        self._prefix = prefix
        self._handle = handle
        self._lease_s = lease_s
        self._lanes = Lanes(places, own, start)
        self._sizes = places, own, start
        self._on_commit = on_commit
        self._yields = yields
        self._tasks: set[asyncio.Task[None]] = set()
        self._ahead: dict[str, _Ahead] = {}
        self._ahead_bytes = 0
        self._low: set[str] = set()  # lanes that will soon have nothing ahead
        self._at_once = Endings(store, clock, self.name, self._committed)
        self._after_logs = Endings(store, clock, self.name, self._committed)
        self._parking = Parking(store, clock, self.name)
        self._scan_at = 0.0
        self._wake = asyncio.Event()

    @property
    def in_flight(self) -> int:
        """How many messages are being handled, or their end is being committed."""
        return len(self._tasks) + self._finishing

    @property
    def _finishing(self) -> int:
        return self._at_once.count + self._after_logs.count

    @property
    def _crowded(self) -> bool:
        return self._finishing >= _FINISHING_MAX or self._at_once.bytes + self._after_logs.bytes >= _FINISHING_BYTES_MAX

    def enqueue(self, lane: str, message_id: str, body: bytes, due: float) -> Enqueue:
        """Return the write that puts a message into a lane."""
        return Enqueue(self._prefix + lane, message_id, body, due)

    def touched(self, writes: Sequence[Write]) -> None:
        """Take note of messages of this worker's that were committed."""
        now = self._clock.now()
        for write in writes:
            if isinstance(write, Enqueue) and write.queue.startswith(self._prefix):
                self._lanes.touched(write.queue[len(self._prefix) :], write.due, now)
                self._wake.set()

    async def run(self) -> None:
        """Consume until cancelled; then what is under way is abandoned, to be handled again."""
        self._lanes, self._scan_at = Lanes(*self._sizes), 0.0
        self._ahead, self._ahead_bytes = {}, 0
        self._low.clear()
        endings = (self._at_once, self._after_logs)
        for each in endings:
            each.restart()
        await self._parking.restore(self._prefix)
        try:
            async with asyncio.TaskGroup() as group:
                for each in endings:
                    group.create_task(each.run(), name=f"{self.name}: ends")
                while True:
                    await self._turn()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _turn(self) -> None:
        """Start what is due, or wait until something is."""
        self._wake.clear()
        now = self._clock.now()
        if now >= self._scan_at:
            await self._scan(now)
        crowded, self._lanes.sparing = self._crowded, self._yields()
        grants = [] if crowded else self._lanes.grants(now)
        low = [] if crowded else list(self._low.difference([lane for lane, _ in grants]))
        self._low.clear()
        if grants or low:
            await asyncio.gather(*[self._take(lane, count) for lane, count in grants], *[self._take(lane, 0) for lane in low])
            return
        at = self._scan_at if crowded else min(self._scan_at, self._lanes.next_turn(now) or self._scan_at)
        if self._lanes.sparing:
            at = min(at, now + _YIELD_S)
        timer = self._clock.call_later(max(0.001, at - now), self._wake.set)
        try:
            await self._wake.wait()
        finally:
            timer.cancel()

    async def _scan(self, now: float) -> None:
        self._scan_at = now + RESCAN_S
        for queue in await self._store.queues(self._prefix):
            self._lanes.touched(queue[len(self._prefix) :], now, now)

    async def _take(self, lane: str, count: int) -> None:
        """Start up to ``count`` messages of a lane, from those that were leased ahead as far as there are; and see to it that there
        will be some."""
        ahead = self._ahead.setdefault(lane, _Ahead())
        due: float | None = self._clock.now()
        if len(ahead.leases) <= max(count, ahead.size // 2):
            due = await self._lease(lane, ahead, count)
        taken = [ahead.leases.popleft() for _ in range(min(count, len(ahead.leases)))]
        if ahead.leases:
            due = self._clock.now()
        elif not taken:
            self._ahead.pop(lane, None)
        self._lanes.taken(lane, count, len(taken), due, self._clock.now())
        for lease in taken:
            task = asyncio.create_task(self._occupy(lane, lease))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _lease(self, lane: str, ahead: _Ahead, count: int) -> float | None:
        """Lease what is due and some more, for the store's one writer may be waiting for the disk when a place becomes free; return
        when the lane is to be looked at again."""
        queue, now = self._prefix + lane, self._clock.now()
        ahead.resize(now)
        wanted = max(0, count - len(ahead.leases)) + (ahead.size if self._ahead_bytes < _AHEAD_BYTES_MAX else 0)
        try:
            leases = await self._store.lease(queue, now=now, seconds=self._lease_s, limit=wanted) if wanted else []
            ahead.leases.extend(leases)
            self._ahead_bytes += sum([len(each.body) for each in leases])
            return now if len(leases) == wanted else await self._store.next_due(queue)
        except Exception:  # noqa: BLE001 - the store is failing: the operator sees it, and the lane is tried again
            _log.exception("%s: no messages of %s could be taken", self.name, lane)
            return now + _ERROR_S

    async def _occupy(self, lane: str, first: Lease) -> None:
        """Handle a lane's messages in one place, as long as it is the lane's."""
        lease: Lease | None = first
        while lease is not None:
            self._ahead_bytes -= len(lease.body)
            if lease.expires - self._clock.now() < self._lease_s - _AHEAD_S_MAX:
                handled = Handled((Postpone(lease, self._clock.now()),))
            else:
                handled = await self._work(lease)
            (self._at_once if handled.logged is None else self._after_logs).add(without_body(lease), handled)
            lease = self._next(lane, handled)

    async def _work(self, lease: Lease) -> Handled:
        try:
            handled = await self._handle(lease)
        except Exception:  # noqa: BLE001 - one message's failure must not stop the others; the operator sees it, the message stays
            return Handled(self._parking.failed(lease))
        self._parking.went_well(lease)
        return handled

    def _next(self, lane: str, handled: Handled) -> Lease | None:
        """Return the lane's next message for the place that became free, if it is there and the place is still the lane's."""
        now = self._clock.now()
        self._lanes.capped(lane, handled.cap)
        if handled.throttled:
            self._lanes.rest(lane, now)
        else:
            self._lanes.went_well(lane)
        self._lanes.sparing = self._yields()
        ahead = self._ahead.get(lane)
        if ahead and ahead.leases and not self._crowded and self._lanes.keeps(lane, now):
            if len(ahead.leases) == ahead.size // 2:
                self._low.add(lane)
                self._wake.set()
            return ahead.leases.popleft()
        self._lanes.left(lane, now)
        self._wake.set()
        return None

    def _committed(self, writes: Sequence[Write]) -> None:
        now = self._clock.now()
        for write in writes:
            if isinstance(write, Postpone):
                self._lanes.touched(write.lease.queue[len(self._prefix) :], write.due, now)
        self._wake.set()
        self._on_commit(writes)


def without_body(lease: Lease) -> Lease:
    """Return the lease without what it carries: enough to acknowledge it, and not worth keeping in memory."""
    return Lease(lease.queue, lease.message_id, b"", lease.enqueued, lease.receives, lease.token, lease.expires)

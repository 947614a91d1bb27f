"""A consumer of many queues, one per function: ``lanes`` decides whose turn it is, this leases, hands over, and commits."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeAlias

from lambent.base.clock import Clock
from lambent.domain.storage import Enqueue, Lease, Postpone, Store, Write
from lambent.engine.delivery.lanes import OWN, PLACES, Lanes
from lambent.engine.delivery.settling import later, settle

_log = logging.getLogger(__name__)

_ERROR_S: Final = 1.0
RESCAN_S: Final = 10.0
"""How often all queues are looked for: one may hold a message whose commit was cancelled, or failed, after it was written."""
_AHEAD: Final = 16
"""Messages of a lane that are leased beyond its places."""
_AHEAD_BYTES_MAX: Final = 16 << 20
_FINISHING_MAX: Final = 512
"""Messages that were handled and whose end is not committed yet; bounds the memory for a log service or a disk that is slow."""


class Place:
    """A message's place in its lane. The handler may ``leave`` it before it returns, when only the message's end remains to be done."""

    __slots__ = ("_held", "_lane", "_worker")

    def __init__(self, worker: FairWorker, lane: str) -> None:
        self._worker = worker
        self._lane = lane
        self._held = True

    def leave(self, *, throttled: bool = False, cap: int | None = None) -> None:
        """Let the next one have it. ``throttled``: the function was refused. ``cap``: it runs no more than so many at once."""
        if self._held:
            self._held = False
            self._worker.left(self._lane, throttled=throttled, cap=cap)


LeaseHandler: TypeAlias = Callable[[Lease, Place], Awaitable[Sequence[Write]]]
"""Handles a message and returns what to commit: ``Acknowledge`` or ``Postpone``, with whatever follows from it (the outbox).
May be called again for the same message after a crash. What it raises is logged and the message is tried again later."""


class FairWorker:
    """A ``Worker`` over the queues ``<prefix><lane>``. ``lease_s`` must be longer than the handler ever takes.

    Nothing is lost at a kill: what was leased becomes due again. Messages are made with ``enqueue``; ``touched``, once they are
    committed, has them handled at once, without it they are found within ``RESCAN_S``. ``on_commit`` is told what was committed.
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
        lease_s: float = 120.0,
        on_commit: Callable[[Sequence[Write]], None] = lambda writes: None,
    ) -> None:
        self.name = name or prefix
        self._store = store
        self._clock = clock
        self._prefix = prefix
        self._handle = handle
        self._lease_s = lease_s
        self._lanes = Lanes(places, own)
        self._sizes = places, own
        self._on_commit = on_commit
        self._tasks: set[asyncio.Task[None]] = set()
        self._ahead: dict[str, deque[Lease]] = {}
        self._ahead_bytes = 0
        self._running = 0  # of the tasks: those that hold a place
        self._scan_at = 0.0
        self._wake = asyncio.Event()

    @property
    def in_flight(self) -> int:
        """How many messages are being handled, or their end is being committed."""
        return len(self._tasks)

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
        try:
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
        crowded = len(self._tasks) - self._running >= _FINISHING_MAX
        grants = [] if crowded else self._lanes.grants(now)
        if grants:
            await asyncio.gather(*(self._take(lane, count) for lane, count in grants))
            return
        at = self._scan_at if crowded else min(self._scan_at, self._lanes.next_turn(now) or self._scan_at)
        woken, timer = asyncio.ensure_future(self._wake.wait()), asyncio.ensure_future(self._clock.sleep(max(0.001, at - now)))
        try:
            await asyncio.wait({woken, timer}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            woken.cancel()
            timer.cancel()

    async def _scan(self, now: float) -> None:
        self._scan_at = now + RESCAN_S
        for queue in await self._store.queues(self._prefix):
            self._lanes.touched(queue[len(self._prefix) :], now, now)

    async def _take(self, lane: str, count: int) -> None:
        """Start up to ``count`` messages of a lane, from those that were leased ahead as far as there are."""
        ahead = self._ahead.setdefault(lane, deque())
        due: float | None = self._clock.now()
        if len(ahead) < count:
            due = await self._lease(lane, ahead, count)
        taken = [ahead.popleft() for _ in range(min(count, len(ahead)))]
        if ahead:
            due = self._clock.now()
        else:
            self._ahead.pop(lane, None)
        self._lanes.taken(lane, count, len(taken), due, self._clock.now())
        self._running += len(taken)
        for lease in taken:
            self._ahead_bytes -= len(lease.body)
            task = asyncio.create_task(self._work(lease, Place(self, lane)), name=f"{self.name} {lease.message_id}")
            self._tasks.add(task)
            task.add_done_callback(self._done)

    async def _lease(self, lane: str, ahead: deque[Lease], count: int) -> float | None:
        """Lease what is due and some more, for the store's one writer may be waiting for the disk when a place becomes free; return
        when the lane is to be looked at again."""
        queue, now = self._prefix + lane, self._clock.now()
        wanted = count - len(ahead) + (_AHEAD if self._ahead_bytes < _AHEAD_BYTES_MAX else 0)
        try:
            leases = await self._store.lease(queue, now=now, seconds=self._lease_s, limit=wanted)
            ahead.extend(leases)
            self._ahead_bytes += sum(len(each.body) for each in leases)
            return now if len(leases) == wanted else await self._store.next_due(queue)
        except Exception:  # noqa: BLE001 - the store is failing: the operator sees it, and the lane is tried again
            _log.exception("%s: no messages of %s could be taken", self.name, lane)
            return now + _ERROR_S

    def left(self, lane: str, *, throttled: bool, cap: int | None) -> None:
        """A place is free again; see ``Place.leave``."""
        now = self._clock.now()
        self._running -= 1
        self._lanes.capped(lane, cap)
        if throttled:
            self._lanes.rest(lane, now)
        else:
            self._lanes.went_well(lane)
        self._lanes.left(lane, now)
        self._wake.set()

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._wake.set()

    async def _work(self, lease: Lease, place: Place) -> None:
        try:
            try:
                writes = await self._handle(lease, place)
            except Exception:  # noqa: BLE001 - one message's failure must not stop the others; the operator sees it, the message stays
                _log.exception("%s: handling %s failed; it is tried again", self.name, lease.message_id)
                writes = (later(self._clock, lease),)
            await self._commit(lease, writes)
        finally:
            place.leave()

    async def _commit(self, lease: Lease, writes: Sequence[Write]) -> None:
        try:
            await settle(self._store, self._clock, self.name, lease, writes)
        finally:
            self._note(writes)
            self._on_commit(writes)

    def _note(self, writes: Sequence[Write]) -> None:
        now = self._clock.now()
        for write in writes:
            if isinstance(write, Postpone):
                self._lanes.touched(write.lease.queue[len(self._prefix) :], write.due, now)
                self._wake.set()


def without_body(lease: Lease) -> Lease:
    """Return the lease without what it carries: enough to acknowledge it, and not worth keeping in memory."""
    return Lease(lease.queue, lease.message_id, b"", lease.enqueued, lease.receives, lease.token, lease.expires)

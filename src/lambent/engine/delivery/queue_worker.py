"""A consumer of one queue: leases what is due, handles many at once, and commits what the handler decides."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeAlias

from lambent.base.clock import Clock
from lambent.domain.storage import Lease, Store, Write
from lambent.engine.delivery.parking import Parking
from lambent.engine.delivery.settling import settle

_log = logging.getLogger(__name__)

LeaseHandler: TypeAlias = Callable[[Lease], Awaitable[Sequence[Write]]]
"""Handles a message and returns what to commit: ``Acknowledge`` or ``Postpone``, with whatever follows from it (the outbox).
May be called again for the same message after a crash. What it raises is logged and the message is tried again later,
see ``parking``."""

_LEASES_AT_ONCE: Final = 64


class QueueWorker:
    """A ``Worker`` over a queue. ``lease_s`` must be longer than the handler ever takes.

    Nothing is lost at a kill: what was leased becomes due again.
    """

    def __init__(
        self, store: Store, clock: Clock, queue: str, handle: LeaseHandler, *, name: str = "", concurrency: int = 64, lease_s: float = 120.0
    ) -> None:
        self.name = name or queue
        self._store = store
        self._clock = clock
        self._queue = queue
        self._handle = handle
        self._concurrency = concurrency
        self._lease_s = lease_s
        self._parking = Parking(store, clock, self.name)
        self._tasks: set[asyncio.Task[None]] = set()
        self._slot_free = asyncio.Event()

    @property
    def in_flight(self) -> int:
        """How many messages are being handled."""
        return len(self._tasks)

    async def run(self) -> None:
        """Consume until cancelled; then what is under way is abandoned, to be handled again."""
        await self._parking.restore(self._queue)
        try:
            while True:
                await self._turn()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _turn(self) -> None:
        """Start what is due, or wait until something is."""
        free = self._concurrency - len(self._tasks)
        if free <= 0:
            self._slot_free.clear()
            await self._slot_free.wait()
            return
        touched = asyncio.ensure_future(self._store.wait_enqueued(self._queue))
        try:
            await asyncio.sleep(0)  # it listens from here on
            leases = await self._store.lease(self._queue, now=self._clock.now(), seconds=self._lease_s, limit=min(free, _LEASES_AT_ONCE))
            for lease in leases:
                task = asyncio.create_task(self._work(lease), name=f"{self.name} {lease.message_id}")
                self._tasks.add(task)
                task.add_done_callback(self._done)
            if not leases:
                await self._wait(touched)
        finally:
            touched.cancel()

    async def _wait(self, touched: asyncio.Future[None]) -> None:
        due = await self._store.next_due(self._queue)
        if due is None:
            await touched
            return
        timer = asyncio.ensure_future(self._clock.sleep(max(0.001, due - self._clock.now())))
        try:
            await asyncio.wait({touched, timer}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            timer.cancel()

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._slot_free.set()

    async def _work(self, lease: Lease) -> None:
        try:
            writes = await self._handle(lease)
            self._parking.went_well(lease)
        except Exception:  # noqa: BLE001 - one message's failure must not stop the queue; the operator sees it, the message stays
            writes = self._parking.failed(lease)
        await settle(self._store, self._clock, self.name, lease, writes)

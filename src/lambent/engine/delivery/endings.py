"""The ends of messages that were handled: committed many at once, while the next ones gather."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

import msgspec

from lambent.base.clock import Clock
from lambent.domain.storage import Enqueue, Lease, Postpone, Store, Write
from lambent.engine.delivery.settling import settle_all

_log = logging.getLogger(__name__)

Logged: TypeAlias = Callable[[], Awaitable[None]]
"""Returns when what was logged is with the log service, or that fails. Equal ones are waited for once."""


class Handled(msgspec.Struct, frozen=True):
    """What became of a message."""

    writes: Sequence[Write]  #: ``Acknowledge`` or ``Postpone``, with whatever follows from it (the outbox)
    throttled: bool = False  #: its function was refused
    cap: int | None = None  #: its function runs no more than so many at once
    logged: Logged | None = None  #: is waited for before the end is committed


class Endings:
    """Commits ends in the order in which they came."""

    def __init__(self, store: Store, clock: Clock, name: str, on_commit: Callable[[Sequence[Write]], None]) -> None:
        self._store = store
        self._clock = clock
        self._name = name
        self._on_commit = on_commit
        self._gathered: list[tuple[Lease, Handled]] = []
        self._some = asyncio.Event()
        self.count = 0  #: ends that are not committed yet
        self.bytes = 0  #: of what follows from them

    def add(self, lease: Lease, handled: Handled) -> None:
        """Have an end committed."""
        self.count += 1
        self.bytes += _size(handled)
        self._gathered.append((lease, handled))
        if len(self._gathered) == 1:
            self._some.set()

    def restart(self) -> None:
        """Forget what was not committed: it is handled again."""
        self._gathered, self.count, self.bytes = [], 0, 0
        self._some.clear()

    async def run(self) -> None:
        """Commit until cancelled."""
        while True:
            await self._some.wait()
            self._some.clear()
            batch, self._gathered = self._gathered, []
            await self._wait_logged({handled.logged for _, handled in batch if handled.logged is not None})
            try:
                await settle_all(self._store, self._clock, self._name, [(lease, handled.writes) for lease, handled in batch])
            finally:
                self.count -= len(batch)
                self.bytes -= sum([_size(handled) for _, handled in batch])
                self._on_commit([write for _, handled in batch for write in handled.writes])

    async def _wait_logged(self, logs: set[Logged]) -> None:
        for outcome in await asyncio.gather(*[each() for each in logs], return_exceptions=True):
            if isinstance(outcome, Exception):
                _log.error("%s: waiting for what was logged failed: %r", self._name, outcome)


def _size(handled: Handled) -> int:
    """Return the bytes of the messages that are made or changed."""
    return sum([len(each.body) for each in handled.writes if isinstance(each, Enqueue | Postpone) and each.body is not None])

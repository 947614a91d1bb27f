"""What a server stands on: its clock, its limits, its store, and the sandbox, whose helper processes take a while to begin."""

from __future__ import annotations

import asyncio

import msgspec

from lambent.adapters.memory import MemoryStore
from lambent.adapters.sqlite import DirectoryLock, SqliteStore
from lambent.base.clock import Clock, SystemClock
from lambent.base.settings import Settings
from lambent.domain.quotas import Quotas
from lambent.domain.storage import Store
from lambent.server.drivers import Choice, choose


class Ground(msgspec.Struct, frozen=True):
    """What everything else is built on."""

    clock: Clock
    quotas: Quotas
    store: Store
    sandbox: Choice


async def prepare(settings: Settings) -> Ground:
    """Open the store and start the sandbox. Raises ``StartupError`` with advice when the data directory or the sandbox can't be used."""
    clock, quotas, data = SystemClock(settings.time_scale), Quotas(), settings.data_dir
    lock = None if settings.ephemeral else DirectoryLock(data)  # the sandbox removes what it finds there
    choosing = asyncio.create_task(choose(settings, data / "environments", data / "code", clock, quotas))
    # A new file waits ten times for the disk: meanwhile the sandbox begins.
    store: Store = MemoryStore(clock) if lock is None else await asyncio.to_thread(SqliteStore.open, data, clock, lock)
    return Ground(clock, quotas, store, await choosing)

"""What a server stands on: its clock, its limits, its store, and the sandbox, whose helper processes take a while to begin."""

from __future__ import annotations

import msgspec

from lambent.adapters.memory import MemoryStore
from lambent.adapters.sqlite import SqliteStore
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
    store: Store = MemoryStore(clock) if settings.ephemeral else SqliteStore.open(data, clock)
    return Ground(clock, quotas, store, await choose(settings, data / "environments", data / "code", clock, quotas))

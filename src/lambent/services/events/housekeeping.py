"""What nobody waits for: events that archives need not keep any longer."""

from __future__ import annotations

from typing import Final

from lambent.domain.storage import Trim
from lambent.services.events.context import Events
from lambent.services.events.paging import read_all
from lambent.services.events.state import ARCHIVES

HOUSEKEEPING_S: Final = 3_600.0
_DAY_S: Final = 86_400


class Housekeeping:
    """Removes events that an archive need not keep any longer, every hour."""

    name = "events housekeeping"

    def __init__(self, events: Events) -> None:
        self._events = events

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            await self.tidy()
            await self._events.platform.clock.sleep(HOUSEKEEPING_S)

    async def tidy(self) -> None:
        """Go through all archives once."""
        for archive in await read_all(self._events.platform.store, ARCHIVES, ()):
            if archive.retention_days:
                before = self._events.now - archive.retention_days * _DAY_S
                await self._events.platform.store.commit([Trim(archive.log, int(before * 1000))])

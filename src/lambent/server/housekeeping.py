"""Background work of the server itself."""

from __future__ import annotations

from lambent.base.clock import Clock
from lambent.domain.storage import Blobs, Store

HOUR_S = 3600.0


class BlobSweeper:
    """Removes blobs that no document keeps any more, an hour after they were last put."""

    name = "blob sweeper"

    def __init__(self, store: Store, blobs: Blobs, clock: Clock) -> None:
        self._store = store
        self._blobs = blobs
        self._clock = clock

    async def run(self) -> None:
        """Sweep every hour until cancelled."""
        while True:
            await self._clock.sleep(HOUR_S)
            await self._blobs.sweep(self._store, older_than=self._clock.now() - HOUR_S)

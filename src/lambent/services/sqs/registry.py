"""The queues' documents, kept in memory once they were read: every send and receive looks its queue up.

Whoever changes a queue commits through ``commit``, which forgets what was kept before the caller is answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from lambent.domain.documents import Found
from lambent.domain.storage import Store, Write
from lambent.services.sqs.names import QueueRef
from lambent.services.sqs.state import Queue, queues

KEPT_MAX: Final = 10_000


class Registry:
    """Queues by account, region and name."""

    def __init__(self, store: Store, *, kept_max: int = KEPT_MAX) -> None:
        self._store = store
        self._kept_max = kept_max
        self._kept: dict[QueueRef, Found[Queue]] = {}
        self._changes = 0

    async def find(self, ref: QueueRef) -> Found[Queue] | None:
        """Return a queue, ``None`` when there is none."""
        kept = self._kept.get(ref)
        if kept is not None:
            return kept
        changes = self._changes
        found = await queues.get(self._store, ref)
        if found is not None and changes == self._changes:  # else it may have been read before the change
            if len(self._kept) >= self._kept_max:
                self._kept.clear()
            self._kept[ref] = found
        return found

    async def commit(self, ref: QueueRef, writes: Sequence[Write]) -> None:
        """Write what changes a queue, and forget what was kept of it, even if the caller is cancelled. Raises ``Conflict`` as the store."""
        await asyncio.shield(asyncio.ensure_future(self._commit(ref, writes)))

    async def _commit(self, ref: QueueRef, writes: Sequence[Write]) -> None:
        try:
            await self._store.commit(writes)
        finally:
            self._changes += 1
            self._kept.pop(ref, None)

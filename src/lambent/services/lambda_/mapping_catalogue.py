"""Event source mappings in memory: a write-through cache over the store; what the data plane follows."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

import msgspec

from lambent.domain.mappings import EventSourceMapping
from lambent.domain.storage import ABSENT, Store
from lambent.services.lambda_.catalogue import every
from lambent.services.lambda_.errors import not_found
from lambent.services.lambda_.state import MAPPING_TAGS, MAPPINGS, MappingTags


class MappingCatalogue:
    """Every mapping of every account; implements ``domain.mappings.MappingDirectory``."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._mappings: dict[str, EventSourceMapping] | None = None
        self._loading = asyncio.Lock()
        self._writing = asyncio.Lock()
        self._changed = asyncio.Event()

    async def mappings(self) -> Sequence[EventSourceMapping]:
        """Return all mappings, in the order of their UUIDs."""
        return list((await self._all()).values())

    async def _all(self) -> dict[str, EventSourceMapping]:
        if self._mappings is None:
            async with self._loading:
                if self._mappings is None:
                    found = await every(self._store, MAPPINGS, ())
                    self._mappings = {each.value.uuid: each.value for each in found}
        return self._mappings

    async def find(self, account_id: str, region: str, uuid: str) -> EventSourceMapping:
        """Return a mapping; ``ResourceNotFoundException`` when there is none."""
        mapping = (await self._all()).get(uuid)
        if mapping is None or (mapping.account_id, mapping.region) != (account_id, region):
            raise not_found("The resource you requested does not exist.")
        return mapping

    def alone(self) -> asyncio.Lock:
        """Keep other writers out: mappings change seldom."""
        return self._writing

    async def create(self, mapping: EventSourceMapping, tags: dict[str, str]) -> None:
        """Add a mapping."""
        mappings, key = await self._all(), _key(mapping)
        await self._store.commit([MAPPINGS.put(key, mapping, ABSENT), MAPPING_TAGS.put(key, MappingTags(tags))])
        mappings[mapping.uuid] = mapping
        self._touch()

    async def change(self, mapping: EventSourceMapping, **changes: Any) -> EventSourceMapping:
        """Store another generation of a mapping; call it ``alone``."""
        changed = msgspec.structs.replace(mapping, generation=mapping.generation + 1, **changes)
        await self._put(changed)
        self._touch()
        return changed

    async def _put(self, mapping: EventSourceMapping) -> None:
        await self._store.commit([MAPPINGS.put(_key(mapping), mapping)])
        (await self._all())[mapping.uuid] = mapping

    async def tags(self, mapping: EventSourceMapping) -> dict[str, str]:
        """Return a mapping's tags."""
        found = await MAPPING_TAGS.get(self._store, _key(mapping))
        return dict(found.value.tags) if found else {}

    async def tag(self, mapping: EventSourceMapping, tags: dict[str, str]) -> None:
        """Set a mapping's tags."""
        await self._store.commit([MAPPING_TAGS.put(_key(mapping), MappingTags(tags))])

    # ── for the data plane ──────────────────────────────────────────────────────────────────────────────────────────────────

    def wait_changed(self) -> Coroutine[Any, Any, None]:
        """Return when a mapping has changed since this call began (not only since it was first awaited)."""
        return _wait(self._changed)

    async def reached(self, mapping: EventSourceMapping, state: str) -> None:
        """Note the state unless the mapping has changed meanwhile; see ``MappingDirectory``."""
        async with self._writing:
            now = (await self._all()).get(mapping.uuid)
            if now is not None and now.generation == mapping.generation and now.state != state:
                await self._put(msgspec.structs.replace(now, state=state))

    async def resulted(self, mapping: EventSourceMapping, result: str) -> None:
        """Note what became of the last batch; see ``MappingDirectory``."""
        async with self._writing:
            now = (await self._all()).get(mapping.uuid)
            if now is not None and now.last_result != result:
                await self._put(msgspec.structs.replace(now, last_result=result))

    async def gone(self, mapping: EventSourceMapping) -> None:
        """Remove a mapping for good."""
        async with self._writing:
            key = _key(mapping)
            await self._store.commit([MAPPINGS.delete(key), MAPPING_TAGS.delete(key)])
            (await self._all()).pop(mapping.uuid, None)

    def _touch(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


def _key(mapping: EventSourceMapping) -> tuple[str, str, str]:
    return (mapping.account_id, mapping.region, mapping.uuid)


async def _wait(event: asyncio.Event) -> None:
    await event.wait()

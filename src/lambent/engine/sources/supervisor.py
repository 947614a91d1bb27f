"""Follows Lambda's event source mappings: one poller for each that is enabled, replaced when the mapping changes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Final, Protocol, TypeAlias

from lambent.domain.mappings import DELETING, DISABLED, ENABLED, EventSourceMapping
from lambent.engine.sources.running import Tools
from lambent.engine.sources.sqs import QueuePoller
from lambent.engine.sources.streams import StreamPoller, forget

_log = logging.getLogger(__name__)

DRAIN_S: Final = 20.0
"""How long a mapping that is changed waits for its batches; what takes longer is abandoned, to be read again."""
READY_S: Final = 10.0
"""How long a mapping stays ``Creating`` for a source that doesn't answer."""
_RESTART_S: Final = 1.0


class Poller(Protocol):
    """Reads a source for one generation of a mapping."""

    ready: asyncio.Event  #: set once nothing that comes from now on will be missed

    async def run(self) -> None:
        """Read until cancelled."""
        ...

    async def drain(self) -> None:
        """Return when no batch is under way any more; called after ``run`` was cancelled."""
        ...

    async def close(self) -> None:
        """Abandon what is under way."""
        ...


PollerMaker: TypeAlias = Callable[[Tools, EventSourceMapping], Poller]
_MAKERS: Final[dict[str, PollerMaker]] = {"sqs": QueuePoller, "kinesis": StreamPoller, "dynamodb": StreamPoller}


class EventSources:
    """The ``Worker`` that polls for all mappings."""

    name = "event sources"

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._keepers: dict[str, _Keeper] = {}

    async def run(self) -> None:
        """Follow the mappings until cancelled."""
        try:
            while True:
                changed = asyncio.ensure_future(self._tools.mappings.wait_changed())
                try:
                    self._follow(await self._tools.mappings.mappings())
                    await changed
                finally:
                    changed.cancel()
        finally:
            for keeper in self._keepers.values():
                keeper.task.cancel()
            await asyncio.gather(*(keeper.task for keeper in self._keepers.values()), return_exceptions=True)
            self._keepers.clear()

    def _follow(self, mappings: Sequence[EventSourceMapping]) -> None:
        for mapping in mappings:
            keeper = self._keepers.get(mapping.uuid)
            if keeper is None or keeper.task.done():
                self._keepers[mapping.uuid] = _Keeper(self._tools, mapping, self._keepers)
            else:
                keeper.follow(mapping)


class _Keeper:
    """One mapping's life."""

    def __init__(self, tools: Tools, mapping: EventSourceMapping, all_: dict[str, _Keeper]) -> None:
        self._tools = tools
        self._mapping = mapping
        self._all = all_
        self._changed = asyncio.Event()
        self._poller: Poller | None = None
        self._polling: asyncio.Task[None] | None = None
        self.task = asyncio.create_task(self._run(), name=f"event source mapping {mapping.uuid}")

    def follow(self, mapping: EventSourceMapping) -> None:
        """Take over another generation."""
        if mapping.generation != self._mapping.generation:
            self._mapping = mapping
            self._changed.set()

    async def _run(self) -> None:
        try:
            while True:
                mapping = self._mapping
                self._changed.clear()
                await self._stop()
                if mapping.state == DELETING:
                    await forget(self._tools.store, mapping)
                    await self._tools.mappings.gone(mapping)
                    self._all.pop(mapping.uuid, None)
                    return
                if mapping.enabled:
                    await self._begin(mapping)
                await self._tools.mappings.reached(mapping, ENABLED if mapping.enabled else DISABLED)
                await self._changed.wait()
        finally:
            if self._polling is not None and self._poller is not None:
                self._polling.cancel()
                await self._poller.close()

    async def _begin(self, mapping: EventSourceMapping) -> None:
        poller = self._poller = _MAKERS[mapping.service](self._tools, mapping)
        self._polling = asyncio.create_task(self._poll(poller, mapping), name=f"poller {mapping.uuid}")
        ready, timer = asyncio.ensure_future(poller.ready.wait()), asyncio.ensure_future(self._tools.clock.sleep(READY_S))
        try:
            await asyncio.wait({ready, timer}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ready.cancel()
            timer.cancel()

    async def _poll(self, poller: Poller, mapping: EventSourceMapping) -> None:
        while True:
            try:
                await poller.run()
            except Exception:  # noqa: BLE001 - the operator sees it; the mapping goes on
                _log.exception("the poller of %s for %s failed; it begins again", mapping.source_arn, mapping.function_arn)
            await self._tools.clock.sleep(_RESTART_S)

    async def _stop(self) -> None:
        """End the poller of the generation before; its batches may end, for a while."""
        poller, polling = self._poller, self._polling
        self._poller = self._polling = None
        if poller is None or polling is None:
            return
        polling.cancel()
        await asyncio.gather(polling, return_exceptions=True)
        draining, timer = asyncio.ensure_future(poller.drain()), asyncio.ensure_future(self._tools.clock.sleep(DRAIN_S))
        try:
            await asyncio.wait({draining, timer}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            draining.cancel()
            timer.cancel()
            await poller.close()

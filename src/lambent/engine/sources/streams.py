"""Reads a stream for a function: its shards, parents before children, each with a worker of its own.

Follows "Using Lambda with Kinesis" and "… DynamoDB Streams". Where reading begins is decided once, when the mapping is created, and
committed; from then on checkpoints say where it goes on, through restarts and changes of the mapping.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from lambent.domain.errors import AwsError
from lambent.domain.mappings import EventSourceMapping
from lambent.domain.storage import Store, Write
from lambent.engine.sources.checkpoints import CHECKPOINTS, Checkpoint
from lambent.engine.sources.running import Reader, Tools
from lambent.engine.sources.shard_worker import ShardWorker
from lambent.engine.sources.shards import readable
from lambent.engine.sources.stream_readers import Position, stream_reader

_log = logging.getLogger(__name__)

LOOK_S: Final = 30.0
"""How often new shards are looked for; the children of a shard that ended are found at once."""
_ERROR_S_MAX: Final = 60.0
_BEGUN: Final = ""
_PAGE: Final = 1000


class StreamPoller:
    """A mapping's poller."""

    def __init__(self, tools: Tools, mapping: EventSourceMapping) -> None:
        self._tools = tools
        self._mapping = mapping
        self._reader = Reader(tools, mapping)
        self._stream = stream_reader(self._reader)
        self._workers: dict[str, tuple[ShardWorker, asyncio.Task[bool]]] = {}
        self._done: set[str] = set()
        self._iterators: dict[str, str] = {}  # of the position LATEST, taken before the mapping counts as enabled
        self.ready = asyncio.Event()

    async def run(self) -> None:
        """Read until cancelled; batches that are under way go on, see ``drain``."""
        failures = 0
        while True:
            try:
                await self._turn()
                failures = 0
            except AwsError as error:
                failures += 1
                if failures == 1:
                    _log.warning("%s can't be read for %s: %s", self._mapping.source_arn, self._mapping.function_arn, error)
                    await self._tools.mappings.resulted(self._mapping, f"PROBLEM: {error.message or error.code}")
                await self._tools.clock.sleep(min(_ERROR_S_MAX, 0.5 * 2.0 ** min(failures, 10)))

    async def drain(self) -> None:
        """Stop the shards' workers and return when no batch is under way any more."""
        for worker, _ in self._workers.values():
            worker.stop()
        await asyncio.gather(*(task for _, task in self._workers.values()), return_exceptions=True)

    async def close(self) -> None:
        """Abandon what is under way: it is read again."""
        for _, task in self._workers.values():
            task.cancel()
        await self.drain()

    async def _turn(self) -> None:
        """Have every shard read that may be, and wait until one ends or new ones may be there."""
        checkpoints = await self._checkpoints()
        if _BEGUN not in checkpoints:
            await self._begin()
            checkpoints = await self._checkpoints()
        self._done = {shard_id for shard_id, each in checkpoints.items() if each.done}
        for shard_id in readable(await self._stream.shards(), self._done):
            if shard_id not in self._workers:
                self._start(shard_id, checkpoints.get(shard_id, Checkpoint()))
        self.ready.set()
        timer = asyncio.ensure_future(self._tools.clock.sleep(LOOK_S))
        try:
            await asyncio.wait({timer, *(task for _, task in self._workers.values())}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            timer.cancel()
        for shard_id, (_, task) in list(self._workers.items()):
            if task.done():
                del self._workers[shard_id]
                await self._ended(shard_id, task)

    async def _ended(self, shard_id: str, task: asyncio.Task[bool]) -> None:
        error = task.exception()
        if error is not None:
            _log.error("reading shard %s of %s failed; it begins again", shard_id, self._mapping.source_arn, exc_info=error)
            await self._tools.clock.sleep(1.0)

    def _start(self, shard_id: str, checkpoint: Checkpoint) -> None:
        kind, at = self._mapping.starting_position, self._mapping.starting_at
        start = Position(kind, at=at) if kind == "AT_TIMESTAMP" else Position("TRIM_HORIZON")
        iterator = self._iterators.pop(shard_id, "")
        if iterator:
            start = Position("ITERATOR", iterator)
        worker = ShardWorker(self._reader, self._stream, shard_id, checkpoint, start)
        self._workers[shard_id] = (worker, asyncio.create_task(worker.run(), name=f"shard {shard_id} of {self._mapping.uuid}"))

    async def _begin(self) -> None:
        """Take the starting position. ``LATEST``: what is closed is done, what is open is read from now on, children from their start."""
        now = self._tools.clock.now()
        writes: list[Write] = [CHECKPOINTS.put((self._mapping.uuid, _BEGUN), Checkpoint(since=now))]
        if self._mapping.starting_position == "LATEST":
            for shard in await self._stream.shards():
                key = (self._mapping.uuid, shard.shard_id)
                if not shard.closed:
                    self._iterators[shard.shard_id] = await self._stream.iterator(shard.shard_id, Position("LATEST"))
                writes.append(CHECKPOINTS.put(key, Checkpoint(done=True) if shard.closed else Checkpoint(since=now)))
        await self._tools.store.commit(writes)

    async def _checkpoints(self) -> dict[str, Checkpoint]:
        found = await CHECKPOINTS.range(self._tools.store, (self._mapping.uuid,), limit=10 * _PAGE)
        return {str(each.key[1]): each.value for each in found}


async def forget(store: Store, mapping: EventSourceMapping) -> None:
    """Remove a mapping's checkpoints."""
    while True:
        found = await CHECKPOINTS.range(store, (mapping.uuid,), limit=_PAGE)
        if not found:
            return
        await store.commit([CHECKPOINTS.delete(each.key) for each in found])

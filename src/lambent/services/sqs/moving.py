"""The worker that carries out message-move tasks, also those that a restart interrupted.

A message leaves one queue, arrives in the other and is counted in one commit: it is never in both, nor in none.
"""

from __future__ import annotations

import asyncio

from msgspec.structs import replace

from lambent.domain.documents import Found
from lambent.domain.errors import Conflict
from lambent.domain.storage import Key
from lambent.services.sqs.context import Sqs
from lambent.services.sqs.mailroom import Delivery, Parcel
from lambent.services.sqs.names import of_arn
from lambent.services.sqs.state import CANCELLED, CANCELLING, COMPLETED, FAILED, RUNNING, Move, Queue, moves

_BATCH = 10
_NO_QUEUE = "AWS.SimpleQueueService.NonExistentQueue"
_NO_SOURCE = "CouldNotDetermineMessageSource"


class Mover:
    """Works on all tasks at once, each at its own rate."""

    name = "sqs message moves"

    def __init__(self, sqs: Sqs) -> None:
        self._sqs = sqs

    async def run(self) -> None:
        """Work until cancelled."""
        at_work: dict[Key, asyncio.Task[None]] = {}
        try:
            while True:
                self._sqs.mailroom.bell.clear()
                for found in await self._active():
                    if found.key not in at_work or at_work[found.key].done():
                        at_work[found.key] = asyncio.ensure_future(self._carry_out(found.key))
                        at_work[found.key].add_done_callback(lambda _: self._sqs.mailroom.bell.set())
                await self._sqs.mailroom.bell.wait()
                for key in [key for key, task in at_work.items() if task.done()]:
                    at_work.pop(key).result()
        finally:
            for task in at_work.values():
                task.cancel()
            await asyncio.gather(*at_work.values(), return_exceptions=True)

    async def _active(self) -> list[Found[Move]]:
        found: list[Found[Move]] = []
        after: Key | None = None
        while True:
            page = await moves.range(self._sqs.platform.store, after=after)
            found += [each for each in page if each.value.status in {RUNNING, CANCELLING}]
            if len(page) < 1000:
                return found
            after = page[-1].key

    async def _carry_out(self, key: Key) -> None:
        """Move batch after batch until the task has an end."""
        while True:
            found = await moves.get(self._sqs.platform.store, key)
            if found is None or found.value.status not in {RUNNING, CANCELLING}:
                return
            try:
                count = await self._step(found)
            except Conflict:
                continue  # it was cancelled meanwhile
            if found.value.rate is not None:
                await self._sqs.platform.clock.sleep(count / found.value.rate)

    async def _step(self, found: Found[Move]) -> int:
        """Move one batch, or end the task; return how many messages were moved."""
        move = found.value
        if move.status == CANCELLING:
            return await self._end(found, CANCELLED)
        source = await self._queue(move.source_arn)
        if source is None:
            return await self._end(found, FAILED, _NO_QUEUE)
        limit = _BATCH if move.rate is None else min(_BATCH, move.rate)
        deliveries = await self._sqs.mailroom.pick(source, limit)
        if not deliveries:
            return await self._end(found, COMPLETED)
        target_arn = move.destination_arn or deliveries[0].sent.dead_letter_source
        chosen = [each for each in deliveries if (move.destination_arn or each.sent.dead_letter_source) == target_arn]
        target = await self._queue(target_arn)
        if target is None:
            await self._sqs.mailroom.put_back(source, deliveries)
            return await self._end(found, FAILED, _NO_QUEUE if target_arn else _NO_SOURCE)
        await self._sqs.mailroom.put_back(source, [each for each in deliveries if each not in chosen])
        await self._move(found, source, target, chosen)
        return len(chosen)

    async def _move(self, found: Found[Move], source: Queue, target: Queue, deliveries: list[Delivery]) -> None:
        """A moved message is a new one: it has another id, and its retention begins again."""
        now_ms = self._sqs.mailroom.now_ms()
        new = {"sent_ms": now_ms, "dead_letter_source": "", "receives_before": 0, "first_received_ms": 0}
        parcels = [Parcel(replace(each.sent, message_id=self._sqs.platform.ids.uuid(), **new), now_ms) for each in deliveries]
        counted = replace(found.value, moved=found.value.moved + len(deliveries))
        post = await self._sqs.mailroom.post(source)
        try:
            await self._sqs.mailroom.move(post, deliveries, target, parcels, [moves.put(found.key, counted, found.version)])
        except Conflict:
            await self._sqs.mailroom.put_back(source, deliveries)
            raise

    async def _end(self, found: Found[Move], status: str, failure: str = "") -> int:
        ended = replace(found.value, status=status, failure=failure)
        await self._sqs.platform.store.commit([moves.put(found.key, ended, found.version)])
        return 0

    async def _queue(self, arn: str) -> Queue | None:
        ref = of_arn(arn)
        found = None if ref is None else await self._sqs.lookup(ref)
        return None if found is None else found.value

"""What is kept of queues in memory is never older than what was acknowledged."""

from __future__ import annotations

import asyncio

from lambent.adapters.memory import MemoryStore
from lambent.base.clock import VirtualClock
from lambent.domain.storage import Document, Key
from lambent.services.sqs.names import QueueRef
from lambent.services.sqs.registry import Registry
from lambent.services.sqs.state import Queue, queues

REF = QueueRef("123456789012", "eu-west-1", "q")


class CountingStore(MemoryStore):
    """Counts its reads; waits in the middle of one when it is told so."""

    def __init__(self) -> None:
        super().__init__(VirtualClock())
        self.reads = 0
        self.gate: asyncio.Event | None = None

    async def get(self, table: str, key: Key) -> Document | None:
        self.reads += 1
        found = await super().get(table, key)
        if self.gate is not None:
            await self.gate.wait()
        return found


def queue(name: str = "q", epoch: int = 0) -> Queue:
    return Queue(id="i", name=name, account_id=REF.account_id, region=REF.region, created_s=0, modified_s=0, epoch=epoch)


async def epoch_of(registry: Registry, ref: QueueRef = REF) -> int | None:
    found = await registry.find(ref)
    return None if found is None else found.value.epoch


async def test_a_queue_is_read_once_and_again_when_it_was_changed() -> None:
    store = CountingStore()
    registry = Registry(store)
    assert [await epoch_of(registry) for _ in range(2)] == [None, None]
    await registry.commit(REF, [queues.put(REF, queue())])
    store.reads = 0
    assert [await epoch_of(registry) for _ in range(3)] == [0, 0, 0]
    assert store.reads == 1
    await registry.commit(REF, [queues.put(REF, queue(epoch=1))])
    assert [await epoch_of(registry) for _ in range(2)] == [1, 1]
    await registry.commit(REF, [queues.delete(REF)])
    assert await epoch_of(registry) is None


async def test_what_was_read_before_a_change_is_not_kept_after_it() -> None:
    store = CountingStore()
    registry = Registry(store)
    await registry.commit(REF, [queues.put(REF, queue())])
    store.gate = asyncio.Event()
    reading = asyncio.ensure_future(epoch_of(registry))
    await asyncio.sleep(0)
    await registry.commit(REF, [queues.put(REF, queue(epoch=1))])
    store.gate.set()
    assert await reading == 0
    assert await epoch_of(registry) == 1


async def test_a_change_whose_caller_gave_up_is_seen() -> None:
    store = CountingStore()
    registry = Registry(store)
    await registry.commit(REF, [queues.put(REF, queue())])
    assert await epoch_of(registry) == 0
    changing = asyncio.ensure_future(registry.commit(REF, [queues.put(REF, queue(epoch=1))]))
    await asyncio.sleep(0)
    changing.cancel()
    await asyncio.gather(changing, return_exceptions=True)
    await asyncio.sleep(0)
    assert await epoch_of(registry) == 1


async def test_only_so_many_are_kept() -> None:
    registry = Registry(CountingStore(), kept_max=3)
    for number in range(10):
        ref = REF._replace(name=f"q{number}")
        await registry.commit(ref, [queues.put(ref, queue(ref.name, number))])
        assert await epoch_of(registry, ref) == number
    assert len(registry._kept) <= 3

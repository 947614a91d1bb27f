"""Queues that are too long to be read from disk in one go."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from tests.unit.services.sqs.sqs_kit import Kit

from lambent.adapters.memory import MemoryStore
from lambent.base.clock import VirtualClock
from lambent.domain.storage import Document, Write
from lambent.services.sqs.fifo import LOOKAHEAD

COUNT = 3_500


class SlowStore(MemoryStore):
    """Takes a second of the clock for each page of many documents."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(clock)
        self.clock = clock
        self.slow = False
        self.fails = False
        self.answers_late = False

    async def commit(self, writes: Sequence[Write], *, durable: bool = True) -> tuple[int, ...]:
        numbers = await super().commit(writes, durable=durable)
        if self.answers_late and durable:
            await self.clock.sleep(20)
        return numbers

    async def range(self, table: str, *args, **kwargs) -> list[Document]:  # type: ignore[no-untyped-def,override]
        found = await super().range(table, *args, **kwargs)
        if self.slow and len(found) > 500:
            await self.clock.sleep(1)
        if self.fails and table == "sqs.standings":
            raise OSError("the disk can't be read")
        return found


@pytest.fixture
def store() -> SlowStore:
    return SlowStore(VirtualClock())


async def filled(store: SlowStore, name: str, *, fifo_lookahead: int = LOOKAHEAD) -> Kit:
    """Return a new service whose queue has many messages on disk."""
    kit = Kit(store, store.clock, fifo_lookahead=fifo_lookahead)
    url = await kit.queue(name)
    for first in range(0, COUNT, 10):
        entries = [{"Id": str(n), "MessageBody": str(n)} for n in range(first, first + 10)]
        if name.endswith(".fifo"):
            entries = [{**each, "MessageGroupId": f"g{int(each['Id']) % 7}", "MessageDeduplicationId": each["Id"]} for each in entries]
        await kit.call("SendMessageBatch", QueueUrl=url, Entries=entries)
    store.slow = True
    return kit.restarted()


async def drain(kit: Kit, url: str) -> list[int]:
    """Receive and delete everything, in the order in which it came."""
    seen: list[int] = []
    while True:
        reading = asyncio.ensure_future(kit.receive(url, WaitTimeSeconds=1))
        while not reading.done():
            await kit.clock.advance(0.5)
        if not reading.result():
            return seen
        seen += [int(each["Body"]) for each in reading.result()]
        entries = [{"Id": str(n), "ReceiptHandle": each["ReceiptHandle"]} for n, each in enumerate(reading.result())]
        deleting = asyncio.ensure_future(kit.call("DeleteMessageBatch", QueueUrl=url, Entries=entries))
        while not deleting.done():
            await kit.clock.advance(0.5)


@pytest.mark.parametrize("name", ["q", "q.fifo"])
async def test_the_front_is_served_while_the_rest_is_read(store: SlowStore, name: str) -> None:
    kit = await filled(store, name)
    url = await kit.queue(name)
    receiving = await kit.start(kit.bodies(url, MaxNumberOfMessages=1))
    counting = await kit.start(kit.counts(url))
    await kit.clock.advance(1.1)
    assert receiving.result() == ["0"]
    assert not counting.done()
    for body in ("8000", "8001"):
        await kit.send(url, body, **({"MessageGroupId": "late"} if name.endswith(".fifo") else {}))
    await kit.clock.advance(10)
    assert counting.result() == (COUNT + 1, 1, 0)
    await kit.clock.advance(30)
    assert sorted(await drain(kit, url)) == [*range(COUNT), 8000, 8001]


@pytest.mark.parametrize("name", ["q", "q.fifo"])
async def test_what_is_read_before_its_sender_is_told_is_there_once(store: SlowStore, name: str) -> None:
    kit = await filled(store, name)
    url = await kit.queue(name)
    group = {"MessageGroupId": "late"} if name.endswith(".fifo") else {}
    counting = await kit.start(kit.counts(url))
    await kit.clock.advance(1.1)
    store.answers_late = True
    sending = await kit.start(kit.send(url, "8000", **group))
    await kit.clock.advance(10)
    assert counting.result() == (COUNT + 1, 0, 0)
    assert not sending.done()
    await kit.clock.advance(15)
    await sending
    store.answers_late = False
    assert await kit.counts(url) == (COUNT + 1, 0, 0)
    await kit.send(url, "8001", **group)  # would wait for ever behind a message that is there twice, and was deleted once
    assert sorted(await drain(kit, url)) == [*range(COUNT), 8000, 8001]


async def test_fifo_sees_no_further_than_it_looks(store: SlowStore) -> None:
    kit = await filled(store, "q.fifo", fifo_lookahead=100)
    url = await kit.queue("q.fifo")
    sending = await kit.start(kit.send(url, "9000", MessageGroupId="late"))
    await kit.clock.advance(2)
    await sending
    seen = await drain(kit, url)
    assert sorted(seen) == [*range(COUNT), 9000]
    for group in range(7):
        of_group = [each for each in seen if each < 9000 and each % 7 == group]
        assert of_group == sorted(of_group)


async def test_purged_while_it_is_read(store: SlowStore) -> None:
    kit = await filled(store, "q")
    url = await kit.queue("q")
    reading = await kit.start(kit.bodies(url, MaxNumberOfMessages=1))
    await kit.clock.advance(1.1)
    await kit.call("PurgeQueue", QueueUrl=url)
    await kit.send(url, "new")
    await kit.clock.advance(10)
    assert reading.result() == ["0"]
    assert await kit.bodies(url) == ["new"]


async def test_a_disk_that_cannot_be_read_fails_the_call_alone(store: SlowStore) -> None:
    kit = await filled(store, "q")
    url = await kit.queue("q")
    store.fails = True
    for call in (kit.receive(url), kit.send(url, "lost"), kit.counts(url)):
        task = await kit.start(call)
        await kit.clock.advance(2)
        assert isinstance(task.exception(), OSError)
    store.fails = store.slow = False
    assert await kit.counts(url) == (COUNT, 0, 0)

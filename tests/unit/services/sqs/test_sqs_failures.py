"""A disk that refuses: what could not be written has not happened."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Sequence

import pytest
from tests.unit.services.sqs.sqs_kit import Kit

from lambent.adapters.memory import MemoryStore
from lambent.base.clock import VirtualClock
from lambent.domain.errors import LambentError
from lambent.domain.storage import Write


class FullStore(MemoryStore):
    """Refuses to write as long as it is full; is slow when it is told so."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(clock)
        self.full = False
        self.slow: asyncio.Event | None = None

    async def commit(self, writes: Sequence[Write], *, durable: bool = True) -> tuple[int, ...]:
        if self.slow is not None:
            await self.slow.wait()
        if self.full:
            raise LambentError("the disk is full")
        return await super().commit(writes, durable=durable)


@pytest.fixture
def store() -> FullStore:
    return FullStore(VirtualClock())


@pytest.fixture
def kit(store: FullStore) -> Kit:
    return Kit(store, store._clock)  # type: ignore[arg-type]


async def refused(store: FullStore, call: Awaitable[object]) -> None:
    store.full = True
    with pytest.raises(LambentError, match="the disk is full"):
        await call
    store.full = False


@pytest.mark.parametrize("name", ["q", "q.fifo"])
async def test_what_was_refused_has_not_happened(kit: Kit, store: FullStore, name: str) -> None:
    url = await kit.queue(name, VisibilityTimeout=30)
    await refused(store, kit.send(url, "x", **({"MessageDeduplicationId": "d"} if "fifo" in name else {})))
    assert await kit.counts(url) == (0, 0, 0)
    await kit.send(url, "x", **({"MessageDeduplicationId": "d"} if "fifo" in name else {}))
    await refused(store, kit.receive(url))
    assert await kit.counts(url) == (1, 0, 0)
    (message,) = await kit.receive(url)
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"
    await refused(store, kit.delete(url, message))
    assert await kit.counts(url) == (0, 1, 0)
    await kit.delete(url, message)
    assert await kit.counts(url) == (0, 0, 0)


async def test_a_dead_letter_that_could_not_be_moved(kit: Kit, store: FullStore) -> None:
    dead = await kit.queue("dead")
    url = await kit.queue(RedrivePolicy=json.dumps({"deadLetterTargetArn": await kit.arn(dead), "maxReceiveCount": 1}))
    await kit.send(url)
    assert len(await kit.receive(url, VisibilityTimeout=0)) == 1
    await refused(store, kit.receive(url, VisibilityTimeout=0))
    assert (await kit.counts(url), await kit.counts(dead)) == ((1, 0, 0), (0, 0, 0))
    assert await kit.receive(url) == []
    assert (await kit.counts(url), await kit.counts(dead)) == ((0, 0, 0), (1, 0, 0))


async def test_a_sender_that_gives_up_waiting_has_sent_all_the_same(kit: Kit, store: FullStore) -> None:
    url = await kit.queue()
    store.slow = asyncio.Event()
    sending = await kit.start(kit.send(url, "x"))
    sending.cancel()
    await kit.clock.settle()
    store.slow.set()
    await kit.clock.settle()
    assert sending.cancelled()
    assert await kit.bodies(url) == ["x"]


async def test_nobody_gets_what_is_being_written(kit: Kit, store: FullStore) -> None:
    url = await kit.queue()
    store.slow = asyncio.Event()
    sending = await kit.start(kit.send(url, "x"))
    assert await kit.receive(url) == []
    store.slow.set()
    await kit.clock.settle()
    assert sending.done()
    store.slow = asyncio.Event()
    receiving = await kit.start(kit.bodies(url))
    assert not receiving.done()
    assert await kit.receive(url) == []
    store.slow.set()
    await kit.clock.settle()
    assert receiving.result() == ["x"]

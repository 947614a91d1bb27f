"""SQS under seeded faults: commits fail, consumers crash, the process is killed between any two steps.

Nothing that was acknowledged is lost; nobody is given what somebody else holds; a FIFO group keeps its order. A failure prints its seed.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from tests.unit.services.sqs.sqs_kit import Kit

from lambent.adapters.memory import MemoryStore
from lambent.base.clock import VirtualClock
from lambent.domain.errors import AwsError, LambentError
from lambent.domain.storage import Write

RECEIVES_MAX = 6


class Life:
    """The store as one life of the server sees it: durable commits one after the other, some fail; a dead server's never happen."""

    def __init__(self, store: MemoryStore, rng: random.Random) -> None:
        self.store, self.rng = store, rng
        self.turn = asyncio.Lock()
        self.dead = False
        self.faults = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    async def commit(self, writes: Sequence[Write], *, durable: bool = True) -> tuple[int, ...]:
        if not durable:
            return await self._write(writes)
        async with self.turn:
            return await self._write(writes)

    async def _write(self, writes: Sequence[Write]) -> tuple[int, ...]:
        await self._pass()
        if self.faults and self.rng.random() < 0.05:
            raise LambentError("the disk is full")
        numbers = await self.store.commit(writes)
        await self._pass()
        return numbers

    async def _pass(self) -> None:
        for _ in range(self.rng.randrange(4)):
            await asyncio.sleep(0)
        if self.dead:
            await asyncio.Event().wait()


@dataclass
class Message:
    """What is known of a message from outside."""

    number: int
    group: str
    acknowledged: bool = False
    gone: bool = False  #: somebody asked for its deletion
    held_until: float = 0.0
    deliveries: int = 0


class Universe:
    """A server that dies now and then, its senders and its consumers."""

    def __init__(self, seed: int, *, fifo: bool) -> None:
        self.rng = random.Random(seed)
        self.fifo = fifo
        self.clock = VirtualClock()
        self.store = MemoryStore(self.clock)
        self.messages: dict[str, Message] = {}
        self.running = True
        self.kills = 0
        self.born()

    def born(self) -> None:
        self.life = Life(self.store, self.rng)
        self.kit = Kit(self.life, self.clock, seed=self.rng.randrange(1 << 30))  # type: ignore[arg-type]
        self.calls: set[asyncio.Task[Any]] = set()

    def kill(self) -> None:
        self.kills += 1
        self.life.dead = True
        calls = self.calls
        self.born()
        for call in calls:
            call.cancel()

    async def call(self, operation: str, **params: Any) -> Any:
        """Call the service; ``None`` when it failed or died, so that nobody knows what became of it."""
        task = asyncio.ensure_future(self.kit.call(operation, **params))
        self.calls.add(task)
        task.add_done_callback(self.calls.discard)
        try:
            return await task
        except asyncio.CancelledError:
            if not self.running:
                raise
            return None
        except LambentError as error:
            assert not isinstance(error, AwsError), error
            return None

    async def setting_up(self) -> None:
        self.life.faults = False
        suffix = ".fifo" if self.fifo else ""
        self.dead_letters = await self.kit.queue(f"dead{suffix}")
        policy = {"deadLetterTargetArn": await self.kit.arn(self.dead_letters), "maxReceiveCount": RECEIVES_MAX}
        self.url = await self.kit.queue(f"q{suffix}", RedrivePolicy=json.dumps(policy), DelaySeconds=0)
        self.life.faults = True

    async def send_all(self, group: str, count: int) -> None:
        """Send a group's messages one after the other; a FIFO message again until it is acknowledged."""
        for number in range(count):
            body = f"{group}-{number}"
            message = self.messages[body] = Message(number, group)
            params: dict[str, Any] = {"QueueUrl": self.url, "MessageBody": body}
            if self.fifo:
                params |= {"MessageGroupId": group, "MessageDeduplicationId": body}
            elif self.rng.random() < 0.3:
                params["DelaySeconds"] = self.rng.randrange(20)
            while True:
                message.acknowledged = await self.call("SendMessage", **params) is not None
                if message.acknowledged or not self.fifo:
                    break
            await self.clock.sleep(self.rng.random() * 3)

    async def consume(self) -> None:
        while self.running:
            visibility = self.rng.randrange(1, 20)
            result = await self.call(
                "ReceiveMessage",
                QueueUrl=self.url,
                WaitTimeSeconds=self.rng.choice([0, 2, 20]),
                VisibilityTimeout=visibility,
                MaxNumberOfMessages=self.rng.randrange(1, 6),
            )
            received = (result or {}).get("Messages", [])
            self.check([each["Body"] for each in received])
            until = self.clock.now() + visibility
            for each in received:
                message = self.messages[each["Body"]]
                message.held_until = until
                message.deliveries += 1
                assert message.deliveries <= RECEIVES_MAX
            for each in received:
                await self.handle(each, until)
            await self.clock.sleep(self.rng.random())

    def check(self, bodies: list[str]) -> None:
        for position, body in enumerate(bodies):
            message = self.messages[body]
            assert message.held_until <= self.clock.now() + 0.001, f"{body} is in somebody's hands"
            if not self.fifo:
                continue
            for other, earlier in self.messages.items():
                if earlier.group == message.group and earlier.number < message.number:
                    assert earlier.gone or earlier.deliveries == RECEIVES_MAX or other in bodies[:position], f"{body} came before {other}"

    async def handle(self, received: dict[str, Any], until: float) -> None:
        """Do with a message what consumers do, but only while it is this one's."""
        message = self.messages[received["Body"]]
        handle = {"QueueUrl": self.url, "ReceiptHandle": received["ReceiptHandle"]}
        draw = self.rng.random()
        if draw < 0.2 or until < self.clock.now() + 2:
            return  # the consumer crashed, or is late
        if draw < 0.4:
            if await self.call("ChangeMessageVisibility", **handle, VisibilityTimeout=30) is None:
                return  # whether it is held longer is not known
            message.held_until = until = self.clock.now() + 30
        await self.clock.sleep(self.rng.random())
        message.gone = True
        message.held_until = 0.0
        await self.call("DeleteMessage", **handle)

    async def kill_now_and_then(self) -> None:
        while self.running:
            await self.clock.sleep(self.rng.random() * 25)
            for _ in range(self.rng.randrange(12)):
                await asyncio.sleep(0)
            self.kill()


async def live(universe: Universe) -> None:
    """Let it run, then let things calm down until the queue is empty."""
    await universe.setting_up()
    senders = [asyncio.ensure_future(universe.send_all(group, 25)) for group in "abc"]
    others = [asyncio.ensure_future(universe.consume()) for _ in range(3)]
    killer = asyncio.ensure_future(universe.kill_now_and_then())
    for _ in range(300):
        await universe.clock.advance(1)
        for task in (*senders, *others, killer):
            if task.done() and task.exception() is not None:
                await task
    killer.cancel()
    universe.kill()
    universe.life.faults = False
    for _ in range(400):
        await universe.clock.advance(1)
        for task in others:
            if task.done():
                await task
        if sum(await universe.kit.counts(universe.url)) == 0:
            break
    universe.running = False


@pytest.mark.parametrize("fifo", [False, True], ids=["standard", "fifo"])
@pytest.mark.parametrize("seed", range(8))
async def test_nothing_is_lost_shared_or_out_of_order(seed: int, fifo: bool) -> None:
    print(f"seed {seed}")
    universe = Universe(seed, fifo=fifo)
    try:
        await live(universe)
        assert sum(await universe.kit.counts(universe.url)) == 0
        dead = set()
        while bodies := await universe.kit.bodies(universe.dead_letters, VisibilityTimeout=40_000):
            dead |= set(bodies)
        lost = [body for body, each in universe.messages.items() if each.acknowledged and not each.gone and body not in dead]
        assert not lost, lost
        assert sum(each.acknowledged for each in universe.messages.values()) > 60
        assert universe.kills > 5
    finally:
        universe.running = False
        tasks = [each for each in asyncio.all_tasks() if each is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

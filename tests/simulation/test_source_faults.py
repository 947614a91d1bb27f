"""Event sources under seeded faults: calls fail before and after they took effect, functions fail, the process dies. Nothing is lost,
order holds, nothing stays."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.engine.sources.kit import FAILED, QUEUE, THROTTLED, FakeShard, World, answer, mapping, numbers

from lambent.domain.call import Call, Result
from lambent.domain.errors import AwsError
from lambent.domain.invocations import InvocationResult
from lambent.engine.sources.sqs import QueuePoller
from lambent.engine.sources.streams import StreamPoller
from lambent.engine.sources.supervisor import Poller


class Faulty(World):
    """Fails some calls, before or (worse) after they took effect."""

    def __init__(self, rng: random.Random, handled: Callable[[dict[str, Any]], None]) -> None:
        super().__init__(self.run)
        self.rng = rng
        self.faults = True
        self.handled = handled

    async def call(self, call: Call) -> Result:
        draw = self.rng.random() if self.faults else 1.0
        if draw < 0.04:
            raise AwsError("ServiceUnavailable", "before", 503)
        result = await super().call(call)
        if draw < 0.08:
            raise AwsError("ServiceUnavailable", "after", 503)
        return result

    async def run(self, event: dict[str, Any]) -> InvocationResult:
        await self.clock.sleep(self.rng.random() * 2)
        draw = self.rng.random() if self.faults else 1.0
        if draw < 0.1:
            raise THROTTLED
        if draw < 0.25:
            return FAILED
        failed = [each for each in event["Records"] if draw < 0.5 and self.rng.random() < 0.3]
        if "messageId" in event["Records"][0] and any(each["attributes"].get("MessageGroupId") for each in event["Records"]):
            failed = event["Records"][event["Records"].index(failed[0]) :] if failed else []
        first = min((event["Records"].index(each) for each in failed), default=len(event["Records"]))
        names = [each.get("messageId") or each["kinesis"]["sequenceNumber"] for each in failed]
        stream = "kinesis" in event["Records"][0]
        self.handled({"Records": event["Records"][:first] if stream else [each for each in event["Records"] if each not in failed]})
        return answer({"batchItemFailures": [{"itemIdentifier": each} for each in names]})


async def live(world: Faulty, make: Callable[[], Poller], seconds: float, step: Callable[[], None] = lambda: None) -> None:
    """Run a poller for a while, then kill it."""
    poller = make()
    task = asyncio.create_task(poller.run())
    for _ in range(int(seconds)):
        step()
        await world.clock.advance(1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await poller.close()


@pytest.mark.parametrize("fifo", [False, True])
@pytest.mark.parametrize("seed", range(5))
async def test_every_message_is_handled_and_groups_keep_their_order(seed: int, fifo: bool, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("CRITICAL")
    rng, seen = random.Random(seed), list[str]()
    world = Faulty(rng, lambda event: seen.extend(each["body"] for each in event["Records"]))
    world.visibility_s = 20.0
    sent: list[str] = []

    def send() -> None:
        group = rng.choice("abc")
        sent.append(f"{group}{len(sent):03}")
        world.send(sent[-1], group=group if fifo else "")

    def make() -> Poller:
        options: dict[str, Any] = {"batch_size": 4} if fifo else {"batch_size": 15, "window_s": 1}
        return QueuePoller(world.tools(), mapping(QUEUE, reports_failures=True, **options))

    for _ in range(4):
        await live(world, make, 20, send)
    world.faults = False
    await live(world, make, 400)
    assert set(sent) == set(seen), f"seed {seed}"
    assert world.messages == {}, f"seed {seed}"
    if fifo:
        for group in "abc":
            first = [each for each in dict.fromkeys(seen) if each[0] == group]
            assert first == [each for each in sent if each[0] == group], f"seed {seed}"


@pytest.mark.parametrize(("lanes", "options"), [(1, {}), (3, {}), (1, {"bisects": True}), (2, {"window_s": 2, "batch_size": 50})])
@pytest.mark.parametrize("seed", range(3))
async def test_every_record_is_handled_in_the_order_of_its_key(
    seed: int, lanes: int, options: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("CRITICAL")
    rng, seen, keys = random.Random(seed), list[int](), dict[int, str]()
    world = Faulty(rng, lambda event: seen.extend(numbers(event)))
    shard = "0"

    def put() -> None:
        nonlocal shard
        key = rng.choice("abcde")
        keys[len(keys)] = key
        world.put(len(keys) - 1, shard=shard, partition=key)
        if rng.random() < 0.05:  # the shard is replaced by another
            world.shards[shard].closed = True
            shard, parent = str(len(world.shards)), shard
            world.shards[shard] = FakeShard((parent,))

    def make() -> Poller:
        return StreamPoller(world.tools(), mapping(reports_failures=True, parallelisation=lanes, **options))

    for _ in range(4):
        await live(world, make, 20, put)
    world.faults = False
    await live(world, make, 400)
    assert set(seen) == set(keys), f"seed {seed}: lost {set(keys) - set(seen)}"
    for key in "abcde":
        first = [each for each in dict.fromkeys(seen) if keys[each] == key]
        assert first == sorted(first), f"seed {seed}: {key}"

"""SNS under seeded faults: queues refuse, commits fail, the process dies. What was acknowledged arrives; FIFO queues see it in order."""

from __future__ import annotations

import asyncio
import json
import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.simulation.faulty_store import FaultyStore
from tests.unit.services.sns.sns_kit import Elsewhere, Kit, queue, signing_keys

from lambent.base.clock import VirtualClock
from lambent.domain.call import Call, Result
from lambent.domain.errors import AwsError
from lambent.services.sns.delivery import LEASE_S
from lambent.services.sns.dispatches import FANOUT
from lambent.services.sns.fifo import WAITING
from lambent.services.sns.signing import KEYS

GONE = AwsError("QueueDoesNotExist", "gone")


class Queues(Elsewhere):
    """Queues that outlive the server: they refuse now and then, and FIFO ones drop what they know."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__()
        self.rng = rng
        self.faults = True
        self.got: dict[str, list[str]] = {}

    async def call(self, call: Call) -> Result:
        name = str(call.params["QueueUrl"]).rpartition("/")[2]
        await asyncio.sleep(0)
        if name.startswith("gone"):
            raise GONE
        draw = self.rng.random() if self.faults else 1.0
        if draw < 0.2:
            raise AwsError("ServiceUnavailable", "later", 503)
        taken = self.got.setdefault(name, [])
        for each in call.params.get("Entries", [call.params]):
            if not name.endswith(".fifo") or each["MessageBody"] not in taken:
                taken.append(each["MessageBody"])
        if draw < 0.3:
            raise AwsError("InternalError", "it was taken, and nobody knows", 500)
        return {}


@pytest.mark.parametrize("seed", range(12))
async def test_what_was_acknowledged_arrives_and_in_order(seed: int) -> None:
    rng, clock = random.Random(seed), VirtualClock()
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
    store, queues = FaultyStore(clock, rng, faults=False, after=5), Queues(rng)
    await store.commit([KEYS.put(("signing",), signing_keys())])
    kit = Kit(store, clock, queues)
    standard, fifo = await kit.topic("t"), await kit.topic("t.fifo", FifoTopic="true", ContentBasedDeduplication="true")
    for topic, suffix in ((standard, ""), (fifo, ".fifo")):
        policy = json.dumps({"deadLetterTargetArn": queue(f"dead{suffix}")})
        await kit.subscribe(topic, queue(f"one{suffix}"), RawMessageDelivery="true")
        await kit.subscribe(topic, queue(f"gone{suffix}"), RawMessageDelivery="true", RedrivePolicy=policy)
    acknowledged: dict[str, list[str]] = {standard: [], fifo: []}

    async def publish(topic: str, message: str) -> None:
        try:
            await kit.publish(topic, message, **({"MessageGroupId": "g"} if topic == fifo else {}))
        except OSError:
            return
        acknowledged[topic].append(message)

    store.faults = True
    number = 0
    for life in range(6):  # of the server
        async with kit.working(keys=False):
            for _ in range(rng.randrange(1, 8)):
                await asyncio.gather(*(publish(rng.choice([standard, fifo]), f"{number + each}") for each in range(5)))
                number += 5
                await kit.settle(rng.random() * 3)
        kit = Kit(store, clock, queues, seed=life + 2)
    store.faults = queues.faults = False
    async with kit.working(keys=False):
        for _ in range(10):
            await kit.settle(LEASE_S / 4)
    assert await store.depth(FANOUT) == 0, f"seed {seed}"
    assert await WAITING.range(store) == [], f"seed {seed}"
    for name in ("one", "dead"):
        assert set(acknowledged[standard]) <= set(queues.got[name]), f"seed {seed}"
        ordered = [each for each in queues.got[f"{name}.fifo"] if each in acknowledged[fifo]]
        assert ordered == sorted(acknowledged[fifo], key=queues.got["one.fifo"].index), f"seed {seed}"
        assert set(ordered) == set(acknowledged[fifo]), f"seed {seed}"
    assert len(acknowledged[standard]) > 10
    assert len(acknowledged[fifo]) > 10

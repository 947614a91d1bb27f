"""Delivery under seeded faults: functions fail, Lambda throttles, commits fail, the process dies. Every event reaches exactly one end."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from typing import Any

import pytest
from tests.simulation.faulty_store import FaultyStore
from tests.unit.engine.fakes import function

from lambent.base.clock import VirtualClock
from lambent.base.ids import SeededIds
from lambent.domain.call import Call, Result
from lambent.domain.errors import AwsError
from lambent.domain.functions import EventInvokeConfig, FunctionVersion, ResolvedFunction
from lambent.domain.invocations import FunctionError, Invocation, InvocationResult
from lambent.engine.delivery.destinations import DISPATCHES
from lambent.engine.delivery.events import EVENTS, AsyncInvocations

SQS = "arn:aws:sqs:us-east-1:000000000000:"


class Universe:
    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.clock = VirtualClock()
        self.store = FaultyStore(self.clock, self.rng)
        self.ends: dict[str, Counter[str]] = {}
        self.ids = SeededIds(seed)

    def delivery(self) -> AsyncInvocations:
        return AsyncInvocations(self.store, self, self, self, clock=self.clock, ids=self.ids, places=8)

    async def resolve(self, account_id: str, region: str, name: str, qualifier: str) -> ResolvedFunction:
        if self.rng.random() < 0.05:
            raise AwsError("ResourceConflictException", "pending", 409)
        return ResolvedFunction(function(name), "arn", EventInvokeConfig(2, 21_600, SQS + "good", SQS + "bad"))

    async def invoke(self, function: FunctionVersion, invocation: Invocation) -> InvocationResult:
        await self.clock.sleep(self.rng.random() * 5)
        draw = self.rng.random()
        if draw < 0.2:
            raise AwsError("TooManyRequestsException", "Rate Exceeded.", 429)
        if draw < 0.25:
            raise RuntimeError("a bug in a driver")
        if draw < 0.6:
            return InvocationResult(b'{"errorType":"E"}', "$LATEST", FunctionError.UNHANDLED)
        return InvocationResult(b"1", "$LATEST")

    async def call(self, call: Call) -> Result:
        if self.rng.random() < 0.2:
            raise AwsError("ServiceUnavailable", "later", 503)
        if call.operation == "GetQueueUrl":
            return {"QueueUrl": call.params["QueueName"]}
        record: Any = json.loads(call.params["MessageBody"])
        self.ends.setdefault(record["requestContext"]["requestId"], Counter())[call.params["QueueUrl"]] += 1
        return {}


@pytest.mark.parametrize("seed", range(8))
async def test_every_acknowledged_event_reaches_an_end(seed: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("CRITICAL")
    universe = Universe(seed)
    acknowledged: set[str] = set()
    for life in range(6):
        delivery = universe.delivery()
        task = asyncio.create_task(delivery.run())
        for index in range(15):
            request_id = f"{life}-{index}"
            try:
                await delivery.submit(function(), "", Invocation(request_id, b"{}", "arn"))
            except OSError:
                continue
            acknowledged.add(request_id)
            await universe.clock.advance(universe.rng.random() * 3)
        task.cancel()  # the process is killed
        await asyncio.gather(task, return_exceptions=True)
    universe.store.faults = False
    task = asyncio.create_task(universe.delivery().run())
    await universe.clock.advance(30_000)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await universe.store.queues(EVENTS) == [], f"seed {seed}"
    assert await universe.store.queues(DISPATCHES) == [], f"seed {seed}"
    assert acknowledged <= universe.ends.keys(), f"seed {seed}: lost {acknowledged - universe.ends.keys()}"
    torn = {each: ends for each, ends in universe.ends.items() if len(ends) > 1}
    assert not torn, f"seed {seed}: more than one end: {torn}"

"""EventBridge under seeded faults: targets refuse, commits fail, the process dies. What was accepted reaches its target or its dead-letter queue.

Schedules: each time that is due is told, whatever fails in between.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Sequence

import pytest
from tests.simulation.faulty_store import FaultyStore
from tests.unit.services.asking import asked
from tests.unit.services.events.events_kit import Kit

from lambent.adapters.memory import MemoryBlobs
from lambent.base.clock import VirtualClock
from lambent.base.ids import SeededIds
from lambent.base.tasks import supervise
from lambent.domain.call import Call, Result
from lambent.domain.caller import Caller
from lambent.domain.errors import AwsError
from lambent.domain.ports import Platform
from lambent.domain.quotas import Quotas
from lambent.domain.service import Service
from lambent.server.authoriser import AllowAll
from lambent.services.events.service import build as build_events
from lambent.services.events.state import DEAD_LETTERS, DELIVERIES
from lambent.services.scheduler.service import build as build_scheduler
from lambent.services.scheduler.state import DEAD_LETTERS as LATE
from lambent.services.scheduler.state import INVOCATIONS

ACCOUNT = "123456789012"
QUEUE = f"arn:aws:sqs:eu-west-1:{ACCOUNT}:"
FUNCTION = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:f"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/r"
LASTING = (("AccessDenied", 403), ("QueueDoesNotExist", 400))
PASSING = (("InternalError", 500), ("ThrottlingException", 400), ("ServiceUnavailable", 503))


class Universe:
    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.clock = VirtualClock()
        self.store = FaultyStore(self.clock, self.rng)
        self.ids = SeededIds(seed)
        self.told: Counter[str] = Counter()  #: what targets took, by id
        self.dead: Counter[str] = Counter()  #: what the dead-letter queue took
        self.services: dict[str, Service] = {}
        self.tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        platform = Platform(self.store, MemoryBlobs(self.clock), self, self.clock, self.ids, Quotas(), "localhost:4566")
        self.services = {"events": build_events(platform, Kit()), "scheduler": build_scheduler(platform, AllowAll())}
        workers = [worker for service in self.services.values() for worker in service.workers]
        self.tasks = [asyncio.create_task(supervise(each.name, each.run, self.clock)) for each in workers]

    async def kill(self) -> None:
        for each in self.tasks:
            each.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def ask(self, service: str, operation: str, **params: object) -> Result:
        """Ask until a commit doesn't fail: the client's own retries."""
        call = Call(service, operation, params, Caller.root(ACCOUNT), "eu-west-1", ACCOUNT, "r", "localhost")
        while True:
            try:
                return await asked(self.services[service], call)
            except (OSError, AwsError) as error:
                if isinstance(error, AwsError) and error.code != "ConflictException":
                    raise
                if isinstance(error, AwsError):
                    return {}

    async def call(self, call: Call) -> Result:
        await self.clock.sleep(self.rng.random())
        draw = self.rng.random()
        if call.operation == "Invoke":
            if draw < 0.3:
                raise AwsError(*_error(self.rng, PASSING))
            if draw < 0.5:
                raise AwsError(*_error(self.rng, LASTING))
            self.told[_name(call.params["Payload"])] += 1
        else:
            if draw < 0.3:
                raise AwsError("ServiceUnavailable", "later", 503)
            self.dead[_name(call.params["MessageBody"])] += 1
        return {}

    async def quiet(self, *queues: str) -> None:
        self.store.faults = False
        while any([await self.store.depth(each) for each in queues]):
            await self.clock.advance(600)


def _error(rng: random.Random, choice: Sequence[tuple[str, int]]) -> tuple[str, str, int]:
    code, status = rng.choice(choice)
    return code, "refused", status


def _name(payload: str | bytes) -> str:
    event = json.loads(payload)
    return str(event.get("at") or event["id"])


@pytest.mark.parametrize("seed", range(12))
async def test_what_was_accepted_reaches_one_end(seed: int) -> None:
    universe = Universe(seed)
    universe.start()
    await universe.ask("events", "PutRule", Name="r", EventPattern='{"source": ["s"]}')
    policy = {"MaximumRetryAttempts": universe.rng.randrange(6)}
    target = {"Id": "t", "Arn": FUNCTION, "DeadLetterConfig": {"Arn": QUEUE + "dead"}, "RetryPolicy": policy}
    await universe.ask("events", "PutTargets", Rule="r", Targets=[target])
    accepted: set[str] = set()
    for _ in range(30):
        entries = [{"Source": "s", "DetailType": "t", "Detail": "{}"}] * universe.rng.randrange(1, 5)
        call = Call("events", "PutEvents", {"Entries": entries}, Caller.root(ACCOUNT), "eu-west-1", ACCOUNT, "r", "localhost")
        try:
            answer = await asked(universe.services["events"], call)
        except OSError:
            continue  # not acknowledged: the client would try again
        accepted |= {each["EventId"] for each in answer["Entries"]}
        await universe.clock.advance(universe.rng.random() * 20)
        if universe.rng.random() < 0.2:
            await universe.kill()
            universe.start()
    await universe.quiet(DELIVERIES, DEAD_LETTERS)
    await universe.kill()
    lost = accepted - universe.told.keys() - universe.dead.keys()
    assert not lost, f"seed {seed}: {len(lost)} of {len(accepted)} events were lost"
    assert universe.told, f"seed {seed}: nothing was told"
    assert universe.dead, f"seed {seed}: nothing was refused"


@pytest.mark.parametrize("seed", range(8))
async def test_every_time_that_is_due_is_told(seed: int) -> None:
    universe = Universe(seed)
    universe.start()
    target = {
        "Arn": FUNCTION,
        "RoleArn": ROLE,
        "Input": '{"at": "<aws.scheduler.scheduled-time>"}',
        "DeadLetterConfig": {"Arn": QUEUE + "dead"},
    }
    settings = {"Name": "s", "ScheduleExpression": "cron(0/5 * * * ? *)", "FlexibleTimeWindow": {"Mode": "OFF"}, "Target": target}
    await universe.ask("scheduler", "CreateSchedule", **settings)
    begin = universe.clock.now()
    for _ in range(40):
        await universe.clock.advance(universe.rng.random() * 240)
        if universe.rng.random() < 0.2:
            await universe.kill()
            universe.start()
    await universe.clock.advance(60)  # what was being dealt with when the process died is due again within this time
    end = universe.clock.now()
    await universe.ask("scheduler", "DeleteSchedule", Name="s")
    await universe.quiet(INVOCATIONS, LATE)
    await universe.kill()
    ends = universe.told.keys() | universe.dead.keys()
    due = int(end // 300) - int(begin // 300)
    assert due - 1 <= len(ends) <= due, f"seed {seed}: {len(ends)} of {due} times were told"

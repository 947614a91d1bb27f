"""Asynchronous invocation on virtual time: AWS's schedule, ends, records, and restarts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.unit.engine.fakes import FakeCloud, function, invocation

from lambent.adapters.memory import MemoryStore
from lambent.base.clock import VirtualClock
from lambent.base.ids import SeededIds
from lambent.domain.errors import AwsError
from lambent.domain.functions import EventInvokeConfig, FunctionVersion, ResolvedFunction
from lambent.domain.invocations import FunctionError, Invocation, InvocationResult
from lambent.engine.delivery.destinations import DISPATCHES
from lambent.engine.delivery.events import EVENTS, AsyncInvocations
from lambent.engine.measuring import Meters

SQS = "arn:aws:sqs:us-east-1:000000000000:q"
OK = InvocationResult(b'"fine"', "$LATEST")
FAILED = InvocationResult(b'{"errorMessage":"no","errorType":"E"}', "$LATEST", FunctionError.UNHANDLED)
THROTTLED = AwsError("TooManyRequestsException", "Rate Exceeded.", 429)


class World:
    """Delivery with a function whose answers are given; without any left it succeeds."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.start = self.clock.now()
        self.store = MemoryStore(self.clock)
        self.cloud = FakeCloud()
        self.answers: list[InvocationResult | AwsError] = []
        self.tries: list[float] = []
        self.config = EventInvokeConfig()
        self.version = function()
        self.exists = True
        self.events = AsyncInvocations(self.store, self, self, self.cloud, clock=self.clock, ids=SeededIds(3), places=256)
        self.task: asyncio.Task[None] | None = None

    async def resolve(self, account_id: str, region: str, name: str, qualifier: str) -> ResolvedFunction:
        if not self.exists:
            raise AwsError("ResourceNotFoundException", "Function not found", 404)
        return ResolvedFunction(self.version, self.version.function_arn, self.config)

    async def invoke(self, function: FunctionVersion, invocation: Invocation) -> InvocationResult:
        self.tries.append(round(self.clock.now() - self.start, 3))
        answer = self.answers.pop(0) if self.answers else OK
        if isinstance(answer, AwsError):
            raise answer
        return answer

    async def submit(self, **changes: Any) -> None:
        await self.events.submit(self.version, "", invocation(payload=b'{"n":1}', **changes))

    def begin(self) -> None:
        self.task = asyncio.create_task(self.events.run())

    async def end(self) -> None:
        if self.task is not None:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)

    async def waiting(self, prefix: str) -> int:
        return sum([await self.store.depth(queue) for queue in await self.store.queues(prefix)])

    def sent(self, operation: str) -> list[Any]:
        return [call.params for call in self.cloud.calls if call.operation == operation]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    world.begin()
    await world.clock.settle()
    yield world
    await world.end()


async def test_an_event_is_delivered_at_once_and_only_once(world: World) -> None:
    await world.submit()
    await world.clock.advance(3600)
    assert world.tries == [0]
    assert await world.waiting(EVENTS) == 0


async def test_function_errors_are_retried_after_one_and_two_minutes(world: World) -> None:
    world.answers = [FAILED] * 5
    world.config = EventInvokeConfig(on_failure_arn=SQS)
    await world.submit()
    await world.clock.advance(3600)
    assert world.tries == [0, 60, 180]
    (message,) = world.sent("SendMessage")
    assert message["QueueUrl"] == "http://localhost/q/q"
    record = json.loads(message["MessageBody"])
    assert record.pop("timestamp") == "2023-11-14T22:16:20.000Z"
    assert record == {
        "version": "1.0",
        "requestContext": {
            "requestId": invocation().request_id,
            "functionArn": "arn:aws:lambda:us-east-1:000000000000:function:f:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
        },
        "requestPayload": {"n": 1},
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "responsePayload": {"errorMessage": "no", "errorType": "E"},
    }
    acting = {call.caller.arn for call in world.cloud.calls if call.operation != "GetQueueUrl"}
    assert acting == {"arn:aws:sts::000000000000:assumed-role/lambda-role/f@lambda_function"}


async def test_no_retries_when_none_are_wanted(world: World) -> None:
    world.answers = [FAILED]
    world.config = EventInvokeConfig(retries=0)
    await world.submit()
    await world.clock.advance(600)
    assert world.tries == [0]


async def test_throttles_back_off_up_to_five_minutes_until_the_age_limit(world: World) -> None:
    world.answers = [THROTTLED] * 1000
    world.config = EventInvokeConfig(age_s_max=3600, on_failure_arn=SQS)
    await world.submit()
    await world.clock.advance(7200)
    gaps = [after - before for before, after in zip(world.tries, world.tries[1:], strict=False)]
    assert 0.75 <= gaps[0] <= 1.0
    assert all(225 <= gap <= 300 for gap in gaps[9:])
    assert world.tries[-1] <= 3600
    (message,) = world.sent("SendMessage")
    record = json.loads(message["MessageBody"])
    assert record["requestContext"]["condition"] == "EventAgeExceeded"
    assert "responseContext" not in record


async def test_a_dead_letter_carries_the_event_and_says_why(world: World) -> None:
    world.answers = [FAILED] * 3
    world.version = function(dead_letter_arn=SQS)
    await world.submit()
    await world.clock.advance(600)
    (message,) = world.sent("SendMessage")
    assert message["MessageBody"] == '{"n":1}'
    assert message["MessageAttributes"] == {
        "RequestID": {"DataType": "String", "StringValue": invocation().request_id},
        "ErrorCode": {"DataType": "Number", "StringValue": "200"},
        "ErrorMessage": {"DataType": "String", "StringValue": "no"},
    }


@pytest.mark.parametrize(
    ("arn", "operation"),
    [
        ("arn:aws:sns:us-east-1:000000000000:t", "Publish"),
        ("arn:aws:lambda:us-east-1:000000000000:function:g", "Invoke"),
        ("arn:aws:events:us-east-1:000000000000:event-bus/default", "PutEvents"),
        ("arn:aws:s3:::bucket", "PutObject"),
    ],
)
async def test_every_kind_of_destination_is_called(world: World, arn: str, operation: str) -> None:
    world.config = EventInvokeConfig(on_success_arn=arn)
    await world.submit()
    await world.clock.advance(1)
    (params,) = world.sent(operation)
    assert "Success" in json.dumps(params, default=str)


async def test_a_destination_that_fails_for_a_while_gets_its_record(world: World) -> None:
    world.config = EventInvokeConfig(on_success_arn=SQS)
    world.cloud.errors["SendMessage"] = [AwsError("ServiceUnavailable", "later", 503)] * 3
    await world.submit()
    await world.clock.advance(60)
    assert len(world.sent("SendMessage")) == 4
    assert await world.waiting(DISPATCHES) == 0


async def test_a_destination_that_refuses_is_logged(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.config = EventInvokeConfig(on_success_arn=SQS)
    world.cloud.errors["SendMessage"] = [AwsError("AccessDenied", "no", 403)]
    await world.submit()
    await world.clock.advance(60)
    assert "could not be delivered to its destination" in caplog.text
    assert await world.waiting(DISPATCHES) == 0


async def test_zero_reserved_concurrency_goes_straight_to_the_end(world: World) -> None:
    world.version = function(reserved_concurrency=0)
    world.config = EventInvokeConfig(on_failure_arn=SQS)
    await world.submit()
    await world.clock.advance(1)
    assert world.tries == []
    assert "ZeroReservedConcurrency" in world.sent("SendMessage")[0]["MessageBody"]


async def test_events_of_a_deleted_function_are_dropped(world: World) -> None:
    world.exists = False
    await world.submit()
    await world.clock.advance(1)
    assert await world.waiting(EVENTS) == 0


async def test_many_events_are_delivered_at_once(world: World) -> None:
    async def slow(function: FunctionVersion, invocation: Invocation) -> InvocationResult:
        await world.clock.sleep(10)
        world.tries.append(world.clock.now() - world.start)
        return OK

    world.invoke = slow  # type: ignore[method-assign]
    for index in range(200):
        await world.submit(request_id=f"r{index}")
    await world.clock.advance(14)  # it takes two seconds and a half until there are places for all
    assert len(world.tries) == 200
    assert len([each for each in world.tries if each < 11]) < 100


async def test_what_was_under_way_at_a_kill_is_done_again() -> None:
    world = World()

    async def forever(function: FunctionVersion, invocation: Invocation) -> InvocationResult:
        world.tries.append(-1)
        await asyncio.Event().wait()
        return OK

    world.invoke, answering = forever, world.invoke  # type: ignore[method-assign]
    world.begin()
    await world.submit()
    await world.clock.advance(1)
    await world.end()
    assert world.tries == [-1]
    assert await world.waiting(EVENTS) == 1
    world.invoke = answering  # type: ignore[method-assign]
    world.begin()
    await world.clock.advance(1300)
    await world.end()
    assert len(world.tries) == 2
    assert await world.waiting(EVENTS) == 0


async def test_an_event_of_a_recursive_loop_is_dropped_into_its_dead_letter_queue(world: World) -> None:
    world.answers = [AwsError("RecursiveInvocationException", "loop", 400)]
    world.version = function(dead_letter_arn=SQS)
    world.config = EventInvokeConfig(on_failure_arn=SQS)
    await world.submit()
    await world.clock.advance(1)
    record, letter = sorted(world.sent("SendMessage"), key=lambda each: "MessageAttributes" in each)
    assert json.loads(record["MessageBody"])["requestContext"]["condition"] == "RecursiveInvocationsDropped"
    assert letter["MessageAttributes"]["ErrorCode"]["StringValue"] == "400"
    assert world.tries == [0]


async def test_retries_and_records_go_on_with_the_events_trace(world: World) -> None:
    seen = []

    async def failing(function: FunctionVersion, invocation: Invocation) -> InvocationResult:
        seen.append(invocation.trace_header)
        return FAILED

    world.invoke = failing  # type: ignore[method-assign]
    world.config = EventInvokeConfig(on_failure_arn=SQS)
    await world.submit()
    await world.clock.advance(600)
    assert len(seen) == 3
    assert len(set(seen)) == 1
    (call,) = [call for call in world.cloud.calls if call.operation == "SendMessage"]
    assert call.trace_header.startswith(seen[0] + ";Lineage=")


async def test_neither_a_flood_nor_slow_nor_throttled_functions_delay_anothers_events(world: World) -> None:
    done: dict[str, list[float]] = {}

    async def resolve(account_id: str, region: str, name: str, qualifier: str) -> ResolvedFunction:
        return ResolvedFunction(function(name), name)

    async def invoke(version: FunctionVersion, invocation: Invocation) -> InvocationResult:
        if version.name == "throttled":
            raise THROTTLED
        await world.clock.sleep(600 if version.name.startswith("slow") else 0.01)
        done.setdefault(version.name, []).append(world.clock.now() - world.start)
        return OK

    world.resolve, world.invoke = resolve, invoke  # type: ignore[method-assign]
    for name in ("flood", "slow1", "slow2", "slow3", "throttled"):
        world.version = function(name)
        for number in range(600):
            await world.submit(request_id=f"{name}{number}")
    await world.clock.advance(5)
    world.version = function("other")
    for number in range(4):
        await world.submit(request_id=f"other{number}")
    await world.clock.advance(0.1)
    assert len(done["other"]) == 4
    await world.clock.advance(10)
    assert len(done["flood"]) == 600
    await world.clock.advance(7200)
    assert {name: len(each) for name, each in done.items()} == {"flood": 600, "other": 4, **{f"slow{n}": 600 for n in (1, 2, 3)}}


async def test_events_whose_commit_was_given_up_by_the_caller_are_found(world: World) -> None:
    await world.clock.advance(1)
    commits: list[Any] = []
    original = world.store.commit

    async def torn(writes: Any) -> Any:
        commits.append(await original(writes))
        raise OSError("the caller is gone")

    world.store.commit = torn  # type: ignore[method-assign]
    with pytest.raises(OSError, match="gone"):
        await world.events.submit(world.version, "", invocation())
    world.store.commit = original  # type: ignore[method-assign]
    await world.clock.advance(11)
    assert len(world.tries) == 1


async def test_what_is_counted_of_events_is_told_when_it_is_asked_for(world: World) -> None:
    for number in range(3):
        await world.submit(request_id=f"r{number}")
    await world.clock.advance(1)
    meters = Meters(world.cloud, world.clock, SeededIds(1))
    meters.read(world.events.tell)
    for _ in range(2):  # once, not again
        totals = {series[2]: (count, total) for series, count, total in meters.totals()}
        assert totals["AsyncEventsReceived"] == (3, 3)
        assert totals["AsyncEventAge"][0] == 3

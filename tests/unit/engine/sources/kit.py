"""What the tests of event sources share: mappings, records, and a cloud with a queue and a stream in memory."""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.unit.engine.fakes import function

from lambent.adapters.memory import MemoryStore
from lambent.base.clock import VirtualClock
from lambent.base.ids import SeededIds
from lambent.domain.call import Call, Result
from lambent.domain.errors import AwsError
from lambent.domain.functions import FunctionVersion, ResolvedFunction
from lambent.domain.invocations import FunctionError, Invocation, InvocationResult
from lambent.domain.mappings import EventSourceMapping
from lambent.engine.delivery import Destinations
from lambent.engine.sources import Tools
from lambent.engine.sources.records import StreamRecord, encode

ACCOUNT, REGION = "000000000000", "us-east-1"
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:q"
STREAM = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/s"
FAILED = InvocationResult(b'{"errorType":"E"}', "$LATEST", FunctionError.UNHANDLED)
THROTTLED = AwsError("TooManyRequestsException", "Rate Exceeded.", 429)
Handler = Callable[[dict[str, Any]], Awaitable[InvocationResult]]


def mapping(arn: str = STREAM, **changes: Any) -> EventSourceMapping:
    values: dict[str, Any] = {
        "uuid": "11111111-2222-4333-8444-555555555555",
        "account_id": ACCOUNT,
        "region": REGION,
        "function_name": "f",
        "qualifier": "",
        "source_arn": arn,
        "batch_size": 10,
        "created": 0.0,
        "last_modified": 0.0,
        "starting_position": "" if ":sqs:" in arn else "TRIM_HORIZON",
    }
    return EventSourceMapping(**{**values, **changes})


def record(number: int, *, partition: str = "p", arrived: float = 1000.0) -> StreamRecord:
    event = {"n": number}
    return StreamRecord(str(number), partition, arrived, event, encode(event))


def answer(document: Any = None) -> InvocationResult:
    return InvocationResult(json.dumps(document).encode(), "$LATEST")


@dataclass
class Message:
    body: str
    group: str = ""
    visible: float = 0.0
    receives: int = 0
    trace: str = ""


@dataclass
class FakeShard:
    parents: tuple[str, ...] = ()
    records: list[dict[str, Any]] = field(default_factory=list)
    closed: bool = False


class Latest:
    """Metrics that keep sums of counts, and the latest age."""

    def __init__(self) -> None:
        self.values: dict[str, float] = {}

    def record(self, account_id: str, region: str, name: str, value: float, unit: str, dimensions: Mapping[str, str]) -> None:
        self.values[name] = value if unit == "Milliseconds" else self.values.get(name, 0.0) + value


class World:
    """A cloud with one queue and one stream, a function, and mappings, on virtual time."""

    def __init__(self, handler: Handler, seed: int = 1) -> None:
        self.clock = VirtualClock()
        self.ids = SeededIds(seed)
        self.store = MemoryStore(self.clock)
        self.handler = handler
        self.version = function()
        self.calls: list[Call] = []
        self.failing: Callable[[str], AwsError | None] = lambda operation: None
        self.events: list[dict[str, Any]] = []
        self.messages: dict[str, Message] = {}
        self.deleted: list[str] = []
        self.visibility_s, self.redrives = 30.0, False
        self.shards: dict[str, FakeShard] = {"0": FakeShard()}
        self.results: list[str] = []
        self.kept: list[EventSourceMapping] = []
        self.metrics = Latest()
        self._sequence = 0

    def tools(self) -> Tools:
        records = Destinations(self.store, self, self.clock, self.ids)
        return Tools(self.store, self, self, self, self, records, self.metrics, self.clock, self.ids, 64, 1_000)

    # the function
    async def resolve(self, account_id: str, region: str, name: str, qualifier: str) -> ResolvedFunction:
        return ResolvedFunction(self.version, self.version.function_arn)

    async def invoke(self, function: FunctionVersion, invocation: Invocation) -> InvocationResult:
        event = json.loads(invocation.payload)
        self.events.append(event)
        return await self.handler(event)

    # the mappings
    async def mappings(self) -> Sequence[EventSourceMapping]:
        return list(self.kept)

    async def wait_changed(self) -> None:
        await self.clock.sleep(0.1)

    async def reached(self, mapping: EventSourceMapping, state: str) -> None:
        self.results.append(state)

    async def resulted(self, mapping: EventSourceMapping, result: str) -> None:
        if not self.results or self.results[-1] != result:
            self.results.append(result)

    async def gone(self, mapping: EventSourceMapping) -> None:
        self.kept = [each for each in self.kept if each.uuid != mapping.uuid]

    # the cloud
    async def call(self, call: Call) -> Result:
        self.calls.append(call)
        error = self.failing(call.operation)
        if error is not None:
            raise error
        result = getattr(self, call.operation)(call.params)
        return (await result) if hasattr(result, "__await__") else result  # type: ignore[no-any-return]

    def send(self, *bodies: str, group: str = "", trace: str = "") -> None:
        for body in bodies:
            self._sequence += 1
            self.messages[f"m{self._sequence}"] = Message(body, group, trace=trace)

    def GetQueueUrl(self, params: Any) -> Result:
        return {"QueueUrl": "q"}

    def GetQueueAttributes(self, params: Any) -> Result:
        return {"Attributes": {"VisibilityTimeout": str(int(self.visibility_s)), **({"RedrivePolicy": "{}"} if self.redrives else {})}}

    async def ReceiveMessage(self, params: Any) -> Result:
        end = self.clock.now() + params["WaitTimeSeconds"]
        while not (found := self._receive(params["MaxNumberOfMessages"])) and self.clock.now() < end:
            await self.clock.sleep(0.05)
        return {"Messages": found} if found else {}

    def _receive(self, limit: int) -> list[dict[str, Any]]:
        now, found = self.clock.now(), []
        locked = {each.group for each in self.messages.values() if each.group and each.visible > now}
        for message_id, each in self.messages.items():
            if len(found) < limit and each.visible <= now and each.group not in locked:
                each.visible, each.receives = now + self.visibility_s, each.receives + 1
                attributes = {"ApproximateReceiveCount": str(each.receives)}
                attributes |= {"AWSTraceHeader": each.trace} if each.trace else {}
                attributes |= {"MessageGroupId": each.group} if each.group else {}
                found.append({"MessageId": message_id, "ReceiptHandle": message_id, "Body": each.body, "Attributes": attributes})
        return found

    def DeleteMessageBatch(self, params: Any) -> Result:
        for entry in params["Entries"]:
            if self.messages.pop(entry["ReceiptHandle"], None) is not None:
                self.deleted.append(entry["ReceiptHandle"])
        return {}

    def SendMessage(self, params: Any) -> Result:
        return {}

    def put(self, *numbers: int, shard: str = "0", partition: str = "p") -> None:
        for number in numbers:
            self._sequence += 1
            arrived = datetime.fromtimestamp(self.clock.now(), UTC)
            entry = {"SequenceNumber": str(self._sequence), "PartitionKey": partition, "Data": json.dumps({"n": number}).encode()}
            self.shards[shard].records.append({**entry, "ApproximateArrivalTimestamp": arrived})

    def DescribeStream(self, params: Any) -> Result:
        shards = []
        for name, each in self.shards.items():
            shown: dict[str, Any] = {"ShardId": name, "SequenceNumberRange": {"StartingSequenceNumber": "0"}}
            if each.closed:
                shown["SequenceNumberRange"]["EndingSequenceNumber"] = "9"
            shown |= dict(zip(("ParentShardId", "AdjacentParentShardId"), each.parents, strict=False))
            shards.append(shown)
        return {"StreamDescription": {"Shards": shards, "HasMoreShards": False, "RetentionPeriodHours": 24}}

    def GetShardIterator(self, params: Any) -> Result:
        records, kind = self.shards[params["ShardId"]].records, params["ShardIteratorType"]
        place = 0
        if kind == "LATEST":
            place = len(records)
        elif kind == "AFTER_SEQUENCE_NUMBER":
            known = [each["SequenceNumber"] for each in records]
            if params["StartingSequenceNumber"] not in known:
                raise AwsError("InvalidArgumentException", "no such sequence number")
            place = known.index(params["StartingSequenceNumber"]) + 1
        elif kind == "AT_TIMESTAMP":
            place = sum(each["ApproximateArrivalTimestamp"] < params["Timestamp"] for each in records)
        return {"ShardIterator": f"{params['ShardId']}@{place}"}

    def GetRecords(self, params: Any) -> Result:
        name, _, place = params["ShardIterator"].partition("@")
        shard, start = self.shards[name], int(place)
        found = shard.records[start : start + min(params["Limit"], 100)]
        end = start + len(found)
        following = None if shard.closed and end == len(shard.records) else f"{name}@{end}"
        return {"Records": found, "NextShardIterator": following, "MillisBehindLatest": 0 if end == len(shard.records) else 1}


def numbers(event: dict[str, Any]) -> list[int]:
    """Return what the records of a Kinesis event carry."""
    return [json.loads(base64.b64decode(each["kinesis"]["data"]))["n"] for each in event["Records"]]

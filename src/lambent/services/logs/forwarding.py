"""What a group passes on of its events: to subscribers (Lambda, Kinesis, Firehose) and, by metric filters or embedded, to CloudWatch.

``outgoing`` is called before the events are committed, and what it returns is in their commit: an outbox, emptied by ``Forwarder``.
Follows "Log group-level subscription filters" of the CloudWatch Logs user guide.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec

from lambent.domain.arns import Arn
from lambent.domain.call import Call, Params
from lambent.domain.caller import Caller
from lambent.domain.errors import AwsError
from lambent.domain.storage import Acknowledge, Enqueue, Lease, Postpone, Write
from lambent.engine.delivery.queue_worker import QueueWorker
from lambent.engine.environments.shipping import role_caller
from lambent.patterns.logs import compile_pattern
from lambent.services.logs import embedded
from lambent.services.logs.state import Group, Logs, MetricFilter, Stream, Subscription

if TYPE_CHECKING:
    from lambent.services.logs import _generated_shapes as shapes

_log = logging.getLogger(__name__)

QUEUE: Final = "logs.forwarding"
AGE_S_MAX: Final = 86_400.0  # how long AWS tries a subscriber
PAUSE_S_MAX: Final = 300.0
METRIC_DATA_MAX: Final = 200  # of one PutMetricData; AWS takes 1,000, which would keep everybody else waiting for 50 ms
_EMBEDDED_MAX: Final = 10  # of one letter: each may carry ``embedded.DATA_MAX`` data

_compiled = lru_cache(maxsize=1024)(compile_pattern)


class Package(msgspec.Struct, frozen=True, tag=True):
    """Events of one stream on their way to a subscriber."""

    account_id: str
    region: str
    group_name: str
    group_arn: str
    stream_name: str
    subscription: Subscription
    events: list[tuple[str, int, str, dict[str, str]]]  #: id, timestamp (ms), message, extracted fields

    def document(self) -> bytes:
        """Return what the subscriber unpacks: JSON, gzipped."""
        import gzip  # noqa: PLC0415 - a start doesn't need it, and botocore brings it along

        events: list[dict[str, Any]] = []
        for event_id, timestamp, message, extracted in self.events:
            event: dict[str, Any] = {"id": event_id, "timestamp": timestamp, "message": message}
            events.append(event | ({"extractedFields": extracted} if extracted else {}))
        return gzip.compress(
            json.dumps(
                {
                    "messageType": "DATA_MESSAGE",
                    "owner": self.account_id,
                    "logGroup": self.group_name,
                    "logStream": self.stream_name,
                    "subscriptionFilters": [self.subscription.name],
                    "logEvents": events,
                }
            ).encode(),
            mtime=0,
        )


class Measurements(msgspec.Struct, frozen=True, tag=True):
    """Data of metrics on their way to CloudWatch."""

    account_id: str
    region: str
    namespace: str
    data: list[dict[str, Any]]


class Embedded(msgspec.Struct, frozen=True, tag=True):
    """Events that may carry metrics. To look takes longer than to keep them, and a function can write any number: it is done in turns."""

    account_id: str
    region: str
    now_ms: int
    messages: list[str]


Letter: TypeAlias = Package | Measurements | Embedded
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Letter).decode


def outgoing(logs: Logs, group: Group, stream: Stream, events: Sequence[shapes.InputLogEvent]) -> list[Write]:
    """Return the writes that pass the events on; ``stream`` is as it will be once they are in it."""
    first = stream.last_sequence - len(events) + 1
    letters: list[Letter] = [*_embedded(logs, group, events)]
    for subscription in group.subscriptions.values():
        pattern = _compiled(subscription.pattern)
        wanted = [
            (stream.event_id(each["timestamp"], sequence), each["timestamp"], each["message"], _fields(subscription, each["message"]))
            for sequence, each in enumerate(events, first)
            if pattern.matches(each["message"])
        ]
        if wanted:
            letters.append(Package(group.account_id, group.region, group.name, group.arn, stream.name, subscription, wanted))
    for each_filter in group.metric_filters.values():
        letters += _measured(group, each_filter, events)
    return _sent(logs, letters)


def _sent(logs: Logs, letters: Sequence[Letter]) -> list[Write]:
    now = logs.platform.clock.now()
    return [Enqueue(QUEUE, logs.platform.ids.ordered(), _encode(letter), now) for letter in letters]


def _embedded(logs: Logs, group: Group, events: Sequence[shapes.InputLogEvent]) -> list[Embedded]:
    """Return the events that seem to carry metrics in the embedded format."""
    messages = [each["message"] for each in events if embedded.MARK in each["message"]]
    parts = [messages[start : start + _EMBEDDED_MAX] for start in range(0, len(messages), _EMBEDDED_MAX)]
    return [Embedded(group.account_id, group.region, logs.now_ms(), each) for each in parts]


def _packed(group: Group | Embedded, namespace: str, data: list[dict[str, Any]]) -> list[Measurements]:
    parts = [data[start : start + METRIC_DATA_MAX] for start in range(0, len(data), METRIC_DATA_MAX)]
    return [Measurements(group.account_id, group.region, namespace, each) for each in parts]


def _fields(subscription: Subscription, message: str) -> dict[str, str]:
    """Return what a pattern of space-delimited fields takes from the message; the other patterns take nothing."""
    if not subscription.pattern.lstrip().startswith("["):
        return {}
    return {name.removeprefix("$"): value for name, value in _compiled(subscription.pattern).extract(message).items()}


def _measured(group: Group, each_filter: MetricFilter, events: Sequence[shapes.InputLogEvent]) -> list[Measurements]:
    pattern = _compiled(each_filter.pattern)
    found = [(each["timestamp"], pattern.extract(each["message"])) for each in events if pattern.matches(each["message"])]
    measurements: list[Measurements] = []
    for change in each_filter.transformations:
        data = [datum for timestamp, extracted in found if (datum := _datum(change, timestamp, extracted)) is not None]
        if not found and "defaultValue" in change:
            data = [{"MetricName": change["metricName"], "Value": change["defaultValue"], "Timestamp": events[-1]["timestamp"]}]
        measurements += _packed(group, change["metricNamespace"], data)
    return measurements


def _datum(change: dict[str, Any], timestamp: int, extracted: dict[str, str]) -> dict[str, Any] | None:
    """Return one value; ``None`` when what should be measured is no number in this event."""
    try:
        value = float(extracted.get(change["metricValue"], change["metricValue"]))
    except ValueError:
        return None
    datum: dict[str, Any] = {"MetricName": change["metricName"], "Value": value, "Timestamp": timestamp}
    if change.get("unit"):
        datum["Unit"] = change["unit"]
    named = [{"Name": name, "Value": extracted[source]} for name, source in change.get("dimensions", {}).items() if source in extracted]
    return datum | ({"Dimensions": named} if named else {})


class Forwarder(QueueWorker):
    """Empties the outbox: at least once, with growing pauses while a subscriber refuses, for a day."""

    def __init__(self, logs: Logs) -> None:
        super().__init__(logs.platform.store, logs.platform.clock, QUEUE, self._forward, name="log subscriptions", concurrency=32)
        self._logs = logs

    async def _forward(self, lease: Lease) -> Sequence[Write]:
        letter = _decode(lease.body)
        if isinstance(letter, Embedded):
            return (Acknowledge(lease), *_sent(self._logs, await _taken(letter)))
        try:
            if isinstance(letter, Package):
                await deliver(self._logs, letter)
            else:
                await self._measure(letter)
        except AwsError as error:
            now = self._logs.platform.clock.now()
            if now - lease.enqueued < AGE_S_MAX and error.status != 501:
                _log.warning("%s, attempt %d: %s", _described(letter), lease.receives, error)
                return (Postpone(lease, now + min(2.0 ** min(lease.receives - 1, 16), PAUSE_S_MAX)),)
            _log.error("%s is given up: %s", _described(letter), error)
        return (Acknowledge(lease),)

    async def _measure(self, letter: Measurements) -> None:
        data = [each | {"Timestamp": datetime.fromtimestamp(each["Timestamp"] / 1000, UTC)} for each in letter.data]
        params = {"Namespace": letter.namespace, "MetricData": data}
        caller = Caller.service("logs.amazonaws.com", letter.account_id)
        ids = self._logs.platform.ids
        await self._logs.platform.cloud.call(
            Call("cloudwatch", "PutMetricData", params, caller, letter.region, letter.account_id, ids.uuid())
        )


async def _taken(letter: Embedded) -> list[Measurements]:
    """Return what the events carry, by namespace."""
    found: dict[str, list[dict[str, Any]]] = {}
    for message in letter.messages:
        for namespace, datum in embedded.measured(message, letter.now_ms):
            found.setdefault(namespace, []).append(datum)
        await asyncio.sleep(0)  # others have their turns
    return [each for namespace, data in found.items() for each in _packed(letter, namespace, data)]


def _described(letter: Package | Measurements) -> str:
    if isinstance(letter, Package):
        return f"log events of {letter.group_name} for {letter.subscription.destination_arn}"
    return f"metric data of {letter.namespace}"


async def deliver(logs: Logs, package: Package) -> None:
    """Hand a package to its subscriber. Raises ``AwsError``."""
    target = Arn.parse(package.subscription.target_arn)
    if target.service == "lambda":
        payload = {"awslogs": {"data": base64.b64encode(package.document()).decode()}}
        params = {"InvocationType": "Event", "Payload": json.dumps(payload).encode()}
        await invoke(logs, package.subscription.target_arn, package.account_id, package.group_arn, params)
        return
    name = target.resource.partition("/")[2]
    role = role_caller(package.account_id, package.subscription.role_arn, "CloudWatchLogs")
    if target.service == "kinesis":
        partition = package.stream_name if package.subscription.distribution == "ByLogStream" else logs.platform.ids.hex(16)
        record: Params = {"StreamName": name, "Data": package.document(), "PartitionKey": partition}
        call = Call("kinesis", "PutRecord", record, role, target.region, target.account_id, logs.platform.ids.uuid())
    else:
        record = {"DeliveryStreamName": name, "Record": {"Data": package.document()}}
        call = Call("firehose", "PutRecord", record, role, target.region, target.account_id, logs.platform.ids.uuid())
    await logs.platform.cloud.call(call)


async def invoke(logs: Logs, function_arn: str, account_id: str, group_arn: str, params: Params) -> None:
    """Invoke a function as CloudWatch Logs, for a group. Policies name the service with its region, or, in older ones, without."""
    target = Arn.parse(function_arn)
    hosts = (f"logs.{target.region}.amazonaws.com", "logs.amazonaws.com")
    for host in hosts:
        caller = Caller.service(host, account_id, source_arn=f"{group_arn}:*")
        everything = {"FunctionName": function_arn, **params}
        call = Call("lambda", "Invoke", everything, caller, target.region, target.account_id, logs.platform.ids.uuid(), user_agent=hosts[1])
        try:
            await logs.platform.cloud.call(call)
        except AwsError as error:
            if error.code != "AccessDeniedException" or host == hosts[-1]:
                raise
        else:
            return

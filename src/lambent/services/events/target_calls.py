"""How each kind of target is told: the call that brings it a payload. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lambent.domain.arns import Arn
from lambent.domain.call import Params
from lambent.services.events import inputs


@dataclass(frozen=True, slots=True)
class Occasion:
    """A payload for a target."""

    target: Mapping[str, Any]
    arn: Arn
    payload: str
    event: Mapping[str, Any]
    event_json: str
    envelope: Mapping[str, Any]  #: what another bus keeps of the event: its id, account, time, and how many buses it passed
    public_host: str
    now_ms: int
    message_id: str  #: unique to this attempt


Step = tuple[str, Params]
"""An operation and its input."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of target."""

    service: str  #: botocore's name of the service that is called
    steps: Callable[[Occasion], Sequence[Step]]  #: calls, one after the other
    needs_role: bool = False


def kind_of(arn: Arn) -> Kind | None:
    """Return what a target's ARN names; ``None`` for what isn't served."""
    for service, resource, kind in _KINDS:
        if arn.service == service and re.match(resource, arn.resource):
            return kind
    return None


def _invoke(occasion: Occasion) -> Sequence[Step]:
    params = {"FunctionName": str(occasion.arn), "InvocationType": "Event", "Payload": occasion.payload.encode()}
    return [("Invoke", params)]


def queue_url(arn: Arn, public_host: str) -> str:
    """Return a queue's URL."""
    return f"http://{public_host}/{arn.account_id}/{arn.resource}"


def _send_message(occasion: Occasion) -> Sequence[Step]:
    params: dict[str, Any] = {"QueueUrl": queue_url(occasion.arn, occasion.public_host), "MessageBody": occasion.payload}
    group = occasion.target.get("SqsParameters", {}).get("MessageGroupId")
    if group:
        params["MessageGroupId"] = group
    return [("SendMessage", params)]


def _publish(occasion: Occasion) -> Sequence[Step]:
    return [("Publish", {"TopicArn": str(occasion.arn), "Message": occasion.payload})]


def _log(occasion: Occasion) -> Sequence[Step]:
    group = occasion.arn.resource.removeprefix("log-group:").removesuffix(":*")
    stream = {"logGroupName": group, "logStreamName": occasion.message_id}
    event = {"timestamp": occasion.now_ms, "message": occasion.payload}
    return [("CreateLogStream", stream), ("PutLogEvents", {**stream, "logEvents": [event]})]


def _put_events(occasion: Occasion) -> Sequence[Step]:
    event = occasion.event
    detail = inputs.dump(event["detail"]) if occasion.payload == occasion.event_json else occasion.payload
    entry = {
        "Source": event["source"],
        "DetailType": event["detail-type"],
        "Detail": detail,
        "Resources": list(event["resources"]),
        "EventBusName": str(occasion.arn),
        "$envelope": occasion.envelope,
    }
    return [("PutEvents", {"Entries": [entry]})]


def _put_record(occasion: Occasion) -> Sequence[Step]:
    path = occasion.target.get("KinesisParameters", {}).get("PartitionKeyPath")
    key = inputs.value_at(path, occasion.event) if path else None
    params = {
        "StreamName": occasion.arn.resource.removeprefix("stream/"),
        "PartitionKey": str(key) if key is not None else str(occasion.event["id"]),
        "Data": occasion.payload.encode(),
    }
    return [("PutRecord", params)]


def _put_firehose_record(occasion: Occasion) -> Sequence[Step]:
    name = occasion.arn.resource.removeprefix("deliverystream/")
    return [("PutRecord", {"DeliveryStreamName": name, "Record": {"Data": occasion.payload.encode()}})]


def _start_execution(occasion: Occasion) -> Sequence[Step]:
    return [("StartExecution", {"stateMachineArn": str(occasion.arn), "input": occasion.payload})]


_KINDS: Sequence[tuple[str, str, Kind]] = (
    ("lambda", "function:", Kind("lambda", _invoke)),
    ("sqs", "", Kind("sqs", _send_message)),
    ("sns", "", Kind("sns", _publish)),
    ("logs", "log-group:", Kind("logs", _log)),
    ("events", "event-bus/", Kind("events", _put_events)),
    ("kinesis", "stream/", Kind("kinesis", _put_record, needs_role=True)),
    ("firehose", "deliverystream/", Kind("firehose", _put_firehose_record, needs_role=True)),
    ("states", "stateMachine:", Kind("stepfunctions", _start_execution, needs_role=True)),
)

"""Targets of EventBridge and of its Scheduler: by what calls each kind is told. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec

from lambent.domain.arns import Arn
from lambent.domain.call import Params
from lambent.domain.caller import Caller, CallerKind
from lambent.domain.errors import AwsError


class Message(msgspec.Struct, frozen=True):
    """What a target is to be told."""

    arn: Arn  #: the target's
    payload: str  #: JSON
    public_host: str  #: of queue URLs
    now_ms: int
    unique: str  #: an id of this attempt
    group_id: str = ""  #: of a FIFO queue's message
    partition_key: str = ""  #: of a stream's record; ``unique`` when empty
    entry: Mapping[str, Any] | None = None  #: for an event bus: the entry of ``PutEvents``, but for the bus


Step: TypeAlias = "tuple[str, Params]"
"""An operation and its input."""


class Kind(msgspec.Struct, frozen=True):
    """A kind of target."""

    service: str  #: botocore's name of the service that is called
    steps: Callable[[Message], Sequence[Step]]  #: calls, one after the other
    needs_role: bool = False  #: EventBridge calls it with the target's role only


def kind_of(arn: Arn) -> Kind | None:
    """Return what a target's ARN names; ``None`` for what isn't served."""
    for service, resource, kind in _KINDS:
        if arn.service == service and re.match(resource, arn.resource):
            return kind
    return None


def queue_url(arn: Arn, public_host: str) -> str:
    """Return a queue's URL."""
    return f"http://{public_host}/{arn.account_id}/{arn.resource}"


def caller_with(role_arn: str, session: str, *, source_arn: str = "", source_account: str = "") -> Caller:
    """Return who calls with a target's role; the session has a name of at most 64 characters."""
    role = Arn.parse(role_arn)
    name = role.resource.rpartition("/")[2]
    arn = f"arn:{role.partition}:sts::{role.account_id}:assumed-role/{name}/{session[:64]}"
    return Caller(CallerKind.ROLE, role.account_id, arn, source_arn=source_arn, source_account=source_account)


def raise_partial_failure(result: Mapping[str, Any]) -> None:
    """Raise what an operation reports within an answer that went well (``PutEvents``)."""
    if result.get("FailedEntryCount"):
        failed = next(each for each in result["Entries"] if each.get("ErrorCode"))
        status = 500 if failed["ErrorCode"].startswith("Internal") else 400
        raise AwsError(failed["ErrorCode"], failed.get("ErrorMessage", ""), status)


def _invoke(message: Message) -> Sequence[Step]:
    params = {"FunctionName": str(message.arn), "InvocationType": "Event", "Payload": message.payload.encode()}
    return [("Invoke", params)]


def _send_message(message: Message) -> Sequence[Step]:
    params: dict[str, Any] = {"QueueUrl": queue_url(message.arn, message.public_host), "MessageBody": message.payload}
    if message.group_id:
        params["MessageGroupId"] = message.group_id
    return [("SendMessage", params)]


def _publish(message: Message) -> Sequence[Step]:
    return [("Publish", {"TopicArn": str(message.arn), "Message": message.payload})]


def _log(message: Message) -> Sequence[Step]:
    group = message.arn.resource.removeprefix("log-group:").removesuffix(":*")
    stream = {"logGroupName": group, "logStreamName": message.unique}
    event = {"timestamp": message.now_ms, "message": message.payload}
    return [("CreateLogStream", stream), ("PutLogEvents", {**stream, "logEvents": [event]})]


def _put_events(message: Message) -> Sequence[Step]:
    return [("PutEvents", {"Entries": [{**(message.entry or {}), "EventBusName": str(message.arn)}]})]


def _put_record(message: Message) -> Sequence[Step]:
    params = {
        "StreamName": message.arn.resource.removeprefix("stream/"),
        "PartitionKey": message.partition_key or message.unique,
        "Data": message.payload.encode(),
    }
    return [("PutRecord", params)]


def _put_firehose_record(message: Message) -> Sequence[Step]:
    name = message.arn.resource.removeprefix("deliverystream/")
    return [("PutRecord", {"DeliveryStreamName": name, "Record": {"Data": message.payload.encode()}})]


def _start_execution(message: Message) -> Sequence[Step]:
    return [("StartExecution", {"stateMachineArn": str(message.arn), "input": message.payload})]


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

"""Messages and stream records as the function sees them; pure. Follows AWS's sample events for SQS, Kinesis and DynamoDB Streams."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from lambent.domain.arns import Arn

_ATTRIBUTES = (
    ("StringValue", "stringValue"),
    ("BinaryValue", "binaryValue"),
    ("StringListValues", "stringListValues"),
    ("BinaryListValues", "binaryListValues"),
    ("DataType", "dataType"),
)


class QueueMessage(msgspec.Struct, frozen=True):
    """A message that was received from a queue."""

    message_id: str
    receipt_handle: str
    event: Mapping[str, Any]  #: the record in the function's event
    data: bytes  #: the record's JSON
    trace_header: str


class StreamRecord(msgspec.Struct, frozen=True, eq=False):
    """A record that was read from a shard."""

    sequence: str
    partition: str  #: what keeps its order: Kinesis's partition key, DynamoDB's item key
    arrived: float  #: seconds since 1970
    event: Mapping[str, Any]
    data: bytes  #: the record's JSON


def queue_message(message: Mapping[str, Any], source: Arn, *, tells_absence: bool = False) -> QueueMessage:
    """Return a received message with its record; ``tells_absence``: also that it has no attributes, as AWS does with filters and
    batching windows."""
    attributes = dict(message.get("Attributes") or {})
    event: dict[str, Any] = {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": attributes,
        "messageAttributes": {name: _attribute(each) for name, each in (message.get("MessageAttributes") or {}).items()},
        "md5OfBody": message.get("MD5OfBody", ""),
    }
    if message.get("MD5OfMessageAttributes") or tells_absence:
        event["md5OfMessageAttributes"] = message.get("MD5OfMessageAttributes")
    event |= {"eventSource": "aws:sqs", "eventSourceARN": str(source), "awsRegion": source.region}
    trace = attributes.get("AWSTraceHeader", "")
    return QueueMessage(message["MessageId"], message["ReceiptHandle"], event, encode(event), trace)


def _attribute(attribute: Mapping[str, Any]) -> dict[str, Any]:
    shown = {shown: _plain(attribute[name]) for name, shown in _ATTRIBUTES if attribute.get(name) is not None}
    return {"stringListValues": [], "binaryListValues": [], **shown}


def kinesis_record(record: Mapping[str, Any], source_arn: str, shard_id: str, role_arn: str) -> StreamRecord:
    """Return a record of a Kinesis stream."""
    arrived = _seconds(record.get("ApproximateArrivalTimestamp"))
    sequence = record["SequenceNumber"]
    event = {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": record["PartitionKey"],
            "sequenceNumber": sequence,
            "data": base64.b64encode(record["Data"]).decode(),
            "approximateArrivalTimestamp": round(arrived, 3),
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{shard_id}:{sequence}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": role_arn,
        "awsRegion": Arn.parse(source_arn).region,
        "eventSourceARN": source_arn,
    }
    return StreamRecord(sequence, record["PartitionKey"], arrived, event, encode(event))


def dynamodb_record(record: Mapping[str, Any], source_arn: str) -> StreamRecord:
    """Return a record of a table's stream."""
    change = dict(record["dynamodb"])
    arrived = _seconds(change.get("ApproximateCreationDateTime"))
    change["ApproximateCreationDateTime"] = float(int(arrived))  # whole seconds, and a float for those who look
    event = {
        "eventID": record["eventID"],
        "eventName": record["eventName"],
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": Arn.parse(source_arn).region,
        "dynamodb": _plain(change),
        "eventSourceARN": source_arn,
    }
    if record.get("userIdentity"):
        identity = record["userIdentity"]
        event["userIdentity"] = {"type": identity.get("Type", ""), "principalId": identity.get("PrincipalId", "")}
    keys = json.dumps(_plain(change.get("Keys") or {}), sort_keys=True)
    return StreamRecord(change["SequenceNumber"], keys, arrived, event, encode(event))


def encode(event: Any) -> bytes:
    """Return JSON as the function is given it."""
    return json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


def envelope(records: list[bytes], **more: Any) -> bytes:
    """Return the function's event: records that are JSON already, and what else belongs beside them."""
    tail = encode(more)[1:] if more else b"}"
    return b'{"Records":[' + b",".join(records) + b"]" + (b"," if more else b"") + tail


def _seconds(moment: Any) -> float:
    return moment.timestamp() if isinstance(moment, datetime) else float(moment or 0.0)


def _plain(value: Any) -> Any:
    """Return a value as JSON has it: bytes in base64."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value

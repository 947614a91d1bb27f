"""Event notifications: which destinations hear of something, and the records that they get. Pure.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any, Final
from urllib.parse import quote_plus

import msgspec

from lambent.base.ids import Ids
from lambent.domain.call import Call
from lambent.domain.storage import Enqueue
from lambent.services.s3 import bridging
from lambent.services.s3.happenings import Happening
from lambent.services.s3.state import NULL_VERSION, Bucket

QUEUE: Final = "s3.notifications"


class Kind(msgspec.Struct, frozen=True):
    """A kind of destination."""

    service: str  #: botocore's
    list_member: str  #: in a notification configuration
    arn_member: str
    argument: str  #: how AWS calls the ARN in its errors


KINDS: Final = (
    Kind("lambda", "LambdaFunctionConfigurations", "LambdaFunctionArn", "CloudFunction"),
    Kind("sqs", "QueueConfigurations", "QueueArn", "Queue"),
    Kind("sns", "TopicConfigurations", "TopicArn", "Topic"),
)


class Notification(msgspec.Struct, frozen=True):
    """A message to a destination, waiting in the queue."""

    service: str  #: ``lambda``, ``sqs``, ``sns`` or ``events``
    target_arn: str  #: empty for EventBridge
    account_id: str  #: the bucket's owner
    bucket_arn: str
    region: str  #: the bucket's
    event: bytes  #: JSON: the records; for EventBridge the entry
    trace_header: str = ""  #: of the request that made it happen: a function's recursive loop is told by it


def notifications(bucket: Bucket, happening: Happening, call: Call, now: float, ids: Ids) -> list[Enqueue]:
    """Return a message for each of the bucket's destinations that wants to know what happened."""
    configuration = bucket.configurations.get("notification")
    if not configuration:
        return []
    messages = []
    for kind in KINDS:
        for each in configuration.get(kind.list_member, []):
            if wants(each, happening):
                event = msgspec.json.encode({"Records": [record(bucket, each["Id"], happening, call, now)]})
                messages.append(_message(bucket, kind.service, each[kind.arn_member], event, call.trace_header))
    entry = bridging.entry(bucket, happening, call, now) if "EventBridgeConfiguration" in configuration else None
    if entry is not None:
        messages.append(_message(bucket, "events", "", msgspec.json.encode(entry)))
    return [Enqueue(QUEUE, ids.ordered(), msgspec.msgpack.encode(each), now) for each in messages]


def _message(bucket: Bucket, service: str, target_arn: str, event: bytes, trace_header: str = "") -> Notification:
    return Notification(service, target_arn, bucket.account_id, bucket.arn, bucket.region, event, trace_header)


def wants(configuration: Mapping[str, Any], happening: Happening) -> bool:
    """Return whether a configuration's events and filter take in what happened."""
    rules = rules_of(configuration)
    return (
        any(fnmatchcase(f"s3:{happening.name}", pattern) for pattern in configuration["Events"])
        and happening.key.startswith(rules.get("prefix", ""))
        and happening.key.endswith(rules.get("suffix", ""))
    )


def rules_of(configuration: Mapping[str, Any]) -> dict[str, str]:
    """Return a configuration's filter: ``prefix`` and ``suffix``, where it has them."""
    rules = (configuration.get("Filter") or {}).get("Key", {}).get("FilterRules", [])
    return {each.get("Name", "").lower(): each.get("Value", "") for each in rules}


def record(bucket: Bucket, configuration_id: str, happening: Happening, call: Call, now: float) -> dict[str, Any]:
    """Return the event's record."""
    family = happening.name.partition(":")[0]
    request_id = call.request_id.replace("-", "")[:16].upper()
    found: dict[str, Any] = {
        "eventVersion": "2.3" if family in {"ObjectTagging", "ObjectAcl"} else "2.1",
        "eventSource": "aws:s3",
        "awsRegion": bucket.region,
        "eventTime": datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{int(now * 1000) % 1000:03d}Z",
        "eventName": happening.name,
        "userIdentity": {"principalId": f"AWS:{call.caller.access_key_id or call.caller.account_id or 'ANONYMOUS'}"},
        "requestParameters": {"sourceIPAddress": call.source_ip},
        "responseElements": {"x-amz-request-id": request_id, "x-amz-id-2": f"{request_id}/{happening.version.sequence:x}"},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": configuration_id,
            "bucket": {"name": bucket.name, "ownerIdentity": {"principalId": bucket.account_id}, "arn": bucket.arn},
            "object": _item(happening, family),
        },
    }
    if happening.name == "ObjectRestore:Completed":  # S3 itself is who does it, in the owner's name
        found["userIdentity"] = {"principalId": f"AmazonCustomer:{bucket.account_id}"}
        until = {"lifecycleRestorationExpiryTime": happening.until, "lifecycleRestoreStorageClass": happening.version.storage_class}
        found["glacierEventData"] = {"restoreEventData": until}
    return found


def _item(happening: Happening, family: str) -> dict[str, Any]:
    version = happening.version
    item: dict[str, Any] = {"key": quote_plus(happening.key, safe="/*-._")}
    if family in {"ObjectCreated", "ObjectRestore"}:
        item["size"] = version.size
    if happening.name == "ObjectRemoved:DeleteMarkerCreated":
        item["eTag"] = "d41d8cd98f00b204e9800998ecf8427e"
    elif family != "ObjectRemoved":
        item["eTag"] = version.etag
    if version.version_id != NULL_VERSION:
        item["versionId"] = version.version_id
    if family not in {"ObjectTagging", "ObjectAcl"}:
        item["sequencer"] = happening.sequencer
    return item

"""Event notifications: which configurations an event matches, and the message that AWS sends. Pure.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from itertools import combinations
from typing import Any
from urllib.parse import quote_plus

import msgspec

from lambent.base.ids import Ids
from lambent.domain.arns import Arn
from lambent.domain.call import Call
from lambent.domain.errors import AwsError
from lambent.domain.storage import Enqueue
from lambent.services.s3 import errors
from lambent.services.s3.state import NULL_VERSION, Bucket, Version

QUEUE = "s3.notifications"
DESTINATIONS = {
    "QueueConfigurations": "SQS",
    "TopicConfigurations": "SNS",
    "EventBridgeConfiguration": "EventBridge",
}


class Notification(msgspec.Struct, frozen=True):
    """A message to a function, waiting in the queue."""

    function_arn: str
    account_id: str  #: the bucket's owner
    bucket_arn: str
    event: bytes  #: JSON


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened to an object."""

    name: str  #: ``ObjectCreated:Put``; without ``s3:``
    key: str
    version: Version


def notifications(bucket: Bucket, happening: Happening, call: Call, now: float, ids: Ids) -> list[Enqueue]:
    """Return a message for each of the bucket's configurations that asks for what happened."""
    configured = bucket.configurations.get("notification", {}).get("LambdaFunctionConfigurations", [])
    return [
        _enqueue(bucket, each, happening, call, now, ids)
        for each in configured
        if any(fnmatchcase(f"s3:{happening.name}", pattern) for pattern in each["Events"]) and _filter_matches(each, happening.key)
    ]


def _enqueue(bucket: Bucket, configuration: Mapping[str, Any], happening: Happening, call: Call, now: float, ids: Ids) -> Enqueue:
    event = msgspec.json.encode({"Records": [record(bucket, configuration.get("Id", ""), happening, call, now)]})
    message = Notification(configuration["LambdaFunctionArn"], bucket.account_id, bucket.arn, event)
    return Enqueue(QUEUE, ids.uuid(), msgspec.msgpack.encode(message), now)


def record(bucket: Bucket, configuration_id: str, happening: Happening, call: Call, now: float) -> dict[str, Any]:
    """Return the event's record, version 2.1 of the structure."""
    version = happening.version
    item: dict[str, Any] = {"key": quote_plus(happening.key, safe="/*-._"), "sequencer": f"{version.sequence:018X}"}
    if happening.name.startswith("ObjectCreated"):
        item |= {"size": version.size, "eTag": version.etag}
    elif happening.name.endswith("DeleteMarkerCreated"):
        item["eTag"] = "d41d8cd98f00b204e9800998ecf8427e"
    if version.version_id != NULL_VERSION:
        item["versionId"] = version.version_id
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": bucket.region,
        "eventTime": datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{int(now * 1000) % 1000:03d}Z",
        "eventName": happening.name,
        "userIdentity": {"principalId": f"AWS:{call.caller.access_key_id or call.caller.account_id or 'ANONYMOUS'}"},
        "requestParameters": {"sourceIPAddress": call.source_ip},
        "responseElements": {"x-amz-request-id": call.request_id, "x-amz-id-2": f"{call.request_id}/{version.sequence:x}"},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": configuration_id,
            "bucket": {"name": bucket.name, "ownerIdentity": {"principalId": bucket.account_id}, "arn": bucket.arn},
            "object": item,
        },
    }


def _rules(configuration: Mapping[str, Any]) -> dict[str, str]:
    rules = configuration.get("Filter", {}).get("Key", {}).get("FilterRules", [])
    return {each.get("Name", "").lower(): each.get("Value", "") for each in rules}


def _filter_matches(configuration: Mapping[str, Any], key: str) -> bool:
    rules = _rules(configuration)
    return key.startswith(rules.get("prefix", "")) and key.endswith(rules.get("suffix", ""))


def check(configuration: Mapping[str, Any], ids: Ids) -> dict[str, Any]:
    """Return the notification configuration as it is kept: each has an id. Raises what AWS says about one that isn't allowed."""
    for member, service in DESTINATIONS.items():
        if member in configuration and (configuration[member] or member == "EventBridgeConfiguration"):
            why = f"Notifications go to Lambda functions only, not to {service}."
            raise AwsError("NotImplemented", f"Lambent does not serve s3:PutBucketNotificationConfiguration with {member} yet. {why}", 501)
    configured = [{**each, "Id": each.get("Id") or ids.uuid()} for each in configuration.get("LambdaFunctionConfigurations", [])]
    for each in configured:
        _check_one(each)
    if len({each["Id"] for each in configured}) < len(configured):
        raise errors.invalid_argument("Same ID used for multiple configurations. IDs must be unique")
    for first, second in combinations(configured, 2):
        if _events_overlap(first["Events"], second["Events"]) and _filters_overlap(_rules(first), _rules(second)):
            text = (
                "Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes are overlapping "
                "for the same event type."
            )
            raise errors.invalid_argument(text)
    return {"LambdaFunctionConfigurations": configured} if configured else {}


def _check_one(configuration: Mapping[str, Any]) -> None:
    arn = configuration.get("LambdaFunctionArn", "")
    try:
        service = Arn.parse(arn).service
    except ValueError:
        service = ""
    if service != "lambda":
        raise errors.invalid_argument("The ARN could not be parsed", "CloudFunction", arn)
    if not configuration.get("Events"):
        raise errors.malformed_xml()
    for event in configuration["Events"]:
        if event not in EVENTS:
            raise errors.invalid_argument("The event is not supported for notifications", "Event", event)
    names = [each.get("Name", "").lower() for each in configuration.get("Filter", {}).get("Key", {}).get("FilterRules", [])]
    if any(each not in ("prefix", "suffix") for each in names):
        raise errors.invalid_argument("filter rule name must be either prefix or suffix", "FilterRule.Name", ",".join(names))
    for each in ("prefix", "suffix"):
        if names.count(each) > 1:
            raise errors.invalid_argument(f"Cannot specify more than one {each} rule in a filter.", "FilterRule.Name", each)


def _events_overlap(first: Sequence[str], second: Sequence[str]) -> bool:
    return any(fnmatchcase(a, b) or fnmatchcase(b, a) for a in first for b in second)


def _filters_overlap(first: Mapping[str, str], second: Mapping[str, str]) -> bool:
    a, b = first.get("prefix", ""), second.get("prefix", "")
    c, d = first.get("suffix", ""), second.get("suffix", "")
    return (a.startswith(b) or b.startswith(a)) and (c.endswith(d) or d.endswith(c))


def _all_events() -> Iterator[str]:
    families = {
        "ObjectCreated": ("*", "Put", "Post", "Copy", "CompleteMultipartUpload"),
        "ObjectRemoved": ("*", "Delete", "DeleteMarkerCreated"),
        "ObjectRestore": ("*", "Post", "Completed", "Delete"),
        "ObjectTagging": ("*", "Put", "Delete"),
        "ObjectAcl": ("Put",),
        "LifecycleExpiration": ("*", "Delete", "DeleteMarkerCreated"),
        "Replication": (
            "*",
            "OperationFailedReplication",
            "OperationMissedThreshold",
            "OperationNotTracked",
            "OperationReplicatedAfterThreshold",
        ),
    }
    for family, names in families.items():
        yield from (f"s3:{family}:{name}" for name in names)
    yield from ("s3:ReducedRedundancyLostObject", "s3:LifecycleTransition", "s3:IntelligentTiering")


EVENTS = frozenset(_all_events())

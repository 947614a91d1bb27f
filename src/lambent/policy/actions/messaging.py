"""Amazon SQS, SNS, EventBridge and its Scheduler, Kinesis and Firehose."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from functools import partial
from typing import Final
from urllib.parse import unquote, urlsplit

from lambent.base.regexes import Regex
from lambent.policy.actions.tables import Params, Part, Place, Table

_REGION: Final = Regex(r"[a-z]{2}(-[a-z]+)+-\d{1,2}")


def _queue(url: str, place: Place) -> str:
    """Return a queue's ARN by its URL, as SQS reads it: the last two steps of the path are account and name, and host or path may name
    another region than the call's."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    steps = [unquote(each) for each in parts.path.split("/") if each]
    named = [label for label in (parts.hostname or "").split(".") if _REGION.fullmatch(label)]
    region = named[0] if named else place.region
    if len(steps) == 4 and steps[0] == "queue" and _REGION.fullmatch(steps[1]):
        region, steps = steps[1], steps[2:]
    if not steps:
        return ""
    account_id = steps[-2] if len(steps) > 1 and len(steps[-2]) == 12 and steps[-2].isdecimal() else place.account_id
    return f"arn:{place.partition}:sqs:{region}:{account_id}:{steps[-1]}"


SQS: Final = Table(
    prefix="sqs",
    resources=("{QueueUrl}", "arn:{partition}:sqs:{region}:{QueueOwnerAWSAccountId}:{QueueName}", "{QueueName}", "{SourceArn}"),
    actions={f"{name}Batch": name for name in ("ChangeMessageVisibility", "DeleteMessage", "SendMessage")},
    unscoped=frozenset({"ListQueues"}),
    values={"QueueUrl": _queue},
    spoken=str.lower,
)


def _topic(arn: str, place: Place) -> str:
    """Return the topic's ARN of a subscription's."""
    return arn.rpartition(":")[0] if arn.count(":") == 6 else arn


SNS: Final = Table(
    prefix="sns",
    resources=(
        *("{TopicArn}", "{TargetArn}", "{SubscriptionArn}", "{ResourceArn}", "{PlatformApplicationArn}", "{EndpointArn}"),
        *("{Name}", "{Arn}"),
    ),
    exceptions={"CreatePlatformApplication": ("app/{Platform}/{Name}",)},
    actions={"PublishBatch": "Publish", "PublishToPhone": "Publish"},
    unscoped=frozenset(
        (
            *("CheckIfPhoneNumberIsOptedOut", "CreateSMSSandboxPhoneNumber", "DeleteSMSSandboxPhoneNumber", "GetSMSAttributes"),
            *("GetSMSSandboxAccountStatus", "ListOriginationNumbers", "ListPhoneNumbersOptedOut", "ListPlatformApplications"),
            *("ListSMSSandboxPhoneNumbers", "ListSubscriptions", "ListTopics", "OptInPhoneNumber", "SetSMSAttributes"),
            *("VerifySMSSandboxPhoneNumber", "PublishToPhone"),
        )
    ),
    values={"SubscriptionArn": _topic},
    several=("TopicArn", "TargetArn"),
    parts={"Publish": lambda params: [("PublishToPhone" if params.get("PhoneNumber") else "Publish", params)]},
    keys={"Endpoint": "sns:Endpoint", "Protocol": "sns:Protocol"},
    spoken=lambda action: action.replace("sns:", "SNS:", 1),
)


def _bus(given: str, place: Place) -> str:
    return given if given.startswith("arn:") else f"arn:{place.partition}:events:{place.region}:{place.account_id}:event-bus/{given}"


def _rule(operation: str, params: Params) -> Sequence[Part]:
    """Return the operation on a rule by its name below its bus; rules of the default bus have no bus in their name."""
    rule = params.get("Rule") or params.get("Name")
    bus = (params.get("EventBusName") or "default").rpartition("/")[2]
    return [(operation, {**params, "Rule": rule if bus == "default" else f"{bus}/{rule}"})]


def _entries(params: Params) -> Sequence[Part]:
    """Return one part for each event: it is on the event's bus."""
    entries = params.get("Entries") or ()
    return [("PutEvents", {**each, "EventBusName": each.get("EventBusName") or "default"}) for each in entries]


def _or_default_bus(operation: str, params: Params) -> Sequence[Part]:
    return [(operation, {**params, "Name": params.get("Name") or "default"})]


_ON_RULES: Final = (
    *("PutRule", "DescribeRule", "DeleteRule", "EnableRule", "DisableRule", "PutTargets", "RemoveTargets", "ListTargetsByRule"),
)
_KINDS: Final = {"ApiDestination": "api-destination", "Archive": "archive", "Connection": "connection", "Endpoint": "endpoint"}

EVENTS: Final = Table(
    prefix="events",
    resources=("{ResourceARN}", "{EventBusName}"),
    exceptions={
        **dict.fromkeys(_ON_RULES, ("rule/{Rule}",)),
        **dict.fromkeys(("CreateEventBus", "DeleteEventBus", "DescribeEventBus", "UpdateEventBus"), ("event-bus/{Name}",)),
        **{f"{verb}{kind}": (f"{path}/{{Name}}",) for verb in ("Create", "Update", "Delete", "Describe") for kind, path in _KINDS.items()},
        **{f"{verb}Archive": ("archive/{ArchiveName}",) for verb in ("Create", "Update", "Delete", "Describe")},
        "DeauthorizeConnection": ("connection/{Name}",),
        **{f"{verb}Replay": ("replay/{ReplayName}",) for verb in ("Start", "Cancel", "Describe")},
    },
    unscoped=frozenset(
        (
            *("ListApiDestinations", "ListArchives", "ListConnections", "ListEndpoints", "ListEventBuses", "ListEventSources"),
            *("ListPartnerEventSources", "ListReplays", "ListRuleNamesByTarget", "ListRules", "PutPartnerEvents", "PutPermission"),
            *("RemovePermission", "TestEventPattern"),
        )
    ),
    values={"EventBusName": _bus},
    parts={
        "PutEvents": _entries,
        **{name: partial(_rule, name) for name in _ON_RULES},
        **{name: partial(_or_default_bus, name) for name in ("DescribeEventBus", "UpdateEventBus")},
    },
    keys={"Source": "events:source", "DetailType": "events:detail-type"},
    roles={"PutRule": ("RoleArn",), "PutTargets": ("Targets.RoleArn",)},
    passed_to="events.amazonaws.com",
)


def _in_group(operation: str, params: Params) -> Sequence[Part]:
    return [(operation, {**params, "GroupName": params.get("GroupName") or "default"})]


_ON_SCHEDULES: Final = ("CreateSchedule", "UpdateSchedule", "DeleteSchedule", "GetSchedule")
SCHEDULER: Final = Table(
    prefix="scheduler",
    resources=("schedule/{GroupName}/{Name}", "schedule-group/{Name}", "{ResourceArn}"),
    unscoped=frozenset({"ListScheduleGroups", "ListSchedules"}),
    parts={name: partial(_in_group, name) for name in _ON_SCHEDULES},
    roles=dict.fromkeys(("CreateSchedule", "UpdateSchedule"), ("Target.RoleArn",)),
    passed_to="scheduler.amazonaws.com",
)


def _stream_of_iterator(iterator: str, place: Place) -> str:
    """Return the stream that an iterator of the companion's names; nothing when it is somebody else's."""
    try:
        name, *rest = base64.b64decode(iterator).decode().split(":")
    except (binascii.Error, ValueError):
        return ""
    return f"arn:{place.partition}:kinesis:{place.region}:{place.account_id}:stream/{name}" if len(rest) == 2 else ""


KINESIS: Final = Table(
    prefix="kinesis",
    resources=("{ConsumerARN}", "{StreamARN}", "stream/{StreamName}", "{ResourceARN}", "{ShardIterator}"),
    unscoped=frozenset(
        (
            *("DescribeAccountSettings", "DescribeLimits", "DisableEnhancedMonitoring", "EnableEnhancedMonitoring", "ListStreams"),
            *("UpdateAccountSettings", "UpdateShardCount", "UpdateStreamMode"),
        )
    ),
    values={"ShardIterator": _stream_of_iterator},
    several=("ConsumerARN", "StreamARN", "StreamName", "ResourceARN", "ShardIterator"),
)

FIREHOSE: Final = Table(
    prefix="firehose",
    resources=("deliverystream/{DeliveryStreamName}",),
    unscoped=frozenset({"ListDeliveryStreams"}),
)

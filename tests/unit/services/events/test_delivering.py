"""From PutEvents to targets: what is accepted, what each target is sent, retries, dead letters, schedules, archives, replays."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from tests.unit.services.events.events_kit import ACCOUNT, OTHER, PATTERN, QUEUE, REGION, Kit

from lambent.domain.call import Call
from lambent.domain.caller import Caller, CallerKind
from lambent.domain.errors import AwsError

FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/deliver"


async def test_a_matching_event_reaches_its_target_as_aws_writes_it(kit: Kit) -> None:
    rule = await kit.rule()
    moment = datetime(2026, 1, 2, 3, 4, 5, 600, UTC)
    event_id = await kit.put({"a": [1, 2.5, "é"]}, Resources=["arn:x"], Time=moment)
    await kit.put(source="other")
    await kit.settle()
    (call,) = kit.calls
    assert (call.service, call.operation, call.region, call.account_id) == ("sqs", "SendMessage", REGION, ACCOUNT)
    assert call.params == {
        "QueueUrl": f"http://localhost:4566/{ACCOUNT}/q",
        "MessageBody": f'{{"version":"0","id":"{event_id}","detail-type":"order","source":"shop","account":"{ACCOUNT}",'
        f'"time":"2026-01-02T03:04:05Z","region":"{REGION}","resources":["arn:x"],"detail":{{"a":[1,2.5,"é"]}}}}',
    }
    assert call.caller == Caller.service("events.amazonaws.com", ACCOUNT, source_arn=rule)


@pytest.mark.parametrize(
    ("entry", "code", "message"),
    [
        ({"Source": None}, "InvalidArgument", "Parameter Source is not valid. Reason: Source is a required argument."),
        ({"DetailType": None}, "InvalidArgument", "Parameter DetailType is not valid. Reason: DetailType is a required argument."),
        ({"Detail": None}, "InvalidArgument", "Parameter Detail is not valid. Reason: Detail is a required argument."),
        ({"Detail": "text"}, "MalformedDetail", "Detail is malformed."),
        ({"Detail": "[]"}, "MalformedDetail", "Detail is malformed."),
        ({"Detail": '"{}"'}, "MalformedDetail", "Detail is malformed."),
        ({"Detail": '{"a": NaN}'}, "MalformedDetail", "Detail is malformed."),
        ({"Detail": '{"a": 1e999}'}, "MalformedDetail", "Detail is malformed."),
        ({"Detail": '{"a": "\\ud800"}'}, "MalformedDetail", "Detail is malformed."),
        ({"Detail": '{"a":' * 5000 + "1" + "}" * 5000}, "MalformedDetail", "Detail is malformed."),
        ({"Source": "aws.s3"}, "NotAuthorizedForSourceException", "Not authorized for the source."),
    ],
)
async def test_a_bad_entry_fails_by_itself(kit: Kit, entry: dict[str, Any], code: str, message: str) -> None:
    await kit.rule()
    good = {"Source": "shop", "DetailType": "order", "Detail": "{}"}
    bad = {key: value for key, value in (good | entry).items() if value is not None}
    answer = await kit("PutEvents", Entries=[bad, good])
    assert answer["FailedEntryCount"] == 1
    assert answer["Entries"][0] == {"ErrorCode": code, "ErrorMessage": message}
    await kit.settle()
    assert [each["id"] for each in kit.bodies()] == [answer["Entries"][1]["EventId"]]


async def test_services_may_use_their_own_source(kit: Kit) -> None:
    await kit.rule(pattern='{"source": ["aws.s3"]}')
    service = Caller.service("s3.amazonaws.com", ACCOUNT, "arn:aws:s3:::b")
    await kit("PutEvents", _caller=service, _host="", Entries=[{"Source": "aws.s3", "DetailType": "Object Created", "Detail": "{}"}])
    await kit.settle()
    assert [each["account"] for each in kit.bodies()] == [ACCOUNT]


async def test_too_much_is_refused_as_a_whole(kit: Kit) -> None:
    entry = {"Source": "shop", "DetailType": "order", "Detail": json.dumps({"p": "p" * 262_144})}
    refused = await kit.fails("PutEvents", Entries=[entry])
    assert refused == ("ValidationException", "Total size of the entries in the request is over the limit.")


async def test_what_goes_to_no_bus_is_accepted_and_lost(kit: Kit) -> None:
    assert await kit.put(EventBusName="nowhere")
    await kit.settle()
    assert kit.calls == []


async def test_changes_of_rules_hold_at_once(kit: Kit) -> None:
    await kit.rule()
    await kit.put()
    await kit("DisableRule", Name="r")
    await kit.put()
    await kit("EnableRule", Name="r")
    await kit.put()
    await kit("RemoveTargets", Rule="r", Ids=["t"])
    await kit.put()
    await kit.settle()
    assert len(kit.sent()) == 2


@pytest.mark.parametrize(
    ("transformation", "expected"),
    [
        ({"Input": '{"x": 1}'}, '{"x": 1}'),
        ({"InputPath": "$.detail.item"}, '{"name":"n"}'),
        ({"InputPath": "$.detail.item.name"}, '"n"'),
        ({"InputPath": "$.detail.list[1]"}, "2"),
        ({"InputPath": "$['detail']['item']"}, '{"name":"n"}'),
        ({"InputPath": "$.detail.rows[*].v"}, "[1,2]"),
    ],
)
async def test_inputs(kit: Kit, transformation: dict[str, Any], expected: str) -> None:
    await kit.rule(**transformation)
    await kit.put({"item": {"name": "n"}, "list": [1, 2], "rows": [{"v": 1}, {"v": 2}]})
    await kit.settle()
    assert kit.sent()[0].params["MessageBody"] == expected


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ('"Event of <type>, by <name>, missing: <none>"', '"Event of order, by n, missing: "'),
        ('"{[/Check <type>"', '"{[/Check order"'),
        ('{"type": <type>,  "none": <none>, "item": <item>}', '{"type": "order",  "none": "", "item": {"name":"n"}}'),
        ('{"text": "item: <item>"}', '{"text": "item: {\\"name\\":\\"n\\"}"}'),
        ('"<aws.events.rule-name> <aws.events.event.ingestion-time>"', '"r 2023-11-14T22:13:20.000Z"'),
        ('{"arn": <aws.events.rule-arn>}', f'{{"arn": "arn:aws:events:{REGION}:{ACCOUNT}:rule/r"}}'),
    ],
)
async def test_input_transformers(kit: Kit, template: str, expected: str) -> None:
    paths = {"type": "$.detail-type", "name": "$.detail.item.name", "item": "$.detail.item", "none": "$.detail.none"}
    await kit.rule(InputTransformer={"InputPathsMap": paths, "InputTemplate": template})
    await kit.put({"item": {"name": "n"}})
    await kit.settle()
    assert kit.sent()[0].params["MessageBody"] == expected


async def test_a_template_can_hold_the_whole_event(kit: Kit) -> None:
    await kit.rule(InputTransformer={"InputTemplate": '{"o": <aws.events.event>, "j": <aws.events.event.json>}'})
    event_id = await kit.put({"a": 1})
    await kit.settle()
    body = kit.bodies()[0]
    assert body["j"]["detail"] == {"a": 1}
    assert set(body["o"]) == {"id", "account", "detailType", "time", "source", "region", "resources", "version"}
    assert body["o"]["id"] == event_id


async def test_each_kind_of_target(kit: Kit) -> None:
    targets = [
        {"Id": "function", "Arn": FUNCTION},
        {"Id": "fifo", "Arn": f"{QUEUE}.fifo", "SqsParameters": {"MessageGroupId": "g"}},
        {"Id": "topic", "Arn": f"arn:aws:sns:{REGION}:{ACCOUNT}:topic"},
        {"Id": "group", "Arn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/events/g:*"},
        {
            "Id": "stream",
            "Arn": f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/s",
            "RoleArn": ROLE,
            "KinesisParameters": {"PartitionKeyPath": "$.detail.key"},
        },
    ]
    machine = {"Id": "machine", "Arn": f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:m", "RoleArn": ROLE, "Input": '{"x":1}'}
    await kit("PutRule", Name="r", EventPattern=PATTERN)
    await kit("PutRule", Name="r2", EventPattern=PATTERN)
    await kit("PutTargets", Rule="r", Targets=targets)
    await kit("PutTargets", Rule="r2", Targets=[machine])
    await kit.put({"key": "k"})
    await kit.settle()
    by = {each.operation: each for each in kit.calls}
    assert by["Invoke"].params["FunctionName"] == FUNCTION
    assert by["Invoke"].params["InvocationType"] == "Event"
    assert json.loads(by["Invoke"].params["Payload"])["detail"] == {"key": "k"}
    assert by["SendMessage"].params["MessageGroupId"] == "g"
    assert by["Publish"].params["TopicArn"] == f"arn:aws:sns:{REGION}:{ACCOUNT}:topic"
    assert by["PutLogEvents"].params["logGroupName"] == by["CreateLogStream"].params["logGroupName"] == "/aws/events/g"
    assert by["PutLogEvents"].params["logStreamName"] == by["CreateLogStream"].params["logStreamName"]
    assert (by["PutRecord"].service, by["PutRecord"].params["PartitionKey"]) == ("kinesis", "k")
    assert by["PutRecord"].caller.kind is CallerKind.ROLE
    assert by["PutRecord"].caller.arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/deliver/r"
    assert (by["StartExecution"].service, by["StartExecution"].params["input"]) == ("stepfunctions", '{"x":1}')


async def test_a_bus_hands_events_on_to_a_bus(kit: Kit) -> None:
    await kit("CreateEventBus", Name="b")
    await kit.rule("forward", f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/b")
    await kit.rule("arrive", bus="b")
    event_id = await kit.put({"a": 1}, Time=datetime(2026, 1, 1, tzinfo=UTC))
    await kit.settle()
    (body,) = kit.bodies()
    assert (body["id"], body["time"], body["detail"]) == (event_id, "2026-01-01T00:00:00Z", {"a": 1})


async def test_events_that_go_round_come_to_an_end(kit: Kit) -> None:
    await kit.rule("round", f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default")
    await kit.rule("count")
    await kit.put()
    await kit.settle()
    assert 2 <= len(kit.sent()) <= 20


async def test_targets_are_told_the_trace_without_its_lineage(kit: Kit) -> None:
    await kit.rule()
    await kit.put(TraceHeader="Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1;Lineage=1:fe460cdd:3")
    await kit.settle()
    assert kit.calls[0].trace_header == "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"


async def test_nobody_outside_can_forge_an_envelope(kit: Kit) -> None:
    await kit.rule()
    answer = await kit(
        "PutEvents", Entries=[{"Source": "shop", "DetailType": "t", "Detail": "{}", "$envelope": {"id": "forged", "account": OTHER}}]
    )
    assert answer["Entries"][0]["EventId"] != "forged"


async def test_passing_failures_are_tried_again_with_growing_pauses(kit: Kit) -> None:
    times: list[float] = []

    def refuse(call: Call) -> AwsError | None:
        times.append(kit.clock.now())
        return AwsError("InternalError", "try later", 500) if len(times) < 5 else None

    kit.refuse = refuse
    await kit.rule()
    await kit.put()
    await kit.settle(60)
    pauses = [round(later - earlier, 3) for earlier, later in pairwise(times)]
    assert len(times) == 5
    assert all(0.75 * 2**n <= pause <= 2**n + 0.01 for n, pause in enumerate(pauses))


async def test_lasting_failures_go_to_the_dead_letter_queue_at_once(kit: Kit) -> None:
    kit.refuse = lambda call: AwsError("AccessDenied", "Access to the resource is denied.", 403) if call.operation == "Invoke" else None
    rule = await kit.rule(target=FUNCTION, DeadLetterConfig={"Arn": QUEUE})
    event_id = await kit.put({"a": 1})
    await kit.settle()
    assert len(kit.sent("Invoke")) == 1
    (letter,) = kit.sent()
    assert json.loads(letter.params["MessageBody"])["id"] == event_id
    attributes = {name: each["StringValue"] for name, each in letter.params["MessageAttributes"].items()}
    assert attributes == {
        "RULE_ARN": rule,
        "TARGET_ARN": FUNCTION,
        "ERROR_CODE": "NO_PERMISSIONS",
        "ERROR_MESSAGE": "Access to the resource is denied.",
    }
    assert letter.caller.arn == "events.amazonaws.com"


@pytest.mark.parametrize(
    ("policy", "condition", "retries"),
    [
        ({"MaximumRetryAttempts": 3}, "MaximumRetryAttempts", 3),
        ({"MaximumEventAgeInSeconds": 60}, "MaximumEventAgeInSeconds", 5),
        ({"MaximumRetryAttempts": 0}, "MaximumRetryAttempts", 0),
    ],
)
async def test_retries_are_exhausted_as_the_policy_says(kit: Kit, policy: dict[str, int], condition: str, retries: int) -> None:
    kit.refuse = lambda call: AwsError("TooManyRequestsException", "Rate Exceeded.", 429) if call.operation == "Invoke" else None
    await kit.rule(target=FUNCTION, DeadLetterConfig={"Arn": QUEUE}, RetryPolicy=policy)
    await kit.put()
    await kit.settle(600)
    attributes = {name: each["StringValue"] for name, each in kit.sent()[0].params["MessageAttributes"].items()}
    assert attributes["ERROR_CODE"] == "THROTTLING"
    assert attributes["EXHAUSTED_RETRY_CONDITION"] == condition
    assert int(attributes["RETRY_ATTEMPTS"]) == len(kit.sent("Invoke")) - 1 == pytest.approx(retries, abs=1 if "Age" in condition else 0)


async def test_by_default_a_target_is_tried_for_a_day(kit: Kit) -> None:
    kit.refuse = lambda call: AwsError("ServiceException", "no", 500) if call.operation == "Invoke" else None
    await kit.rule(target=FUNCTION, DeadLetterConfig={"Arn": QUEUE})
    await kit.put()
    await kit.settle(70_000)
    assert kit.sent() == []
    await kit.settle(30_000)
    assert len(kit.sent()) == 1
    assert 150 <= len(kit.sent("Invoke")) <= 186


async def test_a_dead_letter_queue_that_fails_for_the_moment_is_tried_again(kit: Kit) -> None:
    failures = iter([503, 503])

    def refuse(call: Call) -> AwsError | None:
        if call.operation == "Invoke":
            return AwsError("ResourceNotFoundException", "Function not found", 404)
        status = next(failures, None)
        return AwsError("ServiceUnavailable", "later", status) if status else None

    kit.refuse = refuse
    await kit.rule(target=FUNCTION, DeadLetterConfig={"Arn": QUEUE})
    await kit.put()
    await kit.settle(30)
    assert len(kit.sent()) == 3


async def test_what_was_acknowledged_is_delivered_after_a_restart(kit: Kit) -> None:
    await kit.rule()
    event_id = await kit.put()  # no worker has run yet
    assert kit.calls == []
    await kit.settle()
    assert [each["id"] for each in kit.bodies()] == [event_id]


async def test_a_schedule_fires_for_as_long_as_it_is_enabled(kit: Kit) -> None:
    arn = (await kit("PutRule", Name="r", ScheduleExpression="rate(1 minute)"))["RuleArn"]
    await kit("PutTargets", Rule="r", Targets=[{"Id": "t", "Arn": QUEUE}, {"Id": "i", "Arn": QUEUE, "Input": '{"fixed": true}'}])
    await kit.settle(59)
    assert kit.calls == []
    await kit.settle(121)
    bodies = kit.bodies()
    assert len(bodies) == 6
    assert sum(each == {"fixed": True} for each in bodies) == 3
    event = next(each for each in bodies if "id" in each)
    assert event | {"id": "", "time": ""} == {
        "version": "0",
        "id": "",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT,
        "time": "",
        "region": REGION,
        "resources": [arn],
        "detail": {},
    }
    await kit("DisableRule", Name="r")
    await kit.settle(300)
    assert len(kit.bodies()) == 6
    await kit("EnableRule", Name="r")
    await kit.settle(61)
    assert len(kit.bodies()) == 8


async def test_a_cron_schedule_fires_on_the_minute_and_a_new_expression_replaces_the_old(kit: Kit) -> None:
    await kit("PutRule", Name="r", ScheduleExpression="cron(0/10 * * * ? *)")
    await kit("PutTargets", Rule="r", Targets=[{"Id": "t", "Arn": QUEUE}])
    await kit.settle(600)
    assert [each["time"] for each in kit.bodies()] == ["2023-11-14T22:20:00Z"]
    await kit("PutRule", Name="r", ScheduleExpression="rate(1 day)")
    await kit.settle(3600)
    assert len(kit.bodies()) == 1
    await kit.settle(86_400)
    assert len(kit.bodies()) == 2


async def test_a_schedule_that_was_due_while_nothing_ran_fires_once(kit: Kit) -> None:
    await kit("PutRule", Name="r", ScheduleExpression="rate(1 minute)")
    await kit("PutTargets", Rule="r", Targets=[{"Id": "t", "Arn": QUEUE}])
    await kit.clock.advance(3601)
    await kit.settle(1)
    assert len(kit.bodies()) == 1
    await kit.settle(60)
    assert len(kit.bodies()) == 2


async def test_archives_keep_what_matches_from_the_same_commit(kit: Kit) -> None:
    bus = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"
    created = await kit("CreateArchive", ArchiveName="a", EventSourceArn=bus, EventPattern=PATTERN, RetentionDays=1, Description="d")
    assert (created["ArchiveArn"], created["State"]) == (f"arn:aws:events:{REGION}:{ACCOUNT}:archive/a", "ENABLED")
    for _ in range(3):
        await kit.put({"a": 1})
    await kit.put(source="other")
    described = await kit("DescribeArchive", ArchiveName="a")
    assert (described["EventCount"], described["RetentionDays"], described["EventSourceArn"]) == (3, 1, bus)
    assert described["SizeBytes"] > 300
    (listed,) = (await kit("ListArchives", EventSourceArn=bus))["Archives"]
    assert set(listed) == {"ArchiveName", "CreationTime", "EventCount", "EventSourceArn", "RetentionDays", "SizeBytes", "State"}
    assert await kit("ListArchives", State="DISABLED") == {"Archives": []}
    await kit.settle(90_000)
    assert (await kit("DescribeArchive", ArchiveName="a"))["EventCount"] == 0
    await kit("UpdateArchive", ArchiveName="a", EventPattern='{"source": ["other"]}')
    await kit.put(source="other")
    assert (await kit("DescribeArchive", ArchiveName="a"))["EventCount"] == 1
    await kit("DeleteArchive", ArchiveName="a")
    await kit.put(source="other")
    for operation in ("DescribeArchive", "DeleteArchive", "UpdateArchive"):
        assert await kit.fails(operation, ArchiveName="a") == ("ResourceNotFoundException", "Archive a does not exist.")


async def test_an_archive_shows_a_managed_rule(kit: Kit) -> None:
    bus = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"
    await kit("CreateArchive", ArchiveName="a", EventSourceArn=bus)
    rule = await kit("DescribeRule", Name="Events-Archive-a")
    assert (rule["ManagedBy"], json.loads(rule["EventPattern"])) == ("prod.vhs.events.aws.internal", {"replay-name": [{"exists": False}]})
    (target,) = (await kit("ListTargetsByRule", Rule="Events-Archive-a"))["Targets"]
    assert target["Arn"] == f"arn:aws:events:{REGION}:::"
    await kit("UpdateArchive", ArchiveName="a", EventPattern=PATTERN)
    (listed,) = (await kit("ListRules"))["Rules"]
    assert json.loads(listed["EventPattern"]) == {"source": ["shop"], "replay-name": [{"exists": False}]}
    refusal = ("ManagedRuleException", "Events-Archive-a is a managed rule. Set 'force' parameter to true to override.")
    assert await kit.fails("DeleteRule", Name="Events-Archive-a") == refusal
    assert await kit.fails("PutRule", Name="Events-Archive-a", EventPattern=PATTERN) == refusal
    assert await kit.fails("DisableRule", Name="Events-Archive-a") == refusal
    assert await kit.fails("RemoveTargets", Rule="Events-Archive-a", Ids=["a"]) == refusal
    await kit("RemoveTargets", Rule="Events-Archive-a", Ids=["a"], Force=True)
    await kit.put()
    assert (await kit("DescribeArchive", ArchiveName="a"))["EventCount"] == 1
    await kit("DeleteArchive", ArchiveName="a")
    assert (await kit("ListRules"))["Rules"] == []


async def test_archives_that_are_refused(kit: Kit) -> None:
    bus = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus"
    missing = ("ResourceNotFoundException", "Event bus no does not exist.")
    assert await kit.fails("CreateArchive", ArchiveName="a", EventSourceArn=f"{bus}/no") == missing
    assert await kit.fails("ListArchives", EventSourceArn=f"{bus}/no") == missing
    both = await kit.fails("ListArchives", NamePrefix="a", State="ENABLED")
    assert both == (
        "ValidationException",
        "At most one filter is allowed for ListArchives. Use either : State, EventSourceArn, or NamePrefix.",
    )
    await kit("CreateArchive", ArchiveName="a", EventSourceArn=f"{bus}/default")
    twice = await kit.fails("CreateArchive", ArchiveName="a", EventSourceArn=f"{bus}/default")
    assert twice == ("ResourceAlreadyExistsException", "Archive a already exists.")


async def archived(kit: Kit, events: int) -> dict[str, Any]:
    """Archive events without a target; return a request to replay them."""
    bus = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"
    archive = (await kit("CreateArchive", ArchiveName="a", EventSourceArn=bus))["ArchiveArn"]
    for number in range(events):
        await kit.put({"number": number})
    now = kit.clock.now()
    window = {"EventStartTime": datetime.fromtimestamp(now - 60, UTC), "EventEndTime": datetime.fromtimestamp(now + 60, UTC)}
    return {"ReplayName": "p", "EventSourceArn": archive, "Destination": {"Arn": bus}} | window


async def test_a_replay_sends_archived_events_to_rules_again(kit: Kit) -> None:
    request = await archived(kit, 450)
    wanted = await kit.rule()
    await kit.rule("unwanted")
    request["Destination"]["FilterArns"] = [wanted]
    started = await kit("StartReplay", Description="d", **request)
    assert (started["State"], started["ReplayArn"]) == ("STARTING", f"arn:aws:events:{REGION}:{ACCOUNT}:replay/p")
    for _ in range(20):
        await kit.settle()
    bodies = kit.bodies()
    assert sorted(each["detail"]["number"] for each in bodies) == list(range(450))
    assert {each["replay-name"] for each in bodies} == {"p"}
    described = await kit("DescribeReplay", ReplayName="p")
    assert described["State"] == "COMPLETED"
    assert {"ReplayEndTime", "EventLastReplayedTime"} <= described.keys()
    assert described["Destination"] == request["Destination"]
    (listed,) = (await kit("ListReplays", NamePrefix="p"))["Replays"]
    assert "ReplayArn" not in listed
    assert (await kit("DescribeArchive", ArchiveName="a"))["EventCount"] == 450
    assert (await kit.fails("CancelReplay", ReplayName="p"))[0] == "ValidationException"


async def test_a_replay_can_be_cancelled(kit: Kit) -> None:
    request = await archived(kit, 1)
    await kit("StartReplay", **request)
    assert (await kit("CancelReplay", ReplayName="p"))["State"] == "CANCELLING"
    await kit.settle()
    assert (await kit("DescribeReplay", ReplayName="p"))["State"] == "CANCELLED"


async def test_replays_that_are_refused(kit: Kit) -> None:
    request = await archived(kit, 0)
    await kit("CreateEventBus", Name="b")
    bus = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus"

    both = await kit.fails("ListReplays", NamePrefix="a", State="COMPLETED")
    assert both[1] == "At most one filter is allowed for ListReplays. Use either : State, EventSourceArn, or NamePrefix."

    async def refused(**changes: Any) -> str:
        return (await kit.fails("StartReplay", **(request | changes)))[1]

    assert await refused(Destination={"Arn": "no"}) == "Parameter Destination.Arn is not valid. Reason: Must contain an event bus ARN."
    assert await refused(Destination={"Arn": f"{bus}/no"}) == "Event bus no does not exist."
    assert (
        await refused(Destination={"Arn": f"{bus}/b"})
        == "Parameter Destination.Arn is not valid. Reason: Cross event bus replay is not permitted."
    )
    assert (
        await refused(EventSourceArn=f"arn:aws:events:{REGION}:{ACCOUNT}:archive/no")
        == "Parameter EventSourceArn is not valid. Reason: Archive no does not exist."
    )
    assert (
        await refused(EventEndTime=request["EventStartTime"])
        == "Parameter EventEndTime is not valid. Reason: EventStartTime must be before EventEndTime."
    )
    await kit("StartReplay", **request)
    assert await refused() == "Replay p already exists."
    for number in range(9):
        await kit("StartReplay", **(request | {"ReplayName": f"p{number}"}))
    assert await refused(ReplayName="last") == "The requested resource exceeds the maximum number allowed."
    assert (await kit.fails("DescribeReplay", ReplayName="no"))[1] == "Replay no does not exist."

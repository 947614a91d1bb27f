"""Schedules and groups as AWS answers; when schedules are due, what targets are told, retries and dead letters."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.unit.services.scheduler.conftest import ACCOUNT, QUEUE, REGION, ROLE, START, Kit

from lambent.domain.caller import CallerKind
from lambent.domain.errors import AwsError, NotImplementedHere

FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(START + seconds, UTC)


async def test_a_schedule_is_created_described_updated_listed_and_deleted(kit: Kit) -> None:
    arn = await kit.create("cron(0 0 * * ? *)", FlexibleTimeWindow={"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 60})
    assert arn == f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/s"
    described = await kit("GetSchedule", Name="s")
    assert described == {
        "Arn": arn,
        "Name": "s",
        "GroupName": "default",
        "State": "ENABLED",
        "CreationDate": moment(0),
        "LastModificationDate": moment(0),
        "ScheduleExpression": "cron(0 0 * * ? *)",
        "ScheduleExpressionTimezone": "UTC",
        "ActionAfterCompletion": "NONE",
        "FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 60},
        "Target": {"Arn": QUEUE, "RoleArn": ROLE, "RetryPolicy": {"MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 185}},
    }
    await kit.clock.advance(10)
    update = {"ScheduleExpression": "rate(5 minutes)", "FlexibleTimeWindow": {"Mode": "OFF"}, "Target": {"Arn": QUEUE, "RoleArn": ROLE}}
    await kit("UpdateSchedule", Name="s", Description="d", State="DISABLED", **update)
    changed = await kit("GetSchedule", Name="s")
    assert (changed["Description"], changed["State"], changed["CreationDate"]) == ("d", "DISABLED", moment(0))
    assert changed["LastModificationDate"] == moment(10)
    (listed,) = (await kit("ListSchedules"))["Schedules"]
    assert listed["Target"] == {"Arn": QUEUE}
    assert (await kit("ListSchedules", State="ENABLED"))["Schedules"] == []
    assert (await kit.fails("CreateSchedule", Name="s", **update)) == ("ConflictException", 409, "Schedule s already exists.")
    await kit("DeleteSchedule", Name="s")
    for operation, more in (("GetSchedule", {}), ("DeleteSchedule", {}), ("UpdateSchedule", update)):
        missing = await kit.fails(operation, Name="s", **more)
        assert missing == ("ResourceNotFoundException", 404, "Schedule s does not exist.")


async def test_groups_hold_schedules_and_tags(kit: Kit) -> None:
    arn = (await kit("CreateScheduleGroup", Name="g", Tags=[{"Key": "k", "Value": "v"}]))["ScheduleGroupArn"]
    assert arn == f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule-group/g"
    assert (await kit("GetScheduleGroup", Name="g"))["State"] == "ACTIVE"
    assert [each["Name"] for each in (await kit("ListScheduleGroups"))["ScheduleGroups"]] == ["default", "g"]
    await kit("TagResource", ResourceArn=arn, Tags=[{"Key": "l", "Value": "w"}])
    await kit("UntagResource", ResourceArn=arn, TagKeys=["k"])
    assert await kit("ListTagsForResource", ResourceArn=arn) == {"Tags": [{"Key": "l", "Value": "w"}]}
    assert (await kit.fails("CreateScheduleGroup", Name="g"))[0] == "ConflictException"
    await kit.create(GroupName="g")
    await kit.create(Name="t")
    assert [each["Name"] for each in (await kit("ListSchedules", GroupName="g"))["Schedules"]] == ["s"]
    await kit("DeleteScheduleGroup", Name="g")
    missing = ("ResourceNotFoundException", 404, "Schedule group g does not exist.")
    assert await kit.fails("GetScheduleGroup", Name="g") == missing
    assert await kit.fails("GetSchedule", Name="s", GroupName="g") == missing
    assert await kit.fails("ListSchedules", GroupName="g") == missing
    assert await kit.fails("ListTagsForResource", ResourceArn=arn) == missing
    assert [each["Name"] for each in (await kit("ListSchedules"))["Schedules"]] == ["t"]
    assert (await kit.fails("DeleteScheduleGroup", Name="default"))[0] == "ValidationException"


async def test_lists_come_in_pages(kit: Kit) -> None:
    await kit("CreateScheduleGroup", Name="a")
    for number in range(3):
        await kit.create(Name=f"s{number}")
        await kit.create(Name=f"s{number}", GroupName="a")
    found: list[str] = []
    token: dict[str, str] = {}
    while True:
        page = await kit("ListSchedules", MaxResults=2, NamePrefix="s", **token)
        found += [f"{each['GroupName']}/{each['Name']}" for each in page["Schedules"]]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert found == ["a/s0", "a/s1", "a/s2", "default/s0", "default/s1", "default/s2"]


async def test_the_same_token_gives_the_same_answer(kit: Kit) -> None:
    assert await kit.create(ClientToken="t") == await kit.create(ClientToken="t")
    first = await kit("CreateScheduleGroup", Name="g", ClientToken="t")
    assert await kit("CreateScheduleGroup", Name="g", ClientToken="t") == first


@pytest.mark.parametrize(
    "expression",
    [
        *("cron(0 1 * * * *)", "cron(7 20 * * NOT *)", "cron(INVALID)", "cron(0 dummy ? * MON-FRI *)", "cron(71 8 1 * ? *)", "cron()"),
        *("rate(10 seconds)", "rate(10 years)", "rate()", "rate(10)", "rate(10 minutess)", "rate(foo minutes)", "rate(-10 minutes)"),
        *("rate( 10 minutes )", " rate(10 minutes)", "at(2021-12-31T23:59:59Z)", "at(2021-12-31)"),
    ],
)
async def test_expressions_that_are_refused(kit: Kit, expression: str) -> None:
    settings = {"Name": "s", "FlexibleTimeWindow": {"Mode": "OFF"}, "Target": {"Arn": QUEUE, "RoleArn": ROLE}}
    refused = await kit.fails("CreateSchedule", ScheduleExpression=expression, **settings)
    assert refused == ("ValidationException", 400, f"Invalid Schedule Expression {expression}.")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"ScheduleExpressionTimezone": "Mars/Olympus"}, "Invalid ScheduleExpressionTimezone Mars/Olympus."),
        ({"StartDate": moment(-400)}, "The StartDate you specify cannot be earlier than 5 minutes ago."),
        ({"EndDate": moment(-1)}, "The EndDate you specify cannot be earlier than now."),
        ({"StartDate": moment(20), "EndDate": moment(10)}, "The EndDate you specify must be later than the StartDate."),
        (
            {"FlexibleTimeWindow": {"Mode": "FLEXIBLE"}},
            "A FlexibleTimeWindow with the Mode FLEXIBLE must have MaximumWindowInMinutes.",
        ),
        ({"target": {"Arn": "nonsense"}}, "Provided Arn is not in correct format."),
        (
            {"target": {"Arn": "arn:aws:scheduler:::aws-sdk:sqs:getQueueUrl"}},
            "Invalid RequestJson provided. Reason API getQueueUrl is not supported.",
        ),
        ({"target": {"Arn": "arn:aws:scheduler:::aws-sdk:sqs:fly"}}, "Invalid RequestJson provided. Reason API sqs:fly does not exist."),
        ({"target": {"Arn": FUNCTION, "Input": "{"}}, "Input must be a valid JSON text."),
        (
            {"target": {"Arn": f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/b"}},
            "EventBridgeParameters must be specified for an event bus.",
        ),
    ],
)
async def test_schedules_that_are_refused(kit: Kit, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(AwsError) as refused:
        await kit.create(**settings)
    assert (refused.value.code, refused.value.message) == ("ValidationException", message)


async def test_targets_that_are_not_built_are_named(kit: Kit) -> None:
    with pytest.raises(NotImplementedHere, match="ecs"):
        await kit.create(target={"Arn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/c"})


async def test_a_rate_begins_at_once_and_goes_on(kit: Kit) -> None:
    await kit.create("rate(1 minute)")
    await kit.settle(125)
    assert kit.times() == [0, 60, 120]
    await kit("DeleteSchedule", Name="s")
    await kit.settle(600)
    assert len(kit.calls) == 3


async def test_start_and_end_dates_frame_a_recurring_schedule(kit: Kit) -> None:
    await kit.create("rate(1 minute)", StartDate=moment(90), EndDate=moment(215))
    await kit.create("cron(* * * * ? *)", Name="c", StartDate=moment(100), EndDate=moment(215))
    await kit.settle(600)
    assert kit.times() == [90, 100, 150, 160, 210]


async def test_a_one_time_schedule_fires_once_in_its_time_zone_and_may_delete_itself(kit: Kit) -> None:
    await kit.create("at(2023-11-14T23:14:00)", ScheduleExpressionTimezone="Europe/Berlin", ActionAfterCompletion="DELETE")
    await kit.create("at(2023-11-14T22:14:00)", Name="stays")
    await kit.settle(3600)
    assert kit.times() == [40, 40]
    assert [each["Name"] for each in (await kit("ListSchedules"))["Schedules"]] == ["stays"]


async def test_a_flexible_window_spreads_invocations(kit: Kit) -> None:
    await kit.create("rate(1 hour)", FlexibleTimeWindow={"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15})
    await kit.settle(10 * 3600)
    late = [time % 3600 for time in kit.times()]
    assert len(late) == 10
    assert all(0 <= each <= 900 for each in late)
    assert len({round(each) for each in late}) > 5


async def test_what_was_missed_is_made_up_for_once(kit: Kit) -> None:
    await kit.create("rate(1 minute)")
    await kit.clock.advance(3605)
    await kit.settle(0)
    assert kit.times() == [3605]
    await kit.settle(60)
    assert kit.times() == [3605, 3660]


async def test_an_update_replaces_the_next_time(kit: Kit) -> None:
    await kit.create("cron(0 0 * * ? *)")
    await kit.settle(1)
    update = {"FlexibleTimeWindow": {"Mode": "OFF"}, "Target": {"Arn": QUEUE, "RoleArn": ROLE}}
    await kit("UpdateSchedule", Name="s", ScheduleExpression="cron(0/10 * * * ? *)", **update)
    await kit.settle(600)
    assert kit.times() == [400]
    await kit("UpdateSchedule", Name="s", ScheduleExpression="cron(0/10 * * * ? *)", State="DISABLED", **update)
    await kit.settle(3600)
    assert len(kit.calls) == 1


async def test_a_target_is_told_with_the_schedules_role(kit: Kit) -> None:
    arn = await kit.create(target={"Arn": f"{QUEUE}.fifo", "SqsParameters": {"MessageGroupId": "g"}, "Input": "hello"})
    await kit.settle()
    ((_, call),) = kit.calls
    url = f"http://localhost:4566/{ACCOUNT}/q.fifo"
    assert call.params == {"QueueUrl": url, "MessageBody": "hello", "MessageGroupId": "g"}
    assert (call.caller.kind, call.caller.arn) == (CallerKind.ROLE, f"arn:aws:sts::{ACCOUNT}:assumed-role/r/s")
    assert call.caller.source_arn == arn


async def test_without_input_the_target_gets_awss_notification(kit: Kit) -> None:
    arn = await kit.create(target={"Arn": FUNCTION})
    await kit.settle()
    event = json.loads(kit.calls[0][1].params["Payload"])
    assert event | {"id": ""} == {
        "version": "0",
        "id": "",
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": ACCOUNT,
        "time": "2023-11-14T22:13:20Z",
        "region": REGION,
        "resources": [arn],
        "detail": "{}",
    }


async def test_context_attributes_are_filled_in(kit: Kit) -> None:
    text = "<aws.scheduler.schedule-arn> <aws.scheduler.scheduled-time> <aws.scheduler.attempt-number>"
    arn = await kit.create(target={"Input": text})
    await kit.settle()
    assert kit.calls[0][1].params["MessageBody"] == f"{arn} 2023-11-14T22:13:20Z 1"


@pytest.mark.parametrize(
    ("target", "operation", "expected"),
    [
        (
            {
                "Arn": f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/b",
                "EventBridgeParameters": {"Source": "s", "DetailType": "t"},
                "Input": "{}",
            },
            ("events", "PutEvents"),
            {
                "Entries": [
                    {"Source": "s", "DetailType": "t", "Detail": "{}", "EventBusName": f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/b"}
                ]
            },
        ),
        (
            {"Arn": f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/s", "KinesisParameters": {"PartitionKey": "k"}, "Input": "x"},
            ("kinesis", "PutRecord"),
            {"StreamName": "s", "PartitionKey": "k", "Data": b"x"},
        ),
        (
            {"Arn": "arn:aws:scheduler:::aws-sdk:sqs:sendMessage", "Input": '{"QueueUrl": "u", "MessageBody": "m", "DelaySeconds": 5}'},
            ("sqs", "SendMessage"),
            {"QueueUrl": "u", "MessageBody": "m", "DelaySeconds": 5},
        ),
        (
            {"Arn": "arn:aws:scheduler:::aws-sdk:lambda:invoke", "Input": '{"FunctionName": "f", "Payload": "{}"}'},
            ("lambda", "Invoke"),
            {"FunctionName": "f", "Payload": b"{}"},
        ),
        (
            {"Arn": "arn:aws:scheduler:::aws-sdk:sfn:startExecution", "Input": '{"StateMachineArn": "a"}'},
            ("stepfunctions", "StartExecution"),
            {"stateMachineArn": "a"},
        ),
        (
            {"Arn": "arn:aws:scheduler:::aws-sdk:cloudwatchlogs:createLogGroup", "Input": '{"LogGroupName": "g"}'},
            ("logs", "CreateLogGroup"),
            {"logGroupName": "g"},
        ),
    ],
)
async def test_kinds_of_targets(kit: Kit, target: dict[str, Any], operation: tuple[str, str], expected: dict[str, Any]) -> None:
    await kit.create(target=target)
    await kit.settle()
    ((_, call),) = kit.calls
    assert (call.service, call.operation) == operation
    assert call.params == expected
    assert (call.region, call.account_id) == (REGION, ACCOUNT)


async def test_a_universal_targets_input_must_fit(kit: Kit) -> None:
    await kit.create(
        "at(2023-11-14T22:14:00)",
        target={"Arn": "arn:aws:scheduler:::aws-sdk:sqs:sendMessage", "Input": '{"QueueUrl": "u"}', "DeadLetterConfig": {"Arn": QUEUE}},
    )
    await kit.settle(60)
    ((_, letter),) = kit.calls
    attributes = letter.params["MessageAttributes"]
    assert attributes["ERROR_MESSAGE"]["StringValue"] == "The input does not fit sqs:sendMessage: the member MessageBody is missing"


async def test_failures_are_tried_again_and_end_in_the_dead_letter_queue(kit: Kit) -> None:
    kit.refuse = lambda call: AwsError("ServiceException", "not now", 500) if call.operation == "Invoke" else None
    target = {"Arn": FUNCTION, "Input": '{"a": 1}', "RetryPolicy": {"MaximumRetryAttempts": 2}, "DeadLetterConfig": {"Arn": QUEUE}}
    arn = await kit.create("at(2023-11-14T22:14:00)", target=target)
    await kit.settle(600)
    *invocations, (_, letter) = kit.calls
    assert [call.operation for _, call in invocations] == ["Invoke"] * 3
    assert letter.params["MessageBody"] == '{"a": 1}'
    attributes = {name: each["StringValue"] for name, each in letter.params["MessageAttributes"].items()}
    assert len(attributes.pop("EXECUTION_ID")) == 16
    assert attributes == {
        "SCHEDULE_ARN": arn,
        "TARGET_ARN": FUNCTION,
        "SCHEDULED_TIME": "2023-11-14T22:14:00Z",
        "ERROR_CODE": "ServiceException",
        "ERROR_MESSAGE": "not now",
        "RETRY_ATTEMPTS": "2",
        "IS_PAYLOAD_TRUNCATED": "false",
        "EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts",
    }


async def test_the_targets_role_must_trust_the_scheduler(kit: Kit) -> None:
    kit.trusting = False
    target = {"Arn": QUEUE, "RoleArn": ROLE}
    settings = {"Name": "s", "FlexibleTimeWindow": {"Mode": "OFF"}, "ScheduleExpression": "rate(1 minute)", "Target": target}
    refused = ("ValidationException", 400, "The execution role you provide must allow AWS EventBridge Scheduler to assume the role.")
    assert await kit.fails("CreateSchedule", **settings) == refused
    kit.trusting = True
    await kit("CreateSchedule", **settings)
    kit.trusting = False
    await kit("UpdateSchedule", **settings)
    settings["Target"] = {**target, "RoleArn": f"{ROLE}2"}
    assert await kit.fails("UpdateSchedule", **settings) == refused

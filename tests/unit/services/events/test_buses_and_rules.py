"""Buses, their policies, rules and targets: AWS's answers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.unit.services.events.events_kit import ACCOUNT, OTHER, PATTERN, QUEUE, REGION, Kit

from lambent.domain.caller import Caller
from lambent.domain.errors import NotImplementedHere

BUS_ARN = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus"


async def test_a_bus_is_created_described_listed_and_deleted(kit: Kit) -> None:
    assert await kit("CreateEventBus", Name="b") == {"EventBusArn": f"{BUS_ARN}/b"}
    described = await kit("DescribeEventBus", Name="b")
    assert (described["Name"], described["Arn"]) == ("b", f"{BUS_ARN}/b")
    assert set(described) == {"Name", "Arn", "CreationTime", "LastModifiedTime"}
    assert [each["Name"] for each in (await kit("ListEventBuses"))["EventBuses"]] == ["b", "default"]
    assert [each["Name"] for each in (await kit("ListEventBuses", NamePrefix="b"))["EventBuses"]] == ["b"]
    assert await kit.fails("CreateEventBus", Name="b") == ("ResourceAlreadyExistsException", "Event bus b already exists.")
    await kit("DeleteEventBus", Name="b")
    assert await kit.fails("DescribeEventBus", Name="b") == ("ResourceNotFoundException", "Event bus b does not exist.")
    await kit("DeleteEventBus", Name="b")


async def test_the_default_bus_is_there_and_stays(kit: Kit) -> None:
    assert (await kit("DescribeEventBus"))["Arn"] == f"{BUS_ARN}/default"
    assert await kit.fails("DeleteEventBus", Name="default") == ("ValidationException", "Cannot delete event bus default.")
    assert (await kit.fails("CreateEventBus", Name="default"))[0] == "ResourceAlreadyExistsException"
    slash = ("ValidationException", "Event bus name must not contain '/'.")
    assert await kit.fails("CreateEventBus", Name="a/b") == slash


async def test_lists_come_in_pages(kit: Kit) -> None:
    for number in range(6):
        await kit("CreateEventBus", Name=f"b{number}")
    first = await kit("ListEventBuses", NamePrefix="b", Limit=3)
    second = await kit("ListEventBuses", NamePrefix="b", Limit=3, NextToken=first["NextToken"])
    assert [each["Name"] for each in first["EventBuses"] + second["EventBuses"]] == [f"b{number}" for number in range(6)]
    assert "NextToken" not in second
    assert (await kit.fails("ListEventBuses", NextToken="!"))[0] == "ValidationException"


async def test_permissions_become_statements(kit: Kit) -> None:
    await kit("PutPermission", Action="events:PutEvents", Principal=OTHER, StatementId="other")
    await kit("PutPermission", Action="events:PutEvents", Principal="*", StatementId="all")
    policy = json.loads((await kit("DescribeEventBus"))["Policy"])
    assert policy["Version"] == "2012-10-17"
    assert policy["Statement"][0] == {
        "Sid": "other",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{OTHER}:root"},
        "Action": "events:PutEvents",
        "Resource": f"{BUS_ARN}/default",
    }
    assert policy["Statement"][1]["Principal"] == "*"
    await kit("RemovePermission", StatementId="other")
    unknown = await kit.fails("RemovePermission", StatementId="other")
    assert unknown == ("ResourceNotFoundException", "Statement with the provided id does not exist.")
    await kit("RemovePermission", RemoveAllPermissions=True)
    assert "Policy" not in await kit("DescribeEventBus")
    without = await kit.fails("RemovePermission", StatementId="other")
    assert without == ("ResourceNotFoundException", "EventBus does not have a policy.")
    whole = {
        "Version": "2012-10-17",
        "Statement": [{"Sid": "x", "Effect": "Allow", "Principal": "*", "Action": "events:*", "Resource": "*"}],
    }
    await kit("PutPermission", Policy=json.dumps(whole))
    assert json.loads((await kit("DescribeEventBus"))["Policy"]) == whole
    assert (await kit.fails("PutPermission", EventBusName="no", Principal="*", StatementId="s", Action="events:PutEvents"))[1] == (
        "Event bus no does not exist."
    )
    refused = ("ValidationException", "Provided value in parameter 'action' is not supported.")
    assert await kit.fails("PutPermission", Principal="*", StatementId="s", Action="events:PutRule") == refused


async def test_another_account_needs_a_permission(kit: Kit) -> None:
    stranger = Caller.root(OTHER)
    entry = {"Source": "s", "DetailType": "t", "Detail": "{}", "EventBusName": f"{BUS_ARN}/default"}
    code, message = await kit.fails("PutEvents", _caller=stranger, Entries=[entry])
    assert code == "AccessDeniedException"
    assert message == (
        f"User: arn:aws:iam::{OTHER}:root is not authorized to perform: events:PutEvents on resource: {BUS_ARN}/default "
        "because no resource-based policy allows the events:PutEvents action"
    )
    await kit("PutPermission", Action="events:PutEvents", Principal=OTHER, StatementId="other")
    assert (await kit("PutEvents", _caller=stranger, Entries=[entry]))["FailedEntryCount"] == 0


async def test_a_rule_is_put_described_listed_and_deleted(kit: Kit) -> None:
    await kit("CreateEventBus", Name="b")
    arn = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/b/r"
    assert await kit("PutRule", Name="r", EventBusName="b", EventPattern=PATTERN) == {"RuleArn": arn}
    described = await kit("DescribeRule", Name="r", EventBusName="b")
    assert described == {
        "Name": "r",
        "Arn": arn,
        "EventPattern": PATTERN,
        "State": "ENABLED",
        "EventBusName": "b",
        "CreatedBy": ACCOUNT,
    }
    listed = (await kit("ListRules", EventBusName="b", NamePrefix="r"))["Rules"]
    assert listed == [{key: value for key, value in described.items() if key != "CreatedBy"}]
    await kit("DisableRule", Name="r", EventBusName="b")
    assert (await kit("DescribeRule", Name="r", EventBusName="b"))["State"] == "DISABLED"
    await kit("EnableRule", Name="r", EventBusName="b")
    assert (await kit("DescribeRule", Name="r", EventBusName="b"))["State"] == "ENABLED"
    assert (await kit.fails("DeleteEventBus", Name="b"))[0] == "ValidationException"
    await kit("DeleteRule", Name="r", EventBusName="b")
    assert await kit("ListRules", EventBusName="b") == {"Rules": []}
    await kit("DeleteRule", Name="r", EventBusName="b")
    missing = await kit.fails("DescribeRule", Name="r")
    assert missing == ("ResourceNotFoundException", "Rule r does not exist on EventBus default.")


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({}, "Parameter(s) EventPattern or ScheduleExpression must be specified."),
        ({"ScheduleExpression": "rate(1 minutes)"}, "Parameter ScheduleExpression is not valid."),
        ({"ScheduleExpression": "rate(1 minute)", "EventBusName": "b"}, "ScheduleExpression is supported only on the default event bus."),
        ({"EventPattern": PATTERN, "EventBusName": "no"}, "Event bus no does not exist."),
        ({"EventPattern": PATTERN, "Tags": [{"Key": "aws:x", "Value": "y"}]}, "System tags cannot be added/updated by requester."),
        (
            {"EventPattern": '{"a": 1}'},
            'Event pattern is not valid. Reason: "a" must be an object or an array\n at [Source: (String)"{"a": 1}"; line: 1, column: 8]',
        ),
    ],
)
async def test_rules_that_are_refused(kit: Kit, request_: dict[str, Any], message: str) -> None:
    assert (await kit.fails("PutRule", Name="r", **request_))[1] == message


async def test_putting_a_rule_again_keeps_targets_and_tags(kit: Kit) -> None:
    await kit("PutRule", Name="r", EventPattern=PATTERN, Description="old", Tags=[{"Key": "k", "Value": "v"}])
    await kit("PutTargets", Rule="r", Targets=[{"Id": "t", "Arn": QUEUE}])
    arn = (await kit("PutRule", Name="r", ScheduleExpression="rate(5 minutes)", State="DISABLED"))["RuleArn"]
    assert (await kit("ListTargetsByRule", Rule="r"))["Targets"] == [{"Id": "t", "Arn": QUEUE}]
    assert (await kit("ListTagsForResource", ResourceARN=arn))["Tags"] == [{"Key": "k", "Value": "v"}]
    described = await kit("DescribeRule", Name="r")
    assert (described["State"], "Description" in described, "EventPattern" in described) == ("DISABLED", False, False)


async def test_targets_are_put_listed_found_and_removed(kit: Kit) -> None:
    await kit("PutRule", Name="r", EventPattern=PATTERN)
    targets = [{"Id": f"t{number}", "Arn": QUEUE} for number in range(5)]
    assert await kit("PutTargets", Rule="r", Targets=targets) == {"FailedEntryCount": 0, "FailedEntries": []}
    first = await kit("ListTargetsByRule", Rule="r", Limit=3)
    second = await kit("ListTargetsByRule", Rule="r", Limit=3, NextToken=first["NextToken"])
    assert first["Targets"] + second["Targets"] == targets
    assert await kit("ListRuleNamesByTarget", TargetArn=QUEUE) == {"RuleNames": ["r"]}
    assert await kit("ListRuleNamesByTarget", TargetArn=QUEUE + "x") == {"RuleNames": []}
    too_many = await kit.fails("PutTargets", Rule="r", Targets=[{"Id": "t5", "Arn": QUEUE}])
    assert too_many == ("LimitExceededException", "The requested resource exceeds the maximum number allowed.")
    has_targets = await kit.fails("DeleteRule", Name="r")
    assert has_targets == ("ValidationException", "Rule can't be deleted since it has targets.")
    await kit("RemoveTargets", Rule="r", Ids=[each["Id"] for each in targets])
    assert await kit("ListTargetsByRule", Rule="r") == {"Targets": []}
    assert (await kit.fails("PutTargets", Rule="no", Targets=targets))[1] == "Rule no does not exist on EventBus default."


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ({"Arn": "nonsense"}, "Parameter nonsense is not valid. Reason: Provided Arn is not in correct format."),
        ({"Input": "{}", "InputPath": "$.detail"}, "Only one of Input, InputPath, or InputTransformer must be provided for target t."),
        (
            {"InputTransformer": {"InputPathsMap": {"a": "$.detail"}, "InputTemplate": '"<a> <b>"'}},
            "InputTemplate for target t contains invalid placeholder b.",
        ),
        ({"InputPath": "detail"}, "Invalid InputPath for target t."),
        (
            {"Arn": f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:m"},
            f"RoleArn is required for target arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:m.",
        ),
        ({"Arn": QUEUE + ".fifo"}, "Parameter(s) SqsParameters must be specified for target: t."),
        (
            {"RoleArn": "arn:aws:iam::1:user/x"},
            "Parameter arn:aws:iam::1:user/x is not valid. Reason: Provided Arn is not in correct format.",
        ),
    ],
)
async def test_targets_that_are_refused(kit: Kit, target: dict[str, Any], message: str) -> None:
    await kit("PutRule", Name="r", EventPattern=PATTERN)
    assert await kit.fails("PutTargets", Rule="r", Targets=[{"Id": "t", "Arn": QUEUE} | target]) == ("ValidationException", message)


async def test_input_must_be_json(kit: Kit) -> None:
    await kit("PutRule", Name="r", EventPattern=PATTERN)
    code, message = await kit.fails("PutTargets", Rule="r", Targets=[{"Id": "t", "Arn": QUEUE, "Input": "{'a'"}])
    assert code == "ValidationException"
    assert message.startswith("JSON syntax error in input for target t: ")


async def test_what_is_wrong_with_a_target_is_said_before_the_rule_is_looked_for(kit: Kit) -> None:
    refused = await kit.fails("PutTargets", Rule="no", Targets=[{"Id": "t", "Arn": f"{QUEUE}.fifo"}])
    assert refused == ("ValidationException", "Parameter(s) SqsParameters must be specified for target: t.")
    targets = [{"Id": "a", "Arn": "arn:aws:s3:::bucket"}, {"Id": "b", "Arn": "bucket"}]
    refused = await kit.fails("PutTargets", Rule="no", Targets=targets)
    assert refused == ("ValidationException", "Parameter bucket is not valid. Reason: Provided Arn is not in correct format.")


async def test_targets_that_are_not_built_are_named(kit: Kit) -> None:
    await kit("PutRule", Name="r", EventPattern=PATTERN)
    with pytest.raises(NotImplementedHere, match="ecs"):
        await kit("PutTargets", Rule="r", Targets=[{"Id": "t", "Arn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/c"}])


async def test_tags_of_buses_and_rules(kit: Kit) -> None:
    bus = (await kit("CreateEventBus", Name="b", Tags=[{"Key": "tag1", "Value": "value1"}]))["EventBusArn"]
    rule = (await kit("PutRule", Name="r", EventBusName="b", EventPattern=PATTERN))["RuleArn"]
    for arn in (bus, rule):
        await kit("TagResource", ResourceARN=arn, Tags=[{"Key": "tag1", "Value": "value1"}, {"Key": "tag2", "Value": "value2"}])
        await kit("UntagResource", ResourceARN=arn, TagKeys=["tag2", "unknown"])
        assert await kit("ListTagsForResource", ResourceARN=arn) == {"Tags": [{"Key": "tag1", "Value": "value1"}]}
    missing = f"arn:aws:events:{REGION}:{ACCOUNT}:"
    for operation, more in (("TagResource", {"Tags": []}), ("UntagResource", {"TagKeys": []}), ("ListTagsForResource", {})):
        assert (await kit.fails(operation, ResourceARN=f"{missing}rule/x", **more))[1] == "Rule x does not exist on EventBus default."
        assert (await kit.fails(operation, ResourceARN=f"{missing}event-bus/x", **more))[1] == "Event bus x does not exist."


@pytest.mark.parametrize("event", ["not json", "[]", '{"id": "1"}'])
async def test_events_that_cannot_be_tested(kit: Kit, event: str) -> None:
    assert await kit.fails("TestEventPattern", Event=event, EventPattern=PATTERN) == (
        "ValidationException",
        "Parameter Event is not valid.",
    )


async def test_patterns_are_tested(kit: Kit) -> None:
    event = {"id": "1", "source": "shop", "detail-type": "Test", "account": ACCOUNT, "region": REGION, "time": "2022-07-13T13:48:01Z"}
    assert await kit("TestEventPattern", Event=json.dumps(event), EventPattern=PATTERN) == {"Result": True}
    assert await kit("TestEventPattern", Event=json.dumps(event), EventPattern='{"source": ["other"]}') == {"Result": False}
    assert (await kit.fails("TestEventPattern", Event=json.dumps(event), EventPattern="x"))[0] == "InvalidEventPatternException"

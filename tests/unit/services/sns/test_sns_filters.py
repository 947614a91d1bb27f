"""Filter policies: what they let through, what they may say."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.unit.services.sns.sns_kit import Kit, queue

NUMBER, TEXT, LIST = "Number", "String", "String.Array"


def attributes(**given: tuple[str, str]) -> dict[str, Any]:
    return {name: {"DataType": kind, "StringValue": value} for name, (kind, value) in given.items()}


async def gets(kit: Kit, policy: Any, scope: str, *messages: dict[str, Any]) -> list[bool]:
    """Publish messages to a subscription with the policy; say of each whether it arrived."""
    topic = await kit.topic()
    await kit.subscribe(topic, queue("q"), RawMessageDelivery="true", FilterPolicyScope=scope, FilterPolicy=json.dumps(policy))
    for number, each in enumerate(messages):
        await kit.call("Publish", **{"TopicArn": topic, "Message": "m", "Subject": str(number)} | each)
    before = len(kit.there.sent("q"))
    await kit.settle()
    return [True] * (len(kit.there.sent("q")) - before)


async def passes(kit: Kit, policy: Any, **given: tuple[str, str]) -> bool:
    return await gets(kit, policy, "MessageAttributes", {"MessageAttributes": attributes(**given)}) == [True]


@pytest.mark.parametrize(
    ("policy", "given", "expected"),
    [
        ({"a": ["x", "y"]}, {"a": (TEXT, "y")}, True),
        ({"a": ["x"]}, {"a": (TEXT, "z")}, False),
        ({"a": ["x"]}, {}, False),
        ({"a": [{"numeric": [">", 0, "<=", 100]}]}, {"a": (NUMBER, "99.12")}, True),
        ({"a": [{"numeric": [">", 0, "<=", 100]}]}, {"a": (NUMBER, "111")}, False),
        ({"a": [{"numeric": [">", 0]}]}, {"a": (TEXT, "1")}, False),
        ({"a": [{"exists": True}]}, {"a": (NUMBER, "1")}, True),
        ({"a": [{"exists": False}]}, {"b": (NUMBER, "1")}, True),
        ({"a": [{"exists": False}]}, {"a": (NUMBER, "1")}, False),
        ({"a": [None, {"anything-but": "whatever"}]}, {}, False),
        ({"a": [{"anything-but": ["x", "y"]}]}, {"a": (TEXT, "z")}, True),
        ({"a": [{"anything-but": {"prefix": "x"}}]}, {"a": (TEXT, "xy")}, False),
        ({"a": [{"prefix": "au"}]}, {"a": (TEXT, "auto")}, True),
        ({"a": [{"suffix": "to"}]}, {"a": (TEXT, "auto")}, True),
        ({"a": [{"equals-ignore-case": "AUTO"}]}, {"a": (TEXT, "auto")}, True),
        ({"a": [{"cidr": "10.0.0.0/24"}]}, {"a": (TEXT, "10.0.0.7")}, True),
        ({"a": ["value1"]}, {"a": (LIST, '["value0", "value1"]')}, True),
        ({"a": ["value1"]}, {"a": (LIST, '["value0", "value2"]')}, False),
        ({"a": [1]}, {"a": (LIST, "[0, 1]")}, True),
        ({"$or": [{"a": ["x"]}, {"b": ["y"]}]}, {"b": (TEXT, "y")}, True),
        ({"$or": [{"a": ["x"]}, {"b": ["y"]}]}, {"b": (TEXT, "x")}, False),
        ({}, {}, True),
    ],
)
async def test_attributes_are_filtered(kit: Kit, policy: Any, given: dict[str, tuple[str, str]], expected: bool) -> None:
    assert await passes(kit, policy, **given) is expected


@pytest.mark.parametrize(
    ("policy", "body", "expected"),
    [
        ({"object": {"key": [{"prefix": "auto-"}]}}, {"object": {"key": "auto-test"}}, True),
        ({"object": {"key": [{"prefix": "auto-"}]}}, {"object": {"key": "home-test"}}, False),
        ({"object.nested": ["v"]}, {"object": {"nested": "v"}}, True),
        ({"object.nested.test": ["v"]}, {"object": {"nested.test": "v"}}, True),
        ({"headers": {"route-to": ["queue1"]}}, {"headers": {"route-to": ["queue0", "queue1"]}}, True),
        (
            {"Records": {"s3": {"object": {"key": [{"prefix": "auto-"}]}}, "eventName": [{"prefix": "ObjectCreated:"}]}},
            {"Records": [{"eventName": "ObjectCreated:Put", "s3": {"object": [[{"key": "auto-1", "size": 17}]]}}]},
            True,
        ),
        (
            {"Records": {"s3": {"object": {"key": [{"prefix": "auto-"}]}}, "eventName": [{"prefix": "ObjectCreated:"}]}},
            {"Records": [{"eventName": "ObjectRemoved:Delete", "s3": {"object": {"key": "auto-1"}}}]},
            False,
        ),
        ({"a": ["b"]}, "a", False),
        ({"a": ["b"]}, ["a"], False),
    ],
)
async def test_bodies_are_filtered(kit: Kit, policy: Any, body: Any, expected: bool) -> None:
    message = body if isinstance(body, str) else json.dumps(body)
    assert (await gets(kit, policy, "MessageBody", {"Message": message}) == [True]) is expected


@pytest.mark.parametrize(
    ("policy", "scope", "message"),
    [
        ({"key": [["value"]]}, "", "Match value must be String, number, true, false, or null"),
        ({"key": [{"wrong-operator": True}]}, "", "Unrecognized match type wrong-operator"),
        ({"key": [{"wildcard": "a*"}]}, "", "Unrecognized match type wildcard"),
        ({"key": [{"suffix": "value", "prefix": "value2"}]}, "", "Only one key allowed in match expression"),
        ({"key": [{"suffix": 100}]}, "", "suffix match pattern must be a string"),
        ({"key": [{"suffix": None}]}, "", "suffix match pattern must be a string"),
        ({"key": [{"suffix": []}]}, "", "suffix match pattern must be a string"),
        ({"key": {"suffix": "value"}}, "", '"suffix" must be an object or an array'),
        ({"key": "value"}, "MessageBody", '"key" must be an object or an array'),
        ({"key": [{"numeric": []}]}, "", "Invalid member in numeric match: ]"),
        ({"key": [{"numeric": ["operator"]}]}, "", "Unrecognized numeric range operator: operator"),
        ({"key": [{"numeric": [1, "<="]}]}, "", "Invalid member in numeric match: 1"),
        ({"key": [{"numeric": ["=", "000"]}]}, "", "Value of equals must be numeric"),
        ({"key": [{"numeric": [">="]}]}, "", "Value of >= must be numeric"),
        ({"key": [{"numeric": ["<", 100, ">", 10]}]}, "", "Too many elements in numeric expression"),
        ({"key": [{"numeric": [">=", 1, ">", 2]}]}, "", "Bad numeric range operator: >"),
        ({"key": [{"numeric": [">", 3, "<", 1]}]}, "", "Bottom must be less than top"),
        ({"key": [{"numeric": [">", 20, "<="]}]}, "", "Value of <= must be numeric"),
        ({"key": [{"numeric": [">", 20, 30]}]}, "", "Bad value in numeric range: 30"),
        ({"key": [{"numeric": [">", 20, "test"]}]}, "", "Bad numeric range operator: test"),
        ({"key": [{"numeric": [">", "20", "<", "30"]}]}, "", "Value of > must be numeric"),
        ({"key": [{"numeric": [">", 20, "<", 30, "<", 50]}]}, "", "Too many terms in numeric range expression"),
        ({"key": [{"exists": None}]}, "", "exists match pattern must be either true or false."),
        ({"key": [{"anything-but": {"wrong-operator": None}}]}, "", "Unsupported anything-but pattern: wrong-operator"),
        ({"key": [{"anything-but": {"suffix": "test"}}]}, "", "Unsupported anything-but pattern: suffix"),
        ({"key": [{"anything-but": {"exists": False}}]}, "", "Unsupported anything-but pattern: exists"),
        ({"key": [{"anything-but": {"prefix": False}}]}, "", "prefix match pattern must be a string"),
        ({"key": [f"value{number}" for number in range(151)]}, "", "Filter policy is too complex"),
        ({"a": [str(number) for number in range(100)], "b": [str(number) for number in range(51)]}, "", "Filter policy is too complex"),
        ({f"key{number}": ["v"] for number in range(6)}, "", "Filter policy can not have more than 5 keys"),
        (
            {"a": {"b": {"c": ["1", "2", "3", "4"]}}, "d": {"e": ["1", "2", "3"]}, "f": ["1", "2", "3"]},
            "MessageBody",
            "Filter policy is too complex",
        ),
        (
            {
                "$or": [{"metricName": ["1", "2", "3"]}, {"namespace": ["1", "2"]}],
                "detail": {"scope": ["1", "2"], "$or": [{"source": ["1"]}, {"type": ["1", "2", "3"]}]},
            },
            "MessageBody",
            "Filter policy is too complex",
        ),
    ],
)
async def test_policies_are_judged_in_awss_words(kit: Kit, policy: Any, scope: str, message: str) -> None:
    given = {"FilterPolicy": json.dumps(policy)} | ({"FilterPolicyScope": scope} if scope else {})
    fault = await kit.fails("Subscribe", TopicArn=await kit.topic(), Protocol="sms", Endpoint="+123123123", Attributes=given)
    assert fault.message.partition("\n")[0] == f"Invalid parameter: Attributes Reason: FilterPolicy: {message}"


async def test_a_policy_of_150_combinations_is_allowed(kit: Kit) -> None:
    policy = {
        "source": ["a", "b", "c"],
        "$or": [
            {"metricName": ["1", "2", "3", "4", "5", "6"]},
            {"metricType": ["1", "2", "3", "4"], "$or": [{"metricId": [1, 2, 3, 4]}, {"spaceId": [1, 2, 3, 4, 5, 6, 7]}]},
        ],
    }
    assert await kit.subscribe(await kit.topic(), "+123123123", "sms", FilterPolicy=json.dumps(policy))


async def test_nested_keys_are_for_bodies_only(kit: Kit) -> None:
    arn = await kit.subscribe(await kit.topic(), queue("q"))
    nested = json.dumps({"object": {"key": [{"prefix": "auto-"}]}})
    fault = await kit.fails("SetSubscriptionAttributes", SubscriptionArn=arn, AttributeName="FilterPolicy", AttributeValue=nested)
    assert fault.message == "Invalid parameter: Filter policy scope MessageAttributes does not support nested filter policy"
    await kit.call("SetSubscriptionAttributes", SubscriptionArn=arn, AttributeName="FilterPolicyScope", AttributeValue="MessageBody")
    await kit.call("SetSubscriptionAttributes", SubscriptionArn=arn, AttributeName="FilterPolicy", AttributeValue=nested)
    assert (await kit.attributes(arn))["FilterPolicyScope"] == "MessageBody"
    fault = await kit.fails(
        "SetSubscriptionAttributes", SubscriptionArn=arn, AttributeName="FilterPolicyScope", AttributeValue="MessageAttributes"
    )
    assert fault.message == "Invalid parameter: Filter policy scope MessageAttributes does not support nested filter policy"


@pytest.mark.parametrize(
    ("policy", "column"),
    [
        ({"key": [{"suffix": "value", "prefix": "value2"}]}, 37),
        ({"key": [{"numeric": [">", 20, "<="]}]}, 33),
        ({"key": [{"anything-but": {"suffix": "test"}}]}, 36),
        ({"key": [{"anything-but": {"prefix": False}}]}, 40),
    ],
)
async def test_a_refusal_quotes_the_policy_without_spaces_and_says_where(kit: Kit, policy: Any, column: int) -> None:
    arn = await kit.subscribe(await kit.topic(), queue("q"))
    params = {"SubscriptionArn": arn, "AttributeName": "FilterPolicy", "AttributeValue": json.dumps(policy, indent=2)}
    message = (await kit.fails("SetSubscriptionAttributes", **params)).message
    quoted = json.dumps(policy, separators=(",", ":"))
    assert message.endswith(f'\n at [Source: (String)"{quoted}"; line: 1, column: {column}]')

"""Subscriptions: endpoints, attributes, confirmation, ending."""

from __future__ import annotations

import json

import pytest
from tests.unit.services.sns.sns_kit import ACCOUNT, HOST, REGION, Kit, queue

from lambent.domain.caller import Caller
from lambent.services.sns.state import TOKEN_S

OTHER = Caller.root("999999999999")
PLACE = '\n at [Source: (String)"{}"; line: 1, column: {}]'


async def test_a_queues_subscription_has_awss_attributes(kit: Kit) -> None:
    topic = await kit.topic()
    arn = await kit.subscribe(topic, queue("q"), RawMessageDelivery="TrUe", FilterPolicyScope="MessageBody", FilterPolicy="")
    assert await kit.attributes(arn) == {
        "ConfirmationWasAuthenticated": "true",
        "Endpoint": queue("q"),
        "Owner": ACCOUNT,
        "PendingConfirmation": "false",
        "Protocol": "sqs",
        "RawMessageDelivery": "true",
        "SubscriptionArn": arn,
        "SubscriptionPrincipal": f"arn:aws:iam::{ACCOUNT}:root",
        "TopicArn": topic,
    }
    await kit.call("SetSubscriptionAttributes", SubscriptionArn=arn, AttributeName="FilterPolicy", AttributeValue='{"a": ["b"]}')
    found = await kit.attributes(arn)
    assert (found["FilterPolicy"], found["FilterPolicyScope"]) == ('{"a": ["b"]}', "MessageBody")


@pytest.mark.parametrize(
    ("protocol", "endpoint", "message"),
    [
        ("test-protocol", "x", "Invalid parameter: Amazon SNS does not support this protocol string: test-protocol"),
        ("sqs", "http://localhost:4566/000000000000/q", "Invalid parameter: SQS endpoint ARN"),
        ("sqs", "unknown", "Invalid parameter: SQS endpoint ARN"),
        ("sms", "NAA+15551234567", "Invalid SMS endpoint: NAA+15551234567"),
        ("sms", "+15--551234567", "Invalid SMS endpoint: +15--551234567"),
        ("sms", "+15551234567.", "Invalid SMS endpoint: +15551234567."),
        ("sms", "/+15551234567", "Invalid SMS endpoint: /+15551234567"),
        ("http", "https://example.com", "Invalid parameter: Endpoint must match the specified protocol"),
        (
            "http",
            "http://localhost:4566/_lambent/health",
            "Invalid parameter: Endpoint Reason: pages of the server itself can't be subscribed",
        ),
        ("email", "nobody", "Invalid parameter: Email address"),
        (
            "sqs",
            queue("q.fifo"),
            "Invalid parameter: Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics",
        ),
    ],
)
async def test_an_endpoint_that_does_not_suit_is_refused(kit: Kit, protocol: str, endpoint: str, message: str) -> None:
    fault = await kit.fails("Subscribe", TopicArn=await kit.topic(), Protocol=protocol, Endpoint=endpoint)
    assert (fault.code, fault.message) == ("InvalidParameter", message)


@pytest.mark.parametrize("number", ["+1234567890", "+12/34-567.890", "+123123123"])
async def test_phone_numbers_are_taken_as_people_write_them(kit: Kit, number: str) -> None:
    assert await kit.subscribe(await kit.topic(), number, "sms")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("FakeAttribute", "x", "AttributeName"),
        ("RawMessageDelivery", "test-ValUe", "RawMessageDelivery: Invalid value [test-ValUe]. Must be true or false."),
        ("RawMessageDelivery", "", "RawMessageDelivery: Invalid value []. Must be true or false."),
        ("RedrivePolicy", '{"deadLetterTargetArn": "fake-arn"}', "RedrivePolicy: deadLetterTargetArn is an invalid arn"),
        (
            "RedrivePolicy",
            "{invalidjson}",
            "RedrivePolicy: failed to parse JSON. Unexpected character ('i' (code 105)): was expecting double-quote to start field name"
            + PLACE.format("{invalidjson}", 3),
        ),
        (
            "FilterPolicy",
            "invalid-json",
            "FilterPolicy: failed to parse JSON. Unrecognized token 'invalid': was expecting (JSON String, Number, Array, Object or token "
            "'null', 'true' or 'false')" + PLACE.format("invalid-json", 8),
        ),
        (
            "FilterPolicyScope",
            "RandomValue",
            "FilterPolicyScope: Invalid value [RandomValue]. Please use either MessageBody or MessageAttributes",
        ),
        ("DeliveryPolicy", "{}", "DeliveryPolicy: Delivery protocol [sqs] does not support delivery policies."),
    ],
)
async def test_attributes_are_judged_in_awss_words(kit: Kit, name: str, value: str, message: str) -> None:
    topic = await kit.topic()
    arn = await kit.subscribe(topic, queue("q"))
    fault = await kit.fails("SetSubscriptionAttributes", SubscriptionArn=arn, AttributeName=name, AttributeValue=value)
    assert fault.message == f"Invalid parameter: {message}"
    if name != "FakeAttribute":
        fault = await kit.fails("Subscribe", TopicArn=topic, Protocol="sqs", Endpoint=queue("p"), Attributes={name: value})
        assert fault.message == f"Invalid parameter: Attributes Reason: {message}"


async def test_fifo_dead_letters_of_fifo_queues(kit: Kit) -> None:
    topic = await kit.topic("t.fifo", FifoTopic="true")
    arn = await kit.subscribe(topic, queue("q.fifo"))
    policy = json.dumps({"deadLetterTargetArn": queue("dlq")})
    fault = await kit.fails("SetSubscriptionAttributes", SubscriptionArn=arn, AttributeName="RedrivePolicy", AttributeValue=policy)
    assert fault.message.endswith("RedrivePolicy: must use a FIFO queue as DLQ for a FIFO Subscription to a FIFO Topic.")
    standard = await kit.subscribe(topic, queue("q"))
    await kit.call("SetSubscriptionAttributes", SubscriptionArn=standard, AttributeName="RedrivePolicy", AttributeValue=policy)


async def test_subscribing_again_is_idempotent_unless_it_differs(kit: Kit) -> None:
    topic = await kit.topic()
    arn = await kit.subscribe(topic, queue("q"), RawMessageDelivery="True")
    for attributes in ({"RawMessageDelivery": "true"}, {"RawMessageDelivery": "true", "FilterPolicyScope": "MessageAttributes"}, {}):
        assert await kit.subscribe(topic, queue("q"), **attributes) == arn
    attributes = {"RawMessageDelivery": "false", "FilterPolicyScope": "MessageBody"}
    fault = await kit.fails("Subscribe", TopicArn=topic, Protocol="sqs", Endpoint=queue("q"), Attributes=attributes)
    assert fault.message == "Invalid parameter: Attributes Reason: Subscription already exists with different attributes"


async def test_lists_hide_what_is_pending_and_are_paged(kit: Kit) -> None:
    topic = await kit.topic()
    await kit.subscribe(topic, "nobody@example.com", "email")
    for number in range(120):
        await kit.subscribe(topic, f"+1234567{number:03}", "sms")
    first = await kit.call("ListSubscriptionsByTopic", TopicArn=topic)
    second = await kit.call("ListSubscriptionsByTopic", TopicArn=topic, NextToken=first["NextToken"])
    assert (len(first["Subscriptions"]), len(second["Subscriptions"])) == (100, 21)
    listed = [*first["Subscriptions"], *second["Subscriptions"]]
    assert [each["Protocol"] for each in listed if each["SubscriptionArn"] == "PendingConfirmation"] == ["email"]
    mine = await kit.call("ListSubscriptions")
    more = await kit.call("ListSubscriptions", NextToken=mine["NextToken"])
    assert len({each["Endpoint"] for each in [*mine["Subscriptions"], *more["Subscriptions"]]}) == 121


@pytest.mark.parametrize(
    ("arn", "message"),
    [
        ("randomstring", "SubscriptionArn Reason: An ARN must have at least 6 elements, not 1"),
        ("arn:aws:sns:us-east-1:random", "SubscriptionArn Reason: An ARN must have at least 6 elements, not 5"),
        ("arn:aws:sns:us-east-1:111111111111:random", "SubscriptionId"),
    ],
)
async def test_arns_of_subscriptions_are_judged_as_aws_does(kit: Kit, arn: str, message: str) -> None:
    assert (await kit.fails("Unsubscribe", SubscriptionArn=arn)).message == f"Invalid parameter: {message}"


async def test_unsubscribing_twice_is_fine_and_what_is_gone_is_not_found(kit: Kit) -> None:
    topic = await kit.topic()
    arn = await kit.subscribe(topic, queue("q"))
    await kit.call("Unsubscribe", SubscriptionArn=arn)
    await kit.call("Unsubscribe", SubscriptionArn=arn)
    fault = await kit.fails("SetSubscriptionAttributes", SubscriptionArn=arn, AttributeName="RawMessageDelivery", AttributeValue="true")
    assert (fault.code, fault.status, fault.message) == ("NotFound", 404, "Subscription does not exist")
    assert (await kit.call("ListSubscriptions"))["Subscriptions"] == []
    assert (await kit.call("GetTopicAttributes", TopicArn=topic))["Attributes"]["SubscriptionsDeleted"] == "1"


async def test_a_webhook_confirms_by_the_link_it_was_sent(kit: Kit) -> None:
    topic = await kit.topic()
    answer = await kit.call("Subscribe", TopicArn=topic, Protocol="http", Endpoint="http://example.com/hook")
    assert answer["SubscriptionArn"] == "pending confirmation"
    await kit.settle()
    url, headers, _ = kit.there.requests[0]
    sent = kit.there.posted(0)
    assert url == "http://example.com/hook"
    assert headers["x-amz-sns-message-type"] == "SubscriptionConfirmation"
    assert "x-amz-sns-subscription-arn" not in headers
    assert list(sent) == [
        "Type", "MessageId", "Token", "TopicArn", "Message", "SubscribeURL", "Timestamp", "SignatureVersion", "Signature", "SigningCertURL",
    ]  # fmt: skip
    assert sent["SubscribeURL"] == f"http://{HOST}/?Action=ConfirmSubscription&TopicArn={topic}&Token={sent['Token']}"
    await kit.publish(topic)
    await kit.settle()
    assert len(kit.there.requests) == 1, "nothing is delivered before it is confirmed"

    async def follow(topic_arn: str, token: str) -> tuple[int, str]:
        answer = await kit.get("/", f"Action=ConfirmSubscription&TopicArn={topic_arn}&Token={token}")
        assert answer is not None
        return answer.status, answer.body.decode()  # type: ignore[union-attr]

    assert "<Message>Invalid parameter: Topic</Message>" in (await follow("not-an-arn", sent["Token"]))[1]
    assert "<Message>Invalid parameter: Token</Message>" in (await follow(topic, "abc123"))[1]
    elsewhere = topic.replace(REGION, "us-east-1")
    assert "<Message>Invalid parameter: Topic</Message>" in (await follow(elsewhere, sent["Token"]))[1]
    status, body = await follow(f"{topic}-other", sent["Token"])  # AWS looks at the token only
    assert status == 200
    arn = body.partition("<SubscriptionArn>")[2].partition("<")[0]
    assert (await kit.attributes(arn))["PendingConfirmation"] == "false"
    assert (await kit.attributes(arn))["ConfirmationWasAuthenticated"] == "false"
    assert (await follow(topic, sent["Token"]))[0] == 200, "confirming again changes nothing"


async def test_a_webhook_that_was_ended_may_come_back(kit: Kit) -> None:
    topic = await kit.topic()
    arn = await kit.subscribe(topic, "http://example.com/hook", "http")
    await kit.settle()
    await kit.call("ConfirmSubscription", TopicArn=topic, Token=kit.there.posted()["Token"])
    assert await kit.get("/", f"Action=Unsubscribe&SubscriptionArn={arn}") is not None
    await kit.settle()
    sent = kit.there.posted()
    assert sent["Type"] == "UnsubscribeConfirmation"
    assert sent["Message"].startswith(f"You have chosen to deactivate subscription {arn}.")
    assert kit.there.requests[-1][1]["x-amz-sns-subscription-arn"] == arn
    assert (await kit.fails("GetSubscriptionAttributes", SubscriptionArn=arn)).code == "NotFound"
    restored = await kit.call("ConfirmSubscription", TopicArn=topic, Token=sent["Token"])
    assert restored["SubscriptionArn"] == arn
    assert (await kit.attributes(arn))["PendingConfirmation"] == "false"


async def test_an_old_token_does_not_bring_an_ended_subscription_back(kit: Kit) -> None:
    topic = await kit.topic()
    arn = await kit.subscribe(topic, "http://example.com/hook", "http")
    await kit.settle()
    token = kit.there.posted()["Token"]
    await kit.call("ConfirmSubscription", TopicArn=topic, Token=token)
    await kit.call("Unsubscribe", SubscriptionArn=arn)
    assert (await kit.fails("ConfirmSubscription", TopicArn=topic, Token=token)).message == "Invalid parameter: Token"


async def test_an_owner_may_keep_others_from_ending_it(kit: Kit) -> None:
    topic = await kit.topic()
    arn = await kit.subscribe(topic, "http://example.com/hook", "http")
    await kit.settle()
    token = kit.there.posted()["Token"]
    await kit.call("ConfirmSubscription", TopicArn=topic, Token=token, AuthenticateOnUnsubscribe="true")
    answer = await kit.get("/", f"Action=Unsubscribe&SubscriptionArn={arn}")
    assert answer is not None
    assert answer.status == 403
    assert (await kit.fails("Unsubscribe", SubscriptionArn=arn, caller=OTHER)).code == "AuthorizationError"
    await kit.call("Unsubscribe", SubscriptionArn=arn)


async def test_a_mailbox_is_asked_through_the_outbox(kit: Kit) -> None:
    topic = await kit.topic()
    arn = await kit.subscribe(topic, "someone@example.com", "email")
    (mail,) = await kit.outbox("kind=email&to=someone@example.com")
    assert mail["subscribeUrl"].endswith(f"&Token={mail['token']}")
    await kit.call("ConfirmSubscription", TopicArn=topic, Token=mail["token"])
    await kit.publish(topic, "news", Subject="Subject")
    (_, news) = await kit.outbox("kind=email")
    assert (news["message"], news["subject"], news["subscriptionArn"]) == ("news", "Subject", arn)


async def test_what_nobody_confirms_is_removed_after_two_days(kit: Kit) -> None:
    topic = await kit.topic()
    arn = await kit.subscribe(topic, "someone@example.com", "email")
    token = (await kit.outbox())[0]["token"]
    await kit.settle(TOKEN_S - 1)
    assert (await kit.attributes(arn))["PendingConfirmation"] == "true"
    await kit.settle(2)
    assert (await kit.fails("GetSubscriptionAttributes", SubscriptionArn=arn)).code == "NotFound"
    assert (await kit.fails("ConfirmSubscription", TopicArn=topic, Token=token)).message == "Invalid parameter: Token"


async def test_tokens_are_judged_as_aws_does(kit: Kit) -> None:
    topic = await kit.topic()
    assert (await kit.fails("ConfirmSubscription", TopicArn=topic, Token="randomtoken")).message == "Invalid token"
    assert (await kit.fails("ConfirmSubscription", TopicArn=topic, Token="51b2ff3e")).message == "Invalid parameter: Token"


async def test_somebody_elses_queue_is_asked(kit: Kit) -> None:
    topic = await kit.topic()
    arn = await kit.subscribe(topic, queue("q").replace(ACCOUNT, "999999999999"))
    await kit.settle()
    (sent,) = kit.there.sent("q")
    body = json.loads(sent["MessageBody"])
    assert body["Type"] == "SubscriptionConfirmation"
    await kit.call("ConfirmSubscription", TopicArn=topic, Token=body["Token"], caller=OTHER)
    assert (await kit.attributes(arn))["PendingConfirmation"] == "false"


async def test_an_http_subscription_shows_its_delivery_policy_as_aws_does(kit: Kit) -> None:
    topic = await kit.topic(DeliveryPolicy='{"http": {"defaultRequestPolicy": {"headerContentType": "application/json"}}}')
    arn = await kit.subscribe(topic, "http://example.com", "http")
    retry = {"minDelayTarget": 1, "maxDelayTarget": 1, "numRetries": 0, "numMaxDelayRetries": 0}
    policy = json.dumps({"healthyRetryPolicy": retry, "throttlePolicy": {"maxReceivesPerSecond": 1000}})
    await kit.call("SetSubscriptionAttributes", SubscriptionArn=arn, AttributeName="DeliveryPolicy", AttributeValue=policy)
    found = await kit.attributes(arn)
    own, effective = json.loads(found["DeliveryPolicy"]), json.loads(found["EffectiveDeliveryPolicy"])
    assert own == {
        "healthyRetryPolicy": retry,
        "sicklyRetryPolicy": None,
        "throttlePolicy": {"maxReceivesPerSecond": 1000},
        "requestPolicy": None,
        "guaranteed": False,
    }
    assert effective["requestPolicy"] == {"headerContentType": "application/json"}
    assert effective["healthyRetryPolicy"]["backoffFunction"] == "linear"


async def test_deleting_a_topic_ends_its_subscriptions(kit: Kit) -> None:
    topic = await kit.topic()
    arn = await kit.subscribe(topic, queue("q"))
    await kit.call("DeleteTopic", TopicArn=topic)
    assert (await kit.call("ListSubscriptions"))["Subscriptions"] == []
    assert (await kit.fails("GetSubscriptionAttributes", SubscriptionArn=arn)).code == "NotFound"

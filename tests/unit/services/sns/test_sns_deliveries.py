"""What subscribers get, when a delivery fails, and when a server dies in between."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.unit.services.sns.sns_kit import ACCOUNT, HOST, REGION, Kit, queue, text

from lambent.domain.errors import AwsError, Unreachable
from lambent.services.sns.queue_lanes import BATCH_MAX
from lambent.services.sns.schedule import MANAGED, RetryPolicy

GONE = AwsError("QueueDoesNotExist", "gone")
BUSY = AwsError("ServiceUnavailable", "busy", 503)
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"


async def redrive(kit: Kit, subscription: str, name: str = "dlq") -> None:
    policy = json.dumps({"deadLetterTargetArn": queue(name)})
    await kit.call("SetSubscriptionAttributes", SubscriptionArn=subscription, AttributeName="RedrivePolicy", AttributeValue=policy)


async def webhook(kit: Kit, topic: str, **attributes: str) -> str:
    arn = await kit.subscribe(topic, "http://example.com/hook", "http", **attributes)
    await kit.settle()
    await kit.call("ConfirmSubscription", TopicArn=topic, Token=kit.there.posted()["Token"])
    kit.there.requests.clear()
    return arn


async def test_a_queue_gets_an_envelope_with_awss_fields_in_awss_order(kit: Kit) -> None:
    topic = await kit.topic()
    arn = await kit.subscribe(topic, queue("q"))
    attributes = {"n": {"DataType": "Number", "StringValue": "99.12"}, "b": {"DataType": "Binary", "BinaryValue": b"\x02\x03\x04"}}
    published = await kit.publish(topic, 'ö§a1"_!?,. £$-', Subject="s", MessageAttributes=attributes)
    await kit.settle()
    (sent,) = kit.there.sent("q")
    body = json.loads(sent["MessageBody"])
    assert list(body) == [
        "Type", "MessageId", "TopicArn", "Subject", "Message", "Timestamp", "SignatureVersion", "Signature", "SigningCertURL",
        "UnsubscribeURL", "MessageAttributes",
    ]  # fmt: skip
    assert body["Message"] == 'ö§a1"_!?,. £$-'
    assert body["MessageId"] == published["MessageId"]
    assert body["UnsubscribeURL"] == f"http://{HOST}/?Action=Unsubscribe&SubscriptionArn={arn}"
    assert body["MessageAttributes"] == {"n": {"Type": "Number", "Value": "99.12"}, "b": {"Type": "Binary", "Value": "AgME"}}
    assert sent["MessageBody"].startswith('{\n  "Type" : "Notification",\n')
    call = kit.there.calls[0]
    assert (call.caller.arn, call.caller.source_arn) == ("sns.amazonaws.com", topic)


async def test_a_raw_queue_gets_the_message_and_its_attributes(kit: Kit) -> None:
    topic = await kit.topic()
    await kit.subscribe(topic, queue("q"), RawMessageDelivery="true")
    attributes = {"n": {"DataType": "Number", "StringValue": "99.12"}, "b": {"DataType": "Binary", "BinaryValue": b"\x02"}}
    await kit.publish(topic, MessageAttributes=attributes, MessageGroupId="g")
    await kit.settle()
    (sent,) = kit.there.sent("q")
    assert (sent["MessageBody"], sent["MessageAttributes"], sent["MessageGroupId"]) == ("hello", attributes, "g")


async def test_a_function_gets_an_event(kit: Kit) -> None:
    topic = await kit.topic(SignatureVersion="2")
    arn = await kit.subscribe(topic, FUNCTION, "lambda")
    await kit.publish(topic)
    await kit.settle()
    (call,) = kit.there.calls
    assert (call.service, call.operation, call.params["InvocationType"], call.params["FunctionName"]) == (
        "lambda",
        "Invoke",
        "Event",
        FUNCTION,
    )
    (record,) = json.loads(call.params["Payload"])["Records"]
    assert (record["EventSource"], record["EventVersion"], record["EventSubscriptionArn"]) == ("aws:sns", "1.0", arn)
    assert list(record["Sns"]) == [
        "Type", "MessageId", "TopicArn", "Subject", "Message", "Timestamp", "SignatureVersion", "Signature", "SigningCertUrl",
        "UnsubscribeUrl", "MessageAttributes",
    ]  # fmt: skip
    assert (record["Sns"]["Subject"], record["Sns"]["SignatureVersion"], record["Sns"]["MessageAttributes"]) == (None, "1", {})


async def test_a_webhook_gets_a_post_raw_or_not(kit: Kit) -> None:
    topic = await kit.topic()
    arn = await webhook(kit, topic)
    await kit.publish(topic)
    await kit.settle()
    (_, headers, _) = kit.there.requests[0]
    assert kit.there.posted(0)["Message"] == "hello"
    assert headers["x-amz-sns-message-type"] == "Notification"
    assert headers["x-amz-sns-subscription-arn"] == arn
    assert headers["content-type"] == "text/plain; charset=UTF-8"
    assert "authorization" not in headers
    policy = '{"requestPolicy": {"headerContentType": "text/csv"}}'
    await kit.call("SetSubscriptionAttributes", SubscriptionArn=arn, AttributeName="DeliveryPolicy", AttributeValue=policy)
    await kit.call("SetSubscriptionAttributes", SubscriptionArn=arn, AttributeName="RawMessageDelivery", AttributeValue="true")
    await kit.publish(topic)
    await kit.settle()
    (_, headers, body) = kit.there.requests[1]
    assert (body, headers["x-amz-sns-rawdelivery"], headers["content-type"]) == (b"hello", "true", "text/csv")


async def test_json_says_something_else_by_protocol(kit: Kit) -> None:
    topic = await kit.topic()
    await kit.subscribe(topic, queue("q"))
    await kit.subscribe(topic, FUNCTION, "lambda")
    message = json.dumps({"default": "for all", "sqs": '{"field": "value"}', "lambda": 5})
    await kit.publish(topic, message, MessageStructure="json")
    await kit.settle()
    assert kit.there.bodies("q") == ['{"field": "value"}']
    event = next(each for each in kit.there.calls if each.service == "lambda")
    assert json.loads(event.params["Payload"])["Records"][0]["Sns"]["Message"] == "for all", "what isn't text is ignored"


async def test_one_publication_is_one_queued_message_whatever_the_number_of_queues(kit: Kit) -> None:
    topic = await kit.topic()
    for number in range(10):
        await kit.subscribe(topic, queue(f"q{number}"))
    commits: list[int] = []
    commit = kit.store.commit

    async def counted(writes: Any) -> Any:
        commits.append(len(writes))
        return await commit(writes)

    kit.store.commit = counted  # type: ignore[method-assign]
    await kit.publish(topic)
    assert commits == [1]
    await kit.settle()
    assert all(kit.there.bodies(f"q{number}") == ["hello"] for number in range(10))


async def test_what_waits_for_one_queue_goes_in_batches(kit: Kit) -> None:
    topic = await kit.topic()
    await kit.subscribe(topic, queue("q"), RawMessageDelivery="true")
    entries = [{"Id": str(number), "Message": str(number)} for number in range(10)]
    for _ in range(3):
        await kit.call("PublishBatch", TopicArn=topic, PublishBatchRequestEntries=entries)
    await kit.settle()
    assert len(kit.there.sent("q")) == 30
    assert len(kit.there.calls) <= 5
    assert max(len(each.params.get("Entries", [1])) for each in kit.there.calls) == BATCH_MAX


async def test_a_queue_that_is_gone_does_not_keep_others_from_theirs(kit: Kit) -> None:
    topic = await kit.topic()
    await kit.subscribe(topic, queue("gone"))
    await kit.subscribe(topic, queue("q"))
    kit.there.lasting["gone"] = GONE
    await kit.publish(topic)
    await kit.settle()
    await kit.settle(100_000)
    assert kit.there.bodies("q") == ["hello"]
    assert len([each for each in kit.there.calls if str(each.params["QueueUrl"]).endswith("gone")]) == 1, (
        "a lasting error isn't tried again"
    )


@pytest.mark.parametrize("raw", ["true", "false"])
async def test_what_can_not_be_delivered_ends_in_the_dead_letter_queue(kit: Kit, raw: str) -> None:
    topic = await kit.topic()
    await redrive(kit, await kit.subscribe(topic, queue("gone"), RawMessageDelivery=raw))
    kit.there.lasting["gone"] = GONE
    await kit.publish(topic, MessageAttributes={"a": text(1)})
    await kit.settle()
    (letter,) = kit.there.sent("dlq")
    if raw == "true":
        assert (letter["MessageBody"], letter["MessageAttributes"]) == ("hello", {"a": text(1)})
    else:
        assert json.loads(letter["MessageBody"])["MessageAttributes"] == {"a": {"Type": "String", "Value": "1"}}


async def test_a_functions_dead_letters(kit: Kit) -> None:
    topic = await kit.topic()
    await redrive(kit, await kit.subscribe(topic, FUNCTION, "lambda"))
    kit.there.lasting["f"] = AwsError("ResourceNotFoundException", "gone", 404)
    await kit.publish(topic)
    await kit.settle()
    assert kit.there.bodies("dlq") == ["hello"]


async def test_passing_errors_are_tried_again_by_awss_schedule(kit: Kit) -> None:
    topic = await kit.topic()
    await kit.subscribe(topic, queue("q"))
    kit.there.failures["q"] = [BUSY] * 6
    await kit.publish(topic)
    await kit.settle()
    assert len(kit.there.calls) == 4, "three times at once"
    await kit.settle(1.0)
    await kit.settle(1.0)
    assert len(kit.there.calls) == 6, "then twice after a second"
    await kit.settle(25.0)
    assert len(kit.there.calls) == 7
    await kit.settle(1_000.0)
    assert len(kit.there.calls) == 7, "it was delivered"


async def test_a_webhooks_schedule_is_its_delivery_policys(kit: Kit) -> None:
    topic = await kit.topic()
    arn = await webhook(kit, topic)
    await redrive(kit, arn)
    kit.there.answers = [500, 429, Unreachable("no answer", sent=True), 503]
    await kit.publish(topic)
    for tried in (1, 2, 3, 4):
        await kit.settle()
        assert len(kit.there.requests) == tried
        assert bool(kit.there.sent("dlq")) is (tried == 4)
        await kit.settle(19.0)
        assert len(kit.there.requests) == tried
        await kit.settle(1.0)
    assert kit.there.bodies("dlq") == ["hello"]
    kit.there.answers = [404]
    await kit.publish(topic, "not found")
    await kit.settle()
    assert kit.there.bodies("dlq") == ["hello", "not found"], "a client's error is lasting"


async def test_a_webhook_gets_so_many_messages_a_second_as_it_wants(kit: Kit) -> None:
    topic = await kit.topic()
    await webhook(kit, topic, DeliveryPolicy=json.dumps({"throttlePolicy": {"maxReceivesPerSecond": 2}}))
    for number in range(5):
        await kit.publish(topic, str(number))
    counts = []
    for seconds in (0.0, 0.6, 0.5, 0.5, 0.5):
        await kit.settle(seconds)
        counts.append(len(kit.there.requests))
    assert counts == [1, 2, 3, 4, 5]
    await kit.subscribe(topic, queue("q"))
    await kit.publish(topic, "last")
    await kit.settle(0.0)
    assert kit.there.bodies("q") == ["last"]


@pytest.mark.parametrize("rate", [0, -1, "5", True, 1.5])
async def test_a_rate_is_a_positive_integer(kit: Kit, rate: object) -> None:
    arn = await webhook(kit, await kit.topic())
    policy = json.dumps({"throttlePolicy": {"maxReceivesPerSecond": rate}})
    fault = await kit.fails("SetSubscriptionAttributes", SubscriptionArn=arn, AttributeName="DeliveryPolicy", AttributeValue=policy)
    text = "throttlePolicy.maxReceivesPerSecond must be an integer of at least 1"
    assert fault.message == f"Invalid parameter: DeliveryPolicy: {text}"


async def test_a_silent_webhook_does_not_hold_up_others(kit: Kit) -> None:
    topic = await kit.topic()
    for name in ("silent", "quick"):
        await kit.subscribe(topic, f"http://{name}.example.com", "http")
        await kit.settle()
        await kit.call("ConfirmSubscription", TopicArn=topic, Token=kit.there.posted()["Token"])
    kit.there.requests.clear()
    kit.there.silent.add("http://silent.example.com")
    for number in range(100):
        await kit.publish(topic, str(number))
    for _ in range(10):
        await kit.settle(1.0)
    quick = [json.loads(body)["Message"] for url, _, body in kit.there.requests if "quick" in url]
    assert sorted(quick, key=int) == [str(number) for number in range(100)]


async def test_a_restart_delivers_what_was_acknowledged() -> None:
    first = Kit()
    topic = await first.topic()
    await first.subscribe(topic, queue("q"))
    await first.publish(topic)  # its workers never ran
    second = Kit(first.store, first.clock)
    async with second.working():
        await second.settle()
    assert second.there.bodies("q") == ["hello"]


async def test_webhooks_may_ask_for_a_name_and_password(kit: Kit) -> None:
    topic = await kit.topic()
    await kit.subscribe(topic, "http://me:s%40cret@example.com/hook", "http")
    kit.there.answers = [401, 200]
    await kit.settle()
    (first, second) = kit.there.requests
    assert first[0] == second[0] == "http://example.com/hook"
    assert "authorization" not in first[1]
    assert second[1]["authorization"] == "Basic bWU6c0BjcmV0"


def test_the_managed_schedule_takes_23_days() -> None:
    pauses = [MANAGED.pause_s(failures) for failures in range(1, 100_016)]
    assert MANAGED.pause_s(100_016) is None
    assert pauses[:5] == [0.0, 0.0, 0.0, 1.0, 1.0]
    assert sum(each or 0.0 for each in pauses) / 86_400 == pytest.approx(23, abs=0.5)


@pytest.mark.parametrize("growth", ["linear", "arithmetic", "geometric", "exponential"])
def test_pauses_grow_from_the_shortest_to_the_longest(growth: str) -> None:
    policy = RetryPolicy(10, 2.0, 32.0, at_once=1, shortest=2, longest=2, growth=growth)
    pauses = [policy.pause_s(failures) for failures in range(1, 11)]
    assert pauses[:3] == [0.0, 2.0, 2.0]
    assert pauses[7] == pytest.approx(32.0)
    assert pauses[8:] == [32.0, 32.0]
    assert pauses == sorted(pauses)  # type: ignore[type-var]
    assert policy.pause_s(11) is None

"""Archives of FIFO topics, and what is replayed of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.unit.services.sns.sns_kit import Kit, queue

from lambent.domain.errors import AwsError
from lambent.services.sns.archives import ARCHIVED, OLD_ARCHIVES, ArchiveKeeper

DAY_S = 86_400


async def archived(kit: Kit, days: int = 30) -> str:
    """Return a topic that keeps its messages."""
    policy = json.dumps({"MessageRetentionPeriod": str(days)})
    return await kit.topic("t.fifo", FifoTopic="true", ContentBasedDeduplication="true", ArchivePolicy=policy)


async def published(kit: Kit, topic: str, *texts: str, pause_s: float = 10.0, **more: Any) -> None:
    for each in texts:
        await kit.publish(topic, each, MessageGroupId="g", **more)
        await kit.settle(pause_s)


def at(kit: Kit, ago_s: float = 0.0) -> str:
    return datetime.fromtimestamp(kit.clock.now() - ago_s, UTC).isoformat()


def policy(start: str, end: str | None = None) -> str:
    return json.dumps({"PointType": "Timestamp", "StartingPoint": start} | ({"EndingPoint": end} if end else {}))


async def put(kit: Kit, subscription: str, text: str) -> None:
    await kit.call("SetSubscriptionAttributes", SubscriptionArn=subscription, AttributeName="ReplayPolicy", AttributeValue=text)


async def status(kit: Kit, subscription: str) -> str | None:
    return (await kit.attributes(subscription)).get("ReplayStatus")


async def test_a_new_subscription_gets_what_was_published_before(kit: Kit) -> None:
    topic = await archived(kit)
    await published(kit, topic, "one", "two", "three")
    arn = await kit.subscribe(topic, queue("q.fifo"), ReplayPolicy=policy(at(kit, 25)))
    assert await status(kit, arn) == "Pending"
    await kit.settle()
    assert kit.there.bodies("q.fifo") == ["two", "three"]
    assert await status(kit, arn) == "Completed"
    await published(kit, topic, "four")
    assert kit.there.bodies("q.fifo") == ["two", "three", "four"]
    assert [json.loads(each["MessageBody"]).get("Replayed") for each in kit.there.sent("q.fifo")] == [True, True, None]


async def test_a_replayed_message_is_the_same_but_no_duplicate(kit: Kit) -> None:
    topic = await archived(kit)
    arn = await kit.subscribe(topic, queue("q.fifo"))
    await published(kit, topic, "one")
    await put(kit, arn, policy(at(kit, 60)))
    await kit.settle()
    first, again = kit.there.sent("q.fifo")
    before, after = (json.loads(each["MessageBody"]) for each in (first, again))
    assert after == {**before, "Replayed": True}
    assert first["MessageGroupId"] == again["MessageGroupId"]
    assert first["MessageDeduplicationId"] != again["MessageDeduplicationId"]


async def test_raw_messages_say_in_an_attribute_that_they_are_replayed(kit: Kit) -> None:
    topic = await archived(kit)
    await published(kit, topic, "one")
    await kit.subscribe(topic, queue("q.fifo"), RawMessageDelivery="true", ReplayPolicy=policy(at(kit, 60)))
    await kit.settle()
    (sent,) = kit.there.sent("q.fifo")
    assert sent["MessageAttributes"] == {"Replayed": {"DataType": "String", "StringValue": "true"}}


async def test_with_an_end_there_are_no_new_messages_until_the_policy_goes(kit: Kit) -> None:
    topic = await archived(kit)
    await published(kit, topic, "one", "two", "three")
    arn = await kit.subscribe(topic, queue("q.fifo"), ReplayPolicy=policy(at(kit, 60), at(kit, 15)))
    await published(kit, topic, "missed")
    assert kit.there.bodies("q.fifo") == ["one", "two"]
    await put(kit, arn, "{}")
    await published(kit, topic, "four")
    assert kit.there.bodies("q.fifo") == ["one", "two", "four"]
    assert "ReplayPolicy" not in await kit.attributes(arn)


async def test_a_filter_chooses_what_is_replayed(kit: Kit) -> None:
    topic = await archived(kit)
    await published(kit, topic, *(json.dumps({"n": number}) for number in range(25)), pause_s=0)
    wanted = json.dumps({"n": [{"numeric": [">=", 20]}]})
    more = {"FilterPolicy": wanted, "FilterPolicyScope": "MessageBody", "ReplayPolicy": policy(at(kit, 60))}
    await kit.subscribe(topic, queue("q.fifo"), **more)
    await kit.settle()
    assert [json.loads(each)["n"] for each in kit.there.bodies("q.fifo")] == [20, 21, 22, 23, 24]


async def test_a_replay_goes_on_where_it_was_and_new_messages_wait(kit: Kit) -> None:
    topic = await archived(kit)
    await published(kit, topic, *(str(number) for number in range(15)), pause_s=0)
    arn = await kit.subscribe(topic, queue("q.fifo"))
    await kit.settle()
    kit.there.lasting["q.fifo"] = AwsError("ServiceUnavailable", "busy", 503)
    await put(kit, arn, policy(at(kit, 60)))
    await published(kit, topic, "new", pause_s=0)
    assert "new" not in kit.there.bodies("q.fifo")
    kit.there.lasting.clear()
    kit.there.calls.clear()
    await kit.settle(60)
    assert kit.there.bodies("q.fifo") == [*(str(number) for number in range(15)), "new"]


async def test_an_archive_that_is_switched_off_is_gone(kit: Kit) -> None:
    topic = await archived(kit)
    await published(kit, topic, "one")
    shown = (await kit.call("GetTopicAttributes", TopicArn=topic))["Attributes"]
    assert (shown["ArchivePolicy"], "BeginningArchiveTime" in shown) == ('{"MessageRetentionPeriod":"30"}', True)
    fault = await kit.fails("DeleteTopic", TopicArn=topic)
    assert (fault.code, fault.message) == ("InvalidState", "Invalid state: Cannot delete a topic with an ArchivePolicy")
    await kit.call("SetTopicAttributes", TopicArn=topic, AttributeName="ArchivePolicy", AttributeValue="{}")
    assert "ArchivePolicy" not in (await kit.call("GetTopicAttributes", TopicArn=topic))["Attributes"]
    fault = await kit.fails(
        "Subscribe", TopicArn=topic, Protocol="sqs", Endpoint=queue("q.fifo"), Attributes={"ReplayPolicy": policy(at(kit))}
    )
    assert fault.message == "Invalid parameter: ReplayPolicy: the topic does not have a message archive"
    await ArchiveKeeper(kit.store, kit.clock).tidy()
    assert (await ARCHIVED.range(kit.store), await OLD_ARCHIVES.range(kit.store)) == ([], [])
    await kit.call("DeleteTopic", TopicArn=topic)


async def test_messages_leave_the_archive_in_time(kit: Kit) -> None:
    topic = await archived(kit, days=2)
    await published(kit, topic, "old", pause_s=1.1 * DAY_S)
    await published(kit, topic, "young", pause_s=DAY_S)
    await ArchiveKeeper(kit.store, kit.clock).tidy()
    assert [each.value.text for each in await ARCHIVED.range(kit.store)] == ["young"]
    await kit.subscribe(topic, queue("q.fifo"), ReplayPolicy=policy(at(kit, 10 * DAY_S)))
    await kit.settle()
    assert kit.there.bodies("q.fifo") == ["young"]


@pytest.mark.parametrize("text", ['{"MessageRetentionPeriod": "0"}', '{"MessageRetentionPeriod": "366"}', '{"Days": 3}', "[]", "{"])
async def test_archive_policies_that_are_refused(kit: Kit, text: str) -> None:
    topic = await archived(kit)
    fault = await kit.fails("SetTopicAttributes", TopicArn=topic, AttributeName="ArchivePolicy", AttributeValue=text)
    assert (fault.code, fault.message.startswith("Invalid parameter: ArchivePolicy")) == ("InvalidParameter", True)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"PointType": "Sequence"}', "PointType must be Timestamp"),
        ('{"PointType": "Timestamp"}', "StartingPoint is required"),
        ('{"PointType": "Timestamp", "StartingPoint": "soon"}', "StartingPoint must be a timestamp as in 2026-01-31T12:00:00.000Z"),
        (policy("2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z"), "EndingPoint must be later than StartingPoint"),
        ('{"PointType": "Timestamp", "StartingPoint": "2026-01-02T00:00:00Z", "Speed": 2}', "Unknown attribute: Speed"),
    ],
)
async def test_replay_policies_that_are_refused(kit: Kit, text: str, reason: str) -> None:
    arn = await kit.subscribe(await archived(kit), queue("q.fifo"))
    fault = await kit.fails("SetSubscriptionAttributes", SubscriptionArn=arn, AttributeName="ReplayPolicy", AttributeValue=text)
    assert fault.message == f"Invalid parameter: ReplayPolicy: {reason}"


async def test_standard_topics_have_no_archive(kit: Kit) -> None:
    topic = await kit.topic()
    fault = await kit.fails(
        "SetTopicAttributes", TopicArn=topic, AttributeName="ArchivePolicy", AttributeValue='{"MessageRetentionPeriod": "1"}'
    )
    assert fault.code == "InvalidParameter"

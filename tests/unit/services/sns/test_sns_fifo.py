"""FIFO topics: order, numbers, repetitions."""

from __future__ import annotations

import asyncio
import hashlib
import json
from typing import Any

from tests.unit.services.sns.sns_kit import Kit, queue

from lambent.domain.errors import AwsError
from lambent.services.sns.fifo import RECENT

GONE = AwsError("QueueDoesNotExist", "gone")
BUSY = AwsError("ServiceUnavailable", "busy", 503)


async def fifo(kit: Kit, queue_name: str = "q.fifo", **attributes: str) -> str:
    topic = await kit.topic("t.fifo", FifoTopic="true", **attributes)
    await kit.subscribe(topic, queue(queue_name), RawMessageDelivery="true")
    return topic


def bodies(kit: Kit, name: str = "q.fifo") -> list[Any]:
    return [each["MessageBody"] for each in kit.there.sent(name)]


async def test_what_a_fifo_message_must_have(kit: Kit) -> None:
    topic = await fifo(kit)
    fault = await kit.fails("Publish", TopicArn=topic, Message="m")
    assert fault.message == "Invalid parameter: The MessageGroupId parameter is required for FIFO topics"
    fault = await kit.fails("Publish", TopicArn=topic, Message="m", MessageGroupId="g")
    assert fault.message == (
        "Invalid parameter: The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"
    )


async def test_ids_and_numbers_reach_the_queue(kit: Kit) -> None:
    topic = await fifo(kit, ContentBasedDeduplication="true")
    await kit.subscribe(topic, queue("plain"))
    answers = [await kit.publish(topic, text, MessageGroupId="g") for text in ("Test", "next")]
    numbers = [each["SequenceNumber"] for each in answers]
    assert numbers == sorted(numbers)
    assert all(len(each) == 20 for each in numbers)
    await kit.settle()
    first = kit.there.sent("q.fifo")[0]
    assert (first["MessageGroupId"], first["MessageDeduplicationId"]) == ("g", hashlib.sha256(b"Test").hexdigest())
    plain = kit.there.sent("plain")[0]
    assert "MessageGroupId" not in plain
    assert list(json.loads(plain["MessageBody"])) == [
        "Type",
        "MessageId",
        "SequenceNumber",
        "TopicArn",
        "Message",
        "Timestamp",
        "UnsubscribeURL",
    ]


async def test_a_repetition_within_five_minutes_is_acknowledged_as_the_first(kit: Kit) -> None:
    topic = await fifo(kit)
    first = await kit.publish(topic, "one", MessageGroupId="g", MessageDeduplicationId="d")
    again = await kit.publish(topic, "two", MessageGroupId="other", MessageDeduplicationId="d")
    assert again == first
    await kit.settle(299)
    assert await kit.publish(topic, "three", MessageGroupId="g", MessageDeduplicationId="d") == first
    await kit.settle(2)
    later = await kit.publish(topic, "four", MessageGroupId="g", MessageDeduplicationId="d")
    assert later["SequenceNumber"] > first["SequenceNumber"]
    await kit.settle()
    assert bodies(kit) == ["one", "four"]


async def test_repetitions_may_be_judged_by_group(kit: Kit) -> None:
    topic = await fifo(kit, FifoThroughputScope="MessageGroup")
    for group in ("a", "b", "a"):
        await kit.publish(topic, group, MessageGroupId=group, MessageDeduplicationId="d")
    await kit.settle()
    assert bodies(kit) == ["a", "b"]


async def test_a_batch_knows_its_own_repetitions(kit: Kit) -> None:
    topic = await fifo(kit)
    entries = [
        {"Id": str(number), "Message": str(number), "MessageGroupId": "g", "MessageDeduplicationId": str(number % 2)} for number in range(4)
    ]
    answer = await kit.call("PublishBatch", TopicArn=topic, PublishBatchRequestEntries=entries)
    ids = [each["MessageId"] for each in answer["Successful"]]
    assert ids[:2] == ids[2:]
    again = await kit.call("PublishBatch", TopicArn=topic, PublishBatchRequestEntries=entries)
    assert again == answer
    await kit.settle()
    assert bodies(kit) == ["0", "1"]


async def test_order_is_kept_whatever_fails(kit: Kit) -> None:
    topic = await fifo(kit, ContentBasedDeduplication="true")
    kit.there.failures["q.fifo"] = [BUSY] * 7
    expected = [f"{number:02}" for number in range(35)]
    for number in expected:
        await kit.publish(topic, number, MessageGroupId="g")
        await kit.settle(0.3)
    await kit.settle(60)
    taken = [each for each in kit.there.calls if each.service == "sqs"][7:]
    assert len(taken) < 35, "several go in one call"
    got = [entry["MessageBody"] for each in taken for entry in each.params.get("Entries", [each.params])]
    assert got == expected


async def test_publishers_at_once_get_numbers_in_the_order_of_delivery(kit: Kit) -> None:
    topic = await fifo(kit, ContentBasedDeduplication="true")
    answers = await asyncio.gather(*(kit.publish(topic, str(number), MessageGroupId="g") for number in range(50)))
    await kit.settle()
    by_number = sorted(range(50), key=lambda number: answers[number]["SequenceNumber"])
    assert bodies(kit) == [str(number) for number in by_number]


async def test_dead_letters_keep_the_order_too(kit: Kit) -> None:
    topic = await kit.topic("t.fifo", FifoTopic="true", ContentBasedDeduplication="true")
    policy = json.dumps({"deadLetterTargetArn": queue("dlq.fifo")})
    await kit.subscribe(topic, queue("gone.fifo"), RawMessageDelivery="true", RedrivePolicy=policy)
    kit.there.lasting["gone.fifo"] = GONE
    kit.there.failures["dlq.fifo"] = [BUSY] * 4
    for number in range(5):
        await kit.publish(topic, str(number), MessageGroupId="g")
    await kit.settle(10)
    assert bodies(kit, "dlq.fifo")[4:] == ["0", "1", "2", "3", "4"]


async def test_a_restart_knows_repetitions_and_what_waits() -> None:
    first = Kit()
    topic = await fifo(first)
    answer = await first.publish(topic, "one", MessageGroupId="g", MessageDeduplicationId="d")
    second = Kit(first.store, first.clock)
    async with second.working():
        assert await second.publish(topic, "one", MessageGroupId="g", MessageDeduplicationId="d") == answer
        later = await second.publish(topic, "two", MessageGroupId="g", MessageDeduplicationId="e")
        assert later["SequenceNumber"] > answer["SequenceNumber"]
        await second.settle()
    assert bodies(second) == ["one", "two"]


async def test_what_failed_to_commit_is_no_repetition(kit: Kit) -> None:
    topic = await fifo(kit)
    commit = kit.store.commit

    async def broken(writes: Any) -> Any:
        raise OSError("disk full")

    kit.store.commit = broken  # type: ignore[method-assign]
    outcomes = await asyncio.gather(
        *(kit.publish(topic, "m", MessageGroupId="g", MessageDeduplicationId="d") for _ in range(2)), return_exceptions=True
    )
    assert all(isinstance(each, OSError) for each in outcomes)
    kit.store.commit = commit  # type: ignore[method-assign]
    await kit.publish(topic, "m", MessageGroupId="g", MessageDeduplicationId="d")
    await kit.settle()
    assert bodies(kit) == ["m"]


async def test_old_repetitions_and_deleted_topics_leave_nothing(kit: Kit) -> None:
    topic = await fifo(kit)
    for number in range(5):
        await kit.publish(topic, "m", MessageGroupId="g", MessageDeduplicationId=str(number))
    await kit.settle(301)
    await kit.publish(topic, "m", MessageGroupId="g", MessageDeduplicationId="last")
    assert [each.key[-1] for each in await RECENT.range(kit.store)] == ["last"]
    await kit.call("DeleteTopic", TopicArn=topic)
    assert await RECENT.range(kit.store) == []

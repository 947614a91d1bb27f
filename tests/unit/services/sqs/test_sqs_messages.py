from tests.unit.services.sqs.sqs_kit import Kit

from lambent.domain.caller import Caller


async def test_a_message_is_sent_received_and_deleted(kit: Kit) -> None:
    url = await kit.queue()
    sent = await kit.send(url, "hi", MessageAttributes={"Foo": {"DataType": "String", "StringValue": "Bar"}})
    (message,) = await kit.receive(url)
    assert (message["Body"], message["MessageId"]) == ("hi", sent["MessageId"])
    assert message["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"] == "ae7155c6026991b6d54b11589678bf9c"
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"
    assert await kit.counts(url) == (0, 1, 0)
    assert await kit.receive(url) == []
    await kit.delete(url, message)
    assert await kit.counts(url) == (0, 0, 0)
    await kit.delete(url, message)


async def test_what_is_not_deleted_comes_back_with_a_new_handle(kit: Kit) -> None:
    url = await kit.queue(VisibilityTimeout=20)
    await kit.send(url)
    (first,) = await kit.receive(url)
    await kit.clock.advance(19)
    assert await kit.receive(url) == []
    await kit.clock.advance(2)
    (second,) = await kit.receive(url)
    assert second["Attributes"]["ApproximateReceiveCount"] == "2"
    assert second["Attributes"]["ApproximateFirstReceiveTimestamp"] == first["Attributes"]["ApproximateFirstReceiveTimestamp"]
    await kit.delete(url, first)
    assert await kit.counts(url) == (0, 1, 0)
    await kit.delete(url, second)
    assert await kit.counts(url) == (0, 0, 0)


async def test_an_older_handle_deletes_what_nobody_holds(kit: Kit) -> None:
    url = await kit.queue()
    await kit.send(url)
    (first,) = await kit.receive(url, VisibilityTimeout=0)
    await kit.receive(url, VisibilityTimeout=0)
    await kit.delete(url, first)
    assert await kit.counts(url) == (0, 0, 0)


async def test_a_waiting_receiver_is_woken_at_once(kit: Kit) -> None:
    url = await kit.queue()
    waiting = await kit.start(kit.bodies(url, WaitTimeSeconds=20))
    await kit.clock.advance(3)
    assert not waiting.done()
    await kit.send(url, "here")
    await kit.clock.settle()
    assert waiting.result() == ["here"]
    empty = await kit.start(kit.bodies(url, WaitTimeSeconds=20))
    await kit.clock.advance(19.9)
    assert not empty.done()
    await kit.clock.advance(0.2)
    assert empty.result() == []


async def test_delayed_and_returning_messages_wake_too(kit: Kit) -> None:
    url = await kit.queue()
    await kit.send(url, "later", DelaySeconds=5)
    assert await kit.counts(url) == (0, 0, 1)
    waiting = await kit.start(kit.bodies(url, WaitTimeSeconds=20, VisibilityTimeout=7))
    await kit.clock.advance(5)
    assert waiting.result() == ["later"]
    waiting = await kit.start(kit.bodies(url, WaitTimeSeconds=20))
    await kit.clock.advance(6.9)
    assert not waiting.done()
    await kit.clock.advance(0.2)
    assert waiting.result() == ["later"]


async def test_one_message_wakes_one_receiver(kit: Kit) -> None:
    url = await kit.queue()
    waiting = [await kit.start(kit.bodies(url, WaitTimeSeconds=20, MaxNumberOfMessages=1)) for _ in range(3)]
    waiting[0].cancel()
    await kit.send(url, "one")
    await kit.send(url, "two")
    await kit.clock.settle()
    assert [each.result() for each in waiting[1:]] == [["one"], ["two"]]


async def test_everything_outlives_a_restart(kit: Kit) -> None:
    url = await kit.queue(VisibilityTimeout=30)
    for body in ("held", "waiting", "also"):
        await kit.send(url, body)
    await kit.send(url, "delayed", DelaySeconds=60)
    (held,) = await kit.receive(url, MaxNumberOfMessages=1)
    again = kit.restarted()
    assert await again.counts(url) == (2, 1, 1)
    await again.delete(url, held)
    assert await again.counts(url) == (2, 0, 1)
    assert await again.bodies(url) == ["waiting", "also"]
    await kit.clock.advance(61)
    assert sorted(await again.bodies(url)) == ["also", "delayed", "waiting"]


async def test_fifo_keeps_the_order_of_a_group(kit: Kit) -> None:
    url = await kit.queue("q.fifo")
    for number in range(3):
        await kit.send(url, f"a{number}", MessageGroupId="a")
    await kit.send(url, "b0", MessageGroupId="b")
    (first,) = await kit.receive(url, MaxNumberOfMessages=1)
    assert first["Body"] == "a0"
    assert await kit.bodies(url) == ["b0"]
    await kit.delete(url, first)
    assert await kit.bodies(url, MaxNumberOfMessages=1) == ["a1"]
    again = kit.restarted()
    assert await again.receive(url) == []
    await kit.clock.advance(31)
    assert await again.bodies(url) == ["a1", "a2", "b0"]


async def test_fifo_takes_no_duplicate_for_five_minutes(kit: Kit) -> None:
    url = await kit.queue("q.fifo", ContentBasedDeduplication="true")
    first = await kit.call("SendMessage", QueueUrl=url, MessageBody="x", MessageGroupId="g")
    (message,) = await kit.receive(url)
    await kit.delete(url, message)
    await kit.clock.advance(299)
    again = kit.restarted()
    second = await again.call("SendMessage", QueueUrl=url, MessageBody="x", MessageGroupId="g")
    assert (second["MessageId"], second["SequenceNumber"]) == (first["MessageId"], first["SequenceNumber"])
    assert await again.receive(url) == []
    await kit.clock.advance(2)
    third = await again.call("SendMessage", QueueUrl=url, MessageBody="x", MessageGroupId="g")
    assert third["MessageId"] != first["MessageId"]
    assert await again.bodies(url) == ["x"]


async def test_received_too_often_goes_to_the_dead_letter_queue(kit: Kit) -> None:
    dead = await kit.queue("dead")
    policy = f'{{"deadLetterTargetArn": "{await kit.arn(dead)}", "maxReceiveCount": 2}}'
    url = await kit.queue(RedrivePolicy=policy, VisibilityTimeout=1)
    sent = await kit.send(url, "poison")
    for _ in range(2):
        assert await kit.bodies(url) == ["poison"]
        await kit.clock.advance(2)
    assert await kit.bodies(url) == []
    assert await kit.counts(url) == (0, 0, 0)
    (message,) = await kit.restarted().receive(dead)
    assert (message["MessageId"], message["Body"]) == (sent["MessageId"], "poison")
    assert message["Attributes"]["DeadLetterQueueSourceArn"] == await kit.arn(url)


async def test_a_dead_letter_takes_its_receives_along(kit: Kit) -> None:
    dead = await kit.queue("dead")
    policy = f'{{"deadLetterTargetArn": "{await kit.arn(dead)}", "maxReceiveCount": 1}}'
    url = await kit.queue(RedrivePolicy=policy)
    await kit.send(url)
    (received,) = await kit.receive(url, VisibilityTimeout=0)
    await kit.clock.advance(1)
    assert await kit.receive(url) == []
    (message,) = await kit.restarted().receive(dead)
    assert message["Attributes"]["ApproximateReceiveCount"] == "2"
    first = "ApproximateFirstReceiveTimestamp"
    assert message["Attributes"][first] == received["Attributes"][first]


async def test_expired_messages_are_not_given(kit: Kit) -> None:
    url = await kit.queue(MessageRetentionPeriod=60)
    await kit.send(url, "old")
    await kit.clock.advance(59)
    await kit.send(url, "new")
    await kit.clock.advance(2)
    assert await kit.bodies(url) == ["new"]
    assert await kit.counts(url) == (0, 1, 0)


async def test_a_lost_answer_is_given_again(kit: Kit) -> None:
    url = await kit.queue("q.fifo")
    for body in "abc":
        await kit.send(url, body)
    first = await kit.receive(url, MaxNumberOfMessages=2, ReceiveRequestAttemptId="one", VisibilityTimeout=5)
    assert [each["Body"] for each in first] == ["a", "b"]
    await kit.clock.advance(3)
    assert await kit.receive(url, MaxNumberOfMessages=2, ReceiveRequestAttemptId="one", VisibilityTimeout=5) == first
    await kit.clock.advance(3)
    assert await kit.receive(url, ReceiveRequestAttemptId="two") == []
    await kit.delete(url, first[0])
    assert await kit.receive(url, ReceiveRequestAttemptId="one") == []
    await kit.clock.advance(3)
    again = await kit.receive(url, ReceiveRequestAttemptId="one")
    assert [each["Body"] for each in again] == ["b", "c"]
    assert (await kit.fails("ReceiveMessage", QueueUrl=url, ReceiveRequestAttemptId=""))[0] == "InvalidParameterValue"


async def test_another_owner_finds_a_queue_only_when_let(kit: Kit) -> None:
    url = await kit.queue()
    other = Caller.root("668614515564")
    lookup = {"QueueName": "q", "QueueOwnerAWSAccountId": "123456789012"}
    assert (await kit.fails("GetQueueUrl", caller=other, **lookup))[0] == "AccessDenied"
    await kit.call("AddPermission", QueueUrl=url, Label="l", AWSAccountIds=["668614515564"], Actions=["GetQueueUrl"])
    assert await kit.call("GetQueueUrl", caller=other, **lookup) == {"QueueUrl": url}

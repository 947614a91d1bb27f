import asyncio
import base64
import json
from collections.abc import AsyncIterator

import pytest
from tests.unit.services.sqs.sqs_kit import ACCOUNT, Kit


async def pair(kit: Kit, suffix: str = "", receives: int = 1) -> tuple[str, str]:
    """Return a queue and its dead-letter queue."""
    dead = await kit.queue(f"dead{suffix}")
    policy = json.dumps({"deadLetterTargetArn": await kit.arn(dead), "maxReceiveCount": receives})
    return await kit.queue(f"q{suffix}", RedrivePolicy=policy), dead


async def bury(kit: Kit, url: str, *bodies: str) -> None:
    """Have messages go to the dead-letter queue."""
    for body in bodies:
        await kit.send(url, body)
    assert len(await kit.receive(url, VisibilityTimeout=0)) == len(bodies)
    assert await kit.receive(url) == []


@pytest.fixture
async def working(kit: Kit) -> AsyncIterator[Kit]:
    """A service whose mover is at work."""
    worker = asyncio.ensure_future(kit.service.workers[0].run())
    yield kit
    worker.cancel()
    await asyncio.gather(worker, return_exceptions=True)


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        ("dummy", "Redrive policy is not a valid JSON map."),
        ("[]", "Redrive policy is not a valid JSON map."),
        ('{"deadLetterTargetArn": "dummy", "maxReceiveCount": 42}', "Invalid value for deadLetterTargetArn."),
        ('{"maxReceiveCount": 42}', "Redrive policy does not contain mandatory attribute: deadLetterTargetArn."),
        (
            '{"deadLetterTargetArn": "arn:aws:sqs:eu-west-1:123456789012:x"}',
            "Redrive policy does not contain mandatory attribute: maxReceiveCount.",
        ),
        ('{"deadLetterTargetArn": "arn:aws:sqs:eu-west-1:123456789012:x", "maxReceiveCount": 1}', "Dead letter target does not exist."),
        (
            '{"deadLetterTargetArn": "arn:aws:sqs:eu-west-1:123456789012:x", "maxReceiveCount": 0}',
            "Invalid value for maxReceiveCount: 0, valid values are from 1 to 1000 both inclusive.",
        ),
    ],
)
async def test_policies_that_are_refused(kit: Kit, policy: str, reason: str) -> None:
    code, message = await kit.fails("CreateQueue", QueueName="q", Attributes={"RedrivePolicy": policy})
    assert (code, message) == ("InvalidParameterValue", f"Value {policy} for parameter RedrivePolicy is invalid. Reason: {reason}")


async def test_a_dead_letter_queue_is_of_the_same_type(kit: Kit) -> None:
    dead = await kit.queue("dead.fifo")
    policy = json.dumps({"deadLetterTargetArn": await kit.arn(dead), "maxReceiveCount": 1})
    assert (await kit.fails("CreateQueue", QueueName="q", Attributes={"RedrivePolicy": policy}))[0] == "InvalidParameterValue"


async def test_the_dead_letter_queue_says_who_may_use_it(kit: Kit) -> None:
    dead = await kit.queue("dead")
    policy = json.dumps({"deadLetterTargetArn": await kit.arn(dead), "maxReceiveCount": 1})
    allowances = [
        ({"redrivePermission": "denyAll"}, False),
        ({"redrivePermission": "byQueue", "sourceQueueArns": [f"arn:aws:sqs:eu-west-1:{ACCOUNT}:other"]}, False),
        ({"redrivePermission": "byQueue", "sourceQueueArns": [f"arn:aws:sqs:eu-west-1:{ACCOUNT}:q"]}, True),
        ({"redrivePermission": "allowAll"}, True),
    ]
    for allowance, allowed in allowances:
        await kit.call("SetQueueAttributes", QueueUrl=dead, Attributes={"RedriveAllowPolicy": json.dumps(allowance)})
        if allowed:
            await kit.queue("q", RedrivePolicy=policy)
        else:
            assert (await kit.fails("CreateQueue", QueueName="q", Attributes={"RedrivePolicy": policy}))[0] == "InvalidParameterValue"
    for bad in (
        {"redrivePermission": "byQueue"},
        {"redrivePermission": "some"},
        {"redrivePermission": "byQueue", "sourceQueueArns": ["x"]},
    ):
        error = await kit.fails("SetQueueAttributes", QueueUrl=dead, Attributes={"RedriveAllowPolicy": json.dumps(bad)})
        assert error[0] == "InvalidParameterValue"


async def test_the_count_of_receives_is_shown_as_a_number(kit: Kit) -> None:
    policy = {"deadLetterTargetArn": await kit.arn(await kit.queue("dead")), "maxReceiveCount": "7"}
    url = await kit.queue("q", RedrivePolicy=json.dumps(policy))
    await kit.queue("q", RedrivePolicy=json.dumps({**policy, "maxReceiveCount": 7}))
    found = await kit.call("GetQueueAttributes", QueueUrl=url, AttributeNames=["RedrivePolicy"])
    assert found["Attributes"]["RedrivePolicy"] == json.dumps({**policy, "maxReceiveCount": 7}, separators=(",", ":"))


async def test_sources_are_listed(kit: Kit) -> None:
    url, dead = await pair(kit)
    assert await kit.call("ListDeadLetterSourceQueues", QueueUrl=dead) == {"queueUrls": [url]}
    assert await kit.call("ListDeadLetterSourceQueues", QueueUrl=url) == {"queueUrls": []}


async def test_fifo_keeps_its_order_on_the_way_to_the_dead_letter_queue(kit: Kit) -> None:
    url, dead = await pair(kit, ".fifo", receives=2)
    for body in ("1", "2", "3"):
        await kit.send(url, body)
    for _ in range(2):
        assert await kit.bodies(url, VisibilityTimeout=0, MaxNumberOfMessages=2) == ["1", "2"]
    assert await kit.bodies(url) == ["3"]
    received = await kit.restarted().receive(dead)
    assert [each["Body"] for each in received] == ["1", "2"]
    assert all(each["Attributes"]["MessageDeduplicationId"] == each["MessageId"] for each in received)


async def test_a_count_of_receives_outlives_a_restart(kit: Kit) -> None:
    url, dead = await pair(kit, receives=1)
    await kit.send(url, "poison")
    assert await kit.bodies(url, VisibilityTimeout=0) == ["poison"]
    again = kit.restarted()
    assert await again.bodies(url) == []
    assert await again.bodies(dead) == ["poison"]


async def test_without_its_dead_letter_queue_a_message_goes_round(kit: Kit) -> None:
    url, dead = await pair(kit)
    await kit.send(url, "poison")
    await kit.call("DeleteQueue", QueueUrl=dead)
    for _ in range(3):
        assert await kit.bodies(url, VisibilityTimeout=0) == ["poison"]


async def task(kit: Kit, url: str) -> dict[str, object]:
    """Return what is told of a queue's latest move."""
    (found,) = (await kit.call("ListMessageMoveTasks", SourceArn=await kit.arn(url)))["Results"]
    return dict(found)


async def test_messages_go_back_to_where_they_came_from(working: Kit) -> None:
    kit = working
    url, dead = await pair(kit)
    await bury(kit, url, "a", "b")
    started = await kit.call("StartMessageMoveTask", SourceArn=await kit.arn(dead))
    assert json.loads(base64.b64decode(started["TaskHandle"]))["sourceArn"] == await kit.arn(dead)
    await kit.clock.settle()
    assert await task(kit, dead) == {
        "ApproximateNumberOfMessagesMoved": 2,
        "ApproximateNumberOfMessagesToMove": 2,
        "SourceArn": await kit.arn(dead),
        "StartedTimestamp": int(kit.clock.now() * 1000),
        "Status": "COMPLETED",
    }
    received = await kit.restarted().receive(url)
    assert [each["Body"] for each in received] == ["a", "b"]
    assert {each["Attributes"]["ApproximateReceiveCount"] for each in received} == {"1"}
    assert await kit.counts(dead) == (0, 0, 0)


async def test_a_slow_move_can_be_cancelled(working: Kit) -> None:
    kit = working
    url, dead = await pair(kit)
    other = await kit.queue("other")
    await bury(kit, url, *"abcde")
    params = {"SourceArn": await kit.arn(dead), "DestinationArn": await kit.arn(other), "MaxNumberOfMessagesPerSecond": 1}
    handle = (await kit.call("StartMessageMoveTask", **params))["TaskHandle"]
    await kit.clock.advance(1.5)
    found = await task(kit, dead)
    assert (found["Status"], found["ApproximateNumberOfMessagesMoved"], found["TaskHandle"]) == ("RUNNING", 2, handle)
    _, message = await kit.fails("StartMessageMoveTask", **params)
    assert message == "There is already a task running. Only one active task is allowed for a source queue arn at a given time."
    assert await kit.call("CancelMessageMoveTask", TaskHandle=handle) == {"ApproximateNumberOfMessagesMoved": 2}
    await kit.clock.advance(5)
    found = await task(kit, dead)
    assert (found["Status"], found["ApproximateNumberOfMessagesMoved"]) == ("CANCELLED", 2)
    assert "TaskHandle" not in found
    assert (await kit.counts(dead), await kit.counts(other)) == ((3, 0, 0), (2, 0, 0))


async def test_a_move_goes_on_after_a_restart(kit: Kit) -> None:
    url, dead = await pair(kit)
    await bury(kit, url, *"abcde")
    worker = await kit.start(kit.service.workers[0].run())
    await kit.call("StartMessageMoveTask", SourceArn=await kit.arn(dead), MaxNumberOfMessagesPerSecond=1)
    await kit.clock.advance(1.5)
    worker.cancel()
    again = kit.restarted()
    worker = await again.start(again.service.workers[0].run())
    await kit.clock.advance(10)
    found = await task(again, dead)
    assert (found["Status"], found["ApproximateNumberOfMessagesMoved"]) == ("COMPLETED", 5)
    assert sorted(await again.bodies(url)) == list("abcde")
    worker.cancel()


async def test_a_move_fails_when_its_destination_goes(working: Kit) -> None:
    kit = working
    url, dead = await pair(kit)
    other = await kit.queue("other")
    await bury(kit, url, *"abc")
    params = {"SourceArn": await kit.arn(dead), "DestinationArn": await kit.arn(other), "MaxNumberOfMessagesPerSecond": 1}
    await kit.call("StartMessageMoveTask", **params)
    await kit.clock.settle()
    await kit.call("DeleteQueue", QueueUrl=other)
    await kit.clock.advance(3)
    found = await task(kit, dead)
    assert (found["Status"], found["FailureReason"]) == ("FAILED", "AWS.SimpleQueueService.NonExistentQueue")
    assert await kit.counts(dead) == (2, 0, 0)


async def test_what_cannot_be_moved(kit: Kit) -> None:
    url, dead = await pair(kit)
    none = f"arn:aws:sqs:eu-west-1:{ACCOUNT}:none"
    missing = "The resource that you specified for the {} parameter doesn't exist."
    assert await kit.fails("StartMessageMoveTask", SourceArn=none) == ("ResourceNotFoundException", missing.format("SourceArn"))
    error = await kit.fails("StartMessageMoveTask", SourceArn=await kit.arn(dead), DestinationArn=none)
    assert error == ("ResourceNotFoundException", missing.format("DestinationArn"))
    error = await kit.fails("StartMessageMoveTask", SourceArn=await kit.arn(url))
    assert error == ("InvalidParameterValue", "Source queue must be configured as a Dead Letter Queue.")
    error = await kit.fails("CancelMessageMoveTask", TaskHandle="foobared")
    assert error == ("InvalidParameterValue", "Value for parameter TaskHandle is invalid.")
    for arn, text in ((none, missing.format("SourceArn")), (await kit.arn(dead), "Task does not exist.")):
        handle = base64.b64encode(json.dumps({"taskId": "x", "sourceArn": arn}).encode()).decode()
        assert await kit.fails("CancelMessageMoveTask", TaskHandle=handle) == ("ResourceNotFoundException", text)

import json

import pytest
from tests.unit.services.sqs.sqs_kit import ACCOUNT, Kit

from lambent.domain.caller import Caller


async def test_create_again_with_the_same_attributes(kit: Kit) -> None:
    url = await kit.queue(DelaySeconds=1)
    assert await kit.queue() == url == f"http://localhost:4566/{ACCOUNT}/q"
    assert await kit.queue(DelaySeconds=1) == url
    code, message = await kit.fails("CreateQueue", QueueName="q", Attributes={"DelaySeconds": "2"})
    assert code == "QueueNameExists"
    assert message == "A queue already exists with the same name and a different value for attribute DelaySeconds"


@pytest.mark.parametrize(
    ("name", "attributes"),
    [
        ("a b", {}),
        ("q/x/", {}),
        ("x" * 81, {}),
        ("q.fifo", {}),
        ("q", {"FifoQueue": "true"}),
        ("x" * 76 + ".fifo", {"FifoQueue": "true"}),
    ],
)
async def test_names_that_no_queue_may_have(kit: Kit, name: str, attributes: dict[str, str]) -> None:
    assert (await kit.fails("CreateQueue", QueueName=name, Attributes=attributes))[0] == "InvalidParameterValue"


@pytest.mark.parametrize(
    ("attributes", "code"),
    [
        ({"Nonsense": "1"}, "InvalidAttributeName"),
        ({"FifoQueue": "false"}, "InvalidAttributeName"),
        ({"ContentBasedDeduplication": "true"}, "InvalidAttributeName"),
        ({"QueueArn": "x"}, "InvalidAttributeName"),
        ({"DelaySeconds": "901"}, "InvalidAttributeValue"),
        ({"DelaySeconds": "soon"}, "InvalidAttributeValue"),
        ({"MaximumMessageSize": "1048577"}, "InvalidAttributeValue"),
        ({"VisibilityTimeout": "-1"}, "InvalidAttributeValue"),
        ({"SqsManagedSseEnabled": "maybe"}, "InvalidAttributeValue"),
        ({"Policy": "{"}, "InvalidAttributeValue"),
        ({"Policy": '{"Statement": "x"}'}, "InvalidAttributeValue"),
        ({"Policy": '{"Statement": []}'}, "InvalidAttributeValue"),
        ({"DelaySeconds": "٣"}, "InvalidAttributeValue"),
        ({"KmsMasterKeyId": "k", "SqsManagedSseEnabled": "true"}, "InvalidAttributeName"),
    ],
)
async def test_attributes_that_no_standard_queue_may_have(kit: Kit, attributes: dict[str, str], code: str) -> None:
    assert (await kit.fails("CreateQueue", QueueName="q", Attributes=attributes))[0] == code


@pytest.mark.parametrize("name", ["DeduplicationScope", "FifoThroughputLimit"])
async def test_high_throughput_is_for_fifo_queues(kit: Kit, name: str) -> None:
    code, message = await kit.fails("CreateQueue", QueueName="q", Attributes={name: "queue"})
    assert (code, message) == ("InvalidAttributeName", f"You can specify the {name} only when FifoQueue is set to true.")


async def test_true_may_be_written_large(kit: Kit) -> None:
    attributes = {"FifoQueue": "True", "ContentBasedDeduplication": "TRUE"}
    created = await kit.call("CreateQueue", QueueName="q.fifo", Attributes=attributes)
    wanted = ["FifoQueue", "ContentBasedDeduplication"]
    found = await kit.call("GetQueueAttributes", QueueUrl=created["QueueUrl"], AttributeNames=wanted)
    assert found["Attributes"] == {"FifoQueue": "true", "ContentBasedDeduplication": "true"}


async def test_throughput_per_group_needs_deduplication_per_group(kit: Kit) -> None:
    limit = {"FifoQueue": "true", "FifoThroughputLimit": "perMessageGroupId"}
    assert (await kit.fails("CreateQueue", QueueName="q.fifo", Attributes=limit))[0] == "InvalidAttributeValue"
    url = await kit.queue("q.fifo", FifoThroughputLimit="perMessageGroupId", DeduplicationScope="messageGroup")
    code, _ = await kit.fails("SetQueueAttributes", QueueUrl=url, Attributes={"DeduplicationScope": "queue"})
    assert code == "InvalidAttributeValue"


async def test_the_type_of_a_queue_stays(kit: Kit) -> None:
    url, fifo = await kit.queue(), await kit.queue("q.fifo")
    assert await kit.fails("SetQueueAttributes", QueueUrl=url, Attributes={"FifoQueue": "true"}) == (
        "InvalidAttributeName",
        "Unknown Attribute FifoQueue.",
    )
    await kit.call("SetQueueAttributes", QueueUrl=fifo, Attributes={"FifoQueue": "true"})
    assert await kit.fails("SetQueueAttributes", QueueUrl=fifo, Attributes={"FifoQueue": "false"}) == (
        "InvalidAttributeValue",
        "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.",
    )


async def test_attributes_as_aws_shows_them(kit: Kit) -> None:
    url = await kit.queue("q.fifo", ContentBasedDeduplication="true")
    found = (await kit.call("GetQueueAttributes", QueueUrl=url, AttributeNames=["All"]))["Attributes"]
    now = str(int(kit.clock.now()))
    assert found == {
        "ApproximateNumberOfMessages": "0",
        "ApproximateNumberOfMessagesDelayed": "0",
        "ApproximateNumberOfMessagesNotVisible": "0",
        "ContentBasedDeduplication": "true",
        "CreatedTimestamp": now,
        "DeduplicationScope": "queue",
        "DelaySeconds": "0",
        "FifoQueue": "true",
        "FifoThroughputLimit": "perQueue",
        "LastModifiedTimestamp": now,
        "MaximumMessageSize": "1048576",
        "MessageRetentionPeriod": "345600",
        "QueueArn": f"arn:aws:sqs:eu-west-1:{ACCOUNT}:q.fifo",
        "ReceiveMessageWaitTimeSeconds": "0",
        "SqsManagedSseEnabled": "true",
        "VisibilityTimeout": "30",
    }
    assert await kit.call("GetQueueAttributes", QueueUrl=url) == {}
    assert await kit.call("GetQueueAttributes", QueueUrl=url, AttributeNames=["Policy"]) == {}
    error = await kit.fails("GetQueueAttributes", QueueUrl=url, AttributeNames=["Foobar"])
    assert error == ("InvalidAttributeName", "Unknown Attribute Foobar.")


async def test_one_kind_of_encryption(kit: Kit) -> None:
    url = await kit.queue()
    names = ["KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds", "SqsManagedSseEnabled"]
    await kit.call("SetQueueAttributes", QueueUrl=url, Attributes={"KmsMasterKeyId": "k"})
    found = (await kit.call("GetQueueAttributes", QueueUrl=url, AttributeNames=names))["Attributes"]
    assert found == {"KmsMasterKeyId": "k", "KmsDataKeyReusePeriodSeconds": "300", "SqsManagedSseEnabled": "false"}
    await kit.call("SetQueueAttributes", QueueUrl=url, Attributes={"SqsManagedSseEnabled": "true"})
    found = (await kit.call("GetQueueAttributes", QueueUrl=url, AttributeNames=names))["Attributes"]
    assert found == {"SqsManagedSseEnabled": "true"}


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:4566/123456789012/q",
        "http://sqs.eu-west-1.localhost.localstack.cloud:4566/123456789012/q",
        "http://eu-west-1.queue.localhost:4566/123456789012/q",
        "http://localhost:4566/queue/eu-west-1/123456789012/q",
        "https://sqs.eu-west-1.amazonaws.com/123456789012/q/",
        "https://queue.amazonaws.com/123456789012/q",
        "q",
    ],
)
async def test_any_host_names_a_queue(kit: Kit, url: str) -> None:
    await kit.queue()
    assert "MessageId" in await kit.send(url)
    elsewhere = url.replace("eu-west-1", "us-east-1")
    if elsewhere != url:
        assert (await kit.fails("SendMessage", QueueUrl=elsewhere, MessageBody="x"))[0] == "QueueDoesNotExist"


async def test_lists_and_pages(kit: Kit) -> None:
    urls = [await kit.queue(name) for name in ("a1", "a2", "a3", "b1")]
    assert (await kit.call("ListQueues"))["QueueUrls"] == urls
    assert (await kit.call("ListQueues", QueueNamePrefix="b"))["QueueUrls"] == urls[3:]
    assert await kit.call("ListQueues", QueueNamePrefix="c") == {}
    page = await kit.call("ListQueues", QueueNamePrefix="a", MaxResults=2)
    assert page["QueueUrls"] == urls[:2]
    rest = await kit.call("ListQueues", QueueNamePrefix="a", MaxResults=2, NextToken=page["NextToken"])
    assert rest == {"QueueUrls": urls[2:3]}
    assert (await kit.fails("ListQueues", NextToken="garbage!"))[0] == "InvalidParameterValue"


async def test_a_deleted_queue_is_gone_and_its_name_taken_for_a_minute(kit: Kit) -> None:
    url = await kit.queue()
    await kit.send(url, "old")
    await kit.call("DeleteQueue", QueueUrl=url)
    for operation in ("SendMessage", "DeleteQueue", "GetQueueAttributes"):
        assert (await kit.fails(operation, QueueUrl=url, MessageBody="x"))[0] == "QueueDoesNotExist"
    assert (await kit.fails("CreateQueue", QueueName="q"))[0] == "QueueDeletedRecently"
    await kit.clock.advance(61)
    await kit.queue()
    assert await kit.receive(url) == []


async def test_purge_takes_everything_and_once_a_minute(kit: Kit) -> None:
    url = await kit.queue()
    for body in ("held", "waiting"):
        await kit.send(url, body)
    await kit.send(url, "delayed", DelaySeconds=5)
    (held,) = await kit.receive(url, MaxNumberOfMessages=1)
    waiting = await kit.start(kit.bodies(url, WaitTimeSeconds=20, MaxNumberOfMessages=1))
    assert waiting.result() == ["waiting"]
    polling = await kit.start(kit.bodies(url, WaitTimeSeconds=20))
    await kit.call("PurgeQueue", QueueUrl=url)
    assert await kit.fails("PurgeQueue", QueueUrl=url) == (
        "PurgeQueueInProgress",
        "Only one PurgeQueue operation on q is allowed every 60 seconds.",
    )
    await kit.delete(url, held)
    await kit.send(url, "new")
    await kit.clock.settle()
    assert polling.result() == ["new"]
    await kit.clock.advance(61)
    assert await kit.restarted().bodies(url) == ["new"]
    await kit.call("PurgeQueue", QueueUrl=url)


async def test_what_purge_and_delete_left_is_swept(kit: Kit) -> None:
    url, fifo = await kit.queue(), await kit.queue("q.fifo")
    for _ in range(3):
        await kit.send(url)
        await kit.send(fifo)
    await kit.call("PurgeQueue", QueueUrl=url)
    await kit.call("DeleteQueue", QueueUrl=fifo)
    _, housekeeping = kit.service.workers
    for _ in range(2):
        await kit.clock.advance(61)
        await housekeeping.tidy()  # type: ignore[attr-defined]
    for table in ("sqs.sent", "sqs.standings", "sqs.duplicates", "sqs.old_mailboxes", "sqs.freed"):
        assert await kit.store.range(table) == [], table


async def test_old_deduplication_ids_leave_the_disk(kit: Kit) -> None:
    url = await kit.queue("q.fifo")
    housekeeping = kit.service.workers[1]
    await kit.send(url)
    await kit.clock.advance(299)
    await kit.send(url)
    await housekeeping.tidy()  # type: ignore[attr-defined]
    assert len(await kit.store.range("sqs.duplicates")) == 2
    await kit.clock.advance(300)
    await housekeeping.tidy()  # type: ignore[attr-defined]
    assert await kit.store.range("sqs.duplicates") == []


async def test_expired_messages_leave_the_disk(kit: Kit) -> None:
    url = await kit.queue(MessageRetentionPeriod=60)
    await kit.send(url, "old")
    await kit.clock.advance(61)
    await kit.send(url, "new")
    again = kit.restarted()
    for each in (again, kit):
        await each.service.workers[1].tidy()  # type: ignore[attr-defined]
    assert len(await kit.store.range("sqs.sent")) == 1
    assert await kit.bodies(url) == ["new"]


async def test_tags(kit: Kit) -> None:
    url = await kit.queue()
    assert await kit.call("ListQueueTags", QueueUrl=url) == {}
    await kit.call("TagQueue", QueueUrl=url, Tags={"tag1": "value1", "tag2": "value2", "tag3": ""})
    await kit.call("TagQueue", QueueUrl=url, Tags={"tag1": "VALUE1"})
    assert await kit.call("ListQueueTags", QueueUrl=url) == {"Tags": {"tag1": "VALUE1", "tag2": "value2", "tag3": ""}}
    await kit.call("UntagQueue", QueueUrl=url, TagKeys=["tag1", "tag3", "none"])
    assert await kit.call("ListQueueTags", QueueUrl=url) == {"Tags": {"tag2": "value2"}}
    assert (await kit.fails("TagQueue", QueueUrl=url, Tags={"aws:x": "y"}))[0] == "InvalidParameterValue"
    too_many = {str(n): "" for n in range(50)}
    assert await kit.fails("TagQueue", QueueUrl=url, Tags=too_many) == ("InvalidParameterValue", "Too many tags added for queue q.")
    assert await kit.fails("TagQueue", QueueUrl=url, Tags={}) == ("MissingParameter", "The request must contain the parameter Tags.")
    assert (await kit.fails("UntagQueue", QueueUrl=url, TagKeys=[]))[0] == "InvalidParameterValue"


async def test_permissions_make_a_policy(kit: Kit) -> None:
    url = await kit.queue()
    arn = await kit.arn(url)
    given = {"QueueUrl": url, "Label": "l", "AWSAccountIds": [ACCOUNT, "668614515564"], "Actions": ["ReceiveMessage"]}
    await kit.call("AddPermission", **given)
    text = (await kit.call("GetQueueAttributes", QueueUrl=url, AttributeNames=["Policy"]))["Attributes"]["Policy"]
    assert json.loads(text) == {
        "Version": "2008-10-17",
        "Id": f"{arn}/SQSDefaultPolicy",
        "Statement": [
            {
                "Sid": "l",
                "Effect": "Allow",
                "Principal": {"AWS": ["arn:aws:iam::123456789012:root", "arn:aws:iam::668614515564:root"]},
                "Action": "SQS:ReceiveMessage",
                "Resource": arn,
            }
        ],
    }
    assert (await kit.fails("AddPermission", **given))[1] == "Value l for parameter Label is invalid. Reason: Already exists."
    for action, reason in (
        ("RemovePermission", "Only the queue owner is allowed to invoke this action."),
        ("Nonsense", "Please refer to the appropriate WSDL for a list of valid actions."),
    ):
        error = await kit.fails("AddPermission", **{**given, "Label": "m", "Actions": [action]})
        assert error == ("InvalidParameterValue", f"Value SQS:{action} for parameter ActionName is invalid. Reason: {reason}")
    other = Caller.root("668614515564")
    assert await kit.call("ReceiveMessage", caller=other, QueueUrl=url) == {}
    assert (await kit.fails("SendMessage", caller=other, QueueUrl=url, MessageBody="x"))[0] == "AccessDenied"
    await kit.call("RemovePermission", QueueUrl=url, Label="l")
    assert (await kit.fails("ReceiveMessage", caller=other, QueueUrl=url))[0] == "AccessDenied"
    error = await kit.fails("RemovePermission", QueueUrl=url, Label="l")
    assert error[1] == "Value l for parameter Label is invalid. Reason: can't find label."


async def test_services_are_let_in_by_the_policy_alone(kit: Kit) -> None:
    url = await kit.queue()
    topic = "arn:aws:sns:eu-west-1:123456789012:t"
    sns = Caller.service("sns.amazonaws.com", ACCOUNT, topic)
    assert (await kit.fails("SendMessage", caller=sns, QueueUrl=url, MessageBody="x"))[0] == "AccessDenied"
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": await kit.arn(url),
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    await kit.call("SetQueueAttributes", QueueUrl=url, Attributes={"Policy": policy})
    assert "MessageId" in await kit.call("SendMessage", caller=sns, QueueUrl=url, MessageBody="x")
    stranger = Caller.service("sns.amazonaws.com", ACCOUNT, topic + "2")
    assert (await kit.fails("SendMessage", caller=stranger, QueueUrl=url, MessageBody="x"))[0] == "AccessDenied"
    assert (await kit.fails("SendMessage", caller=Caller.anonymous(), QueueUrl=url, MessageBody="x"))[0] == "AccessDenied"
    await kit.call("SetQueueAttributes", QueueUrl=url, Attributes={"Policy": ""})
    assert (await kit.fails("SendMessage", caller=sns, QueueUrl=url, MessageBody="x"))[0] == "AccessDenied"


async def test_a_deny_is_for_the_owner_too(kit: Kit) -> None:
    url = await kit.queue()
    statement = {"Effect": "Deny", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}
    await kit.call("SetQueueAttributes", QueueUrl=url, Attributes={"Policy": json.dumps({"Statement": statement})})
    assert (await kit.fails("SendMessage", QueueUrl=url, MessageBody="x"))[0] == "AccessDenied"
    assert await kit.receive(url) == []

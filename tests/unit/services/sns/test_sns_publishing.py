"""What may be published, and AWS's words for what may not."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from tests.unit.services.sns.sns_kit import ACCOUNT, HOST, REGION, Kit, queue, text

ALLOWED = "Can only include alphanumeric characters, hyphens, underscores, or dots."
NOT_FIFO = "The request includes MessageDeduplicationId parameter that is not valid for this topic type"
NO_DEFAULT = "Invalid parameter: Message Structure - No default entry in JSON message body"
EMPTY = "The message attribute 'attr1' must contain non-empty message attribute value for message attribute type '{}'."
SUPPORTED = "has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String."


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"Message": ""}, "Invalid parameter: Empty message"),
        ({"Message": "m", "Subject": ""}, "Invalid parameter: Subject"),
        ({"Message": "m", "Subject": "s" * 101}, "Invalid parameter: Subject"),
        ({"Message": "m", "Subject": "two\nlines"}, "Invalid parameter: Subject"),
        ({"Message": "x" * 262_145}, "Invalid parameter: Message too long"),
        ({"Message": '{"sqs": "m"}', "MessageStructure": "json"}, NO_DEFAULT),
        ({"Message": '{"default": {"object": "x"}}', "MessageStructure": "json"}, NO_DEFAULT),
        (
            {"Message": '{"default": "m"} }', "MessageStructure": "json"},
            "Invalid parameter: Message Structure - JSON message body failed to parse",
        ),
        (
            {"Message": "m", "MessageDeduplicationId": "d"},
            f"Invalid parameter: MessageDeduplicationId Reason: {NOT_FIFO}",
        ),
    ],
)
async def test_a_message_is_judged_in_awss_words(kit: Kit, params: dict[str, Any], message: str) -> None:
    fault = await kit.fails("Publish", TopicArn=await kit.topic(), **params)
    assert (fault.code, fault.message) == ("InvalidParameter", message)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("attr1", {"DataType": "String", "StringValue": ""}, EMPTY.format("String")),
        ("attr1", {"DataType": "String"}, EMPTY.format("String")),
        ("attr1", {"DataType": "Binary", "BinaryValue": b""}, EMPTY.format("Binary")),
        ("attr1", {"DataType": "String", "BinaryValue": b"x"}, "The message attribute 'attr1' with type 'String' must use field 'String'."),
        ("attr1", {"DataType": "Number", "BinaryValue": b"x"}, "The message attribute 'attr1' with type 'Number' must use field 'String'."),
        ("attr1", {"DataType": "Binary", "StringValue": "x"}, "The message attribute 'attr1' with type 'Binary' must use field 'Binary'."),
        ("attr1", {"DataType": "Stringprefixed", "StringValue": "x"}, f"The message attribute 'attr1' {SUPPORTED}"),
        ("a" * 257, text(1), "Length of message attribute name must be less than 256 bytes."),
        (
            "a^b",
            text(1),
            f"Invalid non-alphanumeric character '#x5E' was found in the message attribute name. {ALLOWED}",
        ),
        (".a", text(1), "Invalid message attribute name starting with character '.' was found."),
        ("a.", text(1), "Invalid message attribute name ending with character '.' was found."),
        ("a..b", text(1), "Message attribute name can not have successive '.' character."),
    ],
)
async def test_attributes_are_judged_in_awss_words(kit: Kit, name: str, value: dict[str, Any], message: str) -> None:
    topic = await kit.topic()
    fault = await kit.fails("Publish", TopicArn=topic, Message="m", MessageAttributes={name: value})
    assert (fault.code, fault.message) == ("ParameterValueInvalid", message)
    entries = [{"Id": "1", "Message": "m", "MessageAttributes": {name: value}}]
    assert (await kit.fails("PublishBatch", TopicArn=topic, PublishBatchRequestEntries=entries)).message == message


async def test_attributes_count_for_the_size(kit: Kit) -> None:
    topic, attributes = await kit.topic(), {"attr1": {"DataType": "Number", "StringValue": "1"}}
    room = 262_144 - len("attr1Number1")
    assert (await kit.fails("Publish", TopicArn=topic, Message="a" * (room + 1), MessageAttributes=attributes)).message.endswith("too long")
    await kit.publish(topic, "a" * room, MessageAttributes=attributes)
    entries = [{"Id": "1", "Message": "a" * room, "MessageAttributes": attributes}, {"Id": "2", "Message": "b"}]
    fault = await kit.fails("PublishBatch", TopicArn=topic, PublishBatchRequestEntries=entries)
    assert (fault.code, fault.message) == (
        "BatchRequestTooLong",
        "The length of all the messages put together is more than the limit.",
    )


@pytest.mark.parametrize(
    ("ids", "code"),
    [
        ([], "EmptyBatchRequest"),
        ([str(number) for number in range(11)], "TooManyEntriesInBatchRequest"),
        (["1", "1"], "BatchEntryIdsNotDistinct"),
        (["not allowed"], "InvalidBatchEntryId"),
    ],
)
async def test_a_batchs_ids_are_judged_as_aws_does(kit: Kit, ids: list[str], code: str) -> None:
    entries = [{"Id": each, "Message": "m"} for each in ids]
    assert (await kit.fails("PublishBatch", TopicArn=await kit.topic(), PublishBatchRequestEntries=entries)).code == code


async def test_a_batch_is_all_or_nothing(kit: Kit) -> None:
    topic = await kit.topic()
    await kit.subscribe(topic, queue("q"), RawMessageDelivery="true")
    entries = [{"Id": "1", "Message": "one"}, {"Id": "2", "Message": json.dumps({"sqs": "x"}), "MessageStructure": "json"}]
    assert (await kit.fails("PublishBatch", TopicArn=topic, PublishBatchRequestEntries=entries)).message == NO_DEFAULT
    answer = await kit.call("PublishBatch", TopicArn=topic, PublishBatchRequestEntries=entries[:1])
    assert answer["Failed"] == []
    assert [each["Id"] for each in answer["Successful"]] == ["1"]
    await kit.settle()
    assert [each["MessageBody"] for each in kit.there.sent("q")] == ["one"]


@pytest.mark.parametrize("number", ["+1a234", "NAA+15551234567"])
async def test_a_number_must_be_one(kit: Kit, number: str) -> None:
    fault = await kit.fails("Publish", PhoneNumber=number, Message="m")
    assert fault.message == f"Invalid parameter: PhoneNumber Reason: {number} is not valid to publish to"
    await kit.call("Publish", PhoneNumber="+33000000000", Message="m")
    (message,) = await kit.outbox("kind=sms")
    assert (message["to"], message["message"]) == ("+33000000000", "m")
    assert (await kit.fails("Publish", PhoneNumber="+33000000000", Message="m" * 1601)).code == "InvalidParameter"


async def test_where_to_publish_must_be_said_and_be_there(kit: Kit) -> None:
    topic = await kit.topic()
    assert (await kit.fails("Publish", Message="m")).message.startswith("Invalid parameter: TopicArn or TargetArn")
    assert (await kit.fails("Publish", TopicArn=f"{topic}-fake", Message="m")).code == "NotFound"
    assert (await kit.fails("Publish", TopicArn="", Message="m")).message.endswith("must have at least 6 elements, not 1")
    assert (await kit.fails("Publish", TopicArn=topic, Message="m", region="us-west-1")).message == "Invalid parameter: TopicArn"
    assert (await kit.call("Publish", TargetArn=topic, Message="m"))["MessageId"]
    endpoint = f"arn:aws:sns:{REGION}:{ACCOUNT}:endpoint/APNS/abcdef/0f7d5971-aa8b-4bd5-b585-0826e9f93a66"
    fault = await kit.fails("Publish", TargetArn=endpoint, Message="m")
    assert fault.message == "Invalid parameter: TargetArn Reason: No endpoint found for the target arn specified"


@pytest.mark.parametrize("version", ["1", "2"])
async def test_signatures_can_be_verified_by_the_certificate_that_is_served(kit: Kit, version: str) -> None:
    topic = await kit.topic(SignatureVersion=version)
    await kit.subscribe(topic, queue("q"))
    await kit.publish(topic, "Hello world.", Subject="s")
    await kit.settle()
    body = json.loads(kit.there.sent("q")[0]["MessageBody"])
    answer = await kit.get(body["SigningCertURL"].removeprefix(f"http://{HOST}"))
    assert answer is not None
    assert isinstance(answer.body, bytes)
    public = x509.load_pem_x509_certificate(answer.body).public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    signed = "".join(f"{name}\n{body[name]}\n" for name in ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")).encode()
    algorithm = hashes.SHA1() if version == "1" else hashes.SHA256()
    public.verify(base64.b64decode(body["Signature"]), signed, padding.PKCS1v15(), algorithm)
    other = await kit.get("/SimpleNotificationService-0.pem")
    assert other is not None
    assert other.status == 404


async def test_a_trace_goes_with_the_message(kit: Kit) -> None:
    topic = await kit.topic()
    await kit.subscribe(topic, queue("q"))
    await kit.call(kit.request("Publish", trace_header="Root=1-2-3", TopicArn=topic, Message="m"))
    await kit.settle()
    trace = kit.there.sent("q")[0]["MessageSystemAttributes"]["AWSTraceHeader"]
    assert trace == {"DataType": "String", "StringValue": "Root=1-2-3"}
    assert kit.there.calls[0].trace_header == "Root=1-2-3"

"""What a message may hold, batches, digests, handles, FIFO's demands: AWS's codes and texts."""

from __future__ import annotations

import hashlib
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.services.sqs.sqs_kit import Kit

from lambent.domain.errors import AwsError
from lambent.domain.quotas import Quotas
from lambent.services.sqs import digests, handles
from lambent.services.sqs.digests import Attribute
from lambent.services.sqs.receiving import chosen

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


def string(value: str = "x", data_type: str = "String") -> dict[str, Any]:
    return {"DataType": data_type, "StringValue": value}


@pytest.mark.parametrize(
    ("attributes", "code"),
    [
        ({"a": string("")}, "InvalidParameterValue"),
        ({"a": None}, "InvalidParameterValue"),
        ({"a": {"DataType": "String", "StringValue": None}}, "InvalidParameterValue"),
        ({"a": {"DataType": "String"}}, "InvalidParameterValue"),
        ({"a": {"DataType": "Binary", "BinaryValue": b""}}, "InvalidParameterValue"),
        ({"a": {"DataType": "", "StringValue": "x"}}, "InvalidParameterValue"),
        ({"a": string(data_type="Invalid")}, "InvalidParameterValue"),
        ({"a": string(data_type="String.")}, "InvalidParameterValue"),
        ({"a": string("1", "Number." + "L" * 256)}, "InvalidParameterValue"),
        ({"a": string("one", "Number")}, "InvalidParameterValue"),
        ({"a": string("x\x08")}, "InvalidParameterValue"),
        *[({name: string()}, "InvalidParameterValue") for name in ("aWs.x", "AMAZON.x", ".x", "x.", "x..y", "x!", "x§", "x?", "L" * 257)],
        ({str(number): string() for number in range(11)}, "InvalidParameterValue"),
    ],
)
async def test_attributes_that_no_message_may_have(kit: Kit, attributes: dict[str, Any], code: str) -> None:
    url = await kit.queue()
    assert (await kit.fails("SendMessage", QueueUrl=url, MessageBody="x", MessageAttributes=attributes))[0] == code
    assert await kit.receive(url) == []


async def test_attributes_that_may_be(kit: Kit) -> None:
    url = await kit.queue()
    attributes = {
        "attr.1øßä": string(),
        "n": string("-1.5e3", "Number.float"),
        "b": {"DataType": "Binary.png", "BinaryValue": b"\x00\xff"},
    }
    sent = await kit.send(url, MessageAttributes=attributes)
    (message,) = await kit.receive(url)
    assert message["MessageAttributes"] == attributes
    assert message["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]


async def test_the_text_of_an_empty_attribute(kit: Kit) -> None:
    url = await kit.queue()
    error = await kit.fails("SendMessage", QueueUrl=url, MessageBody="x", MessageAttributes={"ErrorDetails": string("")})
    assert error[1] == "Message (user) attribute 'ErrorDetails' must contain a non-empty value of type 'String'."


@pytest.mark.parametrize("body", ["\x00", "a\x08b", "\x13", "\uffff", "\ud800"])
async def test_characters_that_no_body_may_have(kit: Kit, body: str) -> None:
    url = await kit.queue()
    assert (await kit.fails("SendMessage", QueueUrl=url, MessageBody=body))[0] == "InvalidMessageContents"


async def test_any_other_text_comes_back_as_it_was(kit: Kit) -> None:
    url = await kit.queue()
    for body in ('"&quot;&quot;\r', "{\r\n}", "\U0001f600\t\ufffd", " "):
        await kit.send(url, body)
        (message,) = await kit.receive(url)
        assert (message["Body"], message["MD5OfBody"]) == (body, hashlib.md5(body.encode()).hexdigest())
        await kit.delete(url, message)
    assert (await kit.fails("SendMessage", QueueUrl=url, MessageBody=""))[0] == "MissingParameter"


async def test_sizes(kit: Kit) -> None:
    url = await kit.queue()
    attributes = {"k": string("x")}  # 8 bytes
    await kit.send(url, "a" * (1_048_576 - 8), MessageAttributes=attributes)
    error = await kit.fails("SendMessage", QueueUrl=url, MessageBody="a" * (1_048_576 - 7), MessageAttributes=attributes)
    assert error == ("InvalidParameterValue", "One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes.")
    small = await kit.queue("small", MaximumMessageSize=1024)
    error = await kit.fails("SendMessage", QueueUrl=small, MessageBody="ä" * 513)
    assert error[1] == "One or more parameters are invalid. Reason: Message must be shorter than 1024 bytes."
    entries = [{"Id": "1", "MessageBody": "a" * 1024}, {"Id": "2", "MessageBody": "a"}, {"Id": "3", "MessageBody": "a" * 1025}]
    result = await kit.call("SendMessageBatch", QueueUrl=small, Entries=entries)
    assert ([each["Id"] for each in result["Successful"]], [each["Id"] for each in result["Failed"]]) == (["1", "2"], ["3"])
    big = [{"Id": "1", "MessageBody": "a" * (1_048_576 - 8), "MessageAttributes": attributes}, {"Id": "2", "MessageBody": "a"}]
    error = await kit.fails("SendMessageBatch", QueueUrl=url, Entries=big)
    text = "Batch requests cannot be longer than 1048576 bytes. You have sent 1048577 bytes."
    assert error == ("BatchRequestTooLong", text)


@pytest.mark.parametrize(
    ("operation", "entry"),
    [
        ("SendMessageBatch", {"MessageBody": "x"}),
        ("DeleteMessageBatch", {"ReceiptHandle": "x"}),
        ("ChangeMessageVisibilityBatch", {"ReceiptHandle": "x", "VisibilityTimeout": 1}),
    ],
)
async def test_batches_that_are_refused_as_a_whole(kit: Kit, operation: str, entry: dict[str, Any]) -> None:
    url = await kit.queue()
    text = "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long."
    for bad in ("", "testLongId" * 10, "invalid:id"):
        assert await kit.fails(operation, QueueUrl=url, Entries=[{"Id": bad, **entry}]) == ("InvalidBatchEntryId", text)
    many = [{"Id": str(number), **entry} for number in range(20)]
    error = await kit.fails(operation, QueueUrl=url, Entries=many)
    assert error == ("TooManyEntriesInBatchRequest", "Maximum number of entries per request are 10. You have sent 20.")
    error = await kit.fails(operation, QueueUrl=url, Entries=[{"Id": "a", **entry}] * 2)
    assert error == ("BatchEntryIdsNotDistinct", "Id a repeated.")
    error = await kit.fails(operation, QueueUrl=url, Entries=[])
    assert error == ("EmptyBatchRequest", f"There should be at least one {operation}RequestEntry in the request.")


async def test_entries_fail_one_by_one(kit: Kit) -> None:
    url = await kit.queue()
    entries = [{"Id": "0", "MessageBody": "fine"}, {"Id": "1", "MessageBody": "\x01"}]
    result = await kit.call("SendMessageBatch", QueueUrl=url, Entries=entries)
    assert [each["Id"] for each in result["Successful"]] == ["0"]
    assert [(each["Id"], each["Code"], each["SenderFault"]) for each in result["Failed"]] == [("1", "InvalidMessageContents", True)]
    (message,) = await kit.receive(url)
    handles_ = {"good": message["ReceiptHandle"], "bad": "garbage"}
    entries = [{"Id": name, "ReceiptHandle": handle, "VisibilityTimeout": 5} for name, handle in handles_.items()]
    for operation in ("ChangeMessageVisibilityBatch", "DeleteMessageBatch"):
        result = await kit.call(operation, QueueUrl=url, Entries=entries)
        assert result["Successful"] == [{"Id": "good"}]
        assert [(each["Id"], each["Code"]) for each in result["Failed"]] == [("bad", "ReceiptHandleIsInvalid")]
    assert await kit.counts(url) == (0, 0, 0)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (
            {"MaxNumberOfMessages": 11},
            "Value 11 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided.",
        ),
        (
            {"MaxNumberOfMessages": 0},
            "Value 0 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided.",
        ),
        ({"WaitTimeSeconds": 21}, "Value 21 for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided."),
        (
            {"VisibilityTimeout": 43201},
            "Value 43201 for parameter VisibilityTimeout is invalid. Reason: Must be >= 0 and <= 43200, if provided.",
        ),
    ],
)
async def test_receives_that_are_refused(kit: Kit, params: dict[str, Any], message: str) -> None:
    url = await kit.queue()
    assert await kit.fails("ReceiveMessage", QueueUrl=url, **params) == ("InvalidParameterValue", message)


async def test_only_so_many_in_flight() -> None:
    kit = Kit(quotas=Quotas(in_flight_max=2, fifo_in_flight_max=2))
    url, fifo = await kit.queue(), await kit.queue("q.fifo")
    for number in range(3):
        await kit.send(url, str(number))
        await kit.send(fifo, str(number), MessageGroupId=str(number))
    first, _ = await kit.receive(url)
    assert (await kit.fails("ReceiveMessage", QueueUrl=url))[0] == "OverLimit"
    waiting = await kit.start(kit.bodies(url, WaitTimeSeconds=20))
    await kit.delete(url, first)
    await kit.clock.settle()
    assert waiting.result() == ["2"]
    assert await kit.bodies(fifo) == ["0", "1"]
    assert await kit.bodies(fifo) == []


async def test_what_fifo_demands(kit: Kit) -> None:
    url = await kit.queue("q.fifo")
    content = "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"
    group = "The request must contain the parameter MessageGroupId."
    assert await kit.fails("SendMessage", QueueUrl=url, MessageBody="x", MessageGroupId="g") == ("InvalidParameterValue", content)
    assert await kit.fails("SendMessage", QueueUrl=url, MessageBody="x", MessageDeduplicationId="d") == ("MissingParameter", group)
    entry = {"Id": "1", "MessageBody": "x", "MessageGroupId": "g", "MessageDeduplicationId": "d"}
    for lacking, text in (("MessageGroupId", group), ("MessageDeduplicationId", content)):
        second = {**entry, "Id": "2"}
        del second[lacking]
        assert await kit.fails("SendMessageBatch", QueueUrl=url, Entries=[entry, second]) == ("InvalidParameterValue", text)
    assert await kit.receive(url) == []
    for parameter in ("MessageGroupId", "MessageDeduplicationId"):
        for bad in ("Invalid-\x08", "", "x" * 129, "ä"):
            given_ = {"MessageGroupId": "g", "MessageDeduplicationId": "d", parameter: bad}
            assert (await kit.fails("SendMessage", QueueUrl=url, MessageBody="x", **given_))[0] == "InvalidParameterValue"
    fine = {"MessageGroupId": "g", "MessageDeduplicationId": "d"}
    error = await kit.fails("SendMessage", QueueUrl=url, MessageBody="x", DelaySeconds=2, **fine)
    text = "Value 2 for parameter DelaySeconds is invalid. Reason: The request include parameter that is not valid for this queue type."
    assert error == ("InvalidParameterValue", text)
    await kit.call("SendMessage", QueueUrl=url, MessageBody="x", DelaySeconds=0, **fine)


async def test_a_standard_queue_takes_a_group_but_no_deduplication_id(kit: Kit) -> None:
    url = await kit.queue()
    await kit.call("SendMessage", QueueUrl=url, MessageBody="x", MessageGroupId="tenant")
    (message,) = await kit.receive(url)
    assert message["Attributes"]["MessageGroupId"] == "tenant"
    error = await kit.fails("SendMessage", QueueUrl=url, MessageBody="x", MessageDeduplicationId="d")
    assert error[0] == "InvalidParameterValue"


async def test_deduplication_by_group(kit: Kit) -> None:
    whole = await kit.queue("whole.fifo")
    by_group = await kit.queue("by-group.fifo", DeduplicationScope="messageGroup")
    for url, bodies in ((whole, ["1"]), (by_group, ["1", "2"])):
        for group in "12":
            await kit.call("SendMessage", QueueUrl=url, MessageBody=group, MessageGroupId=group, MessageDeduplicationId="d")
        assert await kit.bodies(url) == bodies


async def test_duplicates_in_one_batch(kit: Kit) -> None:
    url = await kit.queue("q.fifo")
    entries = [{"Id": each, "MessageBody": each, "MessageGroupId": "g", "MessageDeduplicationId": "d"} for each in "ab"]
    one, two = (await kit.call("SendMessageBatch", QueueUrl=url, Entries=entries))["Successful"]
    assert (one["MessageId"], one["SequenceNumber"]) == (two["MessageId"], two["SequenceNumber"])
    assert await kit.bodies(url) == ["a"]


async def test_a_fifo_handle_ends_with_its_time(kit: Kit) -> None:
    url = await kit.queue("q.fifo")
    await kit.send(url)
    (message,) = await kit.receive(url, VisibilityTimeout=1)
    await kit.clock.advance(2)
    handle = message["ReceiptHandle"]
    error = await kit.fails("DeleteMessage", QueueUrl=url, ReceiptHandle=handle)
    assert error == (
        "InvalidParameterValue",
        f"Value {handle} for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.",
    )
    assert (await kit.fails("ChangeMessageVisibility", QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=1))[
        0
    ] == "InvalidParameterValue"
    assert len(await kit.receive(url)) == 1


async def test_visibility_by_standard_handles(kit: Kit) -> None:
    url = await kit.queue()
    await kit.send(url)
    (first,) = await kit.receive(url, VisibilityTimeout=1)
    await kit.clock.advance(2)
    change = {"QueueUrl": url, "ReceiptHandle": first["ReceiptHandle"]}
    await kit.call("ChangeMessageVisibility", **change, VisibilityTimeout=5)  # its time had passed
    assert await kit.receive(url) == []
    await kit.clock.advance(6)
    (second,) = await kit.receive(url)
    await kit.call("ChangeMessageVisibility", **change, VisibilityTimeout=0)  # an older handle
    (third,) = await kit.receive(url)
    await kit.delete(url, second)
    await kit.delete(url, third)
    text = f"Value {first['ReceiptHandle']} for parameter ReceiptHandle is invalid. "
    text += "Reason: Message does not exist or is not available for visibility timeout change."
    assert await kit.fails("ChangeMessageVisibility", **change, VisibilityTimeout=5) == ("InvalidParameterValue", text)
    assert (await kit.fails("ChangeMessageVisibility", **change, VisibilityTimeout=43_201))[0] == "InvalidParameterValue"


async def test_handles_that_are_none(kit: Kit) -> None:
    url, other = await kit.queue(), await kit.queue("other")
    await kit.send(other)
    (message,) = await kit.receive(other)
    for handle in ("garbage", "", message["ReceiptHandle"], message["ReceiptHandle"] + "="):
        error = await kit.fails("DeleteMessage", QueueUrl=url, ReceiptHandle=handle)
        assert error == ("ReceiptHandleIsInvalid", f'The input receipt handle "{handle}" is not a valid receipt handle.')


async def test_the_trace_of_a_message(kit: Kit) -> None:
    url = await kit.queue()
    trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
    sent = await kit.send(url, MessageSystemAttributes={"AWSTraceHeader": string(trace)})
    assert sent["MD5OfMessageSystemAttributes"] == "5ae4d5d7636402d80f4eb6d213245a88"
    (message,) = await kit.receive(url)
    assert message["Attributes"]["AWSTraceHeader"] == trace
    assert (await kit.fails("SendMessage", QueueUrl=url, MessageBody="x", MessageSystemAttributes={"X": string()}))[
        0
    ] == "InvalidParameterValue"


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([], []),
        (["All"], ["General", "Hello", "Help.Me"]),
        (["*"], ["General", "Hello", "Help.Me"]),
        ([".*"], ["General", "Hello", "Help.Me"]),
        (["Foo", "Help"], []),
        (["Foo", "Hello"], ["Hello"]),
        (["Hel.*"], ["Hello", "Help.Me"]),
        (["AWS."], []),
    ],
)
def test_attributes_are_chosen_by_name_and_prefix(names: list[str], expected: list[str]) -> None:
    attributes = {name: Attribute("String", "x") for name in ("Help.Me", "Hello", "General")}
    assert sorted(chosen(attributes, names)) == expected


def test_digests_as_aws_calculates_them() -> None:
    given_ = {"Help.Me": Attribute("String", "Me"), "Hello": Attribute("String", "There"), "General": Attribute("String", "Kenobi")}
    assert digests.of_attributes(given_) == "4c360f3fdafd970e05fae2f149d997f5"
    binary = {"attr1": Attribute("Binary", data=b"traceparent\x1e00-774062d6c37081a5a0b9b5b88e30627c-2d2482211f6489da-01")}
    assert digests.of_attributes(binary) == "8cbe4db156db8a94db8b801b7addb984"


@given(st.dictionaries(TEXT, st.tuples(TEXT, st.one_of(TEXT, st.binary(min_size=1, max_size=20))), max_size=5))
def test_digests_depend_on_every_part(given_: dict[str, tuple[str, str | bytes]]) -> None:
    attributes = {
        name: Attribute("String." + kind, value) if isinstance(value, str) else Attribute("Binary." + kind, data=value)
        for name, (kind, value) in given_.items()
    }
    plain = b""
    for name in sorted(attributes):
        each = attributes[name]
        for part in (name.encode(), each.data_type.encode()):
            plain += struct.pack(">I", len(part)) + part
        plain += (b"\x02" if each.binary else b"\x01") + struct.pack(">I", len(each.value)) + each.value
    if all(ord(character) < 0x10000 for name in attributes for character in name):
        assert digests.of_attributes(attributes) == hashlib.md5(plain).hexdigest()


@given(st.text("0123456789abcdef.", min_size=1), st.integers(0, 1 << 62), st.text("0123456789abcdef", min_size=1))
def test_a_handle_says_what_it_was_told(mailbox: str, sequence: int, nonce: str) -> None:
    receipt = handles.Receipt(mailbox, sequence, nonce)
    assert handles.unseal(handles.seal(receipt)) == receipt


@given(st.text(max_size=60))
def test_other_texts_are_no_handles(text: str) -> None:
    with pytest.raises(AwsError, match="ReceiptHandleIsInvalid"):
        handles.unseal(text)

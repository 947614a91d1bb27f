"""Publish and PublishBatch: a message and all its deliveries are committed, at once, before the answer."""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from lambent.domain.call import Call
from lambent.domain.errors import AwsError
from lambent.domain.service import Operations
from lambent.services.sns import outbox
from lambent.services.sns.catalogue import Entry
from lambent.services.sns.context import Sns
from lambent.services.sns.errors import invalid
from lambent.services.sns.fanout import deliveries
from lambent.services.sns.feedback import text_feedback
from lambent.services.sns.fifo import Accepted, content_id
from lambent.services.sns.messages import BYTES_MAX, Message, checked_attributes, checked_subject, checked_texts, size_of
from lambent.services.sns.platforms import enabled_endpoint
from lambent.services.sns.protocols import is_phone_number
from lambent.services.sns.state import TEXTING

if TYPE_CHECKING:
    from lambent.services.sns import _generated_shapes as shapes

operations: Operations[Sns] = Operations()
_BATCH_MAX: Final = 10
_TEXT_BYTES_MAX: Final = 1_600
_ID: Final = frozenset(string.ascii_letters + string.digits + "-_")
_FIFO_ID: Final = frozenset(string.ascii_letters + string.digits + string.punctuation)
_FIFO_ID_MAX: Final = 128


@operations.serves("Publish")
async def publish(sns: Sns, call: Call, request: shapes.PublishInput) -> shapes.PublishResponse:
    """Publish a message to a topic, a platform endpoint or a phone number."""
    target = request.get("TopicArn", request.get("TargetArn"))
    if "PhoneNumber" in request:
        return await _publish_text(sns, call, request)
    if target is None:
        raise invalid("TopicArn or TargetArn Reason: no value for required parameter")
    if ":endpoint/" in target:
        return await _push(sns, call, target, request)
    checked_subject(request.get("Subject"))
    entry = await sns.topic(call, target, "TopicArn")
    message = _message(sns, call, entry, request)
    if _size(request, message) > BYTES_MAX:
        raise invalid("Message too long")
    (accepted,) = await _to_topic(sns, entry, [message])
    response: shapes.PublishResponse = {"MessageId": accepted.message_id}
    if accepted.sequence_number:
        response["SequenceNumber"] = accepted.sequence_number
    return response


@operations.serves("PublishBatch")
async def publish_batch(sns: Sns, call: Call, request: shapes.PublishBatchInput) -> shapes.PublishBatchResponse:
    """Publish up to ten messages to a topic: all of them, or none when one isn't allowed."""
    entries = request["PublishBatchRequestEntries"]
    entry = await sns.topic(call, request["TopicArn"])
    _check_ids([each["Id"] for each in entries])
    messages = [_message(sns, call, entry, each) for each in entries]
    if sum(_size(each, message) for each, message in zip(entries, messages, strict=True)) > BYTES_MAX:
        raise AwsError("BatchRequestTooLong", "The length of all the messages put together is more than the limit.")
    accepted = await _to_topic(sns, entry, messages)
    successful: list[shapes.PublishBatchResultEntry] = []
    for each, one in zip(entries, accepted, strict=True):
        result: shapes.PublishBatchResultEntry = {"Id": each["Id"], "MessageId": one.message_id}
        if one.sequence_number:
            result["SequenceNumber"] = one.sequence_number
        successful.append(result)
    return {"Successful": successful, "Failed": []}


async def _to_topic(sns: Sns, entry: Entry, messages: Sequence[Message]) -> list[Accepted]:
    """Commit messages with everything that must happen to them."""
    if entry.topic.fifo:
        return await sns.fifo.publish(entry, messages)
    now = sns.platform.clock.now()
    writes = [write for message in messages for write in deliveries(entry, message, now, sns.platform.ids)]
    if writes:
        await sns.commit(writes)
    return [Accepted(message.id, "") for message in messages]


def _message(sns: Sns, call: Call, entry: Entry, given: Mapping[str, Any]) -> Message:
    """Return the message that a request describes, when the topic takes it."""
    attributes = checked_attributes(given.get("MessageAttributes") or {})
    text, texts = checked_texts(given["Message"], given.get("MessageStructure"))
    message = Message(
        id=sns.platform.ids.uuid(),
        published=sns.platform.clock.now(),
        text=text,
        texts=texts,
        subject=checked_subject(given.get("Subject")),
        attributes=attributes,
        group_id=_fifo_id(given, "MessageGroupId"),
        deduplication_id=_fifo_id(given, "MessageDeduplicationId"),
        trace_header=call.trace_header,
    )
    return _ordered(entry, message) if entry.topic.fifo else _unordered(message)


def _ordered(entry: Entry, message: Message) -> Message:
    if message.group_id is None:
        raise invalid("The MessageGroupId parameter is required for FIFO topics")
    if message.deduplication_id is not None:
        return message
    if entry.topic.attributes.get("ContentBasedDeduplication") != "true":
        text = "The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"
        raise invalid(text)
    return replace(message, deduplication_id=content_id(message.text))


def _unordered(message: Message) -> Message:
    if message.deduplication_id is not None:
        text = "The request includes MessageDeduplicationId parameter that is not valid for this topic type"
        raise invalid(f"MessageDeduplicationId Reason: {text}")
    return message


def _fifo_id(given: Mapping[str, Any], name: str) -> str | None:
    value = given.get(name)
    if value is None:
        return None
    text = str(value)
    if not 0 < len(text) <= _FIFO_ID_MAX or not _FIFO_ID.issuperset(text):
        raise invalid(f"{name} Reason: it can only include alphanumeric and punctuation characters, 1 to {_FIFO_ID_MAX} of them")
    return text


def _size(given: Mapping[str, Any], message: Message) -> int:
    return size_of(given["Message"], message.attributes)


def _check_ids(ids: Sequence[str]) -> None:
    if not ids:
        raise AwsError("EmptyBatchRequest", "The batch request doesn't contain any entries.")
    if len(ids) > _BATCH_MAX:
        raise AwsError("TooManyEntriesInBatchRequest", "The batch request contains more entries than permissible.")
    if len(set(ids)) < len(ids):
        raise AwsError("BatchEntryIdsNotDistinct", "Two or more batch entries in the request have the same Id.")
    if any(not 0 < len(each) <= 80 or not _ID.issuperset(each) for each in ids):
        raise AwsError("InvalidBatchEntryId", "The Id of a batch entry in a batch request doesn't abide by the specification.")


def _single(sns: Sns, request: shapes.PublishInput, platform: str = "") -> Message:
    """Return a message that goes to one phone or device."""
    checked_subject(request.get("Subject"))
    attributes = checked_attributes(request.get("MessageAttributes") or {})
    text, texts = checked_texts(request["Message"], request.get("MessageStructure"), platform)
    message = Message(
        id=sns.platform.ids.uuid(),
        published=sns.platform.clock.now(),
        text=text,
        texts=texts,
        subject=request.get("Subject"),
        attributes=attributes,
    )
    if _size(request, message) > BYTES_MAX:
        raise invalid("Message too long")
    return message


async def _publish_text(sns: Sns, call: Call, request: shapes.PublishInput) -> shapes.PublishResponse:
    number = request["PhoneNumber"]
    if not is_phone_number(number):
        raise invalid(f"PhoneNumber Reason: {number} is not valid to publish to")
    message = _single(sns, request)
    if len(message.text_for("sms").encode()) > _TEXT_BYTES_MAX:
        raise invalid(f"Message Reason: a text message must be less than {_TEXT_BYTES_MAX} bytes")
    where = (call.account_id, call.region)
    found = await TEXTING.get(sns.platform.store, where)
    told = [] if found is None else text_feedback(found.value.attributes, where, number, message, sns.platform.ids)
    more = {"accountId": call.account_id, "region": call.region}
    await sns.platform.store.commit([outbox.append(message.published, outbox.item("sms", number, message, **more)), *told])
    return {"MessageId": message.id}


async def _push(sns: Sns, call: Call, target: str, request: shapes.PublishInput) -> shapes.PublishResponse:
    endpoint = await enabled_endpoint(sns, call, target)
    platform = endpoint.application[2]
    message = _single(sns, request, platform)
    more = {"platform": platform, "token": endpoint.attributes["Token"], "message": message.text_for(platform)}
    await sns.platform.store.commit([outbox.append(message.published, outbox.item("application", target, message, **more))])
    return {"MessageId": message.id}

"""``SendMessage`` and ``SendMessageBatch``: on disk before they are answered."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from lambent.domain.call import Call
from lambent.domain.caller import CallerKind
from lambent.domain.errors import AwsError
from lambent.domain.service import Operations
from lambent.services.sqs import batches, contents, digests
from lambent.services.sqs.attributes import RANGES
from lambent.services.sqs.context import Sqs
from lambent.services.sqs.errors import invalid, invalid_value, missing, too_long
from lambent.services.sqs.mailroom import Parcel, Posted
from lambent.services.sqs.names import FIFO_SUFFIX
from lambent.services.sqs.state import Queue, Sent

if TYPE_CHECKING:
    from lambent.services.sqs import _generated_shapes as shapes

operations: Operations[Sqs] = Operations()
BATCH_BYTES_MAX = RANGES["MaximumMessageSize"][1]
_SEQUENCE_BASE = 18_000_000_000_000_000_000
_WRONG_QUEUE_TYPE = "The request include parameter that is not valid for this queue type."


@operations.serves("SendMessage")
async def send_message(sqs: Sqs, call: Call, request: shapes.SendMessageRequest) -> shapes.SendMessageResult:
    """Put a message into a queue."""
    queue = await sqs.queue(call, request["QueueUrl"])
    parcel = parcel_of(sqs, call, queue, request)
    (posted,) = await sqs.mailroom.send(queue, [parcel])
    return _told(parcel, posted, queue)  # type: ignore[return-value]


@operations.serves("SendMessageBatch")
async def send_message_batch(sqs: Sqs, call: Call, request: shapes.SendMessageBatchRequest) -> shapes.SendMessageBatchResult:
    """Put up to ten messages into a queue; each may fail for itself."""
    queue = await sqs.queue(call, request["QueueUrl"])
    entries = request["Entries"]
    batches.check(entries, "SendMessageBatchRequestEntry")
    _check_fifo_batch(queue, entries)
    total = sum(_size(entry) for entry in entries)
    if total > BATCH_BYTES_MAX:
        text = f"Batch requests cannot be longer than {BATCH_BYTES_MAX} bytes. You have sent {total} bytes."
        raise AwsError("BatchRequestTooLong", text)
    parcels: dict[str, Parcel] = {}
    failures: list[shapes.BatchResultErrorEntry] = []
    for entry in entries:
        try:
            parcels[entry["Id"]] = parcel_of(sqs, call, queue, entry)
        except AwsError as error:
            failures.append(batches.failed(entry["Id"], error))
    posted = await sqs.mailroom.send(queue, list(parcels.values())) if parcels else []
    told: list[Any] = [{"Id": entry_id, **_told(parcels[entry_id], each, queue)} for entry_id, each in zip(parcels, posted, strict=True)]
    return batches.result(told, failures)  # type: ignore[return-value]


def parcel_of(sqs: Sqs, call: Call, queue: Queue, request: shapes.SendMessageRequest | shapes.SendMessageBatchRequestEntry) -> Parcel:
    """Return the message that shall be sent; raise AWS's errors for one that can't be."""
    body = request["MessageBody"]
    contents.check_body(body)
    attributes = contents.attributes_of(request.get("MessageAttributes") or {})
    limit = queue.number("MaximumMessageSize")
    if contents.size_of(body, attributes) > limit:
        raise too_long(limit, in_batch="Id" in request)
    now_ms = sqs.mailroom.now_ms()
    sent = Sent(
        message_id=sqs.platform.ids.uuid(),
        body=body,
        sent_ms=now_ms,
        sender_id=sender_of(call),
        attributes=attributes,
        trace_header=_trace_header(request) or call.trace_header,
        group_id=_group(queue, request.get("MessageGroupId")),
        deduplication_id=_deduplication_id(queue, request.get("MessageDeduplicationId"), body),
    )
    scope = (sent.group_id or "") if queue.text("DeduplicationScope") == "messageGroup" else ""
    deduplication = (scope, sent.deduplication_id) if queue.fifo and sent.deduplication_id is not None else None
    return Parcel(sent, now_ms + 1000 * _delay_s(queue, request.get("DelaySeconds")), deduplication)


def sender_of(call: Call) -> str:
    """Return the attribute ``SenderId``: the account for its root, else what the ARN ends with."""
    if call.caller.kind in {CallerKind.ROOT, CallerKind.ANONYMOUS}:
        return call.caller.account_id
    return call.caller.arn.rpartition("/")[2]


def sequence_number(sequence: int) -> str:
    """Return a FIFO message's sequence number as AWS shows it: 20 digits."""
    return str(_SEQUENCE_BASE + sequence)


def _size(entry: shapes.SendMessageBatchRequestEntry) -> int:
    """Return an entry's size, whatever else may be wrong with it."""
    attributes = {
        name: digests.Attribute(value.get("DataType") or "", value.get("StringValue") or "", value.get("BinaryValue") or b"")
        for name, value in (entry.get("MessageAttributes") or {}).items()
        if value
    }
    return contents.size_of(entry["MessageBody"], attributes)


def _check_fifo_batch(queue: Queue, entries: list[shapes.SendMessageBatchRequestEntry]) -> None:
    """AWS refuses a batch as a whole when an entry lacks what a FIFO queue demands of it."""
    if not queue.fifo:
        return
    if any(not each.get("MessageGroupId") for each in entries):
        raise invalid("The request must contain the parameter MessageGroupId.")
    for each in entries:
        _deduplication_id(queue, each.get("MessageDeduplicationId"), "")


def _group(queue: Queue, group_id: str | None) -> str | None:
    if group_id is not None:
        contents.check_id(group_id, "MessageGroupId")
    elif queue.fifo:
        raise missing("MessageGroupId")
    return group_id


def _deduplication_id(queue: Queue, given: str | None, body: str) -> str | None:
    if not queue.fifo:
        if given is not None:
            raise invalid_value(given, "MessageDeduplicationId", _WRONG_QUEUE_TYPE)
        return None
    if given is not None:
        contents.check_id(given, "MessageDeduplicationId")
        return given
    if not queue.switched_on("ContentBasedDeduplication"):
        raise invalid("The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
    return hashlib.sha256(body.encode("utf-8", "surrogatepass")).hexdigest()


def _delay_s(queue: Queue, given: int | None) -> int:
    if given is None:
        return queue.number("DelaySeconds")
    low, high = RANGES["DelaySeconds"]
    if queue.fifo and given:
        raise invalid_value(given, "DelaySeconds", _WRONG_QUEUE_TYPE)
    if not low <= given <= high:
        raise invalid_value(given, "DelaySeconds", f"DelaySeconds must be >= {low} and <= {high}.")
    return queue.number("DelaySeconds") if queue.fifo else given


def _trace_header(request: shapes.SendMessageRequest | shapes.SendMessageBatchRequestEntry) -> str:
    given = contents.attributes_of(request.get("MessageSystemAttributes") or {}, "system")
    if given.keys() - {"AWSTraceHeader"}:
        raise invalid("1 validation error detected: the only supported message system attribute is AWSTraceHeader.")
    return given["AWSTraceHeader"].text if given else ""


def _told(parcel: Parcel, posted: Posted, queue: Queue) -> dict[str, Any]:
    sent = parcel.sent
    told = {"MessageId": posted.message_id, "MD5OfMessageBody": digests.of_text(sent.body)}
    if sent.attributes:
        told["MD5OfMessageAttributes"] = digests.of_attributes(sent.attributes)
    if sent.trace_header:
        told["MD5OfMessageSystemAttributes"] = digests.of_attributes({"AWSTraceHeader": digests.Attribute("String", sent.trace_header)})
    if queue.name.endswith(FIFO_SUFFIX):
        told["SequenceNumber"] = sequence_number(posted.sequence)
    return told

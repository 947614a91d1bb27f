"""``ReceiveMessage``: at once, or as soon as a message comes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from lambent.domain.call import Call
from lambent.domain.errors import AwsError
from lambent.domain.service import Operations
from lambent.services.sqs import digests
from lambent.services.sqs.attributes import RANGES
from lambent.services.sqs.contents import check_id
from lambent.services.sqs.context import Sqs
from lambent.services.sqs.digests import Attribute
from lambent.services.sqs.errors import invalid_value
from lambent.services.sqs.handles import Receipt, seal
from lambent.services.sqs.mailroom import Delivery, Parcel, Post
from lambent.services.sqs.redrive import policy_of
from lambent.services.sqs.sending import sequence_number
from lambent.services.sqs.state import Queue, Sent

if TYPE_CHECKING:
    from lambent.services.sqs import _generated_shapes as shapes

operations: Operations[Sqs] = Operations()
_MESSAGES_MAX = 10
_ATTEMPT_MS = 300_000
_ATTEMPTS_MAX = 1_000


@operations.serves("ReceiveMessage")
async def receive_message(sqs: Sqs, call: Call, request: shapes.ReceiveMessageRequest) -> shapes.ReceiveMessageResult:
    """Receive up to ten messages; wait for one when there is none and the caller has the time."""
    queue = await sqs.queue(call, request["QueueUrl"])
    limit = _within(request.get("MaxNumberOfMessages"), 1, (1, _MESSAGES_MAX), "MaxNumberOfMessages")
    visibility_s = _chosen(queue, request.get("VisibilityTimeout"), "VisibilityTimeout", "VisibilityTimeout")
    wait_s = _chosen(queue, request.get("WaitTimeSeconds"), "ReceiveMessageWaitTimeSeconds", "WaitTimeSeconds")
    attempt = request.get("ReceiveRequestAttemptId") if queue.fifo else None
    if attempt is not None:
        check_id(attempt, "ReceiveRequestAttemptId")
    clock = sqs.platform.clock
    deadline = clock.monotonic() + wait_s
    while True:
        post = await sqs.mailroom.post(queue)
        if not call.is_wanted():  # the client went away while it waited: what is here is the next one's
            post.ring()
            return {}
        deliveries = await _again(sqs, post, attempt, visibility_s)
        deliveries = deliveries or await receive(sqs, queue, post, limit, visibility_s, polls=wait_s > 0)
        left_s = deadline - clock.monotonic()
        if deliveries or left_s <= 0:
            break
        await sqs.mailroom.wait(post, left_s)
        if post.closed:
            queue = await sqs.queue(call, request["QueueUrl"])
    if attempt is not None and deliveries:
        _remember(sqs, post, attempt, deliveries)
    return {"Messages": [_message(queue, each, request) for each in deliveries]} if deliveries else {}


async def _again(sqs: Sqs, post: Post, attempt: str | None, visibility_s: int) -> list[Delivery]:
    """Return what the same attempt got before, if it is all still as it was: the answer may have been lost on its way.

    Attempts are known for five minutes, and to this life of the server.
    """
    made_ms, taken = post.attempts.get(attempt or "", (0, []))
    if made_ms <= sqs.mailroom.now_ms() - _ATTEMPT_MS:
        return []
    post.box.settle(sqs.mailroom.now_ms())
    if not all(post.box.find(letter.sequence) is letter and letter.held and letter.nonce == standing.nonce for letter, standing in taken):
        return []
    await sqs.mailroom.hold(post, [(letter, visibility_s * 1000) for letter, _ in taken])
    return await sqs.mailroom.read(post, taken)


def _remember(sqs: Sqs, post: Post, attempt: str, deliveries: list[Delivery]) -> None:
    now_ms = sqs.mailroom.now_ms()
    while post.attempts and (len(post.attempts) >= _ATTEMPTS_MAX or next(iter(post.attempts.values()))[0] <= now_ms - _ATTEMPT_MS):
        del post.attempts[next(iter(post.attempts))]
    post.attempts.setdefault(attempt, (now_ms, [(each.letter, each.standing) for each in deliveries]))


async def receive(sqs: Sqs, queue: Queue, post: Post, limit: int, visibility_s: int, *, polls: bool = False) -> list[Delivery]:
    """Receive what is there now: without what has expired, and without what was received too often, which goes to the dead-letter queue."""
    limit = min(limit, _room(sqs, queue, post, polls=polls))
    while limit and (taken := await sqs.mailroom.take(post, limit, visibility_s * 1000)):
        expired_before_ms = sqs.mailroom.now_ms() - 1000 * queue.number("MessageRetentionPeriod")
        expired = [each for each in taken if each.sent.sent_ms <= expired_before_ms]
        if expired:
            await sqs.mailroom.delete(post, [each.letter for each in expired])
        fresh = [each for each in taken if each.sent.sent_ms > expired_before_ms]
        dead = await _dead(sqs, queue, post, fresh)
        good = [each for each in fresh if each not in dead]
        if good:
            return good
    return []


def _room(sqs: Sqs, queue: Queue, post: Post, *, polls: bool) -> int:
    """Return how many more messages may be in flight; AWS's ``OverLimit`` for a standard queue's short poll when none may."""
    quotas = sqs.platform.quotas
    room = (quotas.fifo_in_flight_max if queue.fifo else quotas.in_flight_max) - post.box.in_flight
    if room <= 0 and not queue.fifo and not polls:
        raise AwsError("OverLimit", "Too many messages in flight: delete or release some before you receive more.", 403)
    return max(0, room)


async def _dead(sqs: Sqs, queue: Queue, post: Post, deliveries: list[Delivery]) -> list[Delivery]:
    """Move what was received too often to the dead-letter queue, and return it."""
    policy = policy_of(queue.attributes.get("RedrivePolicy", ""))
    if policy is None:
        return []
    dead = [each for each in deliveries if each.standing.receives > policy.receives_max]
    target = await sqs.lookup(policy.target) if dead else None
    if target is None:
        return []
    now_ms = sqs.mailroom.now_ms()
    parcels = [Parcel(_buried(queue, each, now_ms), now_ms) for each in dead]
    await sqs.mailroom.move(post, dead, target.value, parcels)
    return dead


def _buried(queue: Queue, delivery: Delivery, now_ms: int) -> Sent:
    """Return a message as it goes to the dead-letter queue: it takes along how often it was received, without the attempt that failed here.

    One of a FIFO queue is sent anew, with its own id for deduplication; one of a standard queue keeps its age.
    """
    sent, standing = delivery.sent, delivery.standing
    buried = replace(
        sent,
        dead_letter_source=queue.arn,
        receives_before=sent.receives_before + standing.receives - 1,
        first_received_ms=sent.first_received_ms or standing.first_received_ms,
    )
    return replace(buried, sent_ms=now_ms, deduplication_id=sent.message_id) if queue.fifo else buried


def _within(given: int | None, default: int, bounds: tuple[int, int], parameter: str) -> int:
    if given is None:
        return default
    low, high = bounds
    if not low <= given <= high:
        raise invalid_value(given, parameter, f"Must be between {low} and {high}, if provided.")
    return given


def _chosen(queue: Queue, given: int | None, attribute: str, parameter: str) -> int:
    """Return what the request says, or the queue."""
    if given is None:
        return queue.number(attribute)
    low, high = RANGES[attribute]
    if not low <= given <= high:
        raise invalid_value(given, parameter, f"Must be >= {low} and <= {high}, if provided.")
    return given


def _message(queue: Queue, delivery: Delivery, request: shapes.ReceiveMessageRequest) -> shapes.Message:
    sent = delivery.sent
    message: shapes.Message = {
        "MessageId": sent.message_id,
        "ReceiptHandle": seal(Receipt(queue.mailbox, delivery.letter.sequence, delivery.standing.nonce)),
        "MD5OfBody": digests.of_text(sent.body),
        "Body": sent.body,
    }
    wanted = {*request.get("AttributeNames", ()), *request.get("MessageSystemAttributeNames", ())}
    system = {name: value for name, value in _system(queue, delivery).items() if name in wanted or "All" in wanted}
    if system:
        message["Attributes"] = system
    attributes = chosen(sent.attributes, request.get("MessageAttributeNames", []))
    if attributes:
        message["MD5OfMessageAttributes"] = digests.of_attributes(attributes)
        message["MessageAttributes"] = {name: _shown(value) for name, value in attributes.items()}
    return message


def _system(queue: Queue, delivery: Delivery) -> dict[str, str]:
    sent, standing = delivery.sent, delivery.standing
    found = {
        "SenderId": sent.sender_id,
        "SentTimestamp": str(sent.sent_ms),
        "ApproximateReceiveCount": str(sent.receives_before + standing.receives),
        "ApproximateFirstReceiveTimestamp": str(sent.first_received_ms or standing.first_received_ms),
    }
    if sent.group_id is not None:
        found["MessageGroupId"] = sent.group_id
    if queue.fifo:
        found["MessageDeduplicationId"] = sent.deduplication_id or ""
        found["SequenceNumber"] = sequence_number(delivery.letter.sequence)
    if sent.trace_header:
        found["AWSTraceHeader"] = sent.trace_header
    if sent.dead_letter_source:
        found["DeadLetterQueueSourceArn"] = sent.dead_letter_source
    return found


def chosen(attributes: dict[str, Attribute], names: list[str]) -> dict[str, Attribute]:
    """Return the attributes that are asked for: by name, by ``prefix.*``, or all with ``All`` or ``.*``."""
    if any(each in {"All", "*", ".*"} for each in names):
        return attributes
    prefixes = tuple(each[:-2] for each in names if each.endswith(".*"))
    return {name: value for name, value in attributes.items() if name in names or (prefixes and name.startswith(prefixes))}


def _shown(attribute: Attribute) -> Any:
    shown = {"BinaryValue": attribute.data} if attribute.binary else {"StringValue": attribute.text}
    return {**shown, "DataType": attribute.data_type}

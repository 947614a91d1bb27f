"""What becomes of a received message: ``DeleteMessage``, ``ChangeMessageVisibility``, and their batches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambent.domain.call import Call
from lambent.domain.errors import AwsError
from lambent.domain.service import Operations
from lambent.services.sqs import batches
from lambent.services.sqs.attributes import RANGES
from lambent.services.sqs.context import Sqs
from lambent.services.sqs.errors import invalid_value, missing, not_a_handle
from lambent.services.sqs.handles import unseal
from lambent.services.sqs.letters import Letter
from lambent.services.sqs.mailroom import Post
from lambent.services.sqs.state import Queue

if TYPE_CHECKING:
    from lambent.services.sqs import _generated_shapes as shapes

operations: Operations[Sqs] = Operations()


@operations.serves("DeleteMessage")
async def delete_message(sqs: Sqs, call: Call, request: shapes.DeleteMessageRequest) -> None:
    """Remove a message for good. An older handle does it too, unless somebody holds the message since."""
    queue, post = await _opened(sqs, call, request["QueueUrl"])
    letter = _deletable(queue, post, request["ReceiptHandle"])
    if letter is not None:
        await sqs.mailroom.delete(post, [letter])


@operations.serves("DeleteMessageBatch")
async def delete_message_batch(sqs: Sqs, call: Call, request: shapes.DeleteMessageBatchRequest) -> shapes.DeleteMessageBatchResult:
    """Remove up to ten messages for good; each may fail for itself."""
    queue, post = await _opened(sqs, call, request["QueueUrl"])
    batches.check(request["Entries"], "DeleteMessageBatchRequestEntry")
    done: list[shapes.DeleteMessageBatchResultEntry] = []
    failures: list[shapes.BatchResultErrorEntry] = []
    letters: dict[int, Letter] = {}
    for entry in request["Entries"]:
        try:
            letter = _deletable(queue, post, entry["ReceiptHandle"])
        except AwsError as error:
            failures.append(batches.failed(entry["Id"], error))
            continue
        if letter is not None:
            letters[letter.sequence] = letter
        done.append({"Id": entry["Id"]})
    if letters:
        await sqs.mailroom.delete(post, list(letters.values()))
    return batches.result(done, failures)  # type: ignore[return-value]


@operations.serves("ChangeMessageVisibility")
async def change_message_visibility(sqs: Sqs, call: Call, request: shapes.ChangeMessageVisibilityRequest) -> None:
    """Make a message invisible for so many seconds from now; 0 gives it back."""
    queue, post = await _opened(sqs, call, request["QueueUrl"])
    await sqs.mailroom.hold(post, [_changed(sqs, queue, post, request["ReceiptHandle"], request["VisibilityTimeout"])])


@operations.serves("ChangeMessageVisibilityBatch")
async def change_message_visibility_batch(
    sqs: Sqs, call: Call, request: shapes.ChangeMessageVisibilityBatchRequest
) -> shapes.ChangeMessageVisibilityBatchResult:
    """Change up to ten messages' visibility; each may fail for itself."""
    queue, post = await _opened(sqs, call, request["QueueUrl"])
    batches.check(request["Entries"], "ChangeMessageVisibilityBatchRequestEntry")
    done: list[shapes.ChangeMessageVisibilityBatchResultEntry] = []
    failures: list[shapes.BatchResultErrorEntry] = []
    changes: list[tuple[Letter, int]] = []
    for entry in request["Entries"]:
        try:
            if "VisibilityTimeout" not in entry:
                raise missing("VisibilityTimeout")
            changes.append(_changed(sqs, queue, post, entry["ReceiptHandle"], entry["VisibilityTimeout"]))
        except AwsError as error:
            failures.append(batches.failed(entry["Id"], error))
            continue
        done.append({"Id": entry["Id"]})
    if changes:
        await sqs.mailroom.hold(post, changes)
    return batches.result(done, failures)  # type: ignore[return-value]


async def _opened(sqs: Sqs, call: Call, url: str) -> tuple[Queue, Post]:
    queue = await sqs.queue(call, url)
    post = await sqs.mailroom.whole(queue)
    post.box.settle(sqs.mailroom.now_ms())
    return queue, post


def _find(queue: Queue, post: Post, handle: str) -> tuple[Letter | None, bool]:
    """Return the message that was received with the handle, if it is still there; and whether that was its latest receive."""
    receipt = unseal(handle)
    if receipt.mailbox.partition(".")[0] != queue.id:
        raise not_a_handle(handle)
    letter = post.box.find(receipt.sequence) if receipt.mailbox == queue.mailbox else None
    return letter, letter is not None and letter.nonce == receipt.nonce


def _deletable(queue: Queue, post: Post, handle: str) -> Letter | None:
    letter, latest = _find(queue, post, handle)
    if queue.fifo and letter is not None and not (latest and letter.held):
        raise invalid_value(handle, "ReceiptHandle", "The receipt handle has expired.")
    return letter if letter is not None and (latest or not letter.held) else None


def _changed(sqs: Sqs, queue: Queue, post: Post, handle: str, timeout_s: int) -> tuple[Letter, int]:
    """Return the message and for how many milliseconds it shall be invisible. In a standard queue older handles do as well, as at AWS."""
    low, high = RANGES["VisibilityTimeout"]
    if not low <= timeout_s <= high:
        raise invalid_value(timeout_s, "VisibilityTimeout", f"VisibilityTimeout must be between {low} and {high}.")
    letter, latest = _find(queue, post, handle)
    if letter is None or (queue.fifo and not (latest and letter.held)):
        raise invalid_value(handle, "ReceiptHandle", "Message does not exist or is not available for visibility timeout change.")
    if sqs.mailroom.now_ms() + timeout_s * 1000 - letter.first_received_ms > high * 1000 and letter.held and timeout_s:
        raise invalid_value(timeout_s, "VisibilityTimeout", f"Total VisibilityTimeout for the message is beyond the limit [{high} seconds]")
    return letter, timeout_s * 1000

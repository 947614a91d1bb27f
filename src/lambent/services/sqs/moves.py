"""Message-move tasks: ``StartMessageMoveTask``, ``CancelMessageMoveTask`` and ``ListMessageMoveTasks``; ``moving`` carries them out."""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from lambent.domain.call import Call
from lambent.domain.documents import Found
from lambent.domain.errors import AwsError, Conflict
from lambent.domain.service import Operations
from lambent.domain.storage import ABSENT, Write
from lambent.services.sqs.access import check
from lambent.services.sqs.context import Sqs
from lambent.services.sqs.dead_letters import sources_of
from lambent.services.sqs.errors import invalid, invalid_value, no_such_resource
from lambent.services.sqs.names import of_arn
from lambent.services.sqs.state import CANCELLING, RUNNING, Move, Queue, moves

if TYPE_CHECKING:
    from lambent.services.sqs import _generated_shapes as shapes

operations: Operations[Sqs] = Operations()
_KEPT = 10
_RATE_MAX = 500


@operations.serves("StartMessageMoveTask")
async def start_message_move_task(sqs: Sqs, call: Call, request: shapes.StartMessageMoveTaskRequest) -> shapes.StartMessageMoveTaskResult:
    """Begin to move a dead-letter queue's messages back to where they came from, or to another queue."""
    source = await _queue(sqs, call, request["SourceArn"], "SourceArn")
    rate = request.get("MaxNumberOfMessagesPerSecond")
    if rate is not None and not 1 <= rate <= _RATE_MAX:
        raise invalid_value(rate, "MaxNumberOfMessagesPerSecond", f"Must be between 1 and {_RATE_MAX}.")
    destination = request.get("DestinationArn")
    if destination is not None:
        target = await _queue(sqs, call, destination, "DestinationArn")
        if target.fifo != source.fifo:
            raise invalid("The destination queue must be of the same type as the source queue.")
    if not await sources_of(sqs, source):
        raise invalid("Source queue must be configured as a Dead Letter Queue.")
    history = await _history(sqs, source)
    if any(each.value.status in {RUNNING, CANCELLING} for each in history):
        raise invalid("There is already a task running. Only one active task is allowed for a source queue arn at a given time.")
    post = await sqs.mailroom.whole(source)
    post.box.settle(sqs.mailroom.now_ms())
    move = Move(
        task_id=sqs.platform.ids.uuid(),
        source_arn=source.arn,
        destination_arn=destination,
        rate=rate,
        to_move=post.box.available,
        started_ms=sqs.mailroom.now_ms(),
    )
    writes: list[Write] = [moves.put((*source.ref, move.started_ms, move.task_id), move, ABSENT)]
    writes += [moves.delete(each.key) for each in history[_KEPT - 1 :]]
    await sqs.platform.store.commit(writes)
    sqs.mailroom.bell.set()
    return {"TaskHandle": _handle(move)}


@operations.serves("CancelMessageMoveTask")
async def cancel_message_move_task(
    sqs: Sqs, call: Call, request: shapes.CancelMessageMoveTaskRequest
) -> shapes.CancelMessageMoveTaskResult:
    """Stop a task; what was moved stays moved."""
    task_id, source_arn = _opened(request["TaskHandle"])
    source = await _queue(sqs, call, source_arn, "SourceArn")
    while True:
        found = next((each for each in await _history(sqs, source) if each.value.task_id == task_id), None)
        if found is None:
            raise AwsError("ResourceNotFoundException", "Task does not exist.", 404)
        if found.value.status != RUNNING:
            raise invalid("Only active tasks can be cancelled.")
        try:
            await sqs.platform.store.commit([moves.put(found.key, replace(found.value, status=CANCELLING), found.version)])
        except Conflict:
            continue
        sqs.mailroom.bell.set()
        return {"ApproximateNumberOfMessagesMoved": found.value.moved}


@operations.serves("ListMessageMoveTasks")
async def list_message_move_tasks(sqs: Sqs, call: Call, request: shapes.ListMessageMoveTasksRequest) -> shapes.ListMessageMoveTasksResult:
    """Return a queue's latest tasks, the newest first; one unless more are asked for."""
    source = await _queue(sqs, call, request["SourceArn"], "SourceArn")
    limit = request.get("MaxResults", 1)
    if not 1 <= limit <= _KEPT:
        raise invalid_value(limit, "MaxResults", f"Must be between 1 and {_KEPT}.")
    return {"Results": [_shown(each.value) for each in (await _history(sqs, source))[:limit]]}


async def _queue(sqs: Sqs, call: Call, arn: str, parameter: str) -> Queue:
    ref = of_arn(arn)
    found = None if ref is None else await sqs.lookup(ref)
    if found is None:
        raise no_such_resource(parameter)
    check(call, found.value)
    return found.value


async def _history(sqs: Sqs, source: Queue) -> list[Found[Move]]:
    """Return a queue's tasks, the newest first."""
    return await moves.range(sqs.platform.store, source.ref, reverse=True)


def _handle(move: Move) -> str:
    return base64.b64encode(json.dumps({"taskId": move.task_id, "sourceArn": move.source_arn}).encode()).decode()


def _opened(handle: str) -> tuple[str, str]:
    try:
        said: Any = json.loads(base64.b64decode(handle, validate=True))
        return str(said["taskId"]), str(said["sourceArn"])
    except (ValueError, binascii.Error, TypeError, KeyError):
        raise invalid("Value for parameter TaskHandle is invalid.") from None


def _shown(move: Move) -> shapes.ListMessageMoveTasksResultEntry:
    shown: shapes.ListMessageMoveTasksResultEntry = {
        "Status": move.status,
        "SourceArn": move.source_arn,
        "ApproximateNumberOfMessagesMoved": move.moved,
        "ApproximateNumberOfMessagesToMove": move.to_move,
        "StartedTimestamp": move.started_ms,
    }
    if move.destination_arn is not None:
        shown["DestinationArn"] = move.destination_arn
    if move.rate is not None:
        shown["MaxNumberOfMessagesPerSecond"] = move.rate
    if move.status == RUNNING:
        shown["TaskHandle"] = _handle(move)
    if move.failure:
        shown["FailureReason"] = move.failure
    return shown

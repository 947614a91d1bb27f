"""``GetQueueAttributes`` and ``SetQueueAttributes``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from lambent.domain.call import Call
from lambent.domain.service import Operations
from lambent.services.sqs.attributes import COUNTS, KNOWN, check, check_throughput, normal
from lambent.services.sqs.context import Sqs
from lambent.services.sqs.dead_letters import checked_policies
from lambent.services.sqs.errors import invalid_attribute, unknown_attribute
from lambent.services.sqs.state import Queue

if TYPE_CHECKING:
    from lambent.services.sqs import _generated_shapes as shapes

operations: Operations[Sqs] = Operations()


@operations.serves("GetQueueAttributes")
async def get_queue_attributes(sqs: Sqs, call: Call, request: shapes.GetQueueAttributesRequest) -> shapes.GetQueueAttributesResult:
    """Return the attributes that are asked for."""
    queue = await sqs.queue(call, request["QueueUrl"])
    wanted = set(request.get("AttributeNames") or ())
    unknown = sorted(wanted - KNOWN)
    if unknown:
        raise unknown_attribute(unknown[0])
    if not wanted:
        return {}
    values = queue.shown()
    if wanted & {"All", *COUNTS}:
        values |= await _counts(sqs, queue)
    attributes = {name: value for name, value in values.items() if "All" in wanted or name in wanted}
    return {"Attributes": attributes} if attributes else {}


async def _counts(sqs: Sqs, queue: Queue) -> dict[str, str]:
    box = (await sqs.mailroom.whole(queue)).box
    box.settle(sqs.mailroom.now_ms())
    return dict(zip(COUNTS, map(str, (box.available, box.in_flight, box.delayed)), strict=True))


@operations.serves("SetQueueAttributes")
async def set_queue_attributes(sqs: Sqs, call: Call, request: shapes.SetQueueAttributesRequest) -> None:
    """Change attributes; an empty value takes one back to AWS's default."""
    queue, given = await sqs.queue(call, request["QueueUrl"]), normal(request["Attributes"])
    if "FifoQueue" in given and not queue.fifo:
        raise unknown_attribute("FifoQueue")
    if given.pop("FifoQueue", "true") != "true":
        raise invalid_attribute("FifoQueue", "Modifying queue type is not supported.")
    check(given, fifo=queue.fifo)
    given = await checked_policies(sqs, queue.ref, given)
    await sqs.change(call, request["QueueUrl"], lambda found: _changed(found, given, int(sqs.platform.clock.now())))


def _changed(queue: Queue, given: dict[str, str], now_s: int) -> Queue:
    if given.get("KmsMasterKeyId"):
        given = {"SqsManagedSseEnabled": "", **given}
    elif given.get("SqsManagedSseEnabled") == "true":
        given = {"KmsMasterKeyId": "", "KmsDataKeyReusePeriodSeconds": "", **given}
    merged = {name: value for name, value in {**queue.attributes, **given}.items() if value != ""}
    check_throughput(merged)
    return replace(queue, attributes=merged, modified_s=now_s)

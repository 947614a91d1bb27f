"""``GetQueueAttributes`` and ``SetQueueAttributes``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec.structs import replace

from lambent.domain.call import Call
from lambent.domain.errors import Conflict
from lambent.domain.service import Operations
from lambent.services.sqs.attributes import COUNTS, KNOWN, check
from lambent.services.sqs.context import Sqs
from lambent.services.sqs.dead_letters import check_policies
from lambent.services.sqs.errors import invalid_attribute, unknown_attribute
from lambent.services.sqs.state import Queue, queues

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
    return {"Attributes": {name: value for name, value in values.items() if "All" in wanted or name in wanted}}


async def _counts(sqs: Sqs, queue: Queue) -> dict[str, str]:
    box = (await sqs.mailroom.post(queue)).box
    box.settle(sqs.mailroom.now_ms())
    return dict(zip(COUNTS, map(str, (box.available, box.in_flight, box.delayed)), strict=True))


@operations.serves("SetQueueAttributes")
async def set_queue_attributes(sqs: Sqs, call: Call, request: shapes.SetQueueAttributesRequest) -> None:
    """Change attributes; an empty value takes one back to AWS's default."""
    queue, given = await sqs.queue(call, request["QueueUrl"]), dict(request["Attributes"])
    if "FifoQueue" in given:
        raise invalid_attribute("FifoQueue", "Modifying queue type is not supported.") if queue.fifo else unknown_attribute("FifoQueue")
    check(given, fifo=queue.fifo)
    await check_policies(sqs, queue.ref, given)
    await change(sqs, call, request["QueueUrl"], lambda found: _changed(found, given, int(sqs.platform.clock.now())))


def _changed(queue: Queue, given: dict[str, str], now_s: int) -> Queue:
    merged = {name: value for name, value in {**queue.attributes, **given}.items() if value != ""}
    return replace(queue, attributes=merged, modified_s=now_s)


async def change(sqs: Sqs, call: Call, url: str, how: Callable[[Queue], Queue]) -> None:
    """Replace a queue by what ``how`` makes of it, again as often as another request comes between."""
    while True:
        found = await sqs.found(call, url)
        try:
            await sqs.platform.store.commit([queues.put(found.key, how(found.value), found.version)])
        except Conflict:
            continue
        return

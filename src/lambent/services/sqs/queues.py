"""Queues: create, find, list, delete, purge; their attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from lambent.domain.call import Call
from lambent.domain.caller import CallerKind
from lambent.domain.errors import AwsError, Conflict
from lambent.domain.service import Operations
from lambent.domain.storage import ABSENT, Write
from lambent.services.sqs.access import check as check_access
from lambent.services.sqs.attributes import check, check_throughput, normal
from lambent.services.sqs.context import Sqs
from lambent.services.sqs.dead_letters import checked_policies
from lambent.services.sqs.errors import deleted_recently, invalid_attribute, no_such_queue, queue_exists, unknown_attribute
from lambent.services.sqs.names import QueueRef, check_name
from lambent.services.sqs.paging import paged
from lambent.services.sqs.state import Queue, freed, old_mailboxes, queues
from lambent.services.sqs.tagging import check_tags

if TYPE_CHECKING:
    from lambent.services.sqs import _generated_shapes as shapes

operations: Operations[Sqs] = Operations()
_PURGE_EVERY_S = 60.0


@operations.serves("CreateQueue")
async def create_queue(sqs: Sqs, call: Call, request: shapes.CreateQueueRequest) -> shapes.CreateQueueResult:
    """Create a queue; one that is there already with the same attributes is as good as new."""
    name, attributes = request["QueueName"], normal(request.get("Attributes") or {})
    fifo = _type(name, attributes)
    check_name(name, fifo=fifo)
    check(attributes, fifo=fifo)
    check_throughput(attributes)
    tags = dict(request.get("tags") or {})
    check_tags(name, tags)
    ref = QueueRef(call.account_id, call.region, name)
    attributes = await checked_policies(sqs, ref, attributes)
    found = await sqs.lookup(ref)
    if found is not None:
        return _again(sqs, call, found.value, attributes)
    now = sqs.platform.clock.now()
    since = await freed.get(sqs.platform.store, ref)
    if since is not None and now - since.value < sqs.platform.quotas.queue_name_reuse_s:
        raise deleted_recently()
    queue = Queue(
        id=sqs.platform.ids.hex(12),
        name=name,
        account_id=ref.account_id,
        region=ref.region,
        created_s=int(now),
        modified_s=int(now),
        attributes={key: value for key, value in attributes.items() if value != ""},
        tags=tags,
    )
    try:
        await sqs.registry.commit(ref, [queues.put(ref, queue, ABSENT)])
    except Conflict:
        return await create_queue(sqs, call, request)  # type: ignore[no-any-return]
    return {"QueueUrl": sqs.url(call, ref)}


def _type(name: str, attributes: dict[str, str]) -> bool:
    """Return whether a FIFO queue is asked for, and take the attribute that says so out."""
    said = attributes.pop("FifoQueue", "")
    if said == "false":
        raise unknown_attribute("FifoQueue")
    if said not in {"", "true"}:
        raise invalid_attribute("FifoQueue")
    return said == "true"


def _again(sqs: Sqs, call: Call, queue: Queue, attributes: dict[str, str]) -> shapes.CreateQueueResult:
    have = queue.shown()
    for name, value in attributes.items():
        if have.get(name, "") != value:
            raise queue_exists(name)
    return {"QueueUrl": sqs.url(call, queue.ref)}


@operations.serves("GetQueueUrl")
async def get_queue_url(sqs: Sqs, call: Call, request: shapes.GetQueueUrlRequest) -> shapes.GetQueueUrlResult:
    """Return the URL of a queue that is known by name."""
    ref = QueueRef(request.get("QueueOwnerAWSAccountId") or call.account_id, call.region, request["QueueName"])
    found = await sqs.lookup(ref)
    if found is None:
        raise no_such_queue()
    if call.caller.kind is not CallerKind.SERVICE:  # a service asks for what it may then be denied to use
        check_access(call, found.value)
    return {"QueueUrl": sqs.url(call, ref)}


@operations.serves("ListQueues")
async def list_queues(sqs: Sqs, call: Call, request: shapes.ListQueuesRequest) -> shapes.ListQueuesResult:
    """Return the account's queues by name, up to a thousand at a time."""
    names = [
        each.name
        for each in await sqs.queues_of(call.account_id, call.region)
        if each.name.startswith(request.get("QueueNamePrefix") or "")
    ]
    page, token = paged(names, request.get("MaxResults"), request.get("NextToken"))
    result: shapes.ListQueuesResult = {}
    if page:
        result["QueueUrls"] = [sqs.url(call, QueueRef(call.account_id, call.region, name)) for name in page]
    if token:
        result["NextToken"] = token
    return result


@operations.serves("DeleteQueue")
async def delete_queue(sqs: Sqs, call: Call, request: shapes.DeleteQueueRequest) -> None:
    """Remove a queue and its messages."""
    found = await sqs.found(call, request["QueueUrl"])
    queue = found.value
    await sqs.registry.commit(
        queue.ref,
        [
            queues.delete(found.key),
            freed.put(found.key, sqs.platform.clock.now()),
            old_mailboxes.put((queue.mailbox,), ""),
        ],
    )
    sqs.mailroom.close(queue.mailbox)


@operations.serves("PurgeQueue")
async def purge_queue(sqs: Sqs, call: Call, request: shapes.PurgeQueueRequest) -> None:
    """Remove a queue's messages; once a minute."""
    found = await sqs.found(call, request["QueueUrl"])
    queue, now = found.value, sqs.platform.clock.now()
    if now - queue.purged < _PURGE_EVERY_S:
        text = f"Only one PurgeQueue operation on {queue.name} is allowed every 60 seconds."
        raise AwsError("PurgeQueueInProgress", text, 403)
    purged = replace(queue, epoch=queue.epoch + 1, purged=now)
    writes: list[Write] = [queues.put(found.key, purged, found.version), old_mailboxes.put((queue.mailbox,), "")]
    try:
        await sqs.registry.commit(queue.ref, writes)
    except Conflict:
        await purge_queue(sqs, call, request)
        return
    sqs.mailroom.close(queue.mailbox)

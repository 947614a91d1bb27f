"""Which queues are dead-letter queues of which, and whether they may be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambent.domain.call import Call
from lambent.domain.service import Operations
from lambent.services.sqs.context import Sqs
from lambent.services.sqs.errors import invalid_value
from lambent.services.sqs.names import FIFO_SUFFIX, QueueRef
from lambent.services.sqs.paging import paged
from lambent.services.sqs.redrive import allowance_of, check_allowance, check_policy, normal_policy, policy_of
from lambent.services.sqs.state import Queue

if TYPE_CHECKING:
    from lambent.services.sqs import _generated_shapes as shapes

operations: Operations[Sqs] = Operations()


async def checked_policies(sqs: Sqs, ref: QueueRef, given: dict[str, str]) -> dict[str, str]:
    """Return attributes with the redrive policy as AWS keeps it; raise AWS's errors for policies that the queue may not have."""
    allowance, text = given.get("RedriveAllowPolicy", ""), given.get("RedrivePolicy", "")
    if allowance:
        check_allowance(allowance)
    if not text:
        return given
    check_policy(text)
    policy = policy_of(text)
    if policy is None or (policy.target.account_id, policy.target.region) != (ref.account_id, ref.region):
        raise invalid_value(text, "RedrivePolicy", "Dead letter target must be in the same account and region as the source.")
    found = await sqs.lookup(policy.target)
    if found is None:
        raise invalid_value(text, "RedrivePolicy", "Dead letter target does not exist.")
    if found.value.fifo != ref.name.endswith(FIFO_SUFFIX):
        raise invalid_value(text, "RedrivePolicy", "Dead-letter queue must be same type of queue as the source.")
    if not allowance_of(found.value.text("RedriveAllowPolicy")).allows(ref):
        raise invalid_value(text, "RedrivePolicy", "Queue does not have permission to redrive to the specified dead-letter queue.")
    return {**given, "RedrivePolicy": normal_policy(text)}


@operations.serves("ListDeadLetterSourceQueues")
async def list_dead_letter_source_queues(
    sqs: Sqs, call: Call, request: shapes.ListDeadLetterSourceQueuesRequest
) -> shapes.ListDeadLetterSourceQueuesResult:
    """Return the queues whose dead-letter queue this is."""
    queue = await sqs.queue(call, request["QueueUrl"])
    names = [each.name for each in await sources_of(sqs, queue)]
    page, token = paged(names, request.get("MaxResults"), request.get("NextToken"))
    result: shapes.ListDeadLetterSourceQueuesResult = {
        "queueUrls": [sqs.url(call, QueueRef(queue.account_id, queue.region, name)) for name in page]
    }
    if token:
        result["NextToken"] = token
    return result


async def sources_of(sqs: Sqs, queue: Queue) -> list[Queue]:
    """Return the queues whose dead-letter queue this is, by name."""
    found = []
    for each in await sqs.queues_of(queue.account_id, queue.region):
        policy = policy_of(each.attributes.get("RedrivePolicy", ""))
        if policy is not None and policy.target == queue.ref:
            found.append(each)
    return found

"""Where a queue is, by its ARN."""

from __future__ import annotations

from lambent.base.ids import Ids
from lambent.domain.arns import Arn
from lambent.domain.call import Call
from lambent.domain.caller import Caller
from lambent.domain.ports import Cloud


async def queue_url_of(cloud: Cloud, ids: Ids, queue: Arn) -> str:
    """Return the queue's URL. Raises ``AwsError`` when there is no such queue.

    It is asked for as the queue's owner, not with the role that will use it: Lambda knows queues by their ARNs, and takes no
    ``sqs:GetQueueUrl`` of a role.
    """
    params = {"QueueName": queue.resource, "QueueOwnerAWSAccountId": queue.account_id}
    owner = Caller.root(queue.account_id)
    found = await cloud.call(Call("sqs", "GetQueueUrl", params, owner, queue.region, queue.account_id, ids.uuid()))
    return str(found["QueueUrl"])

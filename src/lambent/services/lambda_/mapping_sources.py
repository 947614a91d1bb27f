"""Whether a mapping's source is there and the function's execution role may read it: asked through ``Cloud``, as that role."""

from __future__ import annotations

from typing import Any

from lambent.domain.arns import Arn
from lambent.domain.call import Call
from lambent.domain.errors import AwsError
from lambent.domain.mappings import EventSourceMapping
from lambent.engine.environments.shipping import role_caller
from lambent.services.lambda_.context import Lambda
from lambent.services.lambda_.errors import invalid

_NO_QUEUE = (
    "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. "
    "SQS Error Message: The specified queue does not exist."
)
_DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")


async def check_source(ctx: Lambda, mapping: EventSourceMapping, role_arn: str, timeout_s: int) -> None:
    """Raise ``InvalidParameterValueException`` unless the source can be read for a function with this role and timeout."""
    if mapping.service == "sqs":
        await _check_queue(ctx, mapping, role_arn, timeout_s)
        return
    service, member = ("kinesis", "StreamARN") if mapping.service == "kinesis" else ("dynamodbstreams", "StreamArn")
    arn = mapping.source_arn.partition("/consumer/")[0]
    try:
        await _ask(ctx, mapping, role_arn, service, "DescribeStream", {member: arn})
    except AwsError as error:
        if error.code in _DENIED:
            raise invalid(
                f"Cannot access stream {arn}. Please ensure the role can perform the GetRecords, GetShardIterator, DescribeStream, "
                "and ListStreams Actions on your stream in IAM."
            ) from error
        if error.code != "ResourceNotFoundException":
            raise
        raise invalid(f"Stream not found: {mapping.source_arn}") from error


async def _check_queue(ctx: Lambda, mapping: EventSourceMapping, role_arn: str, timeout_s: int) -> None:
    queue = Arn.parse(mapping.source_arn)
    try:
        params = {"QueueName": queue.resource, "QueueOwnerAWSAccountId": queue.account_id}
        url = (await _ask(ctx, mapping, role_arn, "sqs", "GetQueueUrl", params))["QueueUrl"]
        asked = {"QueueUrl": url, "AttributeNames": ["VisibilityTimeout"]}
        attributes = (await _ask(ctx, mapping, role_arn, "sqs", "GetQueueAttributes", asked)).get("Attributes") or {}
    except AwsError as error:
        if error.code in _DENIED:
            raise invalid("The provided execution role does not have permissions to call ReceiveMessage on SQS") from error
        if not error.code.endswith(("NonExistentQueue", "QueueDoesNotExist")):
            raise
        raise invalid(_NO_QUEUE) from error
    visible_s = int(attributes.get("VisibilityTimeout", timeout_s))
    if visible_s < timeout_s:
        raise invalid(f"Queue visibility timeout: {visible_s} seconds is less than Function timeout: {timeout_s} seconds")


async def _ask(ctx: Lambda, mapping: EventSourceMapping, role_arn: str, service: str, operation: str, params: Any) -> Any:
    source = Arn.parse(mapping.source_arn)
    caller = role_caller(mapping.account_id, role_arn, mapping.function_name)
    ids = ctx.platform.ids
    return await ctx.platform.cloud.call(Call(service, operation, params, caller, source.region, source.account_id, ids.uuid()))

"""Whether a mapping's source is there and the function's execution role may read it: asked through ``Cloud``, as that role."""

from __future__ import annotations

from typing import Any

from lambent.domain.arns import Arn
from lambent.domain.call import Call
from lambent.domain.errors import AwsError
from lambent.domain.mappings import EventSourceMapping
from lambent.engine.delivery.queue_urls import queue_url_of
from lambent.engine.environments.shipping import role_caller
from lambent.services.lambda_.context import Lambda
from lambent.services.lambda_.errors import invalid
from lambent.services.lambda_.names import FunctionRef
from lambent.services.lambda_.role_checks import delivery, permits, said

_NO_QUEUE = (
    "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. "
    "SQS Error Message: The specified queue does not exist."
)
_QUEUE_OPERATIONS = ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
_STREAM_ACTIONS = {
    "kinesis": "GetRecords, GetShardIterator, DescribeStream, ListShards, and ListStreams",
    "dynamodbstreams": "GetRecords, GetShardIterator, DescribeStream, and ListStreams",
}


async def check_source(ctx: Lambda, mapping: EventSourceMapping, role_arn: str, timeout_s: int) -> None:
    """Raise ``InvalidParameterValueException`` unless the source can be read for a function with this role and timeout."""
    if mapping.service == "sqs":
        await _check_queue(ctx, mapping, role_arn, timeout_s)
    else:
        await _check_stream(ctx, mapping, role_arn)
    await check_destination(ctx, mapping, role_arn)


async def check_destination(ctx: Lambda, mapping: EventSourceMapping, role_arn: str) -> None:
    """Raise unless the role may tell the mapping's on-failure destination."""
    if mapping.on_failure_arn:
        task = delivery(ctx, _ref(mapping), mapping.on_failure_arn)
        if not await permits(ctx, _ref(mapping), role_arn, task):
            raise _lacks(said(task))


async def _check_stream(ctx: Lambda, mapping: EventSourceMapping, role_arn: str) -> None:
    service, member = ("kinesis", "StreamARN") if mapping.service == "kinesis" else ("dynamodbstreams", "StreamArn")
    arn = mapping.source_arn.partition("/consumer/")[0]
    actions = f"{_STREAM_ACTIONS[service]} Actions on your stream in IAM."
    cannot = invalid(f"Cannot access stream {arn}. Please ensure the role can perform the {actions}")
    for operation in ("GetRecords", "GetShardIterator"):
        if not await permits(ctx, _ref(mapping), role_arn, (service, operation, {member: arn}, Arn.parse(arn).region)):
            raise cannot
    try:
        await _ask(ctx, mapping, role_arn, service, "DescribeStream", {member: arn})
    except AwsError as error:
        if error.code.startswith("AccessDenied"):
            raise cannot from error
        if error.code != "ResourceNotFoundException":
            raise
        raise invalid(f"Stream not found: {mapping.source_arn}") from error


async def _check_queue(ctx: Lambda, mapping: EventSourceMapping, role_arn: str, timeout_s: int) -> None:
    queue = Arn.parse(mapping.source_arn)
    try:
        url = await queue_url_of(ctx.platform.cloud, ctx.platform.ids, queue)
        for operation in _QUEUE_OPERATIONS:
            if not await permits(ctx, _ref(mapping), role_arn, ("sqs", operation, {"QueueUrl": url}, queue.region)):
                raise _lacks(f"{operation} on SQS")
        asked = {"QueueUrl": url, "AttributeNames": ["VisibilityTimeout"]}
        attributes = (await _ask(ctx, mapping, role_arn, "sqs", "GetQueueAttributes", asked)).get("Attributes") or {}
    except AwsError as error:
        if error.code.startswith("AccessDenied"):
            raise _lacks("ReceiveMessage on SQS") from error
        if not error.code.endswith(("NonExistentQueue", "QueueDoesNotExist")):
            raise
        raise invalid(_NO_QUEUE) from error
    visible_s = int(attributes.get("VisibilityTimeout", timeout_s))
    if visible_s < timeout_s:
        raise invalid(f"Queue visibility timeout: {visible_s} seconds is less than Function timeout: {timeout_s} seconds")


def _lacks(what: str) -> AwsError:
    return invalid(f"The function execution role does not have permissions to call {what}")


def _ref(mapping: EventSourceMapping) -> FunctionRef:
    return FunctionRef(mapping.account_id, mapping.region, mapping.function_name, mapping.qualifier)


async def _ask(ctx: Lambda, mapping: EventSourceMapping, role_arn: str, service: str, operation: str, params: Any) -> Any:
    source = Arn.parse(mapping.source_arn)
    caller = role_caller(mapping.account_id, role_arn, mapping.function_name)
    ids = ctx.platform.ids
    return await ctx.platform.cloud.call(Call(service, operation, params, caller, source.region, source.account_id, ids.uuid()))

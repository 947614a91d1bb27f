"""What Lambda asks of an execution role before it takes a configuration: that it trusts Lambda, and that it may do what it will have to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

from lambent.domain.arns import Arn
from lambent.domain.call import Call
from lambent.engine.delivery.messages import Dispatch, target_call
from lambent.engine.delivery.targets import queue_url
from lambent.engine.environments.shipping import role_caller
from lambent.services.lambda_.context import Lambda
from lambent.services.lambda_.errors import invalid
from lambent.services.lambda_.names import FunctionRef
from lambent.services.lambda_.state import Configuration

_PRINCIPAL: Final = "lambda.amazonaws.com"
_NETWORK: Final = ("CreateNetworkInterface", "DescribeNetworkInterfaces", "DeleteNetworkInterface")
_SPOKEN: Final = {"sqs": "SQS", "sns": "SNS", "lambda": "Lambda", "events": "EventBridge", "s3": "S3", "ec2": "EC2", "xray": "XRAY"}

Task: TypeAlias = "tuple[str, str, Mapping[str, Any], str]"
"""Service, operation, parameters and region of a call that the role will make."""


async def check_role(ctx: Lambda, ref: FunctionRef, config: Configuration, old: Configuration | None = None) -> None:
    """Raise ``InvalidParameterValueException`` for a role that can't serve a configuration, as far as it differs from the ``old`` one."""
    same_role = old is not None and old.role == config.role
    if not same_role and not await ctx.roles.is_assumable(config.role, _PRINCIPAL, ref.function_arn):
        raise invalid("The role defined for the function cannot be assumed by Lambda.")
    known = _tasks(ctx, ref, old) if old is not None and same_role else []
    for task in _tasks(ctx, ref, config):
        if task not in known and not await permits(ctx, ref, config.role, task):
            raise invalid(f"The provided execution role does not have permissions to call {said(task)}")


def said(task: Task) -> str:
    """Return the task as messages name it: ``SendMessage on SQS``."""
    return f"{spoken(task[1])} on {_SPOKEN.get(task[0], task[0])}"


def spoken(operation: str) -> str:
    """Return the operation by the name of its action."""
    return "InvokeFunction" if operation == "Invoke" else operation


async def permits(ctx: Lambda, ref: FunctionRef, role_arn: str, task: Task) -> bool:
    """Return whether a function's role may do a task."""
    service, operation, params, region = task
    caller = role_caller(ref.account_id, role_arn, ref.name)
    return await ctx.roles.permits(Call(service, operation, params, caller, region, ref.account_id, ctx.platform.ids.uuid()))


def delivery(ctx: Lambda, ref: FunctionRef, target_arn: str) -> Task:
    """Return the task of delivering a record to a destination or dead-letter queue. ``ValueError`` for what is none."""
    target = Arn.parse(target_arn)
    url = queue_url(target, ctx.platform.public_host)
    blank = Dispatch(ref.account_id, ref.region, ref.name, ref.function_arn, "", target_arn, "", False, False, "")
    service, operation, params = target_call(blank, url)
    return service, operation, params, target.region or ref.region


def _tasks(ctx: Lambda, ref: FunctionRef, config: Configuration) -> Sequence[Task]:
    found: list[Task] = []
    if config.dead_letter_arn:
        found.append(delivery(ctx, ref, config.dead_letter_arn))
    if (config.vpc or {}).get("SubnetIds"):
        found += [("ec2", operation, {}, ref.region) for operation in _NETWORK]
    if config.tracing_mode == "Active":
        found.append(("xray", "PutTraceSegments", {}, ref.region))
    return found

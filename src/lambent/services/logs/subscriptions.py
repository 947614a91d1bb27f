"""Subscription filters: which of a group's events go to a function or a stream as they come in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from lambent.domain.arns import Arn
from lambent.domain.call import Call
from lambent.domain.errors import AwsError
from lambent.domain.service import Operations
from lambent.engine.environments.shipping import role_caller
from lambent.services.logs.errors import invalid, limit_exceeded
from lambent.services.logs.filtering import pattern_of
from lambent.services.logs.forwarding import invoke
from lambent.services.logs.groups import change_group
from lambent.services.logs.state import Group, Logs, Subscription, destinations
from lambent.services.logs.tokens import seal, unseal

if TYPE_CHECKING:
    from lambent.services.logs import _generated_shapes as shapes

operations: Operations[Logs] = Operations()

PER_GROUP_MAX = 2
_PAGE_MAX = 50
_CROSS_ACCOUNT = (
    "Cross-account lambda invocation passing is not allowed. You must use DestinationPolicies to create cross account lambda triggers."
)
_NO_PERMISSION = "Could not execute the lambda function. Make sure you have given CloudWatch Logs permission to execute your function."


@operations.serves("PutSubscriptionFilter")
async def put_subscription_filter(logs: Logs, call: Call, request: shapes.PutSubscriptionFilterRequest) -> None:
    """Create or replace a filter, once its destination has let itself be reached."""
    pattern_of(request["filterPattern"])
    name, destination_arn = request["filterName"], request["destinationArn"]
    target_arn, role_arn = await _target(logs, call, request)
    _check_kind(call, Arn.parse(target_arn), role_arn, through_destination=target_arn != destination_arn)
    group = (await logs.group(call, request["logGroupName"])).value
    await _check_reachable(logs, group, target_arn, role_arn)
    subscription = Subscription(
        name=name,
        pattern=request["filterPattern"],
        destination_arn=destination_arn,
        target_arn=target_arn,
        role_arn=role_arn,
        distribution=request.get("distribution", "ByLogStream"),
        created_ms=logs.now_ms(),
    )

    def subscribed(found: Group) -> Group:
        if name not in found.subscriptions and len(found.subscriptions) >= PER_GROUP_MAX:
            raise limit_exceeded()
        created_ms = found.subscriptions[name].created_ms if name in found.subscriptions else subscription.created_ms
        return replace(found, subscriptions=found.subscriptions | {name: replace(subscription, created_ms=created_ms)})

    await change_group(logs, call, request["logGroupName"], subscribed)


@operations.serves("DescribeSubscriptionFilters")
async def describe_subscription_filters(
    logs: Logs, call: Call, request: shapes.DescribeSubscriptionFiltersRequest
) -> shapes.DescribeSubscriptionFiltersResponse:
    """Return a group's filters by name, a page at a time."""
    group = (await logs.group(call, request["logGroupName"])).value
    after = unseal(request["nextToken"], str) if "nextToken" in request else ""
    names = sorted(each for each in group.subscriptions if each.startswith(request.get("filterNamePrefix", "")) and each > after)
    limit = request.get("limit", _PAGE_MAX)
    response: shapes.DescribeSubscriptionFiltersResponse = {
        "subscriptionFilters": [_described(group, group.subscriptions[name]) for name in names[:limit]]
    }
    if len(names) > limit:
        response["nextToken"] = seal(names[limit - 1])
    return response


@operations.serves("DeleteSubscriptionFilter")
async def delete_subscription_filter(logs: Logs, call: Call, request: shapes.DeleteSubscriptionFilterRequest) -> None:
    """Remove a filter; what it let through already is still delivered."""

    def without(group: Group) -> Group:
        if request["filterName"] not in group.subscriptions:
            raise AwsError("ResourceNotFoundException", "The specified subscription filter does not exist.")
        return replace(group, subscriptions={name: each for name, each in group.subscriptions.items() if name != request["filterName"]})

    await change_group(logs, call, request["logGroupName"], without)


async def _target(logs: Logs, call: Call, request: shapes.PutSubscriptionFilterRequest) -> tuple[str, str]:
    """Return where events go in the end, and with which role: a Logs destination stands for its stream."""
    try:
        arn = Arn.parse(request["destinationArn"])
    except ValueError:
        raise invalid("destinationArn is not a valid ARN") from None
    if arn.service != "logs":
        return request["destinationArn"], request.get("roleArn", "")
    found = await destinations.get(logs.platform.store, (arn.account_id, arn.region, arn.resource.removeprefix("destination:")))
    if found is None:
        raise AwsError("ResourceNotFoundException", "The specified destination does not exist.")
    return found.value.target_arn, found.value.role_arn


def _check_kind(call: Call, target: Arn, role_arn: str, *, through_destination: bool) -> None:
    if target.service == "lambda":
        if target.account_id != call.account_id and not through_destination:
            raise AwsError("AccessDeniedException", _CROSS_ACCOUNT)
    elif target.service in {"kinesis", "firehose"}:
        if not role_arn:
            raise invalid(f"destinationArn for vendor {target.service} cannot be used without roleArn")
    else:
        raise invalid(f"destinationArn for vendor {target.service} is not supported")


async def _check_reachable(logs: Logs, group: Group, target_arn: str, role_arn: str) -> None:
    target = Arn.parse(target_arn)
    try:
        if target.service == "lambda":
            await invoke(logs, target_arn, group.account_id, group.arn, {"InvocationType": "DryRun"})
        elif target.service == "kinesis":
            caller = role_caller(group.account_id, role_arn, "CloudWatchLogs")
            params = {"StreamName": target.resource.partition("/")[2]}
            ids = logs.platform.ids
            await logs.platform.cloud.call(
                Call("kinesis", "DescribeStreamSummary", params, caller, target.region, target.account_id, ids.uuid())
            )
    except AwsError:
        if target.service == "lambda":
            raise invalid(_NO_PERMISSION) from None
        raise invalid(
            "Could not deliver test message to specified Kinesis stream. Check if the given kinesis stream is in ACTIVE state."
        ) from None


def _described(group: Group, subscription: Subscription) -> shapes.SubscriptionFilter:
    described: shapes.SubscriptionFilter = {
        "filterName": subscription.name,
        "logGroupName": group.name,
        "filterPattern": subscription.pattern,
        "destinationArn": subscription.destination_arn,
        "distribution": subscription.distribution,
        "applyOnTransformedLogs": False,
        "creationTime": subscription.created_ms,
    }
    if subscription.role_arn and subscription.target_arn == subscription.destination_arn:
        described["roleArn"] = subscription.role_arn
    return described

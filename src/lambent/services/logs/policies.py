"""Resource policies of the account, and destinations: names under which other accounts reach a stream. Both are stored, not enforced."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec.structs import replace

from lambent.domain.arns import Arn, arn
from lambent.domain.call import Call
from lambent.domain.documents import Found
from lambent.domain.errors import AwsError, Conflict
from lambent.domain.service import Operations
from lambent.domain.storage import Key
from lambent.services.logs.errors import busy, invalid, limit_exceeded
from lambent.services.logs.state import Destination, Logs, ResourcePolicy, destinations, policies
from lambent.services.logs.tags import checked_tags
from lambent.services.logs.tokens import seal, unseal

if TYPE_CHECKING:
    from lambent.services.logs import _generated_shapes as shapes

operations: Operations[Logs] = Operations()

POLICIES_MAX = 10
_PAGE_MAX = 50
_ATTEMPTS = 20


@operations.serves("PutResourcePolicy")
async def put_resource_policy(logs: Logs, call: Call, request: shapes.PutResourcePolicyRequest) -> shapes.PutResourcePolicyResponse:
    """Create or replace a policy of the account."""
    if "policyName" not in request or "policyDocument" not in request:
        raise invalid("policyName and policyDocument must be specified.")
    _check_policy(request["policyDocument"])
    key = (call.account_id, call.region, request["policyName"])
    store = logs.platform.store
    others = [each for each in await policies.range(store, key[:2]) if each.key != key]
    if len(others) >= POLICIES_MAX:
        raise limit_exceeded()
    policy = ResourcePolicy(name=key[2], document=request["policyDocument"], updated_ms=logs.now_ms())
    await store.commit([policies.put(key, policy)])
    return {"resourcePolicy": _described_policy(policy)}


@operations.serves("DescribeResourcePolicies")
async def describe_resource_policies(
    logs: Logs, call: Call, request: shapes.DescribeResourcePoliciesRequest
) -> shapes.DescribeResourcePoliciesResponse:
    """Return the account's policies by name."""
    within: Key = (call.account_id, call.region)
    after = (*within, unseal(request["nextToken"], str)) if "nextToken" in request else None
    limit = request.get("limit", _PAGE_MAX)
    found = await policies.range(logs.platform.store, within, after=after, limit=limit + 1)
    response: shapes.DescribeResourcePoliciesResponse = {"resourcePolicies": [_described_policy(each.value) for each in found[:limit]]}
    if len(found) > limit:
        response["nextToken"] = seal(found[limit - 1].value.name)
    return response


@operations.serves("DeleteResourcePolicy")
async def delete_resource_policy(logs: Logs, call: Call, request: shapes.DeleteResourcePolicyRequest) -> None:
    """Remove a policy."""
    name = request.get("policyName", "")
    found = await policies.get(logs.platform.store, (call.account_id, call.region, name))
    if found is None:
        raise AwsError("ResourceNotFoundException", f"Policy with name [{name}] does not exist.")
    await logs.platform.store.commit([policies.delete(found.key)])


@operations.serves("PutDestination")
async def put_destination(logs: Logs, call: Call, request: shapes.PutDestinationRequest) -> shapes.PutDestinationResponse:
    """Create or replace a destination: a name for a stream, and the role that may write to it."""
    try:
        target = Arn.parse(request["targetArn"])
    except ValueError:
        raise invalid("targetArn is not a valid ARN") from None
    if target.service not in {"kinesis", "firehose"}:
        raise invalid(f"targetArn for vendor {target.service} is not supported")
    key = (call.account_id, call.region, request["destinationName"])
    found = await destinations.get(logs.platform.store, key)
    destination = Destination(
        name=key[2],
        target_arn=request["targetArn"],
        role_arn=request["roleArn"],
        created_ms=logs.now_ms() if found is None else found.value.created_ms,
        policy="" if found is None else found.value.policy,
        tags=checked_tags(request.get("tags", {})) if found is None else found.value.tags,
    )
    await logs.platform.store.commit([destinations.put(key, destination)])
    return {"destination": _described_destination(call, destination)}


@operations.serves("PutDestinationPolicy")
async def put_destination_policy(logs: Logs, call: Call, request: shapes.PutDestinationPolicyRequest) -> None:
    """Say who may subscribe to a destination."""
    _check_policy(request["accessPolicy"])
    await change_destination(logs, call, request["destinationName"], lambda found: replace(found, policy=request["accessPolicy"]))


@operations.serves("DescribeDestinations")
async def describe_destinations(logs: Logs, call: Call, request: shapes.DescribeDestinationsRequest) -> shapes.DescribeDestinationsResponse:
    """Return destinations by name, a page at a time."""
    within: Key = (call.account_id, call.region)
    after = (*within, unseal(request["nextToken"], str)) if "nextToken" in request else None
    limit, prefix = request.get("limit", _PAGE_MAX), request.get("DestinationNamePrefix", "")
    start = (*within, prefix) if prefix and after is None else None
    found = await destinations.range(logs.platform.store, within, start=start, after=after, limit=limit + 1)
    named = [each.value for each in found if each.value.name.startswith(prefix)]
    response: shapes.DescribeDestinationsResponse = {"destinations": [_described_destination(call, each) for each in named[:limit]]}
    if len(named) > limit:
        response["nextToken"] = seal(named[limit - 1].name)
    return response


@operations.serves("DeleteDestination")
async def delete_destination(logs: Logs, call: Call, request: shapes.DeleteDestinationRequest) -> None:
    """Remove a destination."""
    found = await find_destination(logs, call, request["destinationName"])
    await logs.platform.store.commit([destinations.delete(found.key)])


async def find_destination(logs: Logs, call: Call, name: str) -> Found[Destination]:
    """Return a destination."""
    found = await destinations.get(logs.platform.store, (call.account_id, call.region, name))
    if found is None:
        raise AwsError("ResourceNotFoundException", "The specified destination does not exist.")
    return found


async def change_destination(logs: Logs, call: Call, name: str, change: Callable[[Destination], Destination]) -> None:
    """Replace a destination by what ``change`` makes of it, again as often as another request comes between."""
    for _ in range(_ATTEMPTS):
        found = await find_destination(logs, call, name)
        try:
            await logs.platform.store.commit([destinations.put(found.key, change(found.value), found.version)])
        except Conflict:
            continue
        return
    raise busy()


def _check_policy(document: str) -> None:
    try:
        policy = json.loads(document)
    except (ValueError, RecursionError):
        policy = None
    if not isinstance(policy, dict) or "Statement" not in policy:
        raise invalid("Policy document is not valid. Please check the policy document and try again.")


def _described_policy(policy: ResourcePolicy) -> shapes.ResourcePolicy:
    return {
        "policyName": policy.name,
        "policyDocument": policy.document,
        "lastUpdatedTime": policy.updated_ms,
        "policyScope": "ACCOUNT",
    }


def _described_destination(call: Call, destination: Destination) -> shapes.Destination:
    described: shapes.Destination = {
        "destinationName": destination.name,
        "targetArn": destination.target_arn,
        "roleArn": destination.role_arn,
        "arn": arn("logs", call.region, call.account_id, f"destination:{destination.name}"),
        "creationTime": destination.created_ms,
    }
    if destination.policy:
        described["accessPolicy"] = destination.policy
    return described

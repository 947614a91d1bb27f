"""A function's VPC as its configuration shows it. What the function reaches by it is the sandbox's to decide, from the same ids."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lambent.domain.call import Call
from lambent.domain.errors import AwsError, NotImplementedHere
from lambent.services.lambda_.context import Lambda
from lambent.services.lambda_.errors import invalid


async def vpc_of(ctx: Lambda, call: Call, request: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the configuration that a request gives, with the VPC of its first subnet; empty lists take the function out of its VPC.

    ``None`` when the request says nothing. Raises ``InvalidParameterValueException`` for a subnet that neither the settings name nor EC2
    knows; where nobody serves EC2, the VPC stays unknown.
    """
    given: Mapping[str, Any] | None = request.get("VpcConfig")
    if given is None:
        return None
    subnets = list(given.get("SubnetIds") or ())
    return {
        "SubnetIds": subnets,
        "SecurityGroupIds": list(given.get("SecurityGroupIds") or ()),
        "VpcId": await _vpc_id(ctx, call, subnets[0]) if subnets else "",
        "Ipv6AllowedForDualStack": bool(given.get("Ipv6AllowedForDualStack")),
    }


async def _vpc_id(ctx: Lambda, call: Call, subnet: str) -> str:
    if subnet in ctx.vpcs:
        return ctx.vpcs[subnet]
    inner = Call("ec2", "DescribeSubnets", {"SubnetIds": [subnet]}, call.caller, call.region, call.account_id, call.request_id)
    try:
        answer = await ctx.platform.cloud.call(inner)
    except NotImplementedHere:
        return ""
    except AwsError as error:
        raise invalid(f"Error occurred while DescribeSubnets. EC2 Error Code: {error.code}. EC2 Error Message: {error.message}") from None
    found = answer.get("Subnets") or [{}]
    return str(found[0].get("VpcId") or "")

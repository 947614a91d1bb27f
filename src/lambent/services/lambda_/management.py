"""Runtime management, recursion, and the reading side of code signing, which nobody can set yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from lambent.domain.call import Call
from lambent.domain.service import Operations
from lambent.services.lambda_.context import Lambda
from lambent.services.lambda_.errors import invalid, validation
from lambent.services.lambda_.names import LATEST, FunctionRef, function_arn
from lambent.services.lambda_.state import FUNCTIONS

if TYPE_CHECKING:
    from lambent.services.lambda_._generated_shapes import (
        GetFunctionRecursionConfigRequest,
        GetFunctionRecursionConfigResponse,
        GetRuntimeManagementConfigRequest,
        GetRuntimeManagementConfigResponse,
        PutFunctionRecursionConfigRequest,
        PutFunctionRecursionConfigResponse,
        PutRuntimeManagementConfigRequest,
        PutRuntimeManagementConfigResponse,
    )

operations: Operations[Lambda] = Operations()
_LOOPS = ("Terminate", "Allow")  # as AWS's message lists them


def _function(ctx: Lambda, call: Call, name: str) -> FunctionRef:
    ref = ctx.own_ref(call, name)
    return FunctionRef(ref.account_id, ref.region, ref.name)


@operations.serves("PutRuntimeManagementConfig")
async def put_runtime_management(ctx: Lambda, call: Call, request: PutRuntimeManagementConfigRequest) -> PutRuntimeManagementConfigResponse:
    """Note when the runtime may be updated. Runtimes here are those of the machine, so it changes nothing else."""
    ref = ctx.own_ref(call, request["FunctionName"], request.get("Qualifier"))
    mode, arn = request["UpdateRuntimeOn"], request.get("RuntimeVersionArn") or ""
    if mode == "Manual" and not arn:
        raise invalid(
            "The runtime update mode is Manual, but no RuntimeVersionArn was given. Specify RuntimeVersionArn, or change the mode."
        )
    if mode != "Manual" and arn:
        raise invalid("You can only specify RuntimeVersionArn when UpdateRuntimeOn is Manual.")
    qualifier = ref.qualifier or LATEST
    async with ctx.catalogue.alone(ref.key):
        entry = await ctx.catalogue.get(ref)
        updates = entry.function.runtime_updates | {qualifier: (mode, arn)}
        function = msgspec.structs.replace(entry.function, runtime_updates=updates)
        await ctx.catalogue.commit(ref.key, [FUNCTIONS.put(ref.key, function)])
    answer: PutRuntimeManagementConfigResponse = {"UpdateRuntimeOn": mode, "FunctionArn": function_arn(ref.key, qualifier)}
    if arn:
        answer["RuntimeVersionArn"] = arn
    return answer


@operations.serves("GetRuntimeManagementConfig")
async def get_runtime_management(ctx: Lambda, call: Call, request: GetRuntimeManagementConfigRequest) -> GetRuntimeManagementConfigResponse:
    """Return what was noted; ``Auto`` when nothing was."""
    ref = ctx.own_ref(call, request["FunctionName"], request.get("Qualifier"))
    entry = await ctx.catalogue.get(ref)
    qualifier = ref.qualifier or LATEST
    mode, arn = entry.function.runtime_updates.get(qualifier, ("Auto", ""))
    answer: GetRuntimeManagementConfigResponse = {"UpdateRuntimeOn": mode, "FunctionArn": function_arn(ref.key, qualifier)}
    if arn:
        answer["RuntimeVersionArn"] = arn
    return answer


@operations.serves("PutFunctionRecursionConfig")
async def put_recursion(ctx: Lambda, call: Call, request: PutFunctionRecursionConfigRequest) -> PutFunctionRecursionConfigResponse:
    """Set whether a recursive loop is stopped."""
    ref, wanted = _function(ctx, call, request["FunctionName"]), request["RecursiveLoop"]
    if wanted not in _LOOPS:
        raise validation(
            f"Value '{wanted}' at 'recursiveLoop' failed to satisfy constraint: Member must satisfy enum value set: [{', '.join(_LOOPS)}]"
        )
    async with ctx.catalogue.alone(ref.key):
        entry = await ctx.catalogue.get(ref)
        function = msgspec.structs.replace(entry.function, recursive_loop=wanted)
        await ctx.catalogue.commit(ref.key, [FUNCTIONS.put(ref.key, function)])
    return {"RecursiveLoop": wanted}


@operations.serves("GetFunctionRecursionConfig")
async def get_recursion(ctx: Lambda, call: Call, request: GetFunctionRecursionConfigRequest) -> GetFunctionRecursionConfigResponse:
    """Return whether a recursive loop is stopped."""
    entry = await ctx.catalogue.get(_function(ctx, call, request["FunctionName"]))
    return {"RecursiveLoop": entry.function.recursive_loop}

"""Reserved concurrency, and account settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from lambent.domain.call import Call
from lambent.domain.service import Operations
from lambent.services.lambda_.catalogue import every
from lambent.services.lambda_.code import usage
from lambent.services.lambda_.context import Lambda
from lambent.services.lambda_.errors import function_not_found, invalid
from lambent.services.lambda_.names import LATEST, FunctionRef
from lambent.services.lambda_.state import FUNCTIONS, PROVISIONED

if TYPE_CHECKING:
    from lambent.services.lambda_._generated_shapes import (
        DeleteFunctionConcurrencyRequest,
        GetAccountSettingsRequest,
        GetAccountSettingsResponse,
        GetFunctionConcurrencyRequest,
        GetFunctionConcurrencyResponse,
        PutFunctionConcurrencyRequest,
    )

operations: Operations[Lambda] = Operations()


def _function(ctx: Lambda, call: Call, name: str) -> FunctionRef:
    ref = ctx.own_ref(call, name)
    return FunctionRef(ref.account_id, ref.region, ref.name)


async def _taken(ctx: Lambda, account_id: str, region: str, but: str = "") -> int:
    """Return what the functions of an account and region take from the pool of all, without the one called ``but``."""
    store, within = ctx.platform.store, (account_id, region)
    reserved = {str(each.key[2]): each.value.reserved_concurrency for each in await every(store, FUNCTIONS, within)}
    provisioned = [(str(each.key[2]), each.value.requested) for each in await every(store, PROVISIONED, within)]
    free = sum(count for name, count in provisioned if name != but and reserved.get(name) is None)
    return free + sum(count or 0 for name, count in reserved.items() if name != but)


async def reserved_by_others(ctx: Lambda, ref: FunctionRef) -> int:
    """Return what the account's other functions reserve, or have provisioned without reserving it."""
    return await _taken(ctx, ref.account_id, ref.region, ref.name)


@operations.serves("PutFunctionConcurrency")
async def put_function_concurrency(ctx: Lambda, call: Call, request: PutFunctionConcurrencyRequest) -> GetFunctionConcurrencyResponse:
    """Reserve concurrency; zero stops the function."""
    ref = ctx.own_ref(call, request["FunctionName"])
    if ref.qualifier:
        raise invalid(
            "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. "
            "Please specify either a function name or an unqualified function ARN."
        )
    reserved, quotas = request["ReservedConcurrentExecutions"], ctx.platform.quotas
    async with ctx.catalogue.alone((ref.account_id, ref.region, "")), ctx.catalogue.alone(ref.key):
        entry = await ctx.catalogue.find(ref.key)
        if entry is None:
            raise function_not_found(f"{ref.arn}:{LATEST}")
        others = await reserved_by_others(ctx, ref)
        if reserved and quotas.concurrency_max - others - reserved < quotas.concurrency_unreserved_min:
            raise invalid(
                "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its "
                f"minimum value of [{quotas.concurrency_unreserved_min}].",
                typed=False,
            )
        provisioned = sum(each.requested for each in entry.provisioned.values())
        if reserved < provisioned:
            raise invalid(
                f" ReservedConcurrentExecutions  {reserved} should not be lower than function's total provisioned concurrency "
                f"[{provisioned}].",
                typed=False,
            )
        function = msgspec.structs.replace(entry.function, reserved_concurrency=reserved)
        await ctx.catalogue.commit(ref.key, [FUNCTIONS.put(ref.key, function)])
    return {"ReservedConcurrentExecutions": reserved}


@operations.serves("GetFunctionConcurrency")
async def get_function_concurrency(ctx: Lambda, call: Call, request: GetFunctionConcurrencyRequest) -> GetFunctionConcurrencyResponse:
    """Return what is reserved; nothing when nothing is."""
    entry = await ctx.catalogue.get(_function(ctx, call, request["FunctionName"]))
    reserved = entry.function.reserved_concurrency
    return {} if reserved is None else {"ReservedConcurrentExecutions": reserved}


@operations.serves("DeleteFunctionConcurrency")
async def delete_function_concurrency(ctx: Lambda, call: Call, request: DeleteFunctionConcurrencyRequest) -> None:
    """Reserve nothing any more."""
    ref = _function(ctx, call, request["FunctionName"])
    async with ctx.catalogue.alone(ref.key):
        entry = await ctx.catalogue.get(ref)
        function = msgspec.structs.replace(entry.function, reserved_concurrency=None)
        await ctx.catalogue.commit(ref.key, [FUNCTIONS.put(ref.key, function)])


@operations.serves("GetAccountSettings")
async def get_account_settings(ctx: Lambda, call: Call, request: GetAccountSettingsRequest) -> GetAccountSettingsResponse:
    """Return the account's limits and what it uses of them."""
    quotas = ctx.platform.quotas
    size, functions = await usage(ctx, call.account_id, call.region)
    return {
        "AccountLimit": {
            "TotalCodeSize": quotas.code_storage_bytes_max,
            "CodeSizeUnzipped": quotas.code_unzipped_bytes_max,
            "CodeSizeZipped": quotas.zip_upload_bytes_max,
            "ConcurrentExecutions": quotas.concurrency_max,
            "UnreservedConcurrentExecutions": quotas.concurrency_max - await _taken(ctx, call.account_id, call.region),
        },
        "AccountUsage": {"TotalCodeSize": size, "FunctionCount": functions},
    }

"""Reserved concurrency, account settings, and the listing side of provisioned concurrency."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from lambent.domain.call import Call
from lambent.domain.errors import AwsError, NotImplementedHere
from lambent.domain.service import Operations
from lambent.services.lambda_.catalogue import every
from lambent.services.lambda_.code import usage
from lambent.services.lambda_.context import Lambda
from lambent.services.lambda_.errors import invalid
from lambent.services.lambda_.names import FunctionRef
from lambent.services.lambda_.state import FUNCTIONS

if TYPE_CHECKING:
    from lambent.services.lambda_._generated_shapes import (
        DeleteFunctionConcurrencyRequest,
        DeleteProvisionedConcurrencyConfigRequest,
        GetAccountSettingsRequest,
        GetAccountSettingsResponse,
        GetFunctionConcurrencyRequest,
        GetFunctionConcurrencyResponse,
        GetProvisionedConcurrencyConfigRequest,
        ListProvisionedConcurrencyConfigsRequest,
        ListProvisionedConcurrencyConfigsResponse,
        PutFunctionConcurrencyRequest,
        PutProvisionedConcurrencyConfigRequest,
    )

operations: Operations[Lambda] = Operations()


def _function(ctx: Lambda, call: Call, name: str) -> FunctionRef:
    ref = ctx.own_ref(call, name)
    return FunctionRef(ref.account_id, ref.region, ref.name)


async def _reserved(ctx: Lambda, account_id: str, region: str, but: str = "") -> int:
    """Return how much the functions of an account and region reserve together, without the one called ``but``."""
    functions = await every(ctx.platform.store, FUNCTIONS, (account_id, region))
    return sum(each.value.reserved_concurrency or 0 for each in functions if each.key[2] != but)


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
        entry = await ctx.catalogue.get(ref)
        others = await _reserved(ctx, ref.account_id, ref.region, ref.name)
        if reserved and quotas.concurrency_max - others - reserved < quotas.concurrency_unreserved_min:
            raise invalid(
                "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its "
                f"minimum value of [{quotas.concurrency_unreserved_min}].",
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
            "UnreservedConcurrentExecutions": quotas.concurrency_max - await _reserved(ctx, call.account_id, call.region),
        },
        "AccountUsage": {"TotalCodeSize": size, "FunctionCount": functions},
    }


@operations.serves("PutProvisionedConcurrencyConfig")
async def put_provisioned_concurrency_config(ctx: Lambda, call: Call, request: PutProvisionedConcurrencyConfigRequest) -> None:
    """Refuse: environments are not kept ready ahead yet."""
    raise NotImplementedHere("lambda", "PutProvisionedConcurrencyConfig", "Environments are started when they are needed.")


@operations.serves("GetProvisionedConcurrencyConfig")
async def get_provisioned_concurrency_config(ctx: Lambda, call: Call, request: GetProvisionedConcurrencyConfigRequest) -> None:
    """Say that there is none."""
    await ctx.catalogue.get(ctx.own_ref(call, request["FunctionName"], request.get("Qualifier")))
    text = "No Provisioned Concurrency Config found for this function"
    raise AwsError("ProvisionedConcurrencyConfigNotFoundException", text, 404, members={"Type": "User"})


@operations.serves("DeleteProvisionedConcurrencyConfig")
async def delete_provisioned_concurrency_config(ctx: Lambda, call: Call, request: DeleteProvisionedConcurrencyConfigRequest) -> None:
    """Do nothing: there is none."""
    await ctx.catalogue.get(ctx.own_ref(call, request["FunctionName"], request.get("Qualifier")))


@operations.serves("ListProvisionedConcurrencyConfigs")
async def list_provisioned_concurrency_configs(
    ctx: Lambda, call: Call, request: ListProvisionedConcurrencyConfigsRequest
) -> ListProvisionedConcurrencyConfigsResponse:
    """Return that there are none."""
    await ctx.catalogue.get(_function(ctx, call, request["FunctionName"]))
    return {"ProvisionedConcurrencyConfigs": []}

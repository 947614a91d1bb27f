"""Provisioned concurrency of versions and aliases: Put-, Get-, Delete- and ListProvisionedConcurrencyConfig(s)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambent.domain.call import Call
from lambent.domain.errors import AwsError
from lambent.domain.provisioning import FAILED, IN_PROGRESS, READY
from lambent.domain.service import Operations
from lambent.services.lambda_.allotments import covers_latest, provisioned_total, shares
from lambent.services.lambda_.catalogue import Entry
from lambent.services.lambda_.concurrency import reserved_by_others
from lambent.services.lambda_.context import Lambda
from lambent.services.lambda_.errors import alias_not_found, conflict, function_not_found, invalid
from lambent.services.lambda_.functions import page
from lambent.services.lambda_.names import LATEST, FunctionRef, function_arn
from lambent.services.lambda_.state import PROVISIONED, Provisioned
from lambent.services.lambda_.views import timestamp

if TYPE_CHECKING:
    from lambent.services.lambda_._generated_shapes import (
        DeleteProvisionedConcurrencyConfigRequest,
        GetProvisionedConcurrencyConfigRequest,
        GetProvisionedConcurrencyConfigResponse,
        ListProvisionedConcurrencyConfigsRequest,
        ListProvisionedConcurrencyConfigsResponse,
        ProvisionedConcurrencyConfigListItem,
        PutProvisionedConcurrencyConfigRequest,
        PutProvisionedConcurrencyConfigResponse,
    )

operations: Operations[Lambda] = Operations()
_UNPUBLISHED = "Provisioned Concurrency Configs cannot be applied to unpublished function versions."
_NO_QUALIFIER = "The function resource provided must be an alias or a published version."


async def _entry(ctx: Lambda, ref: FunctionRef) -> Entry:
    """Return the function when the qualifier is there."""
    entry = await ctx.catalogue.find(ref.key)
    if ref.qualifier.isdecimal():
        if entry is None or ref.qualifier not in entry.versions:
            raise function_not_found(ref.arn)
    elif entry is None or ref.qualifier not in entry.aliases:
        raise alias_not_found(ref.arn)
    return entry


@operations.serves("PutProvisionedConcurrencyConfig")
async def put_provisioned_concurrency_config(
    ctx: Lambda, call: Call, request: PutProvisionedConcurrencyConfigRequest
) -> PutProvisionedConcurrencyConfigResponse:
    """Have environments of a version or an alias ready; they are started after this has answered."""
    ref = ctx.own_ref(call, request["FunctionName"], request["Qualifier"])
    if ref.qualifier == LATEST:
        raise invalid(_UNPUBLISHED)
    requested = request["ProvisionedConcurrentExecutions"]
    async with ctx.catalogue.alone((ref.account_id, ref.region, "")), ctx.catalogue.alone(ref.key):
        entry = await _entry(ctx, ref)
        _check_version(entry, ref.qualifier)
        await _check_limits(ctx, ref, entry, requested)
        _check_overlap(entry, ref.qualifier)
        config = Provisioned(requested, ctx.platform.clock.now())
        await ctx.catalogue.commit(ref.key, [PROVISIONED.put((*ref.key, ref.qualifier), config)])
    return {
        "RequestedProvisionedConcurrentExecutions": requested,
        "AvailableProvisionedConcurrentExecutions": 0,
        "AllocatedProvisionedConcurrentExecutions": 0,
        "Status": IN_PROGRESS,
        "LastModified": timestamp(config.last_modified),
    }


def _check_version(entry: Entry, qualifier: str) -> None:
    if covers_latest(entry, qualifier):
        raise invalid(_UNPUBLISHED)
    for number in shares(entry, qualifier, 1):
        if entry.versions[number].configuration.snap_start == "PublishedVersions":
            raise invalid("Provisioned Concurrency is not supported for SnapStart enabled functions.")
        if entry.versions[number].configuration.tenant_isolation:
            raise invalid("Provisioned Concurrency is not supported for functions with tenant isolation.")


async def _check_limits(ctx: Lambda, ref: FunctionRef, entry: Entry, requested: int) -> None:
    """Raise when the function's reserved concurrency, or else the account's, does not have so much."""
    quotas, reserved = ctx.platform.quotas, entry.function.reserved_concurrency
    total = provisioned_total(entry, ref.qualifier) + requested
    if reserved is not None:
        if total > reserved:
            text = "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function"
            raise invalid(text)
        return
    if requested > quotas.concurrency_max:
        text = f"Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [{quotas.concurrency_max}]."
        raise invalid(text, typed=False)
    others = await reserved_by_others(ctx, ref)
    if quotas.concurrency_max - others - total < quotas.concurrency_unreserved_min:
        raise invalid(
            "Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its "
            f"minimum value of [{quotas.concurrency_unreserved_min}].",
            typed=False,
        )


def _check_overlap(entry: Entry, qualifier: str) -> None:
    """Raise when the version is provisioned already, by its number or through an alias."""
    if qualifier in entry.aliases:
        if entry.provisioned.keys() & shares(entry, qualifier, 1).keys():
            raise conflict("Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version")
    elif any(name in entry.aliases and qualifier in shares(entry, name, 1) for name in entry.provisioned):
        raise conflict("Version is pointed by a Provisioned Concurrency alias")


@operations.serves("GetProvisionedConcurrencyConfig")
async def get_provisioned_concurrency_config(
    ctx: Lambda, call: Call, request: GetProvisionedConcurrencyConfigRequest
) -> GetProvisionedConcurrencyConfigResponse:
    """Return what is wanted, and how far it has come."""
    ref = ctx.own_ref(call, request["FunctionName"], request["Qualifier"])
    if ref.qualifier == LATEST:
        raise invalid(_NO_QUALIFIER)
    entry = await _entry(ctx, ref)
    config = entry.provisioned.get(ref.qualifier)
    if config is None:
        text = "No Provisioned Concurrency Config found for this function"
        raise AwsError("ProvisionedConcurrencyConfigNotFoundException", text, 404, members={"Type": "User"})
    return _view(ctx, entry, ref.qualifier, config)


def _view(ctx: Lambda, entry: Entry, qualifier: str, config: Provisioned) -> GetProvisionedConcurrencyConfigResponse:
    """Return a configuration with its progress: an alias's is that of its versions together."""
    parts = shares(entry, qualifier, config.requested)
    progress = [(ctx.provisioned.progress(function_arn(entry.key, number)), wanted) for number, wanted in parts.items() if wanted]
    available = sum(min(each.available, wanted) for each, wanted in progress)
    shown: GetProvisionedConcurrencyConfigResponse = {
        "RequestedProvisionedConcurrentExecutions": config.requested,
        "AvailableProvisionedConcurrentExecutions": available,
        "AllocatedProvisionedConcurrentExecutions": available,
        "Status": IN_PROGRESS,
        "LastModified": timestamp(config.last_modified),
    }
    reasons = [each.reason for each, _ in progress if each.status == FAILED]
    if available >= config.requested:
        shown["Status"] = READY
    elif reasons:
        shown["Status"] = FAILED
        shown["StatusReason"] = reasons[0]
    return shown


@operations.serves("DeleteProvisionedConcurrencyConfig")
async def delete_provisioned_concurrency_config(ctx: Lambda, call: Call, request: DeleteProvisionedConcurrencyConfigRequest) -> None:
    """Have none ready any more; nothing happens when none were wanted."""
    ref = ctx.own_ref(call, request["FunctionName"], request["Qualifier"])
    if ref.qualifier == LATEST:
        raise invalid(_NO_QUALIFIER)
    async with ctx.catalogue.alone(ref.key):
        await _entry(ctx, ref)
        await ctx.catalogue.commit(ref.key, [PROVISIONED.delete((*ref.key, ref.qualifier))])


@operations.serves("ListProvisionedConcurrencyConfigs")
async def list_provisioned_concurrency_configs(
    ctx: Lambda, call: Call, request: ListProvisionedConcurrencyConfigsRequest
) -> ListProvisionedConcurrencyConfigsResponse:
    """Return a function's configurations by qualifier."""
    named = ctx.own_ref(call, request["FunctionName"])
    ref = FunctionRef(named.account_id, named.region, named.name)
    entry = await ctx.catalogue.find(ref.key)
    if entry is None:
        raise function_not_found(ref.arn)
    shown, more = page(sorted(entry.provisioned.items()), lambda item: (item[0],), request.get("Marker"), request.get("MaxItems"))
    items: list[ProvisionedConcurrencyConfigListItem] = []
    for qualifier, config in shown:
        items.append({"FunctionArn": function_arn(entry.key, qualifier), **_view(ctx, entry, qualifier, config)})
    answer: ListProvisionedConcurrencyConfigsResponse = {"ProvisionedConcurrencyConfigs": items}
    if more:
        answer["NextMarker"] = more
    return answer

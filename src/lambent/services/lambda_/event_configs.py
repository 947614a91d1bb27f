"""Event invoke configurations: retries, age and destinations of asynchronous invocations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lambent.base.regexes import Regex
from lambent.domain.call import Call
from lambent.domain.service import Operations
from lambent.services.lambda_.catalogue import Entry
from lambent.services.lambda_.context import Lambda
from lambent.services.lambda_.errors import invalid, not_found
from lambent.services.lambda_.functions import page
from lambent.services.lambda_.names import LATEST, FunctionRef, function_arn, parse_function
from lambent.services.lambda_.role_checks import delivery, permits, spoken
from lambent.services.lambda_.state import EVENT_CONFIGS, EventConfig
from lambent.services.lambda_.views import event_config

if TYPE_CHECKING:
    from lambent.services.lambda_._generated_shapes import (
        DeleteFunctionEventInvokeConfigRequest,
        FunctionEventInvokeConfig,
        GetFunctionEventInvokeConfigRequest,
        ListFunctionEventInvokeConfigsRequest,
        ListFunctionEventInvokeConfigsResponse,
        PutFunctionEventInvokeConfigRequest,
        UpdateFunctionEventInvokeConfigRequest,
    )

operations: Operations[Lambda] = Operations()
_DESTINATION = Regex(r"arn:aws[a-z-]*:(sqs|sns|lambda|events|s3):[a-z0-9-]*:(\d{12})?:.+")


async def _entry(ctx: Lambda, ref: FunctionRef) -> Entry:
    entry = await ctx.catalogue.find(ref.key)
    if entry is None or not (ref.qualifier in {"", *entry.versions} or ref.qualifier in entry.aliases):
        raise not_found("The function doesn't exist.")
    return entry


def _missing(ref: FunctionRef) -> Exception:
    return not_found(f"The function {function_arn(ref.key, ref.qualifier or LATEST)} doesn't have an EventInvokeConfig")


async def _destinations(ctx: Lambda, request: Any, ref: FunctionRef) -> tuple[str | None, str | None]:
    """Return the ARNs for success and failure, empty when one is taken away, ``None`` when nothing is said of it."""
    given = request.get("DestinationConfig") or {}
    arns = [None if given.get(name) is None else given[name].get("Destination") or "" for name in ("OnSuccess", "OnFailure")]
    if any(arn and not _DESTINATION.fullmatch(arn) for arn in arns) or ":s3:" in (arns[0] or ""):  # S3 takes failures only
        said = ", ".join(_said(name, arn) for name, arn in zip(("Success", "Failure"), arns, strict=True))
        raise invalid(f"The provided destination config DestinationConfig({said}) is invalid.")
    for arn in arns:
        if arn and arn.split(":")[2] == "lambda":
            await _check_function(ctx, ref, arn)
    return arns[0], arns[1]


def _said(name: str, arn: str | None) -> str:
    """Return a destination as AWS's message shows it."""
    if arn is None:
        return f"on{name}=null"
    return f"on{name}=On{name}(destination={arn or 'null'})"


async def _check_function(ctx: Lambda, ref: FunctionRef, arn: str) -> None:
    """Raise for a destination that is the function itself, or a function of the same account and region that isn't there."""
    other = parse_function(arn, account_id=ref.account_id, region=arn.split(":")[3])
    if other.key == ref.key:
        raise invalid("You can't specify the function as a destination for itself.")
    if (other.account_id, other.region) == (ref.account_id, ref.region) and await ctx.catalogue.find(other.key) is None:
        raise invalid(f"The destination ARN {arn} is invalid.")


async def _check_permissions(ctx: Lambda, ref: FunctionRef, entry: Entry, arns: Sequence[str]) -> None:
    """Raise unless the execution role may send records to the destinations."""
    role_arn = entry.find(ref.qualifier).configuration.role
    for arn in arns:
        task = delivery(ctx, ref, arn)
        if not await permits(ctx, ref, role_arn, task):
            raise invalid(f"The function's execution role does not have permissions to call {spoken(task[1])} on {arn}")


async def _write(ctx: Lambda, call: Call, request: Any, *, replace: bool) -> FunctionEventInvokeConfig:
    ref = ctx.own_ref(call, request["FunctionName"], request.get("Qualifier"))
    given = ("MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig")
    if all(request.get(name) is None for name in given):
        raise invalid("You must specify at least one of error handling or destination setting.")
    entry = await _entry(ctx, ref)
    success, failure = await _destinations(ctx, request, ref)
    await _check_permissions(ctx, ref, entry, [arn for arn in (success, failure) if arn])
    qualifier = ref.qualifier or LATEST
    async with ctx.catalogue.alone(ref.key):
        entry = await _entry(ctx, ref)
        old = entry.event_configs.get(qualifier)
        if old is None and not replace:
            raise _missing(ref)
        base = EventConfig(0.0) if replace or old is None else old
        retries, age = request.get("MaximumRetryAttempts"), request.get("MaximumEventAgeInSeconds")
        config = EventConfig(
            last_modified=ctx.platform.clock.now(),
            retries=base.retries if retries is None else retries,
            age_s_max=base.age_s_max if age is None else age,
            on_success_arn=base.on_success_arn if success is None else success,
            on_failure_arn=base.on_failure_arn if failure is None else failure,
        )
        await ctx.catalogue.commit(ref.key, [EVENT_CONFIGS.put((*ref.key, qualifier), config)])
    return event_config(entry, qualifier, config)


@operations.serves("PutFunctionEventInvokeConfig")
async def put_config(ctx: Lambda, call: Call, request: PutFunctionEventInvokeConfigRequest) -> FunctionEventInvokeConfig:
    """Set the configuration; what the request leaves out goes back to its default."""
    return await _write(ctx, call, request, replace=True)


@operations.serves("UpdateFunctionEventInvokeConfig")
async def update_config(ctx: Lambda, call: Call, request: UpdateFunctionEventInvokeConfigRequest) -> FunctionEventInvokeConfig:
    """Change the configuration; what the request leaves out stays."""
    return await _write(ctx, call, request, replace=False)


@operations.serves("GetFunctionEventInvokeConfig")
async def get_config(ctx: Lambda, call: Call, request: GetFunctionEventInvokeConfigRequest) -> FunctionEventInvokeConfig:
    """Return the configuration."""
    ref = ctx.own_ref(call, request["FunctionName"], request.get("Qualifier"))
    qualifier = ref.qualifier or LATEST
    entry = await ctx.catalogue.find(ref.key)
    if entry is None or qualifier not in entry.event_configs:
        raise _missing(ref)
    return event_config(entry, qualifier, entry.event_configs[qualifier])


@operations.serves("DeleteFunctionEventInvokeConfig")
async def delete_config(ctx: Lambda, call: Call, request: DeleteFunctionEventInvokeConfigRequest) -> None:
    """Go back to the defaults."""
    ref = ctx.own_ref(call, request["FunctionName"], request.get("Qualifier"))
    qualifier = ref.qualifier or LATEST
    async with ctx.catalogue.alone(ref.key):
        entry = await ctx.catalogue.find(ref.key)
        if entry is None or qualifier not in entry.event_configs:
            raise _missing(ref)
        await ctx.catalogue.commit(ref.key, [EVENT_CONFIGS.delete((*ref.key, qualifier))])


@operations.serves("ListFunctionEventInvokeConfigs")
async def list_configs(ctx: Lambda, call: Call, request: ListFunctionEventInvokeConfigsRequest) -> ListFunctionEventInvokeConfigsResponse:
    """Return the configurations of a function's versions and aliases."""
    ref = ctx.own_ref(call, request["FunctionName"])
    entry = await _entry(ctx, FunctionRef(ref.account_id, ref.region, ref.name))
    items = sorted(entry.event_configs.items())
    shown, more = page(items, lambda item: (item[0],), request.get("Marker"), request.get("MaxItems"))
    answer: ListFunctionEventInvokeConfigsResponse = {
        "FunctionEventInvokeConfigs": [event_config(entry, qualifier, config) for qualifier, config in shown]
    }
    if more:
        answer["NextMarker"] = more
    return answer

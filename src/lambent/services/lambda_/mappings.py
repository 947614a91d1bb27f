"""CreateEventSourceMapping, GetEventSourceMapping, ListEventSourceMappings, UpdateEventSourceMapping and DeleteEventSourceMapping.

An operation answers with the state that begins (``Creating``, ``Updating`` …); the data plane gets there and notes what it reached.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from lambent.domain.call import Call
from lambent.domain.errors import AwsError, NotImplementedHere
from lambent.domain.mappings import CREATING, DELETING, DISABLED, DISABLING, ENABLED, ENABLING, UPDATING, EventSourceMapping
from lambent.domain.service import Operations
from lambent.services.lambda_.catalogue import Entry
from lambent.services.lambda_.context import Lambda
from lambent.services.lambda_.errors import conflict, invalid
from lambent.services.lambda_.functions import page
from lambent.services.lambda_.mapping_settings import (
    UNSERVED,
    changes_of,
    check_starting_position,
    check_supported,
    check_whole,
    pollers_of,
    source_kind,
)
from lambent.services.lambda_.mapping_sources import check_destination, check_source
from lambent.services.lambda_.names import FunctionRef
from lambent.services.lambda_.tags import check_tags
from lambent.services.lambda_.views import mapping_configuration

if TYPE_CHECKING:
    from lambent.services.lambda_._generated_shapes import (
        CreateEventSourceMappingRequest,
        DeleteEventSourceMappingRequest,
        EventSourceMappingConfiguration,
        GetEventSourceMappingRequest,
        ListEventSourceMappingsRequest,
        ListEventSourceMappingsResponse,
        UpdateEventSourceMappingRequest,
    )

operations: Operations[Lambda] = Operations()
_BATCH_SIZES = {"sqs": 10, "kinesis": 100, "dynamodb": 100}
_SETTLE_STEP_S = 0.01
_SETTLE_STEPS_MAX = 200


@operations.serves("CreateEventSourceMapping")
async def create(ctx: Lambda, call: Call, request: CreateEventSourceMappingRequest) -> EventSourceMappingConfiguration:
    """Have a source read for a function."""
    given: Any = request
    service = source_kind(given)
    if service in UNSERVED:
        raise NotImplementedHere("lambda", "CreateEventSourceMapping", f"Sources of {UNSERVED[service]} can't be read.")
    check_starting_position(given, service)
    check_supported(given, service)
    check_tags(request.get("Tags") or {}, ctx.platform.quotas)
    ref, entry = await _function(ctx, call, request["FunctionName"])
    now, moment = ctx.platform.clock.now(), request.get("StartingPositionTimestamp")
    blank = EventSourceMapping(
        uuid=ctx.platform.ids.uuid(),
        account_id=ref.account_id,
        region=ref.region,
        function_name=ref.name,
        qualifier=ref.qualifier,
        source_arn=request["EventSourceArn"],
        batch_size=_BATCH_SIZES[service],
        created=now,
        last_modified=now,
        starting_position=request.get("StartingPosition") or "",
        starting_at=None if moment is None else moment.timestamp(),
        pollers=pollers_of(given, None),
    )
    mapping = msgspec.structs.replace(blank, **changes_of(given))
    if not mapping.enabled:
        mapping = msgspec.structs.replace(mapping, state=DISABLED)
    check_whole(mapping)
    config = entry.find(ref.qualifier).configuration
    await check_source(ctx, mapping, config.role, config.timeout_s)
    async with ctx.mappings.alone():
        _check_unique(await ctx.mappings.mappings(), mapping)
        await ctx.mappings.create(mapping, dict(request.get("Tags") or {}))
    return mapping_configuration(mapping)


async def _function(ctx: Lambda, call: Call, name: str) -> tuple[FunctionRef, Entry]:
    ref = ctx.own_ref(call, name)
    try:
        return ref, await ctx.settled(ref)
    except AwsError as error:
        if error.code != "ResourceNotFoundException":
            raise
        raise invalid("Function does not exist") from error


def _check_unique(mappings: Any, mapping: EventSourceMapping) -> None:
    for each in mappings:
        if (each.source_arn, each.function_arn) != (mapping.source_arn, mapping.function_arn) or each.state == DELETING:
            continue
        known = f'(" {mapping.source_arn} ") and function (" {mapping.function_name} ")'
        advice = f"already exists. Please update or delete the existing mapping with UUID {each.uuid}"
        if mapping.service == "sqs":
            raise conflict(f"An event source mapping with SQS arn {known} {advice}")
        raise conflict(f"The event source arn {known} provided mapping {advice}")


@operations.serves("GetEventSourceMapping")
async def get(ctx: Lambda, call: Call, request: GetEventSourceMappingRequest) -> EventSourceMappingConfiguration:
    """Return a mapping."""
    return mapping_configuration(await ctx.mappings.find(call.account_id, call.region, request["UUID"]))


@operations.serves("ListEventSourceMappings")
async def list_(ctx: Lambda, call: Call, request: ListEventSourceMappingsRequest) -> ListEventSourceMappingsResponse:
    """Return the account's mappings, of one source or function if that is asked for."""
    found = [each for each in await ctx.mappings.mappings() if (each.account_id, each.region) == (call.account_id, call.region)]
    if request.get("EventSourceArn"):
        found = [each for each in found if each.source_arn == request["EventSourceArn"]]
    if request.get("FunctionName"):
        arn = ctx.own_ref(call, request["FunctionName"]).arn
        found = [each for each in found if each.function_arn == arn]
    shown, more = page(sorted(found, key=_by_uuid), lambda each: (each.uuid,), request.get("Marker"), request.get("MaxItems"))
    answer: ListEventSourceMappingsResponse = {"EventSourceMappings": [mapping_configuration(each) for each in shown]}
    if more:
        answer["NextMarker"] = more
    return answer


def _by_uuid(mapping: EventSourceMapping) -> str:
    return mapping.uuid


@operations.serves("UpdateEventSourceMapping")
async def update(ctx: Lambda, call: Call, request: UpdateEventSourceMappingRequest) -> EventSourceMappingConfiguration:
    """Change a mapping; what the request leaves out stays."""
    given: Any = request
    await _settled(ctx, call, request["UUID"])
    async with ctx.mappings.alone():
        old = await _changeable(ctx, call, request["UUID"], "update")
        check_supported(given, old.service)
        changes = {**changes_of(given), "pollers": pollers_of(given, old.pollers), "last_modified": ctx.platform.clock.now()}
        if request.get("FunctionName"):
            ref, _ = await _function(ctx, call, request["FunctionName"])
            changes |= {"function_name": ref.name, "qualifier": ref.qualifier}
        enabled = changes.get("enabled", old.enabled)
        changes["state"] = UPDATING if enabled == old.enabled else ENABLING if enabled else DISABLING
        changed = msgspec.structs.replace(old, **changes)
        check_whole(changed)
        await _check_changed(ctx, old, changed)
        return mapping_configuration(await ctx.mappings.change(old, **changes))


async def _check_changed(ctx: Lambda, old: EventSourceMapping, changed: EventSourceMapping) -> None:
    """Raise unless the function that reads from now on, or that tells another destination, may do so."""
    if changed.function_arn == old.function_arn and changed.on_failure_arn == old.on_failure_arn:
        return
    entry = await ctx.catalogue.get(FunctionRef(changed.account_id, changed.region, changed.function_name, changed.qualifier))
    config = entry.find(changed.qualifier).configuration
    if changed.function_arn != old.function_arn:
        await check_source(ctx, changed, config.role, config.timeout_s)
    else:
        await check_destination(ctx, changed, config.role)


@operations.serves("DeleteEventSourceMapping")
async def delete(ctx: Lambda, call: Call, request: DeleteEventSourceMappingRequest) -> EventSourceMappingConfiguration:
    """Have a source not read any more."""
    await _settled(ctx, call, request["UUID"])
    async with ctx.mappings.alone():
        mapping = await _changeable(ctx, call, request["UUID"], "delete")
        return mapping_configuration(await ctx.mappings.change(mapping, state=DELETING, enabled=False))


async def _settled(ctx: Lambda, call: Call, uuid: str) -> None:
    """Wait, for two seconds at most, until a transition that is under way has ended: they take milliseconds here."""
    for _ in range(_SETTLE_STEPS_MAX):
        mapping = await ctx.mappings.find(call.account_id, call.region, uuid)
        if mapping.state not in {CREATING, ENABLING, DISABLING, UPDATING}:
            return
        await ctx.platform.clock.sleep(_SETTLE_STEP_S)


async def _changeable(ctx: Lambda, call: Call, uuid: str, verb: str) -> EventSourceMapping:
    mapping = await ctx.mappings.find(call.account_id, call.region, uuid)
    if mapping.state not in {ENABLED, DISABLED}:
        text = f"Cannot {verb} the event source mapping because it is in use."
        raise AwsError("ResourceInUseException", text, 400, members={"Type": "User"})
    return mapping

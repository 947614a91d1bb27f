"""Aliases: names for versions, with weights if wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from lambent.domain.call import Call
from lambent.domain.service import Operations
from lambent.domain.storage import Write
from lambent.services.lambda_.catalogue import Entry
from lambent.services.lambda_.context import Lambda, check_revision
from lambent.services.lambda_.errors import alias_not_found, conflict, function_not_found, invalid, not_found
from lambent.services.lambda_.functions import page
from lambent.services.lambda_.names import LATEST, FunctionRef, function_arn
from lambent.services.lambda_.state import ALIASES, EVENT_CONFIGS, POLICIES, PROVISIONED, URL_IDS, URLS, Alias
from lambent.services.lambda_.views import alias_configuration

if TYPE_CHECKING:
    from lambent.services.lambda_._generated_shapes import (
        AliasConfiguration,
        AliasRoutingConfiguration,
        CreateAliasRequest,
        DeleteAliasRequest,
        GetAliasRequest,
        ListAliasesRequest,
        ListAliasesResponse,
        UpdateAliasRequest,
    )

operations: Operations[Lambda] = Operations()


def _function(ctx: Lambda, call: Call, name: str) -> FunctionRef:
    ref = ctx.own_ref(call, name)
    return FunctionRef(ref.account_id, ref.region, ref.name)


def checked_weights(entry: Entry, version: str, routing: AliasRoutingConfiguration | None) -> dict[str, float]:
    """Return the weights of further versions; raises for those that AWS refuses."""
    weights = dict((routing or {}).get("AdditionalVersionWeights") or {})
    if len(weights) > 1:
        raise invalid("Number of items in AdditionalVersionWeights cannot be greater than 1")
    for other, weight in weights.items():
        if version == LATEST or other == LATEST:
            raise invalid("$LATEST is not supported for an alias pointing to more than 1 version", typed=False)
        if not other.isdecimal():
            raise invalid(f"Invalid function version {other}. Function versions in AdditionalVersionWeights must be numbers.")
        if other == version:
            raise invalid(f"Invalid function version {other}. Function version {version} is already included in routing configuration.")
        if not 0.0 <= weight <= 1.0:
            raise invalid(f"Value '{weight}' of a version's weight must be between 0.0 and 1.0.")
        _require_version(entry, other)
    return weights


def _require_version(entry: Entry, version: str) -> None:
    if version not in entry.versions:
        raise function_not_found(function_arn(entry.key, version))


def _find(entry: Entry, name: str) -> Alias:
    alias = entry.aliases.get(name)
    if alias is None:
        raise alias_not_found(function_arn(entry.key, name))
    return alias


@operations.serves("CreateAlias")
async def create_alias(ctx: Lambda, call: Call, request: CreateAliasRequest) -> AliasConfiguration:
    """Name a version."""
    ref = _function(ctx, call, request["FunctionName"])
    async with ctx.catalogue.alone(ref.key):
        name, version = request["Name"], request["FunctionVersion"]
        entry = await ctx.catalogue.find(ref.key)
        if entry is None:
            raise function_not_found(function_arn(ref.key, version))
        if name in entry.aliases:
            raise conflict(f"Alias already exists: {function_arn(ref.key, name)}")
        _require_version(entry, version)
        weights = checked_weights(entry, version, request.get("RoutingConfig"))
        alias = Alias(name, version, ctx.platform.ids.uuid(), request.get("Description") or "", weights)
        await ctx.catalogue.commit(ref.key, [ALIASES.put((*ref.key, name), alias)])
        return alias_configuration(entry, alias)


@operations.serves("GetAlias")
async def get_alias(ctx: Lambda, call: Call, request: GetAliasRequest) -> AliasConfiguration:
    """Return an alias."""
    ref = _function(ctx, call, request["FunctionName"])
    entry = await ctx.catalogue.find(ref.key)
    if entry is None:
        raise alias_not_found(function_arn(ref.key, request["Name"]))
    return alias_configuration(entry, _find(entry, request["Name"]))


@operations.serves("UpdateAlias")
async def update_alias(ctx: Lambda, call: Call, request: UpdateAliasRequest) -> AliasConfiguration:
    """Change an alias; what the request leaves out stays."""
    ref = _function(ctx, call, request["FunctionName"])
    async with ctx.catalogue.alone(ref.key):
        entry = await ctx.catalogue.get(ref)
        alias = entry.aliases.get(request["Name"])
        if alias is None:
            raise not_found(f"Alias not found: {function_arn(ref.key, request['Name'])}")
        check_revision(request.get("RevisionId"), alias.revision_id)
        version = request.get("FunctionVersion") or alias.version
        _require_version(entry, version)
        routing: AliasRoutingConfiguration | None = request.get("RoutingConfig")
        if routing is None:
            routing = {"AdditionalVersionWeights": alias.weights}
        description = request.get("Description")
        alias = msgspec.structs.replace(
            alias,
            version=version,
            weights=checked_weights(entry, version, routing),
            description=alias.description if description is None else description,
            revision_id=ctx.platform.ids.uuid(),
        )
        await ctx.catalogue.commit(ref.key, [ALIASES.put((*ref.key, alias.name), alias)])
        return alias_configuration(entry, alias)


@operations.serves("DeleteAlias")
async def delete_alias(ctx: Lambda, call: Call, request: DeleteAliasRequest) -> None:
    """Remove an alias with its policy, event configuration and URL; nothing happens when it isn't there."""
    ref = _function(ctx, call, request["FunctionName"])
    async with ctx.catalogue.alone(ref.key):
        entry = await ctx.catalogue.get(ref)
        key = (*ref.key, request["Name"])
        if request["Name"] not in entry.aliases:
            return
        writes: list[Write] = [
            ALIASES.delete(key),
            POLICIES.delete(key),
            EVENT_CONFIGS.delete(key),
            URLS.delete(key),
            PROVISIONED.delete(key),
        ]
        url = entry.urls.get(request["Name"])
        if url is not None:
            writes.append(URL_IDS.delete((url.url_id,)))
        await ctx.catalogue.commit(ref.key, writes)


@operations.serves("ListAliases")
async def list_aliases(ctx: Lambda, call: Call, request: ListAliasesRequest) -> ListAliasesResponse:
    """Return a function's aliases by name, or those of one version."""
    ref = _function(ctx, call, request["FunctionName"])
    entry = await ctx.catalogue.get(ref)
    version = request.get("FunctionVersion")
    items = sorted((each for each in entry.aliases.values() if not version or version in {each.version, *each.weights}), key=_order)
    shown, more = page(items, _order, request.get("Marker"), request.get("MaxItems"))
    answer: ListAliasesResponse = {"Aliases": [alias_configuration(entry, each) for each in shown]}
    if more:
        answer["NextMarker"] = more
    return answer


def _order(alias: Alias) -> tuple[str]:
    return (alias.name,)

"""Layers: publish, list, get, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambent.domain.call import Call
from lambent.domain.documents import Found, drop, keep
from lambent.domain.errors import Conflict
from lambent.domain.service import Operations
from lambent.domain.storage import ABSENT, Write
from lambent.services.lambda_ import code
from lambent.services.lambda_.catalogue import every
from lambent.services.lambda_.configuration import RUNTIMES
from lambent.services.lambda_.context import Lambda
from lambent.services.lambda_.errors import access_denied, conflict, invalid, not_found, validation
from lambent.services.lambda_.functions import LIST_ITEMS_MAX, from_marker, page, to_marker
from lambent.services.lambda_.layer_refs import may_use
from lambent.services.lambda_.names import LayerRef, parse_layer, parse_layer_version
from lambent.services.lambda_.state import LAYER_VERSIONS, LAYERS, LayerCounter, LayerVersion
from lambent.services.lambda_.views import code_sha256, layer_version, listed_layer_version

if TYPE_CHECKING:
    from lambent.services.lambda_._generated_shapes import (
        DeleteLayerVersionRequest,
        GetLayerVersionByArnRequest,
        GetLayerVersionRequest,
        ListLayersRequest,
        ListLayerVersionsRequest,
        PublishLayerVersionRequest,
    )

operations: Operations[Lambda] = Operations()
ARCHITECTURES = ("x86_64", "arm64")
_TRIES_MAX = 20


def layer_of(call: Call, name: str, version: int = 0) -> LayerRef:
    """Return the layer, or layer version, that a request names."""
    return parse_layer(name, account_id=call.account_id, region=call.region, version=version)


def owner_of(ref: LayerRef) -> str:
    """Return the name by which a layer version keeps its blob."""
    return f"lambda/layer/{ref.arn}"


@operations.serves("PublishLayerVersion")
async def publish_layer_version(ctx: Lambda, call: Call, request: PublishLayerVersionRequest) -> dict[str, Any]:
    """Store a new version of a layer; the layer begins with its first one."""
    layer = layer_of(call, request["LayerName"])
    if layer.account_id != call.account_id or layer.region != call.region:
        raise _denied(call, "PublishLayerVersion", layer.layer_arn)
    _check_compatible(ctx, request)
    if not request["Content"]:
        raise invalid("Missing Content")
    package = await code.take(ctx, call, request["Content"], unzipped_max=ctx.platform.quotas.code_unzipped_bytes_max)
    await code.check_storage(ctx, call, package.size)
    for _ in range(_TRIES_MAX):
        counter = await LAYERS.get(ctx.platform.store, (layer.account_id, layer.region, layer.name))
        number = 1 if counter is None else counter.value.published + 1
        ref = LayerRef(layer.account_id, layer.region, layer.name, number)
        document = LayerVersion(
            version=number,
            digest=package.digest,
            size=package.size,
            unzipped=package.unzipped,
            created=ctx.platform.clock.now(),
            description=request.get("Description") or "",
            license_info=request.get("LicenseInfo") or "",
            runtimes=_listed(request.get("CompatibleRuntimes")),
            architectures=_listed(request.get("CompatibleArchitectures")),
        )
        try:
            await ctx.platform.store.commit(_published(ref, document, counter))
        except Conflict:
            continue  # somebody else published the same number
        return _shown_with_content(ctx, call, ref, document)
    raise conflict(f"Too many versions of {layer.layer_arn} are being published at once.")


def _check_compatible(ctx: Lambda, request: PublishLayerVersionRequest) -> None:
    """Raise ``ValidationException`` for runtimes and architectures that there aren't, all of them at once."""
    known = {*RUNTIMES, *(each.runtime for each in ctx.runtimes())}
    runtimes, architectures = request.get("CompatibleRuntimes") or [], request.get("CompatibleArchitectures") or []
    problems: list[str] = []
    if not known.issuperset(runtimes):
        names = ", ".join(RUNTIMES)
        problems.append(
            f"Value '[{', '.join(runtimes)}]' at 'compatibleRuntimes' failed to satisfy constraint: "
            f"Member must satisfy enum value set: [{names}]"
        )
    if not set(ARCHITECTURES).issuperset(architectures):
        problems.append(
            f"Value '[{', '.join(architectures)}]' at 'compatibleArchitectures' failed to satisfy constraint: "
            f"Member must satisfy constraint: [Member must satisfy enum value set: [{', '.join(ARCHITECTURES)}]]"
        )
    if problems:
        raise validation(*problems)


def _listed(given: list[Any] | None) -> tuple[str, ...] | None:
    return None if given is None else tuple(given)


def _published(ref: LayerRef, document: LayerVersion, counter: Found[LayerCounter] | None) -> list[Write]:
    key = (ref.account_id, ref.region, ref.name)
    return [
        LAYERS.put(key, LayerCounter(ref.version), ABSENT if counter is None else counter.version),
        LAYER_VERSIONS.put((*key, ref.version), document, ABSENT),
        keep(document.digest, owner_of(ref)),
    ]


def _shown_with_content(ctx: Lambda, call: Call, ref: LayerRef, document: LayerVersion) -> dict[str, Any]:
    content = {
        "Location": code.location(ctx, call, document.digest),
        "CodeSha256": code_sha256(document.digest),
        "CodeSize": document.size,
    }
    return {**layer_version(ref.arn, document), "LayerArn": ref.layer_arn, "Content": content}


def _denied(call: Call, action: str, arn: str) -> Exception:
    return access_denied(
        f"User: {call.caller.arn} is not authorized to perform: lambda:{action} on resource: {arn} "
        f"because no resource-based policy allows the lambda:{action} action"
    )


def _no_version() -> Exception:
    return invalid("Layer Version Cannot be less than 1")


async def find_version(ctx: Lambda, call: Call, ref: LayerRef) -> Found[LayerVersion]:
    """Return a layer version that the caller may use."""
    if ref.version < 1:
        raise _no_version()
    found = await LAYER_VERSIONS.get(ctx.platform.store, (ref.account_id, ref.region, ref.name, ref.version))
    if ref.account_id != call.account_id and (found is None or not may_use(call, ref, found.value)):
        raise _denied(call, "GetLayerVersion", ref.arn)
    if found is None or ref.region != call.region:
        raise not_found("The resource you requested does not exist.")
    return found


@operations.serves("GetLayerVersion")
async def get_layer_version(ctx: Lambda, call: Call, request: GetLayerVersionRequest) -> dict[str, Any]:
    """Return a layer version and where its content is."""
    ref = layer_of(call, request["LayerName"], request["VersionNumber"])
    return _shown_with_content(ctx, call, ref, (await find_version(ctx, call, ref)).value)


@operations.serves("GetLayerVersionByArn")
async def get_layer_version_by_arn(ctx: Lambda, call: Call, request: GetLayerVersionByArnRequest) -> dict[str, Any]:
    """Return a layer version by its ARN."""
    ref = parse_layer_version(request["Arn"])
    if ref is None:
        raise validation(f"Value '{request['Arn']}' at 'arn' failed to satisfy constraint: Member must satisfy regular expression pattern")
    return _shown_with_content(ctx, call, ref, (await find_version(ctx, call, ref)).value)


@operations.serves("ListLayerVersions")
async def list_layer_versions(ctx: Lambda, call: Call, request: ListLayerVersionsRequest) -> dict[str, Any]:
    """Return a layer's versions, the newest first."""
    ref = layer_of(call, request["LayerName"])
    versions = await every(ctx.platform.store, LAYER_VERSIONS, (ref.account_id, ref.region, ref.name))
    items = [each.value for each in reversed(versions) if _fits(each.value, request)]
    shown, more = page(items, lambda each: (-each.version,), request.get("Marker"), request.get("MaxItems"))
    answer: dict[str, Any] = {"LayerVersions": [listed_layer_version(f"{ref.layer_arn}:{each.version}", each) for each in shown]}
    if more:
        answer["NextMarker"] = more
    return answer


def _fits(layer: LayerVersion, request: Any) -> bool:
    """Return whether a layer version is compatible with what a listing asks for."""
    runtime, architecture = request.get("CompatibleRuntime"), request.get("CompatibleArchitecture")
    return (not runtime or runtime in (layer.runtimes or ())) and (not architecture or architecture in (layer.architectures or ()))


@operations.serves("ListLayers")
async def list_layers(ctx: Lambda, call: Call, request: ListLayersRequest) -> dict[str, Any]:
    """Return the account's layers by name, each with its newest version."""
    within = (call.account_id, call.region)
    limit = min(request.get("MaxItems") or LIST_ITEMS_MAX, LIST_ITEMS_MAX)
    found = await LAYERS.range(ctx.platform.store, within, after=from_marker(request.get("Marker"), within), limit=limit + 1)
    shown: list[dict[str, Any]] = []
    for each in found[:limit]:
        ref = LayerRef(call.account_id, call.region, str(each.key[2]))
        versions = await LAYER_VERSIONS.range(ctx.platform.store, each.key, reverse=True)
        newest = next((version.value for version in versions if _fits(version.value, request)), None)
        if newest is not None:
            latest = listed_layer_version(f"{ref.layer_arn}:{newest.version}", newest)
            shown.append({"LayerName": ref.name, "LayerArn": ref.layer_arn, "LatestMatchingVersion": latest})
    answer: dict[str, Any] = {"Layers": shown}
    if len(found) > limit:
        answer["NextMarker"] = to_marker(found[limit - 1].key, within)
    return answer


@operations.serves("DeleteLayerVersion")
async def delete_layer_version(ctx: Lambda, call: Call, request: DeleteLayerVersionRequest) -> None:
    """Delete a layer version; functions that use it keep its content. Nothing happens when it isn't there."""
    ref = layer_of(call, request["LayerName"], request["VersionNumber"])
    if ref.version < 1:
        raise _no_version()
    if ref.account_id != call.account_id:
        raise _denied(call, "DeleteLayerVersion", ref.arn)
    key = (ref.account_id, ref.region, ref.name, ref.version)
    found = await LAYER_VERSIONS.get(ctx.platform.store, key)
    if found is not None:
        await ctx.platform.store.commit([LAYER_VERSIONS.delete(key), drop(found.value.digest, owner_of(ref))])

"""CreateFunction, GetFunction, GetFunctionConfiguration, ListFunctions and DeleteFunction."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

import msgspec

from lambent.domain.call import Call
from lambent.domain.documents import Found, drop, keep
from lambent.domain.errors import Conflict
from lambent.domain.service import Operations
from lambent.domain.storage import ABSENT, Key, Write
from lambent.services.lambda_ import code, code_trust
from lambent.services.lambda_.catalogue import Entry
from lambent.services.lambda_.configuration import changed, check_limits, check_runtime, refuse_unserved
from lambent.services.lambda_.context import Lambda
from lambent.services.lambda_.errors import conflict, function_not_found, invalid
from lambent.services.lambda_.layer_refs import layers_of
from lambent.services.lambda_.names import LATEST, NAME_LENGTH_MAX, FunctionKey, FunctionRef
from lambent.services.lambda_.role_checks import check_role
from lambent.services.lambda_.state import (
    ALIASES,
    CODE_SIGNING,
    EVENT_CONFIGS,
    FUNCTIONS,
    POLICIES,
    PROVISIONED,
    URL_IDS,
    URLS,
    VERSIONS,
    CodeSigning,
    Configuration,
    Function,
    Version,
)
from lambent.services.lambda_.tags import check_tags
from lambent.services.lambda_.transitions import begun, version_key
from lambent.services.lambda_.views import function_configuration, with_caveat
from lambent.services.lambda_.vpc import vpc_of

if TYPE_CHECKING:
    from lambent.services.lambda_._generated_shapes import (
        CreateFunctionRequest,
        DeleteFunctionRequest,
        DeleteFunctionResponse,
        FunctionConfiguration,
        GetFunctionConfigurationRequest,
        GetFunctionRequest,
        GetFunctionResponse,
        ListFunctionsRequest,
        ListFunctionsResponse,
    )

operations: Operations[Lambda] = Operations()
LIST_ITEMS_MAX = 50
_CREATING = "The function is being created."


@operations.serves("CreateFunction")
async def create_function(ctx: Lambda, call: Call, request: CreateFunctionRequest) -> FunctionConfiguration:
    """Create a function; its state is ``Pending`` until a moment later."""
    ref = ctx.own_ref(call, request["FunctionName"])
    if len(ref.name) > NAME_LENGTH_MAX:
        problem = f"Value '{ref.name}' at 'functionName' failed to satisfy constraint: Member must have length less than or equal to 64"
        raise invalid(f"1 validation error detected: {problem}")
    refuse_unserved(request)
    if not request.get("Runtime") or (not request.get("Handler") and not request["Runtime"].startswith("provided")):
        raise invalid("Runtime and Handler are mandatory parameters for functions created with deployment packages.")
    caveat = check_runtime(request["Runtime"], ctx.runtimes())
    signing = None if not request.get("CodeSigningConfigArn") else await code_trust.required(ctx, call, request["CodeSigningConfigArn"])
    check_tags(request.get("Tags") or {}, ctx.platform.quotas)
    layers = await layers_of(ctx, call, request.get("Layers") or ())
    if await ctx.catalogue.find(ref.key) is not None:
        raise conflict(f"Function already exist: {ref.name}")
    blank = Configuration(request["Runtime"], request["Role"], request.get("Handler") or "", "0" * 64, 0)
    config = changed(blank, request, layers, await vpc_of(ctx, call, request))
    check_limits(config, ctx.platform.quotas)
    await check_role(ctx, ref, config)
    package = await code.take(ctx, call, request["Code"], unzipped_max=ctx.platform.quotas.code_unzipped_bytes_max)
    config = with_package(config, package)
    check_limits(config, ctx.platform.quotas)
    await code.check_storage(ctx, call, package.size)
    if signing is not None:
        await code_trust.check(ctx, ref, signing.value, digests_of(config))
    return with_caveat(await _commit_new(ctx, ref, config, request, signing), caveat)


def with_package(config: Configuration, package: code.Package) -> Configuration:
    """Return the configuration with other code."""
    return changed_code(config, package.digest, package.size, package.unzipped)


def changed_code(config: Configuration, digest: str, size: int, unzipped: int) -> Configuration:
    """Return the configuration with other code; sizes in bytes."""
    return msgspec.structs.replace(config, code_digest=digest, code_size=size, code_unzipped=unzipped)


async def _commit_new(
    ctx: Lambda, ref: FunctionRef, config: Configuration, request: CreateFunctionRequest, signing: Found[CodeSigning] | None
) -> FunctionConfiguration:
    now, ids = ctx.platform.clock.now(), ctx.platform.ids
    revision = ids.uuid()
    latest = Version(LATEST, config, revision, revision, now, "Pending", _CREATING, "Creating")
    function = Function(
        created=now,
        instance=ids.uuid(),
        published=1 if request.get("Publish") else 0,
        tags=dict(request.get("Tags") or {}),
        code_signing_arn=request.get("CodeSigningConfigArn") or "",
    )
    versions = [latest]
    if request.get("Publish"):
        versions.append(msgspec.structs.replace(latest, version="1", revision_id=ids.uuid(), code_revision=ids.uuid()))
    writes: list[Write] = [FUNCTIONS.put(ref.key, function, ABSENT), *([] if signing is None else [code_trust.held(signing)])]
    for version in versions:
        writes += stored(ref.key, version)
        writes.append(begun(ref.key, version.version, now))
    async with ctx.catalogue.alone(ref.key):
        try:
            await ctx.catalogue.commit(ref.key, writes)
        except Conflict as other:
            if other.table == CODE_SIGNING.name:
                raise code_trust.busy(function.code_signing_arn) from None
            raise conflict(f"Function already exist: {ref.name}") from None
    entry = Entry(ref.key, function, 0, {each.version: each for each in versions}, {}, {}, {}, {})
    return function_configuration(entry, versions[-1], shown_as="")  # unqualified, as AWS has it, also of version 1


def stored(key: FunctionKey, version: Version) -> list[Write]:
    """Return the writes that store a version and keep its code and layers."""
    owner = owner_of(key, version.version)
    kept = sorted(digests_of(version.configuration))
    return [VERSIONS.put(version_key(key, version.version), version), *(keep(digest, owner) for digest in kept)]


def digests_of(config: Configuration) -> set[str]:
    """Return what a version's code and layers are, as blobs."""
    return {config.code_digest, *(layer.digest for layer in config.layers)}


def let_go(key: FunctionKey, version: Version, kept: Configuration | None = None) -> list[Write]:
    """Return the writes that drop a version's code and layers, but for those that ``kept`` needs."""
    gone = digests_of(version.configuration) - (digests_of(kept) if kept else set())
    return [drop(digest, owner_of(key, version.version)) for digest in sorted(gone)]


def owner_of(key: FunctionKey, version: str) -> str:
    """Return the name by which a version keeps its blobs."""
    return "/".join(("lambda", *key, version))


@operations.serves("GetFunction")
async def get_function(ctx: Lambda, call: Call, request: GetFunctionRequest) -> GetFunctionResponse:
    """Return a version's configuration, where its code is, the function's tags and reserved concurrency."""
    ref = ctx.own_ref(call, request["FunctionName"], request.get("Qualifier"))
    entry = await ctx.catalogue.get(ref)
    version = entry.find(ref.qualifier)
    answer: GetFunctionResponse = {
        "Configuration": function_configuration(entry, version, shown_as=entry.shown_as(ref.qualifier)),
        "Code": {"RepositoryType": "S3", "Location": code.location(ctx, call, version.configuration.code_digest)},
    }
    if entry.function.tags:
        answer["Tags"] = entry.function.tags
    if entry.function.reserved_concurrency is not None:
        answer["Concurrency"] = {"ReservedConcurrentExecutions": entry.function.reserved_concurrency}
    return answer


@operations.serves("GetFunctionConfiguration")
async def get_function_configuration(ctx: Lambda, call: Call, request: GetFunctionConfigurationRequest) -> FunctionConfiguration:
    """Return a version's configuration."""
    ref = ctx.own_ref(call, request["FunctionName"], request.get("Qualifier"))
    entry = await ctx.catalogue.get(ref)
    return function_configuration(entry, entry.find(ref.qualifier), shown_as=entry.shown_as(ref.qualifier))


@operations.serves("ListFunctions")
async def list_functions(ctx: Lambda, call: Call, request: ListFunctionsRequest) -> ListFunctionsResponse:
    """Return the account's functions, or with ``FunctionVersion=ALL`` all their versions, by name."""
    region = request.get("MasterRegion")
    if region and region not in {"ALL", call.region}:
        return {"Functions": []}
    within = (call.account_id, call.region)
    limit = min(request.get("MaxItems") or LIST_ITEMS_MAX, LIST_ITEMS_MAX)
    after = from_marker(request.get("Marker"), within)
    store = ctx.platform.store
    if request.get("FunctionVersion") == "ALL":
        found = await VERSIONS.range(store, within, after=after, limit=limit + 1)
        keys = [each.key for each in found]
    else:
        keys = [each.key for each in await FUNCTIONS.range(store, within, after=after, limit=limit + 1)]
    shown: list[FunctionConfiguration] = []
    for key in keys[:limit]:
        entry = await ctx.catalogue.find((str(key[0]), str(key[1]), str(key[2])))
        version = entry and entry.versions.get(LATEST if len(key) == 3 or key[3] == 0 else str(key[3]))
        if entry and version:
            shown.append(function_configuration(entry, version, shown_as=None if len(key) == 4 else "", listed=True))
    answer: ListFunctionsResponse = {"Functions": shown}
    if len(keys) > limit:
        answer["NextMarker"] = to_marker(keys[limit - 1], within)
    return answer


def to_marker(key: Key, within: Key) -> str:
    """Return the marker that continues after ``key``."""
    return base64.urlsafe_b64encode(msgspec.json.encode(key[len(within) :])).decode()


def from_marker(marker: str | None, within: Key) -> Key | None:
    """Return the key that a marker of ours stands for."""
    if not marker:
        return None
    try:
        parts = msgspec.json.decode(base64.urlsafe_b64decode(marker), type=list[str | int])
    except (msgspec.DecodeError, binascii.Error, ValueError):
        raise invalid("Invalid pagination token provided.") from None
    return (*within, *parts)


def page(items: list[Any], name_of: Any, marker: str | None, limit: int | None) -> tuple[list[Any], str | None]:
    """Return a page of items in memory, sorted by their name's key, and the next page's marker."""
    after = from_marker(marker, ())
    items = [each for each in items if after is None or name_of(each) > after]
    count = min(limit or LIST_ITEMS_MAX, LIST_ITEMS_MAX)
    more = to_marker(name_of(items[count - 1]), ()) if len(items) > count else None
    return items[:count], more


@operations.serves("DeleteFunction")
async def delete_function(ctx: Lambda, call: Call, request: DeleteFunctionRequest) -> DeleteFunctionResponse:
    """Delete a function with all that belongs to it, or one published version."""
    ref = ctx.own_ref(call, request["FunctionName"], request.get("Qualifier"))
    if ref.qualifier == LATEST:
        raise invalid("$LATEST version cannot be deleted without deleting the function.")
    async with ctx.catalogue.alone(ref.key):
        entry = await ctx.catalogue.find(ref.key)
        if entry is None:
            raise function_not_found(ref.function_arn)
        if not ref.qualifier:
            await ctx.catalogue.commit(ref.key, _all_gone(entry))
        else:
            await _delete_version(ctx, ref, entry)
    return {"StatusCode": 204}


async def _delete_version(ctx: Lambda, ref: FunctionRef, entry: Entry) -> None:
    if not ref.qualifier.isdecimal():
        raise invalid("Deletion of aliases is not currently supported.")
    version = entry.versions.get(ref.qualifier)
    if version is None:
        return  # AWS answers the same for a version that isn't there any more
    names = sorted(each.name for each in entry.aliases.values() if ref.qualifier in {each.version, *each.weights})
    if names:
        raise conflict(f"Unable to delete version because the following aliases reference it: [{', '.join(names)}]")
    number = version.version
    writes: list[Write] = [VERSIONS.delete(version_key(ref.key, number)), *let_go(ref.key, version)]
    writes += [table.delete((*ref.key, number)) for table in (POLICIES, EVENT_CONFIGS, PROVISIONED)]
    await ctx.catalogue.commit(ref.key, writes)


def _all_gone(entry: Entry) -> list[Write]:
    """Return the writes that remove a function."""
    key = entry.key
    writes: list[Write] = [FUNCTIONS.delete(key, entry.function_version)]
    for version in entry.versions.values():
        writes += [VERSIONS.delete(version_key(key, version.version)), *let_go(key, version)]
    writes += [ALIASES.delete((*key, name)) for name in entry.aliases]
    writes += [POLICIES.delete((*key, qualifier)) for qualifier in entry.policies]
    writes += [EVENT_CONFIGS.delete((*key, qualifier)) for qualifier in entry.event_configs]
    writes += [PROVISIONED.delete((*key, qualifier)) for qualifier in entry.provisioned]
    for qualifier, url in entry.urls.items():
        writes += [URLS.delete((*key, qualifier)), URL_IDS.delete((url.url_id,))]
    return writes

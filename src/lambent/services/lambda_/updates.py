"""UpdateFunctionCode and UpdateFunctionConfiguration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from lambent.domain.call import Call
from lambent.domain.service import Operations
from lambent.domain.storage import Write
from lambent.services.lambda_ import code, code_trust
from lambent.services.lambda_.catalogue import Entry
from lambent.services.lambda_.configuration import changed, check_limits, check_runtime, refuse_unserved
from lambent.services.lambda_.context import Lambda, check_revision
from lambent.services.lambda_.errors import invalid
from lambent.services.lambda_.functions import let_go, stored, with_package
from lambent.services.lambda_.layer_refs import layers_of
from lambent.services.lambda_.names import FunctionRef
from lambent.services.lambda_.role_checks import check_role
from lambent.services.lambda_.state import Configuration, Version
from lambent.services.lambda_.transitions import begun
from lambent.services.lambda_.versions import publish
from lambent.services.lambda_.views import function_configuration, with_caveat
from lambent.services.lambda_.vpc import vpc_of

if TYPE_CHECKING:
    from lambent.services.lambda_._generated_shapes import (
        FunctionConfiguration,
        UpdateFunctionCodeRequest,
        UpdateFunctionConfigurationRequest,
    )

operations: Operations[Lambda] = Operations()
_UPDATING = "The function is being created."


@operations.serves("UpdateFunctionCode")
async def update_function_code(ctx: Lambda, call: Call, request: UpdateFunctionCodeRequest) -> FunctionConfiguration:
    """Replace the code of ``$LATEST``, and publish it if asked to; with ``DryRun`` only say what would become of it."""
    ref = _unqualified(ctx.own_ref(call, request["FunctionName"]))
    entry = await ctx.settled(ref)
    check_revision(request.get("RevisionId"), entry.latest.revision_id)
    if request.get("ImageUri"):
        raise invalid("Please don't provide ImageUri when updating a function with packageType Zip.")
    refuse_unserved(request)
    package = await code.take(ctx, call, request, unzipped_max=ctx.platform.quotas.code_unzipped_bytes_max)
    await code.check_storage(ctx, call, package.size)
    await _check_trust(ctx, call, ref, entry, [package.digest])
    async with ctx.settled_alone(ref) as entry:
        check_revision(request.get("RevisionId"), entry.latest.revision_id)
        config = with_package(entry.latest.configuration, package)
        if request.get("Architectures"):
            config = msgspec.structs.replace(config, architecture=request["Architectures"][0])
        check_limits(config, ctx.platform.quotas)
        if request.get("DryRun"):
            return function_configuration(entry, msgspec.structs.replace(entry.latest, configuration=config), shown_as="")
        version = await _store(ctx, ref, entry, config, code_updated=True)
        entry = await ctx.catalogue.get(ref)
        if request.get("Publish"):
            entry, version = await publish(ctx, entry, None)
        return function_configuration(entry, version, shown_as=None if request.get("Publish") else "")


async def _check_trust(ctx: Lambda, call: Call, ref: FunctionRef, entry: Entry, digests: list[str]) -> None:
    """Have the function's code signing configuration, if it has one, decide on packages."""
    if config_arn := entry.function.code_signing_arn:
        await code_trust.check(ctx, ref, (await code_trust.required(ctx, call, config_arn)).value, digests)


def _unqualified(ref: FunctionRef) -> FunctionRef:
    """Return the function itself: updates are always of ``$LATEST``."""
    return FunctionRef(ref.account_id, ref.region, ref.name)


@operations.serves("UpdateFunctionConfiguration")
async def update_function_configuration(ctx: Lambda, call: Call, request: UpdateFunctionConfigurationRequest) -> FunctionConfiguration:
    """Change the configuration of ``$LATEST``; what the request leaves out stays."""
    ref = _unqualified(ctx.own_ref(call, request["FunctionName"]))
    await ctx.settled(ref)
    refuse_unserved(request)
    caveat = check_runtime(request["Runtime"], ctx.runtimes()) if request.get("Runtime") else ""
    layers = None if request.get("Layers") is None else await layers_of(ctx, call, request["Layers"])
    vpc = await vpc_of(ctx, call, request)
    if layers:
        await _check_trust(ctx, call, ref, await ctx.catalogue.get(ref), [layer.digest for layer in layers])
    async with ctx.settled_alone(ref) as entry:
        check_revision(request.get("RevisionId"), entry.latest.revision_id)
        config = changed(entry.latest.configuration, request, layers, vpc)
        check_limits(config, ctx.platform.quotas)
        await check_role(ctx, ref, config, entry.latest.configuration)
        version = await _store(ctx, ref, entry, config, code_updated=entry.latest.code_updated)
        return with_caveat(function_configuration(entry, version, shown_as=""), caveat)


async def _store(ctx: Lambda, ref: FunctionRef, entry: Entry, config: Configuration, *, code_updated: bool) -> Version:
    """Commit a new ``$LATEST``; environments of the old one are retired by its revision."""
    now, revision = ctx.platform.clock.now(), ctx.platform.ids.uuid()
    changes: dict[str, Any] = {
        "configuration": config,
        "revision_id": revision,
        "code_revision": revision,
        "last_modified": now,
        "code_updated": code_updated,
        "update_status": "InProgress",
        "update_reason": _UPDATING,
        "update_reason_code": "Creating",
    }
    version = msgspec.structs.replace(entry.latest, **changes)
    writes: list[Write] = [*stored(ref.key, version), *let_go(ref.key, entry.latest, config), begun(ref.key, version.version, now)]
    await ctx.catalogue.commit(ref.key, writes)
    return version

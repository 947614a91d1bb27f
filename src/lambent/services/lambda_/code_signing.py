"""Code signing configurations: which publishers' code functions take, and what becomes of code that isn't theirs.

A control plane: the signatures of AWS Signer can't be verified without its keys, so no package here is a trusted one. ``Warn`` lets it be
deployed and counts it, ``Enforce`` refuses it.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-codesigning.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from lambent.domain.arns import arn
from lambent.domain.call import Call
from lambent.domain.errors import Conflict
from lambent.domain.service import Operations
from lambent.domain.storage import ABSENT
from lambent.services.lambda_.catalogue import every
from lambent.services.lambda_.code_trust import TRIES_MAX, busy, change, existing, held, required
from lambent.services.lambda_.context import Lambda
from lambent.services.lambda_.errors import conflict
from lambent.services.lambda_.functions import from_marker, to_marker
from lambent.services.lambda_.names import FunctionRef, function_arn
from lambent.services.lambda_.state import CODE_SIGNING, FUNCTIONS, CodeSigning
from lambent.services.lambda_.tags import check_tags
from lambent.services.lambda_.views import timestamp

if TYPE_CHECKING:
    from lambent.services.lambda_._generated_shapes import (
        CodeSigningConfig,
        CreateCodeSigningConfigRequest,
        CreateCodeSigningConfigResponse,
        DeleteCodeSigningConfigRequest,
        DeleteFunctionCodeSigningConfigRequest,
        GetCodeSigningConfigRequest,
        GetCodeSigningConfigResponse,
        GetFunctionCodeSigningConfigRequest,
        ListCodeSigningConfigsRequest,
        ListCodeSigningConfigsResponse,
        ListFunctionsByCodeSigningConfigRequest,
        ListFunctionsByCodeSigningConfigResponse,
        PutFunctionCodeSigningConfigRequest,
        PutFunctionCodeSigningConfigResponse,
        UpdateCodeSigningConfigRequest,
        UpdateCodeSigningConfigResponse,
    )

operations: Operations[Lambda] = Operations()
_ID_DIGITS: Final = 17
_LIST_ITEMS_MAX: Final = 10_000


@operations.serves("CreateCodeSigningConfig")
async def create_config(ctx: Lambda, call: Call, request: CreateCodeSigningConfigRequest) -> CreateCodeSigningConfigResponse:
    """Create a configuration; functions are given it by ``PutFunctionCodeSigningConfig``."""
    tags = dict(request.get("Tags") or {})
    check_tags(tags, ctx.platform.quotas)
    config = CodeSigning(
        config_id=f"csc-{ctx.platform.ids.hex(_ID_DIGITS)}",
        publishers=tuple(request["AllowedPublishers"]["SigningProfileVersionArns"]),
        last_modified=ctx.platform.clock.now(),
        description=request.get("Description") or "",
        untrusted=(request.get("CodeSigningPolicies") or {}).get("UntrustedArtifactOnDeployment") or "Warn",
        tags=tags,
    )
    await ctx.platform.store.commit([CODE_SIGNING.put((call.account_id, call.region, config.config_id), config, ABSENT)])
    return {"CodeSigningConfig": _shown(call, config)}


def _shown(call: Call, config: CodeSigning) -> CodeSigningConfig:
    return {
        "CodeSigningConfigId": config.config_id,
        "CodeSigningConfigArn": arn("lambda", call.region, call.account_id, f"code-signing-config:{config.config_id}"),
        "Description": config.description,
        "AllowedPublishers": {"SigningProfileVersionArns": list(config.publishers)},
        "CodeSigningPolicies": {"UntrustedArtifactOnDeployment": config.untrusted},
        "LastModified": timestamp(config.last_modified),
    }


@operations.serves("GetCodeSigningConfig")
async def get_config(ctx: Lambda, call: Call, request: GetCodeSigningConfigRequest) -> GetCodeSigningConfigResponse:
    """Return a configuration."""
    return {"CodeSigningConfig": _shown(call, (await existing(ctx, call, request["CodeSigningConfigArn"])).value)}


@operations.serves("UpdateCodeSigningConfig")
async def update_config(ctx: Lambda, call: Call, request: UpdateCodeSigningConfigRequest) -> UpdateCodeSigningConfigResponse:
    """Change a configuration; what the request leaves out stays. It counts from a function's next deployment on."""
    changes: dict[str, Any] = {}
    if request.get("Description") is not None:
        changes["description"] = request["Description"]
    if request.get("AllowedPublishers"):
        changes["publishers"] = tuple(request["AllowedPublishers"]["SigningProfileVersionArns"])
    if policy := (request.get("CodeSigningPolicies") or {}).get("UntrustedArtifactOnDeployment"):
        changes["untrusted"] = policy
    if changes:
        changes["last_modified"] = ctx.platform.clock.now()
    return {"CodeSigningConfig": _shown(call, await change(ctx, call, request["CodeSigningConfigArn"], lambda _: changes))}


@operations.serves("DeleteCodeSigningConfig")
async def delete_config(ctx: Lambda, call: Call, request: DeleteCodeSigningConfigRequest) -> None:
    """Delete a configuration that no function uses."""
    config_arn = request["CodeSigningConfigArn"]
    for _ in range(TRIES_MAX):
        found = await existing(ctx, call, config_arn)
        if used := await _used_by(ctx, call, config_arn):
            raise conflict(f"The code signing configuration {config_arn} can't be deleted: functions use it, among them {used[0]}.")
        try:
            await ctx.platform.store.commit([CODE_SIGNING.delete(found.key, found.version)])
        except Conflict:
            continue
        return
    raise busy(config_arn)


async def _used_by(ctx: Lambda, call: Call, config_arn: str) -> list[str]:
    """Return the names of the functions that a configuration is put on."""
    found = await every(ctx.platform.store, FUNCTIONS, (call.account_id, call.region))
    return [str(each.key[2]) for each in found if each.value.code_signing_arn == config_arn]


@operations.serves("ListCodeSigningConfigs")
async def list_configs(ctx: Lambda, call: Call, request: ListCodeSigningConfigsRequest) -> ListCodeSigningConfigsResponse:
    """Return the account's configurations."""
    within, limit = (call.account_id, call.region), request.get("MaxItems") or _LIST_ITEMS_MAX
    found = await every(ctx.platform.store, CODE_SIGNING, within, after=from_marker(request.get("Marker"), within))
    answer: ListCodeSigningConfigsResponse = {"CodeSigningConfigs": [_shown(call, each.value) for each in found[:limit]]}
    if len(found) > limit:
        answer["NextMarker"] = to_marker(found[limit - 1].key, within)
    return answer


@operations.serves("ListFunctionsByCodeSigningConfig")
async def list_functions(
    ctx: Lambda, call: Call, request: ListFunctionsByCodeSigningConfigRequest
) -> ListFunctionsByCodeSigningConfigResponse:
    """Return the ARNs of the functions that a configuration is put on."""
    await existing(ctx, call, request["CodeSigningConfigArn"])
    after, limit = from_marker(request.get("Marker"), ()), request.get("MaxItems") or _LIST_ITEMS_MAX
    names = [each for each in await _used_by(ctx, call, request["CodeSigningConfigArn"]) if after is None or (each,) > after]
    arns = [function_arn((call.account_id, call.region, each)) for each in names[:limit]]
    answer: ListFunctionsByCodeSigningConfigResponse = {"FunctionArns": arns}
    if len(names) > limit:
        answer["NextMarker"] = to_marker((names[limit - 1],), ())
    return answer


# ── a function's configuration ──────────────────────────────────────────────────────────────────────────────────────────────


def _function(ctx: Lambda, call: Call, name: str) -> FunctionRef:
    ref = ctx.own_ref(call, name)
    return FunctionRef(ref.account_id, ref.region, ref.name)


@operations.serves("PutFunctionCodeSigningConfig")
async def put_for_function(ctx: Lambda, call: Call, request: PutFunctionCodeSigningConfigRequest) -> PutFunctionCodeSigningConfigResponse:
    """Put a configuration on a function; it counts from the next deployment on."""
    ref, config_arn = _function(ctx, call, request["FunctionName"]), request["CodeSigningConfigArn"]
    async with ctx.catalogue.alone(ref.key):
        for _ in range(TRIES_MAX):
            found = await required(ctx, call, config_arn)
            function = msgspec.structs.replace((await ctx.catalogue.get(ref)).function, code_signing_arn=config_arn)
            try:
                await ctx.catalogue.commit(ref.key, [FUNCTIONS.put(ref.key, function), held(found)])
            except Conflict:
                continue
            return {"CodeSigningConfigArn": config_arn, "FunctionName": ref.name}
    raise busy(config_arn)


@operations.serves("GetFunctionCodeSigningConfig")
async def get_for_function(ctx: Lambda, call: Call, request: GetFunctionCodeSigningConfigRequest) -> dict[str, str]:
    """Return which configuration a function has; nothing at all when it has none, as AWS does."""
    ref = _function(ctx, call, request["FunctionName"])
    config_arn = (await ctx.catalogue.get(ref)).function.code_signing_arn
    return {"CodeSigningConfigArn": config_arn, "FunctionName": ref.name} if config_arn else {}


@operations.serves("DeleteFunctionCodeSigningConfig")
async def delete_for_function(ctx: Lambda, call: Call, request: DeleteFunctionCodeSigningConfigRequest) -> None:
    """Take the configuration from a function; nothing happens when it has none."""
    ref = _function(ctx, call, request["FunctionName"])
    async with ctx.catalogue.alone(ref.key):
        function = (await ctx.catalogue.get(ref)).function
        if function.code_signing_arn:
            await ctx.catalogue.commit(ref.key, [FUNCTIONS.put(ref.key, msgspec.structs.replace(function, code_signing_arn=""))])

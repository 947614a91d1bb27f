"""A layer version's resource policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from lambent.domain.call import Call
from lambent.domain.documents import Found
from lambent.domain.errors import AwsError
from lambent.domain.service import Operations
from lambent.services.lambda_.context import Lambda
from lambent.services.lambda_.errors import access_denied, conflict, not_found, precondition_failed
from lambent.services.lambda_.layers import find_version, layer_of
from lambent.services.lambda_.names import LayerRef
from lambent.services.lambda_.permissions import compact, document_of, principal_element
from lambent.services.lambda_.state import LAYER_VERSIONS, LayerVersion, Policy

if TYPE_CHECKING:
    from lambent.services.lambda_._generated_shapes import (
        AddLayerVersionPermissionRequest,
        GetLayerVersionPolicyRequest,
        RemoveLayerVersionPermissionRequest,
    )

operations: Operations[Lambda] = Operations()


async def _own(ctx: Lambda, call: Call, ref: LayerRef) -> Found[LayerVersion]:
    if ref.account_id != call.account_id:
        raise access_denied(f"User: {call.caller.arn} is not authorized to perform: lambda:{call.operation} on resource: {ref.arn}")
    try:
        return await find_version(ctx, call, ref)
    except AwsError as error:
        if error.code == "ResourceNotFoundException":
            raise not_found(f"Layer version {ref.arn} does not exist.") from None
        raise


def _check_revision(given: str | None, layer: LayerVersion) -> None:
    if given is not None and given != layer.revision_id:
        raise precondition_failed(
            "The Revision Id provided does not match the latest Revision Id. Call the GetLayerPolicy API to retrieve the latest Revision Id"
        )


async def _store(ctx: Lambda, found: Found[LayerVersion], statements: tuple[dict[str, Any], ...]) -> LayerVersion:
    layer = msgspec.structs.replace(found.value, statements=statements, revision_id=ctx.platform.ids.uuid())
    await ctx.platform.store.commit([LAYER_VERSIONS.put(found.key, layer, found.version)])
    return layer


@operations.serves("AddLayerVersionPermission")
async def add_layer_version_permission(ctx: Lambda, call: Call, request: AddLayerVersionPermissionRequest) -> dict[str, Any]:
    """Let an account, an organisation or everybody use a layer version."""
    ref = layer_of(call, request["LayerName"], request["VersionNumber"])
    found = await _own(ctx, call, ref)
    sid = request["StatementId"]
    if any(each["Sid"] == sid for each in found.value.statements):
        raise conflict(
            f"The statement id ({sid}) provided already exists. Please provide a new statement id, or remove the existing statement."
        )
    _check_revision(request.get("RevisionId"), found.value)
    statement: dict[str, Any] = {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": principal_element(request["Principal"], call.region),
        "Action": request["Action"],
        "Resource": ref.arn,
    }
    if request.get("OrganizationId"):
        statement["Condition"] = {"StringEquals": {"aws:PrincipalOrgID": request["OrganizationId"]}}
    layer = await _store(ctx, found, (*found.value.statements, statement))
    return {"Statement": compact(statement), "RevisionId": layer.revision_id}


@operations.serves("GetLayerVersionPolicy")
async def get_layer_version_policy(ctx: Lambda, call: Call, request: GetLayerVersionPolicyRequest) -> dict[str, Any]:
    """Return the policy as JSON."""
    found = await _own(ctx, call, layer_of(call, request["LayerName"], request["VersionNumber"]))
    if not found.value.statements:
        raise not_found("No policy is associated with the given resource.")
    return {"Policy": document_of(Policy(found.value.statements)), "RevisionId": found.value.revision_id}


@operations.serves("RemoveLayerVersionPermission")
async def remove_layer_version_permission(ctx: Lambda, call: Call, request: RemoveLayerVersionPermissionRequest) -> None:
    """Remove a statement."""
    found = await _own(ctx, call, layer_of(call, request["LayerName"], request["VersionNumber"]))
    left = tuple(each for each in found.value.statements if each["Sid"] != request["StatementId"])
    if len(left) == len(found.value.statements):
        raise not_found(f"Statement {request['StatementId']} is not found in resource policy.")
    _check_revision(request.get("RevisionId"), found.value)
    await _store(ctx, found, left)

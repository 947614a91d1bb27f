"""A function's resource policy: AddPermission, RemovePermission and GetPolicy."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec

from lambent.base.regexes import Regex
from lambent.domain.arns import partition_of
from lambent.domain.call import Call
from lambent.domain.service import Operations
from lambent.domain.storage import Write
from lambent.services.lambda_.catalogue import Entry
from lambent.services.lambda_.context import Lambda, check_revision
from lambent.services.lambda_.errors import (
    alias_not_found,
    conflict,
    function_not_found,
    invalid,
    not_found,
    policy_too_long,
    precondition_failed,
)
from lambent.services.lambda_.names import ALIAS, LATEST, FunctionRef, function_arn
from lambent.services.lambda_.state import ALIASES, POLICIES, VERSIONS, Policy
from lambent.services.lambda_.transitions import version_key

if TYPE_CHECKING:
    from lambent.services.lambda_._generated_shapes import (
        AddPermissionRequest,
        AddPermissionResponse,
        GetPolicyRequest,
        GetPolicyResponse,
        RemovePermissionRequest,
    )

operations: Operations[Lambda] = Operations()
_SERVICE = Regex(r"[a-z0-9][a-z0-9.-]*\.(amazonaws\.com(\.cn)?|amazon\.com|amazonaws\.eu)")
_ACCOUNT = Regex(r"\d{12}")
_STALE = "The Revision Id provided does not match the latest Revision Id. Call the GetPolicy API to retrieve the latest Revision Id"
_PRINCIPAL_ARN = Regex(r"arn:aws[a-z-]*:(iam|sts)::\d{12}:(root|(user|role|assumed-role|federated-user)/.+)")


def principal_element(text: str, region: str) -> Any:
    """Return a statement's ``Principal`` from the operation's parameter."""
    if text == "*":
        return "*"
    if _ACCOUNT.fullmatch(text):
        return {"AWS": f"arn:{partition_of(region)}:iam::{text}:root"}
    if _PRINCIPAL_ARN.fullmatch(text):
        return {"AWS": text}
    if _SERVICE.fullmatch(text):
        return {"Service": text}
    raise invalid("The provided principal was invalid. Please check the principal and try again.")


def statement_of(request: AddPermissionRequest, resource: str, region: str) -> dict[str, Any]:
    """Return the statement that a request adds, with AWS's condition keys."""
    statement: dict[str, Any] = {
        "Sid": request["StatementId"],
        "Effect": "Allow",
        "Principal": principal_element(request["Principal"], region),
        "Action": request["Action"],
        "Resource": resource,
    }
    condition = _condition(request)
    if condition:
        statement["Condition"] = condition
    return statement


def _condition(request: AddPermissionRequest) -> dict[str, dict[str, str]]:
    equals = {
        key: value
        for key, value in (
            ("lambda:FunctionUrlAuthType", request.get("FunctionUrlAuthType")),
            ("lambda:EventSourceToken", request.get("EventSourceToken")),
            ("aws:PrincipalOrgID", request.get("PrincipalOrgID")),
            ("AWS:SourceAccount", request.get("SourceAccount")),
        )
        if value
    }
    condition: dict[str, dict[str, str]] = {"StringEquals": equals} if equals else {}
    if request.get("InvokedViaFunctionUrl") is not None:
        condition["Bool"] = {"lambda:InvokedViaFunctionUrl": "true" if request["InvokedViaFunctionUrl"] else "false"}
    if request.get("SourceArn"):
        condition["ArnLike"] = {"AWS:SourceArn": request["SourceArn"]}
    return condition


def compact(value: Any) -> str:
    """Return JSON as AWS writes it: without spaces."""
    return json.dumps(value, separators=(",", ":"))


def document_of(policy: Policy) -> str:
    """Return the whole policy as JSON."""
    return compact({"Version": "2012-10-17", "Id": "default", "Statement": list(policy.statements)})


def _policy_qualifier(ref: FunctionRef) -> str:
    if ref.qualifier == LATEST:
        raise invalid("We currently do not support adding policies for $LATEST.")
    return ref.qualifier


def _check_qualifier(entry: Entry, qualifier: str) -> None:
    """Raise, as AWS does for policies, unless the version or alias is there."""
    if not qualifier or qualifier in entry.aliases or qualifier in entry.versions:
        return
    arn = function_arn(entry.key, qualifier)
    raise alias_not_found(arn) if ALIAS.fullmatch(qualifier) else function_not_found(arn)


def revision_of(entry: Entry, qualifier: str) -> str:
    """Return the revision that guards an alias, a version, or ``$LATEST``."""
    alias = entry.aliases.get(qualifier)
    return alias.revision_id if alias else entry.find(qualifier).revision_id


def _bumped(entry: Entry, qualifier: str, revision: str) -> Write:
    """Return the write that gives whatever the policy hangs on a new revision; environments stay as they are."""
    alias = entry.aliases.get(qualifier)
    if alias:
        return ALIASES.put((*entry.key, alias.name), msgspec.structs.replace(alias, revision_id=revision))
    version = entry.find(qualifier)
    return VERSIONS.put(version_key(entry.key, version.version), msgspec.structs.replace(version, revision_id=revision))


@operations.serves("AddPermission")
async def add_permission(ctx: Lambda, call: Call, request: AddPermissionRequest) -> AddPermissionResponse:
    """Add a statement that allows a principal an action on the function, an alias or a version."""
    ref = ctx.own_ref(call, request["FunctionName"], request.get("Qualifier"))
    qualifier = _policy_qualifier(ref)
    if request.get("FunctionUrlAuthType") and request["Action"] not in {"lambda:InvokeFunctionUrl", "lambda:*", "*"}:
        raise invalid("FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action")
    statement = statement_of(request, ref.arn, call.region)
    async with ctx.catalogue.alone(ref.key):
        entry = await ctx.catalogue.find(ref.key)
        if entry is None:
            raise function_not_found(ref.arn)
        _check_qualifier(entry, qualifier)
        if request.get("RevisionId") not in {None, revision_of(entry, qualifier)}:
            raise precondition_failed(_STALE)
        statements = entry.policies[qualifier].statements if qualifier in entry.policies else ()
        if any(each["Sid"] == statement["Sid"] for each in statements):
            raise conflict(
                f"The statement id ({statement['Sid']}) provided already exists. "
                "Please provide a new statement id, or remove the existing statement."
            )
        policy = Policy((*statements, statement))
        size, limit = len(document_of(policy)), ctx.platform.quotas.policy_bytes_max
        if size > limit:
            raise policy_too_long(size, limit)
        writes = [POLICIES.put((*ref.key, qualifier), policy), _bumped(entry, qualifier, ctx.platform.ids.uuid())]
        await ctx.catalogue.commit(ref.key, writes)
    return {"Statement": compact(statement)}


@operations.serves("RemovePermission")
async def remove_permission(ctx: Lambda, call: Call, request: RemovePermissionRequest) -> None:
    """Remove a statement."""
    ref = ctx.own_ref(call, request["FunctionName"], request.get("Qualifier"))
    qualifier = _policy_qualifier(ref)
    async with ctx.catalogue.alone(ref.key):
        entry = await ctx.catalogue.find(ref.key)
        if entry is None:
            raise not_found(f"No policy found for: {ref.arn}")
        _check_qualifier(entry, qualifier)
        policy = entry.policies.get(qualifier)
        if policy is None:
            raise not_found("No policy is associated with the given resource.")
        left = tuple(each for each in policy.statements if each["Sid"] != request["StatementId"])
        if len(left) == len(policy.statements):
            raise not_found(f"Statement {request['StatementId']} is not found in resource policy.")
        check_revision(request.get("RevisionId"), revision_of(entry, qualifier))
        key = (*ref.key, qualifier)
        writes: list[Write] = [POLICIES.put(key, Policy(left)) if left else POLICIES.delete(key)]
        await ctx.catalogue.commit(ref.key, [*writes, _bumped(entry, qualifier, ctx.platform.ids.uuid())])


@operations.serves("GetPolicy")
async def get_policy(ctx: Lambda, call: Call, request: GetPolicyRequest) -> GetPolicyResponse:
    """Return the policy as JSON."""
    ref = ctx.own_ref(call, request["FunctionName"], request.get("Qualifier"))
    qualifier = _policy_qualifier(ref)
    entry = await ctx.catalogue.find(ref.key)
    if entry is None:
        raise function_not_found(ref.arn)
    if qualifier not in entry.policies:
        raise not_found("The resource you requested does not exist.")
    return {"Policy": document_of(entry.policies[qualifier]), "RevisionId": revision_of(entry, qualifier)}

"""Whether a caller from elsewhere may use a function: its resource policy decides."""

from __future__ import annotations

from typing import Final

from lambent.domain.call import Call
from lambent.domain.caller import CallerKind
from lambent.policy.callers import conditions_of, principal_of
from lambent.policy.evaluation import Decision, Request, evaluate
from lambent.services.lambda_.catalogue import Entry
from lambent.services.lambda_.context import Lambda
from lambent.services.lambda_.errors import access_denied, function_not_found
from lambent.services.lambda_.names import LATEST, FunctionRef

_OF_NO_ACCOUNT: Final = (CallerKind.SERVICE, CallerKind.ANONYMOUS)


def is_local(call: Call, ref: FunctionRef) -> bool:
    """Return whether the caller is of the function's own account, so that its IAM policies decide, not the function's."""
    caller = call.caller
    return caller.account_id == ref.account_id and caller.kind not in _OF_NO_ACCOUNT


async def check_invoke(ctx: Lambda, call: Call, ref: FunctionRef) -> None:
    """Raise ``AccessDeniedException`` unless the function's policy lets the caller, a service or another account, invoke it."""
    if is_local(call, ref):
        return
    entry = await ctx.catalogue.find(ref.key)
    if entry is None and call.caller.kind is CallerKind.SERVICE:
        raise function_not_found(ref.arn)
    if entry is None or not allows(entry, call, ref, "lambda:InvokeFunction"):
        raise access_denied(
            f"User: {call.caller.arn or 'anonymous'} is not authorized to perform: lambda:InvokeFunction on resource: {ref.arn} "
            "because no resource-based policy allows the lambda:InvokeFunction action"
        )


def allows(entry: Entry, call: Call, ref: FunctionRef, action: str) -> bool:
    """Return whether the policy of the function, or of the qualifier that is called, allows an action."""
    qualifier = "" if ref.qualifier == LATEST else ref.qualifier
    policy = entry.policies.get(qualifier)
    if policy is None:
        return False
    resource = ref.function_arn if qualifier == "" else ref.arn
    request = Request(principal_of(call.caller), action, resource, conditions_of(call.caller))
    return evaluate(policy.statements, request) is Decision.ALLOW

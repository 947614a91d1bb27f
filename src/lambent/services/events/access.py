"""Whether a caller may put events on a bus: of another account or an AWS service, the bus's policy decides."""

from __future__ import annotations

from typing import Any

from lambent.domain.call import Call
from lambent.domain.caller import CallerKind
from lambent.domain.errors import AwsError
from lambent.policy.callers import conditions_of, principal_of
from lambent.policy.evaluation import Decision, Request, evaluate
from lambent.services.events.names import BusRef

Statements = list[dict[str, Any]]


def check_put_events(call: Call, bus: BusRef, statements: Statements) -> None:
    """Return when the caller may put events there; raise AWS's ``AccessDeniedException`` when it may not.

    An AWS service may where its account owns the bus, as AWS's services put their own events on an account's default bus.
    """
    caller = call.caller
    owner = caller.source_account if caller.kind is CallerKind.SERVICE else caller.account_id
    request = Request(principal_of(caller), "events:PutEvents", bus.arn, conditions_of(caller))
    decision = evaluate(statements, request)
    if decision is Decision.DENY or (decision is Decision.SILENT and owner != bus.account_id):
        why = "with an explicit deny in a" if decision is Decision.DENY else "because no"
        end = "" if decision is Decision.DENY else " allows the events:PutEvents action"
        text = f"User: {caller.arn} is not authorized to perform: events:PutEvents on resource: {bus.arn} {why} resource-based policy{end}"
        raise AwsError("AccessDeniedException", text, 400)

"""Whether a caller may use a queue: of another account or an AWS service, the queue's policy decides."""

from __future__ import annotations

import json
from typing import Any

from lambent.domain.call import Call
from lambent.domain.caller import CallerKind
from lambent.policy.callers import conditions_of, principal_of, secure_transport
from lambent.policy.evaluation import Decision, Request, evaluate
from lambent.services.sqs.errors import access_denied
from lambent.services.sqs.state import Queue


def check(call: Call, queue: Queue) -> None:
    """Raise ``AccessDenied`` unless the caller is of the queue's own account, or the queue's policy lets it in."""
    policy = queue.attributes.get("Policy", "")
    own = call.caller.kind not in {CallerKind.SERVICE, CallerKind.ANONYMOUS} and call.caller.account_id == queue.account_id
    if own and not policy:
        return
    action = f"sqs:{call.operation.removesuffix('Batch')}"
    decision = evaluate(statements(policy), Request(principal_of(call.caller), action, queue.arn, _conditions(call)))
    if decision is Decision.DENY or not (own or decision is Decision.ALLOW):
        raise access_denied(call.caller.arn, action.lower(), queue.arn, denied=decision is Decision.DENY)


def statements(policy: str) -> list[dict[str, Any]]:
    """Return a policy's statements; none when there is no policy."""
    found = json.loads(policy).get("Statement", []) if policy else []
    return found if isinstance(found, list) else [found]


def _conditions(call: Call) -> dict[str, tuple[str, ...]]:
    return {"aws:SourceIp": (call.source_ip,), "aws:SecureTransport": secure_transport(call.source_ip)} | conditions_of(call.caller)

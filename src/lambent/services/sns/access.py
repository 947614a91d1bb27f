"""Whether a caller may use a topic: its account's callers by IAM (decided before), others by the topic's policy. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from lambent.domain.arns import partition_of
from lambent.domain.call import Call
from lambent.domain.caller import Caller, CallerKind
from lambent.policy.callers import conditions_of, principal_of
from lambent.policy.evaluation import Decision, Request, evaluate
from lambent.services.sns.errors import invalid, not_authorized
from lambent.services.sns.jsontext import compact
from lambent.services.sns.state import Topic

if TYPE_CHECKING:
    from lambent.services.sns import _generated_shapes as shapes

ACTIONS: Final = (
    "GetTopicAttributes",
    "SetTopicAttributes",
    "AddPermission",
    "RemovePermission",
    "DeleteTopic",
    "Subscribe",
    "ListSubscriptionsByTopic",
    "Publish",
)
"""What a topic's policy may allow."""
_ACTION_OF: Final = {"PublishBatch": "Publish"}


def default_policy(topic: Topic) -> dict[str, Any]:
    """Return the policy of a topic that was given none: its owner may do everything."""
    statement = {
        "Effect": "Allow",
        "Sid": "__default_statement_ID",
        "Principal": {"AWS": "*"},
        "Action": [f"SNS:{action}" for action in ACTIONS],
        "Resource": topic.arn,
        "Condition": {"StringEquals": {"AWS:SourceOwner": topic.account_id}},
    }
    return {"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [statement]}


def policy_of(topic: Topic) -> dict[str, Any]:
    """Return the topic's policy."""
    text = topic.attributes.get("Policy")
    found: dict[str, Any] = json.loads(text) if text else default_policy(topic)
    return found


def added(policy: Mapping[str, Any], topic: Topic, request: shapes.AddPermissionInput) -> dict[str, Any]:
    """Return the policy with the statement that AddPermission asks for."""
    statements = policy["Statement"]
    if any(each.get("Sid") == request["Label"] for each in statements):
        raise invalid("Statement already exists")
    if any(action not in ACTIONS and action != "*" for action in request["ActionName"]):
        raise invalid("Policy statement action out of service scope!")
    principals = [f"arn:{partition_of(topic.region)}:iam::{account_id}:root" for account_id in request["AWSAccountId"]]
    actions = [f"SNS:{action}" for action in request["ActionName"]]
    statement = {
        "Sid": request["Label"],
        "Effect": "Allow",
        "Principal": {"AWS": principals if len(principals) > 1 else principals[0]},
        "Action": actions if len(actions) > 1 else actions[0],
        "Resource": topic.arn,
    }
    return {**policy, "Statement": [*statements, statement]}


def with_policy(topic: Topic, policy: Mapping[str, Any]) -> Topic:
    """Return the topic with another policy."""
    return replace(topic, attributes={**topic.attributes, "Policy": compact(policy)})


def check(topic: Topic, call: Call) -> None:
    """Raise ``AuthorizationError`` unless the call's caller may carry out its operation on the topic."""
    caller = call.caller
    local = caller.kind not in {CallerKind.SERVICE, CallerKind.ANONYMOUS} and caller.account_id == topic.account_id
    if local and "Policy" not in topic.attributes:
        return
    action = f"SNS:{_ACTION_OF.get(call.operation, call.operation)}"
    statements = policy_of(topic).get("Statement", [])
    statements = statements if isinstance(statements, list) else [statements]
    decision = evaluate(statements, Request(principal_of(caller), action, topic.arn, _conditions(caller)))
    if decision is Decision.ALLOW or (local and decision is Decision.SILENT):
        return
    if local and caller.kind is CallerKind.ROOT and call.operation == "SetTopicAttributes":
        return  # or nobody could ever take back a policy that denies everybody everything
    raise not_authorized(caller.arn, action, topic.arn)


def _conditions(caller: Caller) -> dict[str, tuple[str, ...]]:
    """Return the condition keys that a caller brings along; ``SourceOwner`` is SNS's old name of a caller's account."""
    context = conditions_of(caller)
    return context | {"aws:SourceOwner": context["aws:PrincipalAccount"]} if "aws:PrincipalAccount" in context else context

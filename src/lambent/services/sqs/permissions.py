"""``AddPermission`` and ``RemovePermission``: statements of a queue's policy, the old way."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from lambent.base.regexes import Regex
from lambent.domain.arns import partition_of
from lambent.domain.call import Call
from lambent.domain.errors import AwsError
from lambent.domain.service import Operations
from lambent.services.sqs.access import statements
from lambent.services.sqs.context import Sqs
from lambent.services.sqs.errors import invalid_value, missing
from lambent.services.sqs.state import Queue

if TYPE_CHECKING:
    from lambent.services.sqs import _generated_shapes as shapes

operations: Operations[Sqs] = Operations()
_LABEL = Regex(r"[A-Za-z0-9_-]{1,80}")
_ACCOUNT = Regex(r"\d{12}")
_ACTIONS_MAX = 7
_STATEMENTS_MAX = 20
_OWNERS_ONLY = frozenset(
    {
        "AddPermission",
        "CancelMessageMoveTask",
        "CreateQueue",
        "DeleteQueue",
        "ListMessageMoveTasks",
        "ListQueues",
        "ListQueueTags",
        "RemovePermission",
        "SetQueueAttributes",
        "StartMessageMoveTask",
        "TagQueue",
        "UntagQueue",
    }
)
_SHARED = frozenset(
    {
        "ChangeMessageVisibility",
        "ChangeMessageVisibilityBatch",
        "DeleteMessage",
        "DeleteMessageBatch",
        "GetQueueAttributes",
        "GetQueueUrl",
        "ListDeadLetterSourceQueues",
        "PurgeQueue",
        "ReceiveMessage",
        "SendMessage",
        "SendMessageBatch",
    }
)


@operations.serves("AddPermission")
async def add_permission(sqs: Sqs, call: Call, request: shapes.AddPermissionRequest) -> None:
    """Let other accounts do something with the queue."""
    _check(request)
    await sqs.change(call, request["QueueUrl"], lambda queue: _with(queue, request))


@operations.serves("RemovePermission")
async def remove_permission(sqs: Sqs, call: Call, request: shapes.RemovePermissionRequest) -> None:
    """Take such a permission back."""
    await sqs.change(call, request["QueueUrl"], lambda queue: _without(queue, request["Label"]))


def _check(request: shapes.AddPermissionRequest) -> None:
    if not _LABEL.fullmatch(request["Label"]):
        raise invalid_value(
            request["Label"], "Label", "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length."
        )
    if not request["Actions"]:
        raise missing("Actions")
    if not request["AWSAccountIds"]:
        raise invalid_value("[]", "PrincipalId", "Unable to verify.")
    if len(request["Actions"]) > _ACTIONS_MAX:
        raise AwsError("OverLimit", f"{len(request['Actions'])} Actions were found, maximum allowed is {_ACTIONS_MAX}.", 403)
    for account in request["AWSAccountIds"]:
        if not _ACCOUNT.fullmatch(account):
            raise invalid_value(account, "PrincipalId", "Unable to verify.")
    for action in request["Actions"]:
        if action != "*" and action not in _OWNERS_ONLY | _SHARED:
            reason = "Please refer to the appropriate WSDL for a list of valid actions."
            raise invalid_value(f"SQS:{action}", "ActionName", reason)
        if action in _OWNERS_ONLY:
            raise invalid_value(f"SQS:{action}", "ActionName", "Only the queue owner is allowed to invoke this action.")


def _with(queue: Queue, request: shapes.AddPermissionRequest) -> Queue:
    text = queue.attributes.get("Policy", "")
    document: dict[str, Any] = json.loads(text) if text else {"Version": "2008-10-17", "Id": f"{queue.arn}/SQSDefaultPolicy"}
    have = statements(text)
    if any(each.get("Sid") == request["Label"] for each in have):
        raise invalid_value(request["Label"], "Label", "Already exists.")
    if len(have) >= _STATEMENTS_MAX:
        raise AwsError("OverLimit", f"Policy statement quota exceeded: at most {_STATEMENTS_MAX}.", 403)
    principals = [f"arn:{partition_of(queue.region)}:iam::{account}:root" for account in request["AWSAccountIds"]]
    statement = {
        "Sid": request["Label"],
        "Effect": "Allow",
        "Principal": {"AWS": _one_or_many(principals)},
        "Action": _one_or_many([f"SQS:{action}" for action in request["Actions"]]),
        "Resource": queue.arn,
    }
    return _put(queue, {**document, "Statement": [*have, statement]})


def _without(queue: Queue, label: str) -> Queue:
    text = queue.attributes.get("Policy", "")
    have = statements(text)
    left = [each for each in have if each.get("Sid") != label]
    if len(left) == len(have):
        raise invalid_value(label, "Label", "can't find label.")
    return _put(queue, {**json.loads(text), "Statement": left} if left else None)


def _put(queue: Queue, document: dict[str, Any] | None) -> Queue:
    attributes = {name: value for name, value in queue.attributes.items() if name != "Policy"}
    if document is not None:
        attributes["Policy"] = json.dumps(document, separators=(",", ":"))
    return replace(queue, attributes=attributes)


def _one_or_many(values: list[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else values

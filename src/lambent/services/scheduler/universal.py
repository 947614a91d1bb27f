"""Universal targets: ``arn:aws:scheduler:::aws-sdk:sqs:sendMessage``. Pure.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-universal.html
"""

from __future__ import annotations

from lambent.domain.arns import Arn

_READ_ONLY = (
    *("get", "describe", "list", "poll", "receive", "search", "scan", "query", "select", "read", "lookup", "discover", "validate"),
    *("batchget", "batchdescribe", "batchread", "transactget", "adminget", "adminlist", "testmigration", "retrieve", "testconnection"),
    *("translatedocument", "isauthorized", "invokemodel"),
)


def universal_action(arn: Arn) -> tuple[str, str] | None:
    """Return the service and the action that the ARN names, as AWS's SDK has them; ``None`` when it isn't a universal target's."""
    kind, _, rest = arn.resource.partition(":")
    service, _, action = rest.partition(":")
    return (service, action) if arn.service == "scheduler" and kind == "aws-sdk" and service and action else None


def is_read_only(action: str) -> bool:
    """Return whether the Scheduler refuses the action because it only reads."""
    return action.lower().startswith(_READ_ONLY)

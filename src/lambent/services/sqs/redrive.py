"""Redrive policies: when a message goes to a dead-letter queue, and which queue may use which as one. Pure."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from lambent.services.sqs.errors import invalid_value
from lambent.services.sqs.names import QueueRef, of_arn


class RedrivePolicy(msgspec.Struct, frozen=True):
    """A queue's dead-letter queue."""

    target_arn: str
    target: QueueRef
    receives_max: int  #: a message that was received so often is not received again, but moved


def policy_of(text: str) -> RedrivePolicy | None:
    """Return the redrive policy that was set; ``None`` when there is none. The text was checked when it was set."""
    if not text:
        return None
    document: Any = json.loads(text)
    target = of_arn(document["deadLetterTargetArn"])
    return None if target is None else RedrivePolicy(document["deadLetterTargetArn"], target, int(document["maxReceiveCount"]))


def normal_policy(text: str) -> str:
    """Return a redrive policy, which ``check_policy`` took, as AWS shows it: the count is a number."""
    document: dict[str, Any] = json.loads(text)
    document["maxReceiveCount"] = int(document["maxReceiveCount"])
    return json.dumps(document, separators=(",", ":"))


def check_policy(text: str) -> None:
    """Raise AWS's ``InvalidParameterValue`` for a text that is no redrive policy."""
    document = _document(text, "RedrivePolicy")
    if not isinstance(document.get("deadLetterTargetArn"), str):
        raise invalid_value(text, "RedrivePolicy", "Redrive policy does not contain mandatory attribute: deadLetterTargetArn.")
    if "maxReceiveCount" not in document:
        raise invalid_value(text, "RedrivePolicy", "Redrive policy does not contain mandatory attribute: maxReceiveCount.")
    if of_arn(document["deadLetterTargetArn"]) is None:
        raise invalid_value(text, "RedrivePolicy", "Invalid value for deadLetterTargetArn.")
    count = str(document["maxReceiveCount"])
    if not count.isdecimal() or not 1 <= int(count) <= 1000:
        raise invalid_value(
            text, "RedrivePolicy", f"Invalid value for maxReceiveCount: {count}, valid values are from 1 to 1000 both inclusive."
        )


class Allowance(msgspec.Struct, frozen=True):
    """Which queues may use a queue as their dead-letter queue."""

    permission: str = "allowAll"  #: ``allowAll``, ``denyAll`` or ``byQueue``
    sources: tuple[QueueRef, ...] = ()

    def allows(self, source: QueueRef) -> bool:
        """Return whether a queue may."""
        return self.permission == "allowAll" or (self.permission == "byQueue" and source in self.sources)


def check_allowance(text: str) -> None:
    """Raise AWS's ``InvalidParameterValue`` for a text that is no redrive-allow policy."""
    document = _document(text, "RedriveAllowPolicy")
    permission, sources = document.get("redrivePermission"), document.get("sourceQueueArns")
    if permission not in {"allowAll", "denyAll", "byQueue"}:
        raise invalid_value(text, "RedriveAllowPolicy", "Invalid value for redrivePermission.")
    if (permission == "byQueue") != bool(sources):
        raise invalid_value(text, "RedriveAllowPolicy", "sourceQueueArns must be given with the permission byQueue, and only then.")
    if sources and (not isinstance(sources, list) or len(sources) > 10 or any(of_arn(str(each)) is None for each in sources)):
        raise invalid_value(text, "RedriveAllowPolicy", "sourceQueueArns must be up to 10 ARNs of queues.")


def allowance_of(text: str) -> Allowance:
    """Return the redrive-allow policy that was set, or AWS's default."""
    if not text:
        return Allowance()
    document: Any = json.loads(text)
    sources = (of_arn(each) for each in document.get("sourceQueueArns") or ())
    return Allowance(document["redrivePermission"], tuple(each for each in sources if each is not None))


def _document(text: str, parameter: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except ValueError:
        raise invalid_value(
            text, parameter, f"{'Redrive policy' if parameter == 'RedrivePolicy' else parameter} is not a valid JSON map."
        ) from None
    if not isinstance(document, dict):
        raise invalid_value(text, parameter, f"{'Redrive policy' if parameter == 'RedrivePolicy' else parameter} is not a valid JSON map.")
    return document

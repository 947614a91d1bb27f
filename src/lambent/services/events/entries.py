"""Entries of ``PutEvents``: what is wrong with one, how large it is, and the event that it becomes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from lambent.services.events.inputs import whole_seconds

_REQUIRED = ("Source", "DetailType", "Detail")
_TIME_BYTES = 14
_TEXT_MAX = {"Source": 256, "DetailType": 128}


def size(entry: Mapping[str, Any]) -> int:
    """Return an entry's size in bytes as EventBridge counts it.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevent-size.html
    """
    texts = [entry.get(member) or "" for member in _REQUIRED]
    texts += entry.get("Resources") or ()
    return sum(len(each.encode()) for each in texts) + (_TIME_BYTES if entry.get("Time") else 0)


def fault(entry: Mapping[str, Any], *, may_be_aws: bool) -> dict[str, str] | None:
    """Return the failed entry that answers a bad one, or ``None``. ``may_be_aws``: the caller is an AWS service."""
    for member in _REQUIRED:
        if not entry.get(member):
            return _failed("InvalidArgument", f"Parameter {member} is not valid. Reason: {member} is a required argument.")
    for member, longest in _TEXT_MAX.items():
        if len(entry[member]) > longest:
            reason = f"{member} must be {longest} characters or less."
            return _failed("InvalidArgument", f"Parameter {member} is not valid. Reason: {reason}")
    if entry["Source"].startswith("aws.") and not may_be_aws:
        return _failed("NotAuthorizedForSourceException", "Not authorized for the source.")
    if _detail(entry["Detail"]) is None:
        return _failed("MalformedDetail", "Detail is malformed.")
    return None


def event_of(entry: Mapping[str, Any], *, event_id: str, account_id: str, region: str, now: float) -> dict[str, Any]:
    """Return the event that a good entry becomes, its keys in AWS's order."""
    moment: datetime | None = entry.get("Time")
    return {
        "version": "0",
        "id": event_id,
        "detail-type": entry["DetailType"],
        "source": entry["Source"],
        "account": account_id,
        "time": whole_seconds(moment.timestamp() if moment else now),
        "region": region,
        "resources": list(entry.get("Resources") or ()),
        "detail": _detail(entry["Detail"]),
    }


def scheduled_event(*, event_id: str, account_id: str, region: str, rule_arn: str, due: float) -> dict[str, Any]:
    """Return the event by which a rule with a schedule tells its targets that it is due."""
    return {
        "version": "0",
        "id": event_id,
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": account_id,
        "time": whole_seconds(due),
        "region": region,
        "resources": [rule_arn],
        "detail": {},
    }


def parse_json(text: str) -> Any:
    """Return the JSON text's value. ``ValueError`` when it isn't JSON; ``NaN``, numbers beyond doubles and halves of characters aren't."""
    try:
        return msgspec.json.decode(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _detail(text: str) -> dict[str, Any] | None:
    try:
        value = parse_json(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _failed(code: str, message: str) -> dict[str, str]:
    return {"ErrorCode": code, "ErrorMessage": message}

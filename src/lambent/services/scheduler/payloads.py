"""What a target is told. Pure."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from lambent.services.scheduler.state import Invocation


def payload(invocation: Invocation, event_id: str) -> str:
    """Return the target's input with its context attributes filled in; without an input, AWS's notification of the schedule.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
    """
    text = invocation.target.get("Input")
    if text is None:
        return _notification(invocation, event_id)
    attributes = {
        "<aws.scheduler.schedule-arn>": invocation.schedule_arn,
        "<aws.scheduler.scheduled-time>": instant(invocation.scheduled),
        "<aws.scheduler.execution-id>": invocation.execution_id,
        "<aws.scheduler.attempt-number>": str(invocation.attempts + 1),
    }
    for name, value in attributes.items():
        text = text.replace(name, value)
    return str(text)


def instant(seconds: float) -> str:
    """Return a time in whole seconds: ``2026-01-01T00:00:00Z``."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _notification(invocation: Invocation, event_id: str) -> str:
    event = {
        "version": "0",
        "id": event_id,
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": invocation.account_id,
        "time": instant(invocation.scheduled),
        "region": invocation.region,
        "resources": [invocation.schedule_arn],
        "detail": "{}",
    }
    return json.dumps(event, separators=(",", ":"))

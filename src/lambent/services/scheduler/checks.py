"""What a schedule may be, with AWS's answers where it may not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from lambent.domain.arns import Arn
from lambent.domain.errors import NotImplementedHere
from lambent.engine.delivery.targets import kind_of
from lambent.patterns.schedules import InvalidSchedule, compile_schedule
from lambent.services.scheduler.errors import invalid
from lambent.services.scheduler.universal import is_read_only, universal_action
from lambent.wire.documents import UnknownOperation, find_operation

_LATE_S = 300.0
_WINDOW = "MaximumWindowInMinutes"


def check_expression(expression: str, zone: str) -> None:
    """Return when the expression and the time zone are good."""
    try:
        compile_schedule(expression, once=True, strict_units=False)
    except InvalidSchedule:
        raise invalid(f"Invalid Schedule Expression {expression}.") from None
    try:
        compile_schedule("cron(0 0 * * ? *)", zone)
    except InvalidSchedule:
        raise invalid(f"Invalid ScheduleExpressionTimezone {zone}.") from None


def check_dates(begin: float | None, end: float | None, now: float) -> None:
    """Return when the start and end dates make sense."""
    if begin is not None and begin < now - _LATE_S:
        raise invalid("The StartDate you specify cannot be earlier than 5 minutes ago.")
    if end is not None and end < now:
        raise invalid("The EndDate you specify cannot be earlier than now.")
    if begin is not None and end is not None and end <= begin:
        raise invalid("The EndDate you specify must be later than the StartDate.")


def check_window(window: Mapping[str, Any]) -> None:
    """Return when the flexible time window is whole."""
    if window["Mode"] == "FLEXIBLE" and _WINDOW not in window:
        raise invalid("A FlexibleTimeWindow with the Mode FLEXIBLE must have MaximumWindowInMinutes.")


def check_target(target: Mapping[str, Any]) -> None:
    """Return when the target can be told; ``NotImplementedHere`` for those that aren't built."""
    try:
        arn = Arn.parse(target["Arn"])
    except ValueError:
        raise invalid("Provided Arn is not in correct format.") from None
    universal = universal_action(arn)
    if universal is not None:
        _check_universal(*universal, target)
        return
    if kind_of(arn) is None:
        raise NotImplementedHere("scheduler", "CreateSchedule", f"Targets such as {arn} are not among those that are called.")
    if arn.service == "events" and "EventBridgeParameters" not in target:
        raise invalid("EventBridgeParameters must be specified for an event bus.")
    if arn.service == "kinesis" and "KinesisParameters" not in target:
        raise invalid("KinesisParameters must be specified for a stream.")
    if arn.service in ("lambda", "states", "events") and "Input" in target:
        _check_json(target["Input"])


def _check_universal(service: str, action: str, target: Mapping[str, Any]) -> None:
    if is_read_only(action):
        raise invalid(f"Invalid RequestJson provided. Reason API {action} is not supported.")
    try:
        find_operation(service, action)
    except UnknownOperation:
        raise invalid(f"Invalid RequestJson provided. Reason API {service}:{action} does not exist.") from None
    if "Input" in target:
        _check_json(target["Input"])


def _check_json(text: str) -> None:
    try:
        json.loads(text)
    except ValueError:
        raise invalid("Input must be a valid JSON text.") from None

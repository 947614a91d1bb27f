"""A bus's resource policy, statement by statement or whole."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from lambent.domain.arns import partition_of
from lambent.domain.call import Call
from lambent.domain.service import Operations
from lambent.services.events.context import Events
from lambent.services.events.errors import invalid, not_found
from lambent.services.events.names import BusRef, bus_ref
from lambent.services.events.state import Bus

if TYPE_CHECKING:
    from lambent.services.events import _generated_shapes as shapes

operations: Operations[Events] = Operations()

POLICY_BYTES_MAX = 10_240


@operations.serves("PutPermission")
async def put_permission(events: Events, call: Call, request: shapes.PutPermissionRequest) -> None:
    """Add a statement, replacing one of the same id, or replace the whole policy."""
    ref = bus_ref(call, request.get("EventBusName"))
    whole = _whole_policy(request["Policy"]) if "Policy" in request else None
    one = _statement(ref, request) if whole is None else {}

    def change(bus: Bus) -> Bus:
        statements = whole if whole is not None else _with(bus.statements, one)
        if len(json.dumps(statements)) > POLICY_BYTES_MAX:
            raise invalid("The policy is too long.")
        return replace(bus, statements=statements, modified=events.now)

    await events.change_bus(ref, change)


@operations.serves("RemovePermission")
async def remove_permission(events: Events, call: Call, request: shapes.RemovePermissionRequest) -> None:
    """Remove a statement, or all of them."""
    sid = request.get("StatementId")

    def change(bus: Bus) -> Bus:
        if request.get("RemoveAllPermissions"):
            return replace(bus, statements=[], modified=events.now)
        if not bus.statements:
            raise not_found("EventBus does not have a policy.")
        kept = [each for each in bus.statements if each.get("Sid") != sid]
        if len(kept) == len(bus.statements):
            raise not_found("Statement with the provided id does not exist.")
        return replace(bus, statements=kept, modified=events.now)

    await events.change_bus(bus_ref(call, request.get("EventBusName")), change)


def _statement(ref: BusRef, request: shapes.PutPermissionRequest) -> dict[str, Any]:
    for member in ("Action", "Principal", "StatementId"):
        if member not in request:
            raise invalid(f"Parameter {member} must be specified.")
    if request["Action"] != "events:PutEvents":
        raise invalid("Provided value in parameter 'action' is not supported.")
    principal = request["Principal"]
    statement: dict[str, Any] = {
        "Sid": request["StatementId"],
        "Effect": "Allow",
        "Principal": "*" if principal == "*" else {"AWS": f"arn:{partition_of(ref.region)}:iam::{principal}:root"},
        "Action": request["Action"],
        "Resource": ref.arn,
    }
    condition = request.get("Condition")
    if condition:
        statement["Condition"] = {condition["Type"]: {condition["Key"]: condition["Value"]}}
    return statement


def _with(statements: list[dict[str, Any]], one: dict[str, Any]) -> list[dict[str, Any]]:
    return [*(each for each in statements if each.get("Sid") != one["Sid"]), one]


def _whole_policy(text: str) -> list[dict[str, Any]]:
    try:
        statements = json.loads(text)["Statement"]
    except (ValueError, KeyError, TypeError):
        raise invalid("Parameter Policy is not valid. Reason: The policy is not a valid JSON policy document.") from None
    statements = statements if isinstance(statements, list) else [statements]
    if not all(isinstance(each, dict) for each in statements):
        raise invalid("Parameter Policy is not valid. Reason: The policy is not a valid JSON policy document.")
    return statements

"""Event buses: create, describe, list, update, delete."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from lambent.domain.call import Call
from lambent.domain.errors import NotImplementedHere
from lambent.domain.service import Operations
from lambent.domain.storage import ABSENT
from lambent.services.events.context import Events
from lambent.services.events.errors import already_exists, invalid
from lambent.services.events.names import DEFAULT_BUS, BusRef, bus_ref
from lambent.services.events.paging import paged, read_page
from lambent.services.events.state import BUSES, RULES, Bus
from lambent.services.events.tags import from_list
from lambent.services.events.times import moment

if TYPE_CHECKING:
    from lambent.services.events import _generated_shapes as shapes

operations: Operations[Events] = Operations()


@operations.serves("CreateEventBus")
async def create_event_bus(events: Events, call: Call, request: shapes.CreateEventBusRequest) -> dict[str, Any]:
    """Create a bus."""
    name = request["Name"]
    if request.get("EventSourceName"):
        raise NotImplementedHere("events", "CreateEventBus", "Partner event buses are not built.")
    if "/" in name:
        raise invalid("Event bus name must not contain '/'.")
    bus = Bus(
        account_id=call.account_id,
        region=call.region,
        name=name,
        created=events.now,
        modified=events.now,
        description=request.get("Description", ""),
        kms_key=request.get("KmsKeyIdentifier", ""),
        dead_letter=dict(request.get("DeadLetterConfig", {})),
        log_config=dict(request.get("LogConfig", {})),
        tags=from_list(request.get("Tags", [])),
    )
    if name == DEFAULT_BUS or not await events.try_commit([BUSES.put(bus.ref, bus, ABSENT)]):
        raise already_exists(f"Event bus {name}")
    events.book.forget(bus.ref)
    return {"EventBusArn": bus.ref.arn, **_options(bus)}


@operations.serves("DescribeEventBus")
async def describe_event_bus(events: Events, call: Call, request: shapes.DescribeEventBusRequest) -> dict[str, Any]:
    """Describe a bus; the default one when none is named."""
    bus = (await events.bus(bus_ref(call, request.get("Name")))).value
    return {**_described(bus), **_options(bus)}


@operations.serves("ListEventBuses")
async def list_event_buses(events: Events, call: Call, request: shapes.ListEventBusesRequest) -> dict[str, Any]:
    """List the account's buses by name, the default one among them."""
    await events.bus(BusRef(call.account_id, call.region, DEFAULT_BUS))
    found, token = await read_page(events.platform.store, BUSES, (call.account_id, call.region), request)
    return paged("EventBuses", [_described(each) | _description(each) for each in found], token)


@operations.serves("UpdateEventBus")
async def update_event_bus(events: Events, call: Call, request: shapes.UpdateEventBusRequest) -> dict[str, Any]:
    """Change a bus's description, key, dead-letter queue and logging; what isn't given is reset."""

    def change(bus: Bus) -> Bus:
        return replace(
            bus,
            modified=events.now,
            description=request.get("Description", ""),
            kms_key=request.get("KmsKeyIdentifier", ""),
            dead_letter=dict(request.get("DeadLetterConfig", {})),
            log_config=dict(request.get("LogConfig", {})),
        )

    bus = await events.change_bus(bus_ref(call, request.get("Name")), change)
    return {"Arn": bus.ref.arn, "Name": bus.name, **_options(bus)}


@operations.serves("DeleteEventBus")
async def delete_event_bus(events: Events, call: Call, request: shapes.DeleteEventBusRequest) -> None:
    """Remove a bus without rules; one that isn't there is removed already."""
    ref = bus_ref(call, request["Name"])
    if ref.name == DEFAULT_BUS:
        raise invalid("Cannot delete event bus default.")
    if await RULES.range(events.platform.store, ref, limit=1):
        raise invalid(f"Event bus {ref.name} can't be deleted since it has rules.")
    await events.platform.store.commit([BUSES.delete(ref)])
    events.book.forget(ref)


def _described(bus: Bus) -> dict[str, Any]:
    described: dict[str, Any] = {
        "Name": bus.name,
        "Arn": bus.ref.arn,
        "CreationTime": moment(bus.created),
        "LastModifiedTime": moment(bus.modified),
    }
    if bus.statements:
        described["Policy"] = json.dumps({"Version": "2012-10-17", "Statement": bus.statements}, separators=(",", ":"))
    return described


def _description(bus: Bus) -> dict[str, Any]:
    return {"Description": bus.description} if bus.description else {}


def _options(bus: Bus) -> Mapping[str, Any]:
    found = {
        "Description": bus.description,
        "KmsKeyIdentifier": bus.kms_key,
        "DeadLetterConfig": bus.dead_letter,
        "LogConfig": bus.log_config,
    }
    return {name: value for name, value in found.items() if value}

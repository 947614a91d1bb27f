"""API destinations: HTTP endpoints by name, for rules to tell (``http_targets.py``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from lambent.domain.arns import Arn, arn
from lambent.domain.call import Call
from lambent.domain.service import Operations
from lambent.domain.storage import ABSENT
from lambent.services.events.connections import named_connection
from lambent.services.events.context import ATTEMPTS_MAX, Events
from lambent.services.events.errors import already_exists, busy, not_found
from lambent.services.events.paging import paged, read_page
from lambent.services.events.state import DESTINATIONS, Named
from lambent.services.events.times import moment

if TYPE_CHECKING:
    from lambent.domain.documents import Found
    from lambent.services.events import _generated_shapes as shapes

operations: Operations[Events] = Operations()

_RATE_LIMIT = 300
_SHOWN = ("ConnectionArn", "InvocationEndpoint", "HttpMethod", "InvocationRateLimitPerSecond")


@operations.serves("CreateApiDestination")
async def create_api_destination(events: Events, call: Call, request: shapes.CreateApiDestinationRequest) -> dict[str, Any]:
    """Create an API destination."""
    name = request["Name"]
    destination = Named(
        account_id=call.account_id,
        region=call.region,
        name=name,
        arn=arn("events", call.region, call.account_id, f"api-destination/{name}/{events.platform.ids.uuid()}"),
        created=events.now,
        modified=events.now,
        state=await _state(events, call, request["ConnectionArn"]),
        settings={"InvocationRateLimitPerSecond": _RATE_LIMIT, **request},
    )
    if not await events.try_commit([DESTINATIONS.put(destination.key, destination, ABSENT)]):
        raise already_exists(f"An api-destination '{name}'")
    return _receipt(destination)


@operations.serves("DescribeApiDestination")
async def describe_api_destination(events: Events, call: Call, request: shapes.DescribeApiDestinationRequest) -> dict[str, Any]:
    """Describe an API destination."""
    destination = (await _destination(events, call, request["Name"], "describe")).value
    description = destination.settings.get("Description")
    return _summary(destination) | ({"Description": description} if description else {})


@operations.serves("ListApiDestinations")
async def list_api_destinations(events: Events, call: Call, request: shapes.ListApiDestinationsRequest) -> dict[str, Any]:
    """List API destinations by name."""
    connection = request.get("ConnectionArn")

    def wants(destination: Named) -> bool:
        return connection in (None, destination.settings["ConnectionArn"])

    found, token = await read_page(events.platform.store, DESTINATIONS, (call.account_id, call.region), request, wants=wants)
    return paged("ApiDestinations", [_summary(each) for each in found], token)


@operations.serves("UpdateApiDestination")
async def update_api_destination(events: Events, call: Call, request: shapes.UpdateApiDestinationRequest) -> dict[str, Any]:
    """Change an API destination; what isn't given stays."""
    for _ in range(ATTEMPTS_MAX):
        found = await _destination(events, call, request["Name"], "update")
        settings = {**found.value.settings, **request}
        state = await _state(events, call, settings["ConnectionArn"])
        changed = replace(found.value, settings=settings, modified=events.now, state=state)
        if await events.try_commit([DESTINATIONS.put(found.key, changed, found.version)]):
            return _receipt(changed)
    raise busy()


@operations.serves("DeleteApiDestination")
async def delete_api_destination(events: Events, call: Call, request: shapes.DeleteApiDestinationRequest) -> None:
    """Remove an API destination."""
    found = await _destination(events, call, request["Name"], "delete")
    await events.platform.store.commit([DESTINATIONS.delete(found.key)])


async def _state(events: Events, call: Call, connection_arn: str) -> str:
    name = Arn.parse(connection_arn).resource.split("/")[1]
    connection = (await named_connection(events, call, name, "describe")).value
    return "ACTIVE" if connection.state == "AUTHORIZED" else "INACTIVE"


async def _destination(events: Events, call: Call, name: str, action: str) -> Found[Named]:
    found = await DESTINATIONS.get(events.platform.store, (call.account_id, call.region, name))
    if found is None:
        raise not_found(f"Failed to {action} the api-destination(s). An api-destination '{name}' does not exist.")
    return found


def _receipt(destination: Named) -> dict[str, Any]:
    return {
        "ApiDestinationArn": destination.arn,
        "ApiDestinationState": destination.state,
        "CreationTime": moment(destination.created),
        "LastModifiedTime": moment(destination.modified),
    }


def _summary(destination: Named) -> dict[str, Any]:
    shown = {name: destination.settings[name] for name in _SHOWN if name in destination.settings}
    return _receipt(destination) | {"Name": destination.name} | shown

"""Connections: how API destinations authorise themselves. Kept whole; what is secret is never given back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from lambent.domain.arns import arn
from lambent.domain.call import Call
from lambent.domain.service import Operations
from lambent.domain.storage import ABSENT
from lambent.services.events.context import ATTEMPTS_MAX, Events
from lambent.services.events.errors import already_exists, busy, invalid, not_found
from lambent.services.events.paging import paged, read_page
from lambent.services.events.secrets import drop_secret, keep_secret
from lambent.services.events.state import CONNECTIONS, Named
from lambent.services.events.times import moment

if TYPE_CHECKING:
    from lambent.domain.documents import Found
    from lambent.services.events import _generated_shapes as shapes

operations: Operations[Events] = Operations()

_PARAMETERS = {
    "BASIC": "BasicAuthParameters",
    "OAUTH_CLIENT_CREDENTIALS": "OAuthParameters",
    "API_KEY": "ApiKeyAuthParameters",
}
_SECRET = frozenset(("Password", "ApiKeyValue", "ClientSecret"))


@operations.serves("CreateConnection")
async def create_connection(events: Events, call: Call, request: shapes.CreateConnectionRequest) -> dict[str, Any]:
    """Create a connection."""
    kind = request["AuthorizationType"]
    _check(kind, request["AuthParameters"])
    name = request["Name"]
    connection = Named(
        account_id=call.account_id,
        region=call.region,
        name=name,
        arn=arn("events", call.region, call.account_id, f"connection/{name}/{events.platform.ids.uuid()}"),
        created=events.now,
        modified=events.now,
        state=_state(kind),
        settings=dict(request),
    )
    if await CONNECTIONS.get(events.platform.store, connection.key) is None:
        connection = replace(connection, secret_arn=await keep_secret(events, connection))
    if not await events.try_commit([CONNECTIONS.put(connection.key, connection, ABSENT)]):
        await drop_secret(events, connection)
        raise already_exists(f"Connection {name}")
    return _receipt(connection)


@operations.serves("DescribeConnection")
async def describe_connection(events: Events, call: Call, request: shapes.DescribeConnectionRequest) -> dict[str, Any]:
    """Describe a connection, without its secrets."""
    connection = (await named_connection(events, call, request["Name"], "describe")).value
    described = _summary(connection) | {"AuthParameters": _without_secrets(connection.settings["AuthParameters"])}
    if connection.secret_arn:
        described["SecretArn"] = connection.secret_arn
    for member in ("Description", "KmsKeyIdentifier", "InvocationConnectivityParameters"):
        if connection.settings.get(member):
            described[member] = connection.settings[member]
    return described


@operations.serves("ListConnections")
async def list_connections(events: Events, call: Call, request: shapes.ListConnectionsRequest) -> dict[str, Any]:
    """List connections by name."""
    state = request.get("ConnectionState")
    found, token = await read_page(
        events.platform.store, CONNECTIONS, (call.account_id, call.region), request, wants=lambda each: state in (None, each.state)
    )
    return paged("Connections", [_summary(each) for each in found], token)


@operations.serves("UpdateConnection")
async def update_connection(events: Events, call: Call, request: shapes.UpdateConnectionRequest) -> dict[str, Any]:
    """Change a connection; what isn't given stays."""
    for _ in range(ATTEMPTS_MAX):
        found = await named_connection(events, call, request["Name"], "update")
        settings = {**found.value.settings, **request}
        if "AuthParameters" in request:
            settings["AuthParameters"] = _merged(found.value, request)
        _check(settings["AuthorizationType"], settings["AuthParameters"])
        changed = replace(found.value, settings=settings, modified=events.now, state=_state(settings["AuthorizationType"]))
        changed = replace(changed, secret_arn=await keep_secret(events, changed))
        if await events.try_commit([CONNECTIONS.put(found.key, changed, found.version)]):
            return _receipt(changed) | {"LastAuthorizedTime": moment(changed.modified)}
    raise busy()


@operations.serves("DeauthorizeConnection")
async def deauthorize_connection(events: Events, call: Call, request: shapes.DeauthorizeConnectionRequest) -> dict[str, Any]:
    """Forget what authorises a connection."""
    for _ in range(ATTEMPTS_MAX):
        found = await named_connection(events, call, request["Name"], "deauthorize")
        settings = {**found.value.settings, "AuthParameters": {}}
        changed = replace(found.value, settings=settings, modified=events.now, state="DEAUTHORIZED")
        if await events.try_commit([CONNECTIONS.put(found.key, changed, found.version)]):
            return _receipt(changed) | {"LastAuthorizedTime": moment(found.value.modified)}
    raise busy()


@operations.serves("DeleteConnection")
async def delete_connection(events: Events, call: Call, request: shapes.DeleteConnectionRequest) -> dict[str, Any]:
    """Remove a connection."""
    found = await named_connection(events, call, request["Name"], "delete")
    await events.platform.store.commit([CONNECTIONS.delete(found.key)])
    await drop_secret(events, found.value)
    return _receipt(replace(found.value, state="DELETING")) | {"LastAuthorizedTime": moment(found.value.modified)}


async def named_connection(events: Events, call: Call, name: str, action: str) -> Found[Named]:
    """Return a connection."""
    found = await CONNECTIONS.get(events.platform.store, (call.account_id, call.region, name))
    if found is None:
        raise not_found(f"Failed to {action} the connection(s). Connection '{name}' does not exist.")
    return found


def _state(kind: str) -> str:
    """Return a connection's state. With OAuth it waits for a token, which nobody fetches here."""
    return "AUTHORIZING" if kind == "OAUTH_CLIENT_CREDENTIALS" else "AUTHORIZED"


def _check(kind: str, parameters: Mapping[str, Any]) -> None:
    if _PARAMETERS[kind] not in parameters:
        raise invalid(f"Parameter AuthParameters is not valid. Reason: {_PARAMETERS[kind]} must be specified for {kind}.")


def _merged(old: Named, request: shapes.UpdateConnectionRequest) -> dict[str, Any]:
    """Return the parameters of an update; members of the same structure that aren't given stay."""
    before: Mapping[str, Any] = old.settings["AuthParameters"]
    given: Mapping[str, Any] = request["AuthParameters"]
    kept = {name: value for name, value in before.items() if name not in _PARAMETERS.values() or name in given}
    return {**kept, **{name: {**before.get(name, {}), **value} for name, value in given.items()}}


def _without_secrets(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_secrets(each) for each in value]
    if not isinstance(value, Mapping):
        return value
    hidden = _SECRET | ({"Value"} if value.get("IsValueSecret") else set())
    return {name: _without_secrets(each) for name, each in value.items() if name not in hidden}


def _receipt(connection: Named) -> dict[str, Any]:
    return {
        "ConnectionArn": connection.arn,
        "ConnectionState": connection.state,
        "CreationTime": moment(connection.created),
        "LastModifiedTime": moment(connection.modified),
    }


def _summary(connection: Named) -> dict[str, Any]:
    return _receipt(connection) | {
        "Name": connection.name,
        "AuthorizationType": connection.settings["AuthorizationType"],
        "LastAuthorizedTime": moment(connection.modified),
    }

"""The secret of a connection, kept in Secrets Manager as AWS keeps it; where nobody serves Secrets Manager a connection has none.

A connection works from its own document: the secret is there for those who look it up.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from lambent.domain.call import Call
from lambent.domain.caller import Caller
from lambent.domain.errors import AwsError
from lambent.services.events.context import Events
from lambent.services.events.state import Named

_PRINCIPAL = "events.amazonaws.com"


async def keep_secret(events: Events, connection: Named) -> str:
    """Create or replace a connection's secret; return its ARN, empty where Secrets Manager isn't served."""
    text = json.dumps(secret_of(connection.settings["AuthParameters"]))
    try:
        if connection.secret_arn:
            await _call(events, connection, "PutSecretValue", {"SecretId": connection.secret_arn, "SecretString": text})
            return connection.secret_arn
    except AwsError as error:
        if error.code != "ResourceNotFoundException":
            raise
    name = f"events!connection/{connection.name}/{events.platform.ids.uuid()}"
    try:
        answer = await _call(events, connection, "CreateSecret", {"Name": name, "SecretString": text})
    except AwsError as error:
        if error.status != 501:
            raise
        return ""
    return str(answer["ARN"])


async def drop_secret(events: Events, connection: Named) -> None:
    """Remove a connection's secret; one that is gone is removed already."""
    if not connection.secret_arn:
        return
    try:
        await _call(events, connection, "DeleteSecret", {"SecretId": connection.secret_arn, "ForceDeleteWithoutRecovery": True})
    except AwsError as error:
        if error.code != "ResourceNotFoundException" and error.status != 501:
            raise


def secret_of(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the secret says: ``{"username": …, "password": …}`` for basic authorisation."""
    found: dict[str, Any] = {}
    for name, value in parameters.items():
        if name in ("InvocationHttpParameters", "ConnectivityParameters"):
            continue
        found |= _snake(value)
    client = found.pop("client_parameters", {})
    found = client | found
    if "InvocationHttpParameters" in parameters:
        found["invocation_http_parameters"] = _snake(parameters["InvocationHttpParameters"])
    return found


def _snake(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_snake_name(name): _snake(each) for name, each in value.items()}
    return [_snake(each) for each in value] if isinstance(value, list) else value


def _snake_name(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name.replace("OAuth", "Oauth")).lower()


async def _call(events: Events, connection: Named, operation: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
    caller = Caller.service(_PRINCIPAL, connection.account_id, source_arn=connection.arn)
    call = Call(
        "secretsmanager",
        operation,
        params,
        caller,
        connection.region,
        connection.account_id,
        events.platform.ids.uuid(),
        user_agent=_PRINCIPAL,
    )
    return await events.platform.cloud.call(call)

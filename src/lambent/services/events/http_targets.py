"""API destinations as targets: the HTTP request that tells one, and what its answer means. Pure.

Follows "API destinations as targets" of the user guide: an answer within 5 seconds; 401, 407, 409, 429 and 5xx are tried again.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

import msgspec

from lambent.domain.errors import AwsError
from lambent.domain.http import HttpResponse
from lambent.services.events.state import Named

TIMEOUT_S: Final = 5.0
_USER_AGENT: Final = "Amazon/EventBridge/ApiDestinations"
_RETRIED: Final = frozenset((401, 407, 409, 429))


class Request(msgspec.Struct, frozen=True):
    """An HTTP request."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


def request_of(destination: Named, connection: Named, target: Mapping[str, Any], payload: str) -> Request:
    """Return the request that carries a payload. Raises ``AwsError`` when the connection isn't authorised."""
    if connection.state != "AUTHORIZED":
        text = f"The connection {connection.name} of the API destination {destination.name} is {connection.state}."
        raise AwsError("NotAuthorizedConnection", text, 403)
    own: Mapping[str, Any] = target.get("HttpParameters", {})
    shared: Mapping[str, Any] = connection.settings["AuthParameters"].get("InvocationHttpParameters", {})
    headers = {
        "content-type": "application/json; charset=utf-8",
        "user-agent": _USER_AGENT,
        **{name.lower(): value for name, value in own.get("HeaderParameters", {}).items()},
        **{name.lower(): value for name, value in _pairs(shared.get("HeaderParameters", ()))},
        **_authorization(connection),
    }
    query = [*own.get("QueryStringParameters", {}).items(), *_pairs(shared.get("QueryStringParameters", ()))]
    body = _with_members(payload, _pairs(shared.get("BodyParameters", ())))
    url = _url(destination.settings["InvocationEndpoint"], own.get("PathParameterValues", ()), query)
    return Request(destination.settings["HttpMethod"], url, headers, body.encode())


def check_answer(answer: HttpResponse) -> None:
    """Return when the answer is a success; raise what a delivery that failed with it is judged by."""
    if 200 <= answer.status < 300:
        return
    text = f"The API destination answered with the status {answer.status}."
    passing = answer.status in _RETRIED or answer.status >= 500
    raise AwsError("ThrottlingException" if answer.status == 429 else "HttpError", text, max(answer.status, 500) if passing else 400)


def _pairs(parameters: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    return [(each["Key"], each.get("Value", "")) for each in parameters]


def _authorization(connection: Named) -> dict[str, str]:
    parameters = connection.settings["AuthParameters"]
    if connection.settings["AuthorizationType"] == "BASIC":
        basic = parameters["BasicAuthParameters"]
        secret = base64.b64encode(f"{basic['Username']}:{basic['Password']}".encode()).decode()
        return {"authorization": f"Basic {secret}"}
    key = parameters["ApiKeyAuthParameters"]
    return {key["ApiKeyName"].lower(): key["ApiKeyValue"]}


def _url(endpoint: str, path_values: Sequence[str], query: Sequence[tuple[str, str]]) -> str:
    for value in path_values:
        endpoint = endpoint.replace("*", quote(value, safe=""), 1)
    parts = urlsplit(endpoint)
    joined = "&".join(each for each in (parts.query, urlencode(query)) if each)
    return urlunsplit(parts._replace(query=joined))


def _with_members(payload: str, members: Sequence[tuple[str, str]]) -> str:
    """Return the payload with the connection's body parameters among its members, when it is an object."""
    if not members:
        return payload
    try:
        value = json.loads(payload)
    except ValueError:
        return payload
    return json.dumps({**value, **dict(members)}, separators=(",", ":")) if isinstance(value, dict) else payload

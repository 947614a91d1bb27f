"""The event that a function gets for a request to its URL: payload format 2.0. Pure.

Follows "Invoking Lambda function URLs" and "Working with AWS Lambda proxy integrations for HTTP APIs" in AWS's documentation.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec

from lambent.base.regexes import Regex
from lambent.domain.caller import Caller, CallerKind
from lambent.domain.http import HttpRequest

_TEXT = Regex(r"text/|application/(json|javascript|xml|xhtml|graphql)|[^;]*\+(json|xml)\b|[^;]*\b(json|xml)\b")
_CONNECTION = frozenset({"connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade"})
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class UrlRequest(msgspec.Struct, frozen=True):
    """A request to a function URL, as its event tells it."""

    request: HttpRequest
    path: str  #: below the URL, still percent-encoded; begins with ``/``
    url_id: str
    caller: Caller
    request_id: str
    trace_header: str
    time: float  #: seconds since 1970


def event_of(url: UrlRequest, body: bytes) -> dict[str, Any]:
    """Return the event."""
    headers, encoded = _headers(url), bool(body) and not _is_text(url.request, body)
    event: dict[str, Any] = {"version": "2.0", "routeKey": "$default", "rawPath": url.path, "rawQueryString": url.request.query}
    cookies = [each.strip() for each in url.request.headers.get("cookie", "").split(";") if each.strip()]
    if cookies:
        event["cookies"] = cookies
    event["headers"] = headers
    parameters = _parameters(url.request.query)
    if parameters:
        event["queryStringParameters"] = parameters
    event["requestContext"] = _context(url)
    if body:
        event["body"] = base64.b64encode(body).decode() if encoded else body.decode()
    event["isBase64Encoded"] = encoded
    return event


def _is_text(request: HttpRequest, body: bytes) -> bool:
    """Return whether a body is passed on as it is; forms, pictures and what is no UTF-8 go as base64."""
    if not _TEXT.match(request.headers.get("content-type", "").lower()):
        return False
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _headers(url: UrlRequest) -> dict[str, str]:
    request = url.request
    headers = {name: value for name, value in request.headers.items() if name not in _CONNECTION}
    port = request.host.rpartition(":")[2]
    told = headers.get("x-forwarded-for")
    headers |= {
        "x-amzn-trace-id": url.trace_header,
        "x-forwarded-for": f"{told}, {request.client}" if told else request.client,
        "x-forwarded-port": port if port.isdecimal() else "80",
        "x-forwarded-proto": "http",
    }
    return dict(sorted(headers.items()))


def _parameters(query: str) -> dict[str, str]:
    """Return the parameters of a query; several of one name are joined with commas."""
    found: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        found[name] = f"{found[name]},{value}" if name in found else value
    return found


def _context(url: UrlRequest) -> dict[str, Any]:
    request, caller = url.request, url.caller
    context: dict[str, Any] = {"accountId": caller.account_id or "anonymous", "apiId": url.url_id}
    if caller.kind is not CallerKind.ANONYMOUS:
        context["authorizer"] = {"iam": _authorizer(caller)}
    moment = datetime.fromtimestamp(url.time, UTC)
    return context | {
        "domainName": request.host.rpartition(":")[0] or request.host,
        "domainPrefix": url.url_id,
        "http": {
            "method": request.method,
            "path": "/" + unquote(url.path).lstrip("/"),  # decoded, unlike the raw one
            "protocol": "HTTP/1.1",
            "sourceIp": request.client,
            "userAgent": request.headers.get("user-agent", ""),
        },
        "requestId": url.request_id,
        "routeKey": "$default",
        "stage": "$default",
        "time": f"{moment:%d}/{_MONTHS[moment.month - 1]}/{moment:%Y:%H:%M:%S} +0000",
        "timeEpoch": int(url.time * 1000),
    }


def _authorizer(caller: Caller) -> Mapping[str, str | None]:
    user = caller.account_id if caller.kind is CallerKind.ROOT else caller.access_key_id
    return {
        "accessKey": caller.access_key_id,
        "accountId": caller.account_id,
        "callerId": user,
        "cognitoIdentity": None,
        "principalOrgId": None,
        "userArn": caller.arn,
        "userId": user,
    }

"""What a function's result means as an answer over HTTP. Pure.

A result without ``statusCode`` is the body itself; one with it is an answer in payload format 2.0. A streamed result may begin with such
an answer's head as JSON, eight NULs behind it (``awslambda.HttpResponseStream``).
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

from lambent.base.regexes import Regex
from lambent.domain.errors import AwsError
from lambent.domain.http import HttpResponse

HEADED = "application/vnd.awslambda.http-integration-response"
"""The content type of a streamed result that begins with a head."""
HEAD_BYTES_MAX = 65_536
_END_OF_HEAD = b"\0" * 8
_NAME = Regex(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_REMAPPED = frozenset({"connection", "content-length", "date", "host", "server", "www-authenticate"})
_DROPPED = frozenset({"transfer-encoding", "keep-alive", "upgrade", "te", "trailer"})


def bad_gateway() -> HttpResponse:
    """Return the answer when the function failed, or when its result makes no sense as an answer."""
    return HttpResponse(502, {"content-type": "application/json"}, b"Internal Server Error")


def refused(error: AwsError) -> HttpResponse:
    """Return the answer to a request that didn't reach the function."""
    members = {name: value for name, value in error.members.items() if value is not None}
    key = "message" if members else "Message"
    body = json.dumps({**members, key: error.message}, separators=(",", ":")).encode()
    return HttpResponse(error.status, {"content-type": "application/json", "x-amzn-errortype": error.code}, body)


def forbidden(message: str | None = "Forbidden") -> HttpResponse:
    """Return the answer to who may not use the URL; without a message when there is no such URL."""
    body = json.dumps({"Message": message}, separators=(",", ":")).encode()
    return HttpResponse(403, {"content-type": "application/json", "x-amzn-errortype": "AccessDeniedException"}, body)


def answer_of(payload: bytes) -> HttpResponse:
    """Return the answer that a whole result means."""
    try:
        result = json.loads(payload)
    except (ValueError, RecursionError):
        return _headed(payload) or HttpResponse(200, {"content-type": "application/json"}, payload)
    if isinstance(result, str):
        return HttpResponse(200, {"content-type": "application/json"}, result.encode("utf-8", "surrogatepass"))
    if not isinstance(result, Mapping) or "statusCode" not in result:
        return HttpResponse(200, {"content-type": "application/json"}, _compact(result))
    return _formatted(result)


def _compact(result: Any) -> bytes:
    """Return JSON as AWS passes it on: written anew, without spaces."""
    return json.dumps(result, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


def _headed(payload: bytes) -> HttpResponse | None:
    """Return the answer of a result that begins with a head, although nobody reads it in pieces."""
    head, found, rest = payload.partition(_END_OF_HEAD)
    try:
        result = json.loads(head) if found else None
    except (ValueError, RecursionError):
        return None
    response = head_of(result) if isinstance(result, Mapping) else None
    if response is not None:
        response.body = rest
    return response


def _formatted(result: Mapping[str, Any]) -> HttpResponse:
    response = head_of(result)
    if response is None:
        return bad_gateway()
    body = result.get("body")
    if body is None:
        return response
    text = body if isinstance(body, str) else json.dumps(body, separators=(",", ":"))
    try:
        response.body = base64.b64decode(text, validate=True) if result.get("isBase64Encoded") else text.encode()
    except (binascii.Error, ValueError):
        return bad_gateway()
    return response


def head_of(result: Mapping[str, Any]) -> HttpResponse | None:
    """Return the answer without its body; ``None`` when status or headers are none."""
    try:
        status = int(result.get("statusCode") or 200)
    except (TypeError, ValueError, OverflowError):  # the last: Infinity, which Python's JSON knows
        return None
    given = result.get("headers") or {}
    cookies = result.get("cookies") or []
    if not 200 <= status <= 599 or not isinstance(given, Mapping) or not isinstance(cookies, list):
        return None
    headers = {"content-type": "application/json"}
    for name, value in given.items():
        lower, text = str(name).lower(), _text(value)
        if not _NAME.fullmatch(lower) or _breaks(text):
            return None
        if lower not in _DROPPED:
            headers[f"x-amzn-remapped-{lower}" if lower in _REMAPPED else lower] = text
    if any(_breaks(str(each)) for each in cookies):
        return None
    return HttpResponse(status, headers, b"", cookies=tuple(str(each) for each in cookies))


def _text(value: object) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _breaks(value: str) -> bool:
    """Return whether a header's value would end the header, or can't be sent."""
    return any(ord(letter) < 32 and letter != "\t" for letter in value) or "\x7f" in value


async def streamed(pieces: AsyncIterator[bytes], content_type: str) -> HttpResponse:
    """Return the answer that a streamed result means: with the head that it begins with, or as it comes."""
    if content_type != HEADED:
        return HttpResponse(200, {"content-type": content_type or "application/octet-stream"}, pieces)
    taken = b""
    async for piece in pieces:
        taken += piece
        if _END_OF_HEAD in taken or len(taken) > HEAD_BYTES_MAX:
            break
    head, found, rest = taken.partition(_END_OF_HEAD)
    try:
        result = json.loads(head) if found else None
    except (ValueError, RecursionError):
        result = None
    response = head_of(result) if isinstance(result, Mapping) else None
    if response is None:
        await _close(pieces)
        return bad_gateway()
    response.body = _resumed(rest, pieces)
    return response


async def _resumed(first: bytes, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    try:
        if first:
            yield first
        async for piece in pieces:
            yield piece
    finally:
        await _close(pieces)


async def _close(pieces: AsyncIterator[bytes]) -> None:
    """Let the environment go on when nobody wants the rest."""
    close = getattr(pieces, "aclose", None)
    if close is not None:
        await close()

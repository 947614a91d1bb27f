"""ASGI's events as values: a request's head and body in, an answer out. Both bodies flow at the pace of whoever is slower."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from contextlib import suppress
from typing import Any, TypeAlias
from urllib.parse import quote

from lambent.domain.errors import AwsError
from lambent.domain.http import HttpRequest, HttpResponse

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_log = logging.getLogger(__name__)
_DRAIN_BYTES_MAX = 16_777_216  #: enough for whatever is just too large for an invocation
_NO_TRAILERS: Mapping[str, str] = {}


class RequestBody:
    """A body as the server receives it: a ``ByteStream``. What isn't asked for stays in the client's socket."""

    trailers = _NO_TRAILERS

    def __init__(self, receive: Receive, length: int | None, *, awaited: bool = False) -> None:
        self.length = length
        self.awaited = awaited  #: the client waits to be asked for it (``Expect: 100-continue``)
        self.started = False
        self.complete = length == 0
        self._receive = receive

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Give the bytes; ``IncompleteBody`` when the client went away before the end."""
        self.started = True
        while not self.complete:
            event = await self._receive()
            if event["type"] != "http.request":
                text = "You did not provide the number of bytes specified by the Content-Length HTTP header"
                raise AwsError("IncompleteBody", text)
            self.complete = not event.get("more_body", False)
            if event.get("body"):
                yield event["body"]

    async def drain(self, limit: int = _DRAIN_BYTES_MAX) -> None:
        """Take a rest that nobody wanted, up to a bound, so that the client reads the answer instead of failing to send."""
        taken = 0
        with suppress(AwsError):
            async for data in self:
                taken += len(data)
                if taken > limit:
                    return


def request_of(scope: Scope, receive: Receive) -> tuple[HttpRequest, RequestBody]:
    """Return the request that ASGI describes."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    length: int | None = None
    if headers.get("content-length", "").isdecimal():
        length = int(headers["content-length"])
    elif "transfer-encoding" not in headers:
        length = 0
    body = RequestBody(receive, length, awaited="expect" in headers)
    client = scope.get("client")
    request = HttpRequest(
        method=scope["method"],
        raw_path=_encoded(scope.get("raw_path") or scope["path"].encode()),
        query=_encoded(scope["query_string"]),
        headers=headers,
        body=body,
        client=client[0] if client else "",
    )
    return request, body


def _encoded(raw: bytes) -> str:
    return raw.decode("ascii") if raw.isascii() else quote(raw, safe="%/?&=+:@!$'()*,;~")


async def respond(response: HttpResponse, send: Send, receive: Receive, body: RequestBody) -> None:
    """Send the answer. A stream that fails after its head was sent closes the connection, so that nobody takes it for whole."""
    headers = response.headers
    if not body.complete:
        await _settle(response, body)
    if isinstance(response.body, bytes):
        if response.status >= 200 and response.status not in {204, 304}:
            headers.setdefault("content-length", str(len(response.body)))
        await send(_start(response))
        await send({"type": "http.response.body", "body": response.body})
        return
    await send(_start(response))
    if await _stream(response.body, send, receive if body.complete else None):
        await send({"type": "http.response.body", "body": b""})


async def _settle(response: HttpResponse, body: RequestBody) -> None:
    if body.length is not None and body.length <= _DRAIN_BYTES_MAX and (body.started or not body.awaited):
        await body.drain()
    if not body.complete:
        response.headers["connection"] = "close"


def _start(response: HttpResponse) -> dict[str, Any]:
    headers = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in response.headers.items()]
    headers += [(b"set-cookie", value.encode("latin-1", "replace")) for value in response.cookies]
    return {"type": "http.response.start", "status": response.status, "headers": headers}


async def _stream(chunks: AsyncIterator[bytes], send: Send, receive: Receive | None) -> bool:
    """Send the pieces until they end or the client goes away; return whether they ended well."""
    sending = asyncio.ensure_future(_pump(chunks, send))
    watching = None if receive is None else asyncio.ensure_future(_gone(receive))
    try:
        await asyncio.wait([each for each in (sending, watching) if each is not None], return_when=asyncio.FIRST_COMPLETED)
        return sending.result() if sending.done() else False
    finally:
        for each in (sending, watching):
            if each is not None and not each.done():
                each.cancel()
                with suppress(asyncio.CancelledError):
                    await each


async def _pump(chunks: AsyncIterator[bytes], send: Send) -> bool:
    try:
        async for chunk in chunks:
            if chunk:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
    except Exception:  # noqa: BLE001 - the operator sees it in the log; the client sees the connection end early
        _log.exception("a streamed answer failed half-way")
        return False
    finally:
        close = getattr(chunks, "aclose", None)
        if close is not None:
            await close()
    return True


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass

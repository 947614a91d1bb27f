"""HTTP/1.1 as the Runtime API needs it: keep-alive, bodies with a length or chunked with trailers, answers that may come late."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Protocol
from urllib.parse import unquote

import httptools
import msgspec

from lambent.base.fair_reader import FairReader

Headers = Sequence[tuple[str, str]]

CONNECTIONS_MAX = 256  #: of one environment
HEAD_BYTES_MAX = 2_097_152
"""Of a head, and of trailers; what is kept of an error for X-Ray may be 1 MB alone."""
KEPT_BYTES_MAX = 33_554_432
"""Of requests of one environment that aren't complete, all together: the memory is ours, and not the function's."""


class Head(msgspec.Struct):
    """A request without its body. Header names are lower-case."""

    method: str = ""
    path: str = ""
    headers: dict[str, str] = {}


_SLICE_BYTES = 16_384  #: are parsed at once
_STEPS_FREE = 60  #: of a slice: pieces of bodies, headers (two each), and requests (five); more are followed by a pause
_STEP_S = 4e-6


class Kept(msgspec.Struct):
    """What all connections of an environment share: one function's requests keep neither our memory nor the event loop to themselves."""

    size: int = 0  #: bytes of requests that aren't complete
    free_at: float = 0.0  #: when the loop has had time for others; in its own time


class Service(Protocol):
    """What answers the requests of a connection."""

    def wanted(self, head: Head) -> int:
        """Return how many bytes of body the request may have."""
        ...

    def began(self, head: Head) -> bool:
        """Return whether the body is to be given in pieces."""
        ...

    def piece(self, data: bytes) -> None:
        """Take a piece of the body."""
        ...

    def ended(self, trailers: Mapping[str, str], broken: str = "") -> None:
        """Take the end of a body in pieces; ``broken`` is an error type when it was cut off."""
        ...

    def too_large(self, head: Head) -> None:
        """Note a body above the limit."""
        ...

    def serve(self, connection: HttpConnection, head: Head, body: bytes) -> None:
        """Answer a request whose body is complete."""
        ...

    def gone(self, connection: HttpConnection) -> None:
        """Forget the connection."""
        ...


class HttpConnection(FairReader):
    """One connection of a runtime; requests one after the other."""

    def __init__(self, service: Service, connections: set[HttpConnection], kept: Kept) -> None:
        super().__init__()
        self._service = service
        self._connections = connections
        self._kept = kept
        self._share = 0  #: of what is kept
        self._behind = b""  #: came and isn't parsed yet
        self._steps = 0
        self.lost: asyncio.Future[None] = self._loop.create_future()
        self._parser = httptools.HttpRequestParser(self)
        self._is_last = False  #: the client wants no further answer on this connection
        self._new()

    def _new(self) -> None:
        self._head = Head()
        self._url = b""
        self._body: list[bytes] = []
        self._size = 0
        self._limit = 0
        self._streams = False
        self._trailers: dict[str, str] | None = None
        self._refused = False
        self._head_bytes = 0  #: since a head began, or since the last piece of a body
        self._let_go()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note the connection."""
        super().connection_made(transport)
        self._connections.add(self)
        if len(self._connections) > CONNECTIONS_MAX:
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection; a streamed response that was under way is broken."""
        self._connections.discard(self)
        self._behind = b""
        if self._resting is not None:
            self._resting.cancel()
        self._let_go()
        self._service.gone(self)
        if self._streams:
            self._streams = False
            self._service.ended({}, "Runtime.TruncatedResponse")
        if not self.lost.done():
            self.lost.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Parse, with pauses when that takes long."""
        self._behind += data
        if self._resting is None:
            self._work()

    def _work(self) -> None:
        while self._behind:
            pause_s = self._kept.free_at - self._loop.time()
            if pause_s > 0:
                self._rest(pause_s)
                break
            data, self._behind = self._behind[:_SLICE_BYTES], self._behind[_SLICE_BYTES:]
            self._steps = 0
            self._parse(data)
            if self._steps > _STEPS_FREE:
                self._kept.free_at = self._loop.time() + self._steps * _STEP_S
        self._balance()

    def _parse(self, data: bytes) -> None:
        """Parse; what isn't HTTP ends the connection with 400."""
        self._head_bytes += len(data)
        if not self._keep(len(data)):
            self._bad()
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserUpgrade, httptools.HttpParserError):
            self._bad()
        if self._head_bytes > HEAD_BYTES_MAX:
            self._bad()

    def pause_writing(self) -> None:
        """The runtime doesn't read its answers: take no more requests."""
        self.pause()

    def resume_writing(self) -> None:
        """It has read them."""
        self.resume()

    # httptools' callbacks

    def on_url(self, url: bytes) -> None:
        """Take (a part of) the request target."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; after the body has begun, a trailer."""
        self._steps += 2
        key = name.decode("latin-1").lower()
        if self._trailers is not None:
            self._head_bytes += len(name) + len(value)
            self._trailers[key] = value.decode("utf-8", "replace")
        else:
            self._head.headers[key] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Decide what becomes of the body, and ask for it when the client waits to be asked."""
        self._head.method = self._parser.get_method().decode("latin-1")
        self._head.path = unquote(self._url.split(b"?", 1)[0].decode("latin-1"))
        self._trailers = {}
        self._head_bytes = 0
        self._limit = self._service.wanted(self._head)
        self._streams = self._service.began(self._head)
        if self._head.headers.get("expect", "").lower() == "100-continue" and self._transport is not None:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._head_bytes = 0
        self._steps += 1
        self._size += len(body)
        if self._size > self._limit:
            self._refused = True
            self._body.clear()
            self._let_go()
        elif self._streams:
            self._service.piece(body)
        else:
            self._body.append(body)

    def on_message_complete(self) -> None:
        """Answer, and be ready for the next request."""
        self._steps += 5
        head, body, refused, streams = self._head, b"".join(self._body), self._refused, self._streams
        trailers = self._trailers or {}
        self._is_last = not self._parser.should_keep_alive()
        self._new()
        if streams:
            self.answer(202, [("Content-Type", "application/json")], b'{"status":"OK"}\n')
            self._service.ended(trailers, "Function.ResponseSizeTooLarge" if refused else "")
        elif refused:
            self._service.too_large(head)
            self.answer(
                413, *error_answer("RequestEntityTooLarge", f"Exceeded maximum allowed payload size ({self._service.wanted(head)} bytes).")
            )
        else:
            self._service.serve(self, head, body)

    # for the service

    def answer(self, status: int, headers: Headers, body: bytes) -> None:
        """Write the answer to the last request."""
        if self._transport is None or self._transport.is_closing():
            return
        lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", *(f"{name}: {_clean(value)}" for name, value in headers)]
        if self._is_last:
            lines.append("Connection: close")
        lines += [f"Content-Length: {len(body)}", "", ""]
        self._transport.write("\r\n".join(lines).encode() + body)
        if self._is_last:
            self._transport.close()

    def _keep(self, size: int) -> bool:
        """Note what comes; return False when that is too much."""
        if self._streams or self._refused:
            return True
        if self._kept.size + size > KEPT_BYTES_MAX:
            return False
        self._kept.size += size
        self._share += size
        return True

    def _let_go(self) -> None:
        self._kept.size -= self._share
        self._share = 0

    def _bad(self) -> None:
        self._behind = b""
        self.answer(400, *error_answer("BadRequest", "Not an HTTP/1.1 request"))
        if self._transport is not None:
            self._transport.close()


def error_answer(error_type: str, message: str) -> tuple[list[tuple[str, str]], bytes]:
    """Return the headers and the document of the Runtime API's own errors."""
    body = json.dumps({"errorMessage": message, "errorType": error_type}, separators=(",", ":")).encode() + b"\n"
    return [("Content-Type", "application/json")], body


def _clean(value: str) -> str:
    """Return a header's value without line breaks; JSON (the client context) means the same without them."""
    return value.replace("\r", " ").replace("\n", " ")

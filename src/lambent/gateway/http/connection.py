"""One client's connection: requests one after the other, pipelined ones in order; both bodies at the pace of whoever is slower.

The life of a request: its head is parsed → when what arrived with it was parsed, too, ``answer`` is called with it (small bodies are whole
by then) → the answer is written → the next request, or the end. A body that nobody read is drained up to a bound; else the connection
closes after the answer, lingering so that the client can read it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, Protocol, TypeAlias, cast

import httptools
import msgspec

from lambent.domain.http import BytesStream, ByteStream, HttpRequest, HttpResponse
from lambent.gateway.http import answers
from lambent.gateway.http.bodies import AT_HAND, IncomingBody
from lambent.gateway.http.heads import KEYS, keep_key, length_of, size_of, split_target

Answer: TypeAlias = Callable[[HttpRequest], Awaitable[HttpResponse]]
"""Answers a request; raises nothing but cancellation."""

HEAD_BYTES_MAX: Final = 65_536
_DRAIN_BYTES_MAX: Final = 16_777_216  # enough for whatever is just too large for an invocation
_JOIN_BYTES_MAX: Final = 65_536  # a body up to this size is copied behind its head, to be sent in one piece
FIELDS_MAX: Final = 512  # of a head; S3's metadata, at most 2 kB, are far fewer
LINGER_S: Final = 2.0

_log = logging.getLogger(__name__)


class Owner(Protocol):
    """What a connection needs of its server."""

    @property
    def stopping(self) -> bool:
        """Whether no further request is taken."""
        ...

    @property
    def waiting_max(self) -> int:
        """How many requests may wait for their turn on one connection."""
        ...

    def opened(self, connection: Connection) -> None:
        """Note a connection."""
        ...

    def closed(self, connection: Connection) -> None:
        """Forget a connection."""
        ...

    @property
    def now(self) -> Callable[[], float]:
        """What tells the monotonic time, in seconds."""
        ...


class _Exchange(msgspec.Struct, eq=False):
    """A request and what its answer must respect."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    keep_alive: bool
    is_old: bool  #: HTTP/1.0: no chunks
    expects_continue: bool
    data: bytes = b""  #: the body, or what came first of it
    body: IncomingBody = AT_HAND  #: another one, with ``data`` in it, as soon as it has a second piece or has to be waited for


class Connection(asyncio.Protocol):
    """A socket between a client and ``answer``."""

    def __init__(self, answer: Answer, owner: Owner) -> None:
        self._answer = answer
        self._owner = owner
        self._now = owner.now
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport = cast("asyncio.Transport", None)
        self._client = ""
        self._head_fed = 0  #: bytes from the socket since a head began, or since the last piece of a body
        self._url = b""  #: of the head that is being parsed
        self._headers: dict[str, str] | None = {}  #: likewise; ``None`` from the end of a head to the end of its request
        self._repeated = 0  #: so many of its headers had come before: to join them takes longer with each
        self._receiving: _Exchange | None = None  #: its body isn't complete
        self._waiting: deque[_Exchange] = deque()
        self._current: _Exchange | None = None
        self._task: asyncio.Task[None] | None = None  #: serves one request after the other
        self._turn: asyncio.Future[_Exchange | None] | None = None  #: while it waits for the next one; ``None``: there won't be any
        self._watched: asyncio.Future[None] | None = None  #: somebody waits for the end of the current request
        self._is_streaming = False
        self._deaf = False  #: whatever still arrives is thrown away
        self._paused = False
        self._room: asyncio.Future[None] | None = None  #: while the client doesn't take what was written
        self._piece_bytes = 0  #: of what the socket gave last: it may hold the heads of several requests
        self.lost = False
        self.heard_at = self._now()  #: when the client last sent or took something; monotonic seconds

    # ── what the server asks ────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def is_idle(self) -> bool:
        """Whether no request is under way, not even a part of one."""
        return self._current is None and self._receiving is None and not self._waiting and not self._url

    @property
    def is_waiting(self) -> bool:
        """Whether the client is to move: to send the rest of a head or body, or to take what was written."""
        if self._room is not None or (self._current is None and not self.is_idle):
            return True
        return self._current is not None and self._current.body.is_awaited

    def close(self) -> None:
        """Close at the end of the request that is under way, or now."""
        if self.is_idle:
            self._transport.close()

    def abort(self) -> None:
        """Close now."""
        self._transport.abort()

    async def ended(self) -> None:
        """Return when the request that is under way has its end."""
        if self._current is not None and self._watched is None:
            self._watched = self._loop.create_future()
        if self._watched is not None:
            await self._watched

    # ── asyncio.Protocol ────────────────────────────────────────────────────────────────────────────────────────────────────

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note the client's address."""
        # uvloop's transports have the interface without the base class.
        self._transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        self._client = peer[0] if isinstance(peer, tuple) else ""
        self._owner.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let whoever reads or writes know."""
        self.lost = True
        self._owner.closed(self)
        for each in (self._receiving, self._current, *self._waiting):
            if each is not None:
                each.body.abort()
        self._waiting.clear()
        self._wake_writer()
        if self._turn is not None and not self._turn.done():
            self._turn.set_result(None)
        elif self._is_streaming and self._task is not None:
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        """Parse, and answer what is there."""
        self.heard_at = self._now()
        if self._deaf:
            return
        self._piece_bytes = len(data)
        self._head_fed += self._piece_bytes
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:  # nobody is served another protocol; the request itself is answered
            self._deafen()
        except httptools.HttpParserError as error:
            self._refuse(431 if isinstance(error.__context__, _HeadTooLarge) else 400)
        if self._head_fed > HEAD_BYTES_MAX and not self._deaf:
            self._refuse(431)  # a head that does not end, or trailers
        receiving = self._receiving
        if receiving is not None:
            self._incoming(receiving)
        if self._current is None and self._waiting:
            self._next()
        if receiving is not None or self._waiting or self._paused:
            self._balance()

    def eof_received(self) -> bool:
        """The client sends no more, but may still read (``Connection: close`` clients half-close)."""
        for each in (self._receiving, self._current):
            if each is not None:
                each.body.abort()
        self._deaf = True
        return self._current is not None or bool(self._waiting)

    def pause_writing(self) -> None:
        """The client takes its time."""
        self._room = self._loop.create_future()

    def resume_writing(self) -> None:
        """The client has taken what was written."""
        self.heard_at = self._now()
        self._wake_writer()

    # ── httptools' callbacks ────────────────────────────────────────────────────────────────────────────────────────────────

    def on_url(self, url: bytes) -> None:
        """Take (a part of) the request target."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; trailers are not for us."""
        headers = self._headers
        if headers is None:
            return
        try:
            key = KEYS[name]
        except KeyError:
            if len(headers) > FIELDS_MAX:
                raise _HeadTooLarge from None
            key = keep_key(name)
        if key in headers:
            self._repeated += 1
            if self._repeated > FIELDS_MAX:
                raise _HeadTooLarge
            headers[key] = f"{headers[key]},{value.decode('latin-1')}"
        else:
            headers[key] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Make a request of the head; it is answered when the data at hand was parsed."""
        headers, url = self._headers, self._url
        assert headers is not None
        if self._waiting and len(self._waiting) >= self._owner.waiting_max:
            raise _TooMany
        if len(headers) > FIELDS_MAX:
            raise _HeadTooLarge
        if self._head_fed + self._piece_bytes > HEAD_BYTES_MAX and size_of(url, headers) > HEAD_BYTES_MAX:
            raise _HeadTooLarge
        self._head_fed = 0
        self._url, self._headers = b"", None
        path, query = split_target(url)
        parser = self._parser
        keep_alive = parser.should_keep_alive()
        # The version is made anew each time. Connections of HTTP/1.0 are kept only for who says so.
        asks_to_keep = "connection" in headers or "proxy-connection" in headers
        is_old = (asks_to_keep or not keep_alive) and parser.get_http_version() == "1.0"
        expects = "expect" in headers and headers["expect"].lower() == "100-continue" and not is_old
        self._receiving = _Exchange(parser.get_method().decode(), path, query, headers, keep_alive, is_old, expects)
        self._waiting.append(self._receiving)

    def on_body(self, data: bytes) -> None:
        """Take a part of the body."""
        self._head_fed = 0
        exchange = self._receiving
        if exchange is None:
            return
        if exchange.data or exchange.body is not AT_HAND:
            self._incoming(exchange).feed(data)
        else:
            exchange.data = data

    def on_message_complete(self) -> None:
        """Note the end of the request, and be ready for the next."""
        exchange = self._receiving
        if exchange is not None:
            if exchange.body is not AT_HAND:
                exchange.body.end()
            self._receiving = None
        self._headers, self._head_fed, self._repeated = {}, 0, 0

    def _incoming(self, exchange: _Exchange) -> IncomingBody:
        """Return the body of a request that hasn't come in one piece."""
        body = exchange.body
        if body is AT_HAND:
            body = exchange.body = IncomingBody(length_of(exchange.headers), self._wanted)
            if exchange.data:
                body.feed(exchange.data)
                exchange.data = b""
        return body

    # ── one request ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _next(self) -> None:
        exchange = self._current = self._waiting.popleft()
        turn, self._turn = self._turn, None
        if turn is not None:
            turn.set_result(exchange)
        else:
            self._task = self._loop.create_task(self._serve_all(exchange))

    def _request(self, exchange: _Exchange) -> HttpRequest:
        body = exchange.body
        if body is AT_HAND:
            stream: ByteStream = BytesStream(exchange.data)
        else:
            stream = BytesStream(body.whole()) if body.complete else body
        return HttpRequest(exchange.method, exchange.path, exchange.query, exchange.headers, stream, self._client, self._is_connected)

    def _is_connected(self) -> bool:
        """Return whether the client is still there; one that said it sends no more counts as gone."""
        return not (self.lost or self._deaf)

    async def _serve_all(self, exchange: _Exchange | None) -> None:
        """Serve a connection's requests in turn: to begin a task for each takes twice as long as to wake this one."""
        try:
            while exchange is not None:
                response = await self._answer(self._request(exchange))
                if type(response.body) is bytes and exchange.body.complete and not self.lost:
                    self._write_whole(exchange, response, response.body)  # as nearly always
                elif not await self._send(exchange, response):
                    break
                if self._room is not None:
                    await self._room
                if self.lost:
                    break
                turn = self._turn = self._loop.create_future()
                self._ended(exchange)
                if turn.done():
                    await asyncio.sleep(0)  # others have their turns between requests that came together
                del exchange, response  # nobody fills the memory with idle connections
                exchange = await turn
        except BaseException:
            self._transport.abort()
            raise
        finally:
            self._tell_end()

    async def _send(self, exchange: _Exchange, response: HttpResponse) -> bool:
        """Send an answer whatever it is and wherever the client is; return whether all of it was sent."""
        if self.lost:
            await _close(response)
            return False
        if not exchange.body.complete:
            await self._settle(exchange)
        body = response.body
        if isinstance(body, bytes):
            self._write_whole(exchange, response, body)
            return True
        self._agree(exchange, response.headers)
        if await self._write_stream(exchange, response, body):
            return True
        self._transport.abort()
        return False

    def _tell_end(self) -> None:
        if self._watched is not None and not self._watched.done():
            self._watched.set_result(None)

    def _agree(self, exchange: _Exchange, headers: dict[str, str]) -> None:
        """Say in the answer's head whether the connection goes on."""
        if "connection" in headers and headers["connection"].lower() == "close":
            exchange.keep_alive = False
        if not exchange.keep_alive or self._deaf or self._owner.stopping:
            exchange.keep_alive = False
            headers["connection"] = "close"
        elif exchange.is_old:
            headers["connection"] = "keep-alive"

    async def _settle(self, exchange: _Exchange) -> None:
        """Take a rest of the body, up to a bound; beyond it, or when the client still waits to be asked, the connection has to end."""
        body = exchange.body
        if not exchange.expects_continue and body.length is not None and body.length <= _DRAIN_BYTES_MAX:
            await body.drain(_DRAIN_BYTES_MAX)
        if not body.complete:
            exchange.keep_alive = False

    def _write_whole(self, exchange: _Exchange, response: HttpResponse, body: bytes) -> None:
        status, headers = response.status, response.headers
        self._agree(exchange, headers)
        if status in answers.BODILESS:
            body = b""
        elif "content-length" not in headers:
            headers["content-length"] = str(len(body))
        head = answers.head(status, headers, response.cookies)
        if exchange.method == "HEAD":
            body = b""
        if len(body) <= _JOIN_BYTES_MAX:
            self._transport.write(head + body)
        else:
            self._transport.writelines([head, body])

    async def _write_stream(self, exchange: _Exchange, response: HttpResponse, pieces: AsyncIterator[bytes]) -> bool:
        """Send the pieces; return whether all of them were sent. A stream that fails after its head closes the connection, so that nobody
        takes it for whole."""
        headers = response.headers
        left = int(headers["content-length"]) if "content-length" in headers else None
        chunked = left is None and not exchange.is_old
        if chunked:
            headers["transfer-encoding"] = "chunked"
        elif left is None:
            exchange.keep_alive = False
            headers["connection"] = "close"
        self._transport.write(answers.head(response.status, headers, response.cookies))
        if exchange.method == "HEAD" or response.status in answers.BODILESS:
            await _close(response)
            return True
        self._is_streaming = True
        try:
            async for data in pieces:
                if not data:
                    continue
                if left is not None:
                    left -= len(data)
                    if left < 0:
                        _log.error("a streamed answer was longer than it said")
                        return False
                self._transport.write(answers.chunk(data) if chunked else data)
                if self._room is not None:
                    await self._room
                if self.lost:
                    return False
        except asyncio.CancelledError:
            return False  # the client went away
        except Exception:  # noqa: BLE001 - the operator sees it in the log; the client sees the connection end early
            _log.exception("a streamed answer failed half-way")
            return False
        finally:
            self._is_streaming = False
            await _close(response)
        if chunked:
            self._transport.write(answers.LAST_CHUNK)
        return not left

    def _ended(self, exchange: _Exchange) -> None:
        self._current = None
        self.heard_at = self._now()
        if self._watched is not None:
            self._tell_end()
        if exchange.keep_alive and not self._deaf:
            if self._waiting:
                self._next()
            if self._waiting or self._paused:
                self._balance()
            return
        if exchange.body.complete:
            self._transport.close()
            return
        # The client may still be sending: closing now could reset the connection before it has read the answer.
        self._deafen()
        self._transport.write_eof()
        self._resume()
        self._loop.call_later(LINGER_S, self._transport.abort)

    # ── flow ────────────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _wanted(self) -> None:
        """Somebody reads the body of the current request."""
        exchange = self._current
        if exchange is not None and exchange.expects_continue and not exchange.body.complete:
            exchange.expects_continue = False
            if not self.lost:
                self._transport.write(answers.CONTINUE)
        self._balance()

    def _balance(self) -> None:
        """Read from the socket while there is room for what comes: a body that isn't full, or the head of the next request."""
        if self.lost or self._deaf:
            return
        receiving = self._receiving
        full = receiving.body.is_full if receiving is not None and receiving is self._current else bool(self._waiting)
        if full and not self._paused:
            self._paused = True
            self._transport.pause_reading()
        elif not full:
            self._resume()

    def _resume(self) -> None:
        if self._paused:
            self._paused = False
            self._transport.resume_reading()

    def _wake_writer(self) -> None:
        room, self._room = self._room, None
        if room is not None and not room.done():
            room.set_result(None)

    def _deafen(self) -> None:
        self._deaf = True

    def _refuse(self, status: int) -> None:
        """Answer what isn't HTTP; requests before it are answered first."""
        self._deafen()
        if self._receiving is not None:  # its body is garbage: whoever reads it learns that it is incomplete
            self._incoming(self._receiving).abort()
            return
        if self._current is None and not self._waiting:
            self._transport.write(answers.refusal(status))
            self._transport.close()


class _HeadTooLarge(Exception):
    """The head of a request has more bytes than are kept."""


class _TooMany(Exception):
    """More requests came at once than may wait."""


async def _close(response: HttpResponse) -> None:
    """Let go of a stream."""
    close = getattr(response.body, "aclose", None)
    if close is not None:
        await close()

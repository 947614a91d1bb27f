"""A small HTTP/1.1 client over asyncio's streams and h11: bodies stream both ways, idle connections are kept for the next request."""

from __future__ import annotations

import asyncio
import ssl
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import msgspec

from lambent.domain.errors import Unreachable

_READ_BYTES = 65_536
_IDLE_MAX = 16
Origin: TypeAlias = "tuple[str, str, int]"
_Request: TypeAlias = "tuple[str, str, Mapping[str, str], bytes | AsyncIterator[bytes]]"  #: method, target, headers, body


class Answer(msgspec.Struct, frozen=True):
    """An answer whose body is still to be read: iterate ``body`` to its end, or close it."""

    status: int
    headers: Mapping[str, str]  #: lower-case names
    body: AsyncIterator[bytes]

    async def read(self, bytes_max: int) -> bytes:
        """Return the whole body; ``Unreachable`` when it is larger."""
        pieces, size = [], 0
        async for piece in self.body:
            size += len(piece)
            if size > bytes_max:
                raise Unreachable(f"the answer is larger than {bytes_max} bytes", sent=True)
            pieces.append(piece)
        return b"".join(pieces)


class _Connection:
    """HTTP/1.1 on one connection. Raises ``OSError``, ``TimeoutError`` or h11's ``ProtocolError``, which ``broken`` are."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        import h11  # noqa: PLC0415 - 16 ms, which are for the first request that is sent, not for every start

        self._h11 = h11
        self._http = h11.Connection(h11.CLIENT)
        self._reader = reader
        self._writer = writer
        self.broken = (OSError, TimeoutError, h11.ProtocolError)

    async def send(self, method: str, target: str, headers: Mapping[str, str], body: bytes | AsyncIterator[bytes]) -> None:
        """Send a request."""
        await self._send(self._h11.Request(method=method, target=target, headers=list(headers.items())))
        if isinstance(body, bytes):
            if body:
                await self._send(self._h11.Data(data=body))
        else:
            async for piece in body:
                await self._send(self._h11.Data(data=piece))
        await self._send(self._h11.EndOfMessage())

    async def head(self, timeout_s: float) -> tuple[int, dict[str, str]] | None:
        """Return an answer's status and headers; ``None`` when the connection was closed."""
        event = await self._next(timeout_s)
        while isinstance(event, self._h11.InformationalResponse):
            event = await self._next(timeout_s)
        if not isinstance(event, self._h11.Response):
            return None
        return event.status_code, {name.decode("latin-1"): value.decode("latin-1") for name, value in event.headers}

    async def piece(self, timeout_s: float) -> bytes | None:
        """Return the next bytes of an answer's body; ``None`` at its end. ``Unreachable`` when it ends early."""
        event = await self._next(timeout_s)
        if isinstance(event, self._h11.Data):
            return bytes(event.data)
        if isinstance(event, self._h11.EndOfMessage):
            return None
        raise Unreachable("the answer ended early", sent=True)

    def renewed(self) -> bool:
        """Return whether the connection can take another request."""
        h11, states = self._h11, self._http.states
        if not self.usable or states[h11.CLIENT] is not h11.DONE or states[h11.SERVER] is not h11.DONE:
            return False
        self._http.start_next_cycle()
        return True

    @property
    def usable(self) -> bool:
        return not self._writer.is_closing() and not self._reader.at_eof()

    def close(self) -> None:
        self._writer.close()

    async def _send(self, event: Any) -> None:
        data = self._http.send(event)
        if data:
            self._writer.write(data)
            await self._writer.drain()

    async def _next(self, timeout_s: float) -> Any:
        while True:
            event = self._http.next_event()
            if event is not self._h11.NEED_DATA:
                return event
            async with asyncio.timeout(timeout_s):
                self._http.receive_data(await self._reader.read(_READ_BYTES))


class HttpClient:
    """Sends requests; ``timeout_s`` is how long the other side may be silent."""

    def __init__(self, *, connect_s: float = 5.0, timeout_s: float = 120.0) -> None:
        self._connect_s = connect_s
        self._timeout_s = timeout_s
        self._idle: defaultdict[Origin, list[_Connection]] = defaultdict(list)

    async def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | AsyncIterator[bytes]) -> Answer:
        """Send a request and return its answer's head. Raises ``Unreachable``."""
        parts = urlsplit(url)
        origin = (parts.scheme, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        request = (method, target, headers, body)
        idle = self._take(origin)
        if idle is not None and isinstance(body, bytes):
            # An idle connection may have been closed by the other side meanwhile: then nothing was answered and a new one is tried.
            with suppress(Unreachable):
                return await self._exchange(idle, origin, request)
        elif idle is not None:
            return await self._exchange(idle, origin, request)
        return await self._exchange(await self._connect(origin), origin, request)

    def close(self) -> None:
        """Close the idle connections."""
        for connections in self._idle.values():
            for each in connections:
                each.close()
        self._idle.clear()

    def _take(self, origin: Origin) -> _Connection | None:
        idle = self._idle[origin]
        while idle:
            found = idle.pop()
            if found.usable:
                return found
            found.close()
        return None

    async def _connect(self, origin: Origin) -> _Connection:
        scheme, host, port = origin
        context = ssl.create_default_context() if scheme == "https" else None
        try:
            async with asyncio.timeout(self._connect_s):
                reader, writer = await asyncio.open_connection(host, port, ssl=context)
        except (OSError, TimeoutError) as error:
            raise Unreachable(f"can't connect to {host}:{port}: {error or 'timed out'}", sent=False) from None
        return _Connection(reader, writer)

    async def _exchange(self, connection: _Connection, origin: Origin, request: _Request) -> Answer:
        found = None
        try:
            await connection.send(*request)
            found = await connection.head(self._timeout_s)
            if found is None:
                raise Unreachable(f"{origin[1]}:{origin[2]} closed the connection without an answer", sent=True)
        except connection.broken as error:
            raise Unreachable(f"{origin[1]}:{origin[2]}: {error or 'no answer in time'}", sent=True) from None
        finally:
            if found is None:
                connection.close()
        return Answer(*found, self._body(connection, origin))

    async def _body(self, connection: _Connection, origin: Origin) -> AsyncIterator[bytes]:
        complete = False
        try:
            while (piece := await connection.piece(self._timeout_s)) is not None:
                yield piece
            complete = True
        except connection.broken as error:
            raise Unreachable(f"the answer broke off: {error or 'silence'}", sent=True) from None
        finally:
            self._give_back(connection, origin, complete=complete)

    def _give_back(self, connection: _Connection, origin: Origin, *, complete: bool) -> None:
        if complete and connection.renewed() and len(self._idle[origin]) < _IDLE_MAX:
            self._idle[origin].append(connection)
        else:
            connection.close()

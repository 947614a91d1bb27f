"""A small HTTP/1.1 client over asyncio's streams and h11: bodies stream both ways, idle connections are kept for the next request."""

from __future__ import annotations

import asyncio
import ssl
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import h11
import msgspec

from lambent.domain.errors import Unreachable

_READ_BYTES = 65_536
_IDLE_MAX = 16
Origin: TypeAlias = "tuple[str, str, int]"


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
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.http = h11.Connection(h11.CLIENT)
        self._reader = reader
        self._writer = writer

    async def send(self, event: Any) -> None:
        data = self.http.send(event)
        if data:
            self._writer.write(data)
            await self._writer.drain()

    async def next(self, timeout_s: float) -> Any:
        while True:
            event = self.http.next_event()
            if event is not h11.NEED_DATA:
                return event
            async with asyncio.timeout(timeout_s):
                self.http.receive_data(await self._reader.read(_READ_BYTES))

    @property
    def usable(self) -> bool:
        return not self._writer.is_closing() and not self._reader.at_eof()

    def close(self) -> None:
        self._writer.close()


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
        request = h11.Request(method=method, target=target, headers=list(headers.items()))
        idle = self._take(origin)
        if idle is not None and isinstance(body, bytes):
            # An idle connection may have been closed by the other side meanwhile: then nothing was answered and a new one is tried.
            with suppress(Unreachable):
                return await self._exchange(idle, origin, request, body)
        elif idle is not None:
            return await self._exchange(idle, origin, request, body)
        return await self._exchange(await self._connect(origin), origin, request, body)

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

    async def _exchange(self, connection: _Connection, origin: Origin, request: h11.Request, body: bytes | AsyncIterator[bytes]) -> Answer:
        done = False
        try:
            await connection.send(request)
            if isinstance(body, bytes):
                if body:
                    await connection.send(h11.Data(data=body))
            else:
                async for piece in body:
                    await connection.send(h11.Data(data=piece))
            await connection.send(h11.EndOfMessage())
            event = await connection.next(self._timeout_s)
            while isinstance(event, h11.InformationalResponse):
                event = await connection.next(self._timeout_s)
            if not isinstance(event, h11.Response):
                raise Unreachable(f"{origin[1]}:{origin[2]} closed the connection without an answer", sent=True)
            done = True
        except (OSError, TimeoutError, h11.ProtocolError) as error:
            raise Unreachable(f"{origin[1]}:{origin[2]}: {error or 'no answer in time'}", sent=True) from None
        finally:
            if not done:
                connection.close()
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in event.headers}
        return Answer(event.status_code, headers, self._body(connection, origin))

    async def _body(self, connection: _Connection, origin: Origin) -> AsyncIterator[bytes]:
        complete = False
        try:
            while True:
                event = await connection.next(self._timeout_s)
                if isinstance(event, h11.Data):
                    yield bytes(event.data)
                elif isinstance(event, h11.EndOfMessage):
                    complete = True
                    return
                else:
                    raise Unreachable("the answer ended early", sent=True)
        except (OSError, TimeoutError, h11.ProtocolError) as error:
            raise Unreachable(f"the answer broke off: {error or 'silence'}", sent=True) from None
        finally:
            self._give_back(connection, origin, complete=complete)

    def _give_back(self, connection: _Connection, origin: Origin, *, complete: bool) -> None:
        states = connection.http.states
        if complete and connection.usable and states[h11.CLIENT] is h11.DONE and states[h11.SERVER] is h11.DONE:
            connection.http.start_next_cycle()
            if len(self._idle[origin]) < _IDLE_MAX:
                self._idle[origin].append(connection)
                return
        connection.close()

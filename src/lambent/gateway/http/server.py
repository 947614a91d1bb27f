"""Listens, keeps count of connections, and ends those whose client idles or stalls."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from typing import Final

import msgspec

from lambent.base.clock import Clock
from lambent.gateway.http.connection import Answer, Connection

_SWEEP_S: Final = 5.0
_BACKLOG: Final = 256
GUESTS_MAX: Final = 512
"""Connections of one listener that was admitted. Whoever is behind it could open all that the server may have, and nobody else would
be served any more."""


_WAITING_MAX: Final = 100_000  # as many as come in one piece
_GUESTS_WAITING_MAX: Final = (
    32  # to take in a piece full of them would keep everybody else waiting; no SDK sends the next before the answer
)


class Timeouts(msgspec.Struct, frozen=True):
    """How long a client may take; all in seconds."""

    idle_s: float = 120.0  #: between two requests: SDKs keep connections in pools
    stall_s: float = 60.0  #: to send the next byte that is waited for, or to take what was written


class HttpServer:
    """Serves ``answer`` on listening sockets. A ``Worker``: ``run`` looks after the connections."""

    name = "connections"
    waiting_max = _WAITING_MAX

    def __init__(self, answer: Answer, clock: Clock, timeouts: Timeouts | None = None) -> None:
        self.stopping = False
        self.now = clock.monotonic  #: for connections: the monotonic time, in seconds
        self._answer = answer
        self._clock = clock
        self._timeouts = timeouts or Timeouts()
        self._connections: set[Connection] = set()
        self._servers: list[asyncio.Server] = []

    def __len__(self) -> int:
        return len(self._connections)

    async def listen(self, listeners: Sequence[socket.socket]) -> None:
        """Begin to accept."""
        loop = asyncio.get_running_loop()
        for each in listeners:
            self._servers.append(await loop.create_server(lambda: Connection(self._answer, self), sock=each, backlog=2048))

    async def admit(self, listener: socket.socket, answer: Answer) -> asyncio.Server:
        """Begin to accept on one more socket, whose requests are somebody else's to answer; closing the server is the caller's."""
        door = _Door(self)
        return await asyncio.get_running_loop().create_server(lambda: Connection(answer, door), sock=listener, backlog=_BACKLOG)

    async def run(self) -> None:
        """End connections that idle or stall, until cancelled."""
        while True:
            await self._clock.sleep(_SWEEP_S)
            self.sweep()

    def sweep(self) -> None:
        """End the connections whose time is over."""
        now = self.now()
        for each in list(self._connections):
            silent_s = now - each.heard_at
            if each.is_idle:
                if silent_s > self._timeouts.idle_s:
                    each.close()
            elif each.is_waiting and silent_s > self._timeouts.stall_s:
                each.abort()

    async def stop(self, grace_s: float) -> None:
        """Accept no more, let requests that are under way end within ``grace_s``, then close what is left."""
        self.stopping = True
        for server in self._servers:
            server.close()
        for each in list(self._connections):
            each.close()
        if self._connections:
            everyone = asyncio.ensure_future(self._all_ended())
            pause = asyncio.ensure_future(self._clock.sleep(grace_s))
            await asyncio.wait([everyone, pause], return_when=asyncio.FIRST_COMPLETED)
            everyone.cancel()
            pause.cancel()
            await asyncio.gather(everyone, pause, return_exceptions=True)
        for each in list(self._connections):
            each.abort()

    async def _all_ended(self) -> None:
        for each in list(self._connections):
            await each.ended()

    # for connections

    def opened(self, connection: Connection) -> None:
        """Note a connection."""
        self._connections.add(connection)

    def closed(self, connection: Connection) -> None:
        """Forget a connection."""
        self._connections.discard(connection)


class _Door:
    """The server, as the connections of one admitted listener see it: there are only so many of them."""

    waiting_max = _GUESTS_WAITING_MAX

    def __init__(self, server: HttpServer) -> None:
        self.now = server.now
        self._server = server
        self._guests = 0

    @property
    def stopping(self) -> bool:
        return self._server.stopping

    def opened(self, connection: Connection) -> None:
        self._guests += 1
        self._server.opened(connection)
        if self._guests > GUESTS_MAX:
            connection.abort()

    def closed(self, connection: Connection) -> None:
        self._guests -= 1
        self._server.closed(connection)

"""Connections that go on outside: accepted on a listener in an environment, continued by the server to a target, byte for byte.

Each direction is read only as fast as the other side takes it, and ends by itself: a half-closed connection stays so on the other side.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import struct
from collections.abc import Sequence
from typing import Final, cast

from lambent.adapters.sandbox.networks import Target

_BUFFER_BYTES: Final = 65_536  # that wait to be taken, in each direction
_CONNECT_S: Final = 10.0
_RESET: Final = struct.pack("ii", 1, 0)  # lingers for no time
CONNECTIONS_MAX: Final = 256  #: of one environment

_log = logging.getLogger(__name__)


class Relays:
    """One environment's ways to targets."""

    def __init__(self) -> None:
        self._servers: list[asyncio.Server] = []
        self._ends: set[_End] = set()

    async def open(self, listeners: Sequence[socket.socket], targets: Sequence[Target]) -> None:
        """Accept on listeners, each for a target."""
        loop = asyncio.get_running_loop()
        for listener, target in zip(listeners, targets, strict=True):
            listener.setblocking(False)
            self._servers.append(await loop.create_server(lambda target=target: _Inner(self, target), sock=listener))  # type: ignore[misc]

    def close(self) -> None:
        """Accept no more, and drop every connection. Safe to call twice."""
        servers, self._servers = self._servers, []
        for each in servers:
            each.close()
        for end in list(self._ends):
            end.abort()

    def opened(self, end: _End) -> bool:
        """Note a connection's end; False when there are too many."""
        self._ends.add(end)
        return len(self._ends) <= 2 * CONNECTIONS_MAX

    def closed(self, end: _End) -> None:
        """Forget one."""
        self._ends.discard(end)


class _End(asyncio.Protocol):
    """One end of a relayed connection; the other is its ``peer``."""

    def __init__(self, relays: Relays) -> None:
        self._relays = relays
        self.peer: _End | None = None
        self._transport: asyncio.Transport | None = None
        self.has_ended = False  #: nothing more comes from here

    @property
    def transport(self) -> asyncio.Transport:
        """The connection; known once it was made."""
        assert self._transport is not None
        return self._transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # of TCP; uvloop's are no instances of it
        self._transport.set_write_buffer_limits(high=_BUFFER_BYTES)
        if not self._relays.opened(self):
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        if self.peer is not None:
            self.peer.transport.write(data)

    def pause_writing(self) -> None:
        if self.peer is not None:
            self.peer.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.peer is not None and not self.peer.has_ended:
            self.peer.transport.resume_reading()

    def eof_received(self) -> bool:
        self.has_ended = True
        if self.peer is None:
            return True  # it is on its way, or has gone and takes us along
        if self.peer.has_ended:
            self.peer.transport.close()
            return False
        self.peer.transport.write_eof()
        return True

    def connection_lost(self, error: Exception | None) -> None:
        self._relays.closed(self)
        peer, self.peer = self.peer, None
        if peer is None:
            return
        peer.peer = None
        if error is None and self.has_ended:
            peer.transport.close()  # what was written to it still goes out
        else:
            peer.abort()

    def abort(self) -> None:
        """Drop the connection; whoever has the other end learns that it was no orderly end."""
        if self._transport is not None:
            sock = self._transport.get_extra_info("socket")
            if sock is not None:
                with contextlib.suppress(OSError):  # it was dropped by the other side
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self._transport.abort()


class _Inner(_End):
    """The end inside of an environment. What it sends before the target has answered is kept, and no more is read."""

    def __init__(self, relays: Relays, target: Target) -> None:
        super().__init__(relays)
        self._target = target
        self._connecting: asyncio.Task[None] | None = None
        self._early = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if not self.transport.is_closing():
            self._connecting = asyncio.create_task(self._connect())

    def connection_lost(self, error: Exception | None) -> None:
        if self._connecting is not None:
            self._connecting.cancel()
        super().connection_lost(error)

    def data_received(self, data: bytes) -> None:
        if self.peer is None:
            self._early += data
            self.transport.pause_reading()
        else:
            super().data_received(data)

    def connected(self, outer: _Outer) -> None:
        """Begin: the target has answered."""
        self.peer = outer
        if self._early:
            outer.transport.write(self._early)
            self._early = b""
        if self.has_ended:
            outer.transport.write_eof()
        else:
            self.transport.resume_reading()

    async def _connect(self) -> None:
        loop, target = asyncio.get_running_loop(), self._target
        try:
            async with asyncio.timeout(_CONNECT_S):
                await loop.create_connection(lambda: _Outer(self._relays, self), target.host, target.port)
        except (OSError, TimeoutError) as error:
            _log.warning("a function could not reach %s: %s", target, str(error) or "it does not answer")
            self.abort()


class _Outer(_End):
    """The end at the target."""

    def __init__(self, relays: Relays, inner: _Inner) -> None:
        super().__init__(relays)
        self._inner = inner

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if self._inner.transport.is_closing():
            self.transport.abort()
            return
        self.peer = self._inner
        self._inner.connected(self)

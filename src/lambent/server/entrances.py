"""The ways into the gateway from inside of environments: listeners on their loopback, accepted on here.

A request that comes in there says so (``HttpRequest.environment_key``): the gateway believes only the credentials that the environment
was started with, and those that it was given for them by AssumeRole.
"""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from lambent.base.clock import Clock
from lambent.domain.http import HttpRequest, HttpResponse
from lambent.gateway.limits import Allowance, Pace

if TYPE_CHECKING:  # the sandbox begins before they are loaded
    from lambent.gateway.app import Gateway
    from lambent.gateway.http import HttpServer

_BODIES_BYTES_MAX: Final = 100_663_296
"""What is kept of the requests of one environment at a time: the largest that there is, and half as much again."""
_REQUEST_S: Final = 0.0004
"""Between two requests of one environment, on average: so much as they take, and as much again for others. A handler sends fewer."""
_BURST: Final = 500


class Entrance:
    """One environment's entrance."""

    def __init__(self, gateway: Gateway, pace: Pace) -> None:
        self.access_key_id = ""
        self._gateway = gateway
        self._allowance = Allowance(_BODIES_BYTES_MAX)
        self._pace = pace
        self._server: asyncio.Server | None = None

    async def open(self, listener: socket.socket, front: HttpServer) -> None:
        """Accept connections."""
        self._server = await front.admit(listener, self._answer)

    def close(self) -> None:
        """Stop accepting; what is open ends with the environment, which has the other end."""
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _answer(self, request: HttpRequest) -> HttpResponse:
        await self._pace.turn()
        with self._allowance.share():
            return await self._gateway.answer(replace(request, environment_key=self.access_key_id))


class Entrances:
    """Opens entrances, once the server that they share is known. The clock is the machine's: what a pace leaves to others is its time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._front: asyncio.Future[tuple[Gateway, HttpServer]] = asyncio.get_running_loop().create_future()

    def attach(self, gateway: Gateway, front: HttpServer) -> None:
        """Say which gateway and which server there are."""
        self._front.set_result((gateway, front))

    async def open(self, listener: socket.socket) -> Entrance:
        """Accept on an environment's listener."""
        gateway, front = await asyncio.shield(self._front)
        entrance = Entrance(gateway, Pace(self._clock, pause_s=_REQUEST_S, burst=_BURST))
        await entrance.open(listener, front)
        return entrance

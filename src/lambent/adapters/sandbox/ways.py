"""The ways out of an environment: to the gateway, to targets of its networks, to the internet; and the name service that goes with them.

A room's network is made ahead (``Wiring``); what is in it for a function alone is opened when the function moves in.
"""

from __future__ import annotations

import contextlib
import logging
import socket
from collections.abc import Sequence
from typing import Final

from lambent.adapters.sandbox import doors, networks
from lambent.adapters.sandbox.helpers import Forked, Helper, HelperLost
from lambent.adapters.sandbox.house import House
from lambent.adapters.sandbox.networks import NAMES_PORT, NOWHERE, RUNTIME_API_PORT, Networks, Reach, Wiring
from lambent.adapters.sandbox.relays import Relays
from lambent.adapters.sandbox.resolver import Outside, Resolver
from lambent.adapters.sandbox.room import Room
from lambent.adapters.sandbox.uplinks import Uplink
from lambent.domain.functions import FunctionVersion

_log = logging.getLogger(__name__)
_NOTED_MAX: Final = 1000


class Ways:
    """What one room's network leads to."""

    def __init__(self, door: doors.Door, resolver: Resolver | None, endpoint: str) -> None:
        self.door = door
        self.endpoint = endpoint  #: where the gateway is, when it isn't where every other environment finds it
        self._resolver = resolver
        self._relays = Relays()

    async def open(self, reach: Reach, listeners: Sequence[socket.socket]) -> None:
        """Let the function reach its targets, for which listeners were opened inside."""
        if self._resolver is not None:
            self._resolver.names = reach.names
        await self._relays.open(listeners, [target for _, _, target in reach.openings])

    def close(self) -> None:
        """Drop everything. Safe to call twice."""
        self.door.close()
        self._relays.close()
        if self._resolver is not None:
            self._resolver.close()


class Network:
    """How this server's environments are connected: the mode, and the networks that the settings name."""

    def __init__(
        self,
        gateway_port: int,
        accept: doors.Doors,
        mode: str = networks.ISOLATED,
        named: Networks | None = None,
        uplink: Uplink | None = None,
    ) -> None:
        self.mode: Final = mode
        self._gateway_port = gateway_port
        self._accept = accept
        self.named: Final = named or Networks()
        self._uplink = uplink if mode == networks.INTERNET else None
        self._noted: set[str] = set()

    @property
    def is_shared(self) -> bool:
        """Whether environments are in the machine's network."""
        return self.mode == networks.HOST

    def describe(self) -> str:
        """Return what environments reach, in a few words."""
        if self.mode == networks.HOST:
            return "NO NETWORK WALLS: they share this machine's network"
        if self._uplink is not None:
            return f"internet through {self._uplink.name}, not this machine"
        return "network: the gateway only"

    def of(self, function: FunctionVersion) -> Reach | None:
        """Return what a function's VPC reaches and nothing else; ``None``: it is in no network that the settings name."""
        reach = self.named.of(function) if function.subnet_ids or function.security_group_ids else None
        if reach is None and function.subnet_ids and function.function_arn not in self._noted:
            if len(self._noted) >= _NOTED_MAX:
                self._noted.clear()
            self._noted.add(function.function_arn)
            _log.warning(
                "%s is in a VPC (%s) that no [networks] of the settings name: its network is that of all functions, %s",
                *(function.name, ", ".join((*function.subnet_ids, *function.security_group_ids)), self.mode),
            )
        return reach

    def wiring(self, *, custom: bool = False, reach: Reach | None = None, within: bool = False) -> Wiring:
        """Return the network of a new room. ``custom``: a custom runtime asks for events there. ``reach``: only this is to be reached;
        ``within``: the room has its function already, and is never furnished.
        """
        if self.is_shared and reach is None:
            return Wiring(ports=(0, 0) if custom else (0,), shared=True)
        link = self._uplink.link() if self._uplink is not None and reach is None else None
        ports = (self._gateway_port, RUNTIME_API_PORT) if custom else (self._gateway_port,)
        return Wiring(ports, (NAMES_PORT,), reach if reach is not None and within else NOWHERE, link)

    def is_current(self, wiring: Wiring) -> bool:
        """Return whether a room that waits is kept from all that it is to be kept from: the machine may have got an address since."""
        return wiring.link is None or self._uplink is None or wiring.link == self._uplink.link()

    async def attach(self, house: House, name: str, pid: int) -> Uplinked | None:
        """Start the helper that connects a process's network to the internet, when there is to be one. Raises ``HelperLost``."""
        if self._uplink is None:
            return None
        plumber = await house.plumber()
        request = {"do": "connect", "id": f"uplink-{name}", "argv": self._uplink.command(pid)}
        helper, _ = await plumber.fork(request, [])
        return Uplinked(helper, plumber, self._uplink.name)

    async def connect(self, room: Room, wiring: Wiring, accept: doors.Doors | None = None) -> Ways:
        """Begin to answer what a room's processes ask; ``accept`` takes the place of the gateway's way to accept."""
        listener = room.listeners[0]
        endpoint = f"http://127.0.0.1:{listener.getsockname()[1]}" if wiring.shared else ""
        resolver = None
        if room.datagrams:
            resolver = Resolver(room.datagrams[0], Outside() if wiring.link else None)
        ways = Ways(await (accept or self._accept)(listener), resolver, endpoint)
        await ways.open(wiring.reach, room.targets)
        return ways


class Uplinked:
    """A helper that connects an environment to the internet."""

    def __init__(self, helper: Forked, plumber: Helper, name: str) -> None:
        self.helper = helper
        self.name = name
        self._plumber = plumber

    async def close(self) -> None:
        """End it."""
        with contextlib.suppress(HelperLost):  # then it has ended, too
            await self._plumber.ask({"do": "end", "name": self.helper.id})
            await self.helper.ended

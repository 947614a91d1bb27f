"""The way from inside an environment to the gateway: a listener on the environment's loopback that the server accepts on."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeAlias


class Door(Protocol):
    """One environment's listener, accepted on by the gateway."""

    access_key_id: str  #: whose requests are believed, and those of sessions that it began; empty: nobody's yet

    def close(self) -> None:
        """Stop accepting and drop connections. Safe to call twice."""
        ...


Doors: TypeAlias = Callable[[socket.socket], Awaitable[Door]]
"""Starts to accept on a listener; ``lambent.server.front`` has one."""


class NoDoor:
    """A listener that nobody accepts on."""

    def __init__(self, listener: socket.socket) -> None:
        self.access_key_id = ""
        listener.close()

    def close(self) -> None:
        """Do nothing."""


async def no_doors(listener: socket.socket) -> Door:
    """Close the listener: there is no gateway."""
    return NoDoor(listener)

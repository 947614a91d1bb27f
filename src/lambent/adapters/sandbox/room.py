"""The server's end of one environment's namespaces: held by a process of ours, furnished once, gone all at once."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from lambent.adapters.sandbox.cgroups import Group
from lambent.adapters.sandbox.helpers import Forked, Helper, HelperLost, pair, receive, send
from lambent.adapters.sandbox.keeper import Ended
from lambent.adapters.sandbox.networks import Reach, Wiring

Attach: TypeAlias = Callable[[int], Awaitable["Uplinked | None"]]
"""Connects the network of a process to the internet."""
_log = logging.getLogger(__name__)
_HELD_S = 10.0  # for a holder to build its room; it takes milliseconds


class Uplinked(Protocol):
    """A helper that connects a room's network to the internet."""

    helper: Forked
    name: str

    async def close(self) -> None:
        """End it."""
        ...


class Room:
    """Namespaces with a root of their own and sockets that listen on their loopback."""

    def __init__(self, name: str, control: socket.socket) -> None:
        self.id = name
        self.pidfd = -1
        self.listeners: list[socket.socket] = []  #: on the wiring's ports
        self.datagrams: list[socket.socket] = []
        self.targets: list[socket.socket] = []  #: stand for what the function reaches
        loop = asyncio.get_running_loop()
        self.gone: asyncio.Future[None] = loop.create_future()  #: when every process in it has ended
        self.spaces: list[int] = []  #: descriptors of the namespaces, of a room within a room
        self._uplink: Uplinked | None = None
        self._lock = asyncio.Lock()
        self._control = control
        self._told: asyncio.Future[tuple[dict[str, Any] | None, list[int]]] = loop.create_future()
        loop.add_reader(control.fileno(), self._readable)

    @classmethod
    async def open(
        cls,
        warden: Helper,
        name: str,
        *,
        root: str,
        uids: tuple[int, int] | None,
        wiring: Wiring,
        attach: Attach,
        proc_options: str,
        group: Group | None,
    ) -> Room:
        """Make a room, and the control group for it. ``uids`` are the machine's numbers for root and the user inside; ``None``: there is
        only the server's own."""
        ours, theirs = pair()
        room = cls(name, ours)
        try:
            request: dict[str, Any] = {
                "do": "hold",
                "id": name,
                "root": root,
                "uids": uids,
                "network": wiring.request(),
                "proc_options": proc_options,
            }
            request["group"] = group.plan() if group is not None else None
            answer, (room.pidfd,) = await warden.ask(request, [theirs.fileno()])
            asyncio.get_running_loop().add_reader(room.pidfd, room._ended)
            theirs.close()
            if wiring.link:
                room._uplinked(await attach(answer["pid"]))
            _, fds = await room._answer("held")
            room._listening(fds[: wiring.sockets], wiring)
            if group is not None:
                group.adopt(fds[wiring.sockets :])
        except BaseException:
            theirs.close()
            await room.close()
            raise
        return room

    async def within(self, name: str, *, wiring: Wiring, attach: Attach, proc_options: str, tmp_mb: int) -> Room:
        """Make a room for a copy of the function in this one, with what this one is furnished with. Raises ``HelperLost``."""
        ours, theirs = pair()
        room = Room(name, ours)
        try:
            async with self._lock:
                order = {"network": wiring.request(), "proc_options": proc_options, "tmp_mb": tmp_mb}
                self._order({"room": order}, [theirs.fileno()])
                _, (room.pidfd,) = await self._answer("room")
            theirs.close()
            asyncio.get_running_loop().add_reader(room.pidfd, room._ended)
            if wiring.link:
                room._uplinked(await attach(_pid_of(room.pidfd)))
            answer, fds = await room._answer("held")
            room.spaces = fds[: answer["spaces"]]
            room._listening(fds[answer["spaces"] :], wiring)
        except BaseException:
            theirs.close()
            await room.close()
            raise
        return room

    def furnish(self, code: str, layers: Sequence[str], tmp_mb: int, *, reach: Reach, keeps: bool, stays: bool, pauses: bool) -> None:
        """Have put in what is the environment's own; ``wait_furnished`` comes next. Raises ``HelperLost``.

        ``reach``: what ``targets`` are the listeners of, afterwards.

        ``keeps``: the holder keeps the privileges that it needs to make rooms within this one. ``stays``: it is needed for signals; else it
        becomes a smaller program, with the function's filter for calls; if it ``pauses``, a little later.
        """
        order = {"code": code, "layers": list(layers), "tmp_mb": tmp_mb, "targets": reach.listeners}
        self._order({"furnish": order | {"keeps": keeps, "stays": stays, "pauses": pauses}})

    async def wait_furnished(self) -> None:
        """Return when everything is there; from then on the machine's files are out of reach. Raises ``HelperLost``."""
        _, fds = await self._answer("furnished")
        self.targets = [socket.socket(fileno=fd) for fd in fds]

    def signal_all(self, number: signal.Signals) -> None:
        """Signal every process in the room but its holder."""
        with contextlib.suppress(HelperLost):
            self._order({"signal": int(number)})

    def kill(self) -> None:
        """Kill everything in the room; ``gone`` tells when it is."""
        if self.pidfd >= 0 and not self.gone.done():
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)

    async def close(self) -> None:
        """Kill everything, wait until it is gone, and let go of descriptors. Safe to call twice."""
        self.kill()
        if self.pidfd >= 0:
            await asyncio.shield(self.gone)
            os.close(self.pidfd)
            self.pidfd = -1
        loop = asyncio.get_running_loop()
        if self._control.fileno() >= 0:
            loop.remove_reader(self._control.fileno())
            self._control.close()
        for each in (*self.listeners, *self.datagrams, *self.targets):
            each.close()
        uplink, self._uplink = self._uplink, None
        if uplink is not None:
            await uplink.close()
        spaces, self.spaces = self.spaces, []
        for fd in spaces:
            os.close(fd)

    def _listening(self, fds: Sequence[int], wiring: Wiring) -> None:
        sockets = [socket.socket(fileno=fd) for fd in fds]
        for each in sockets:
            each.setblocking(False)
        tcp, datagrams = len(wiring.ports), len(wiring.datagrams)
        self.listeners, self.datagrams, self.targets = sockets[:tcp], sockets[tcp : tcp + datagrams], sockets[tcp + datagrams :]

    def _uplinked(self, uplink: Uplinked | None) -> None:
        """Note the helper; without it the room can't be what it was made for."""
        self._uplink = uplink
        if uplink is not None:
            uplink.helper.ended.add_done_callback(self._unplugged)

    def _unplugged(self, ended: asyncio.Future[Ended]) -> None:
        if self._uplink is None or self.gone.done():
            return
        why = f"{self._uplink.name} has ended: {ended.result().not_started.strip() or ended.result().status}"
        if not self._told.done():
            self._told.set_result(({"failed": why}, []))
        _log.warning("an environment lost its way to the internet: %s", why)
        self.kill()

    def _order(self, order: dict[str, Any], fds: Sequence[int] = ()) -> None:
        self._told = asyncio.get_running_loop().create_future()
        try:
            send(self._control, order, fds)
        except OSError as error:
            raise HelperLost(f"the environment's holder has ended: {error}") from error

    async def _answer(self, what: str) -> tuple[dict[str, Any], list[int]]:
        async with asyncio.timeout(_HELD_S):
            message, fds = await self._told
        if message is None or what not in message:
            why = "it ended" if message is None else message.get("failed", message)
            raise HelperLost(f"an environment could not be set up: {why}")
        return message, fds

    def _readable(self) -> None:
        with contextlib.suppress(BlockingIOError):
            message, fds = receive(self._control)
            if not self._told.done():
                self._told.set_result((message, fds))
            if message is None:
                asyncio.get_running_loop().remove_reader(self._control.fileno())

    def _ended(self) -> None:
        asyncio.get_running_loop().remove_reader(self.pidfd)
        if not self.gone.done():
            self.gone.set_result(None)


def _pid_of(pidfd: int) -> int:
    """Return whose descriptor it is, by the machine's numbers."""
    lines = Path(f"/proc/self/fdinfo/{pidfd}").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pid:"))

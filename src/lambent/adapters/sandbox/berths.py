"""Berths: rooms with what belongs to them, made ahead of the functions that come, so that a cold start needs no more than to move in.

``stock`` says how many wait.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from lambent.adapters.sandbox import doors, roots, starts
from lambent.adapters.sandbox.cgroups import Group
from lambent.adapters.sandbox.channels import FrameChannel
from lambent.adapters.sandbox.confined import Berth, fork
from lambent.adapters.sandbox.helpers import Helper, HelperLost, pair_with_senders
from lambent.adapters.sandbox.house import House
from lambent.adapters.sandbox.networks import ISOLATED, Reach, Wiring
from lambent.adapters.sandbox.output import OutputParser, OutputPipe
from lambent.adapters.sandbox.room import Room
from lambent.adapters.sandbox.rounds import Rounds
from lambent.adapters.sandbox.runtimes import Interpreter
from lambent.adapters.sandbox.stock import READY, READY_MAX, Stock, Traffic
from lambent.adapters.sandbox.ways import Network
from lambent.base.clock import Clock

PAUSE_S: Final = 0.05
CALM_S: Final = 0.01
NODES: Final = 2  # a Node that waits has five times the memory of a copy of a template
NODES_MAX: Final = 4
ROOMS: Final = 2  # for custom runtimes
UIDS_FROM: Final = 0x70000000  # of the machine's user ids: above what distributions give to users and containers
UIDS: Final = 0x100000
_PROC_OPTIONS: Final = "hidepid=2"


class Berths:
    """Makes berths, and keeps some ready."""

    def __init__(self, house: House, clock: Clock, network: Network) -> None:
        self._house = house
        self._clock = clock
        self._network = network
        self._numbers = itertools.count(1)
        self._uids = itertools.cycle(range(UIDS_FROM, UIDS_FROM + UIDS, 2))
        self._traffic = Traffic(clock)
        self._rounds = Rounds(clock)
        self._stocks: dict[str, Stock[Berth]] = {}
        self._making = 0
        self._made_at = 0.0
        # One at a time, however many end at once: a start must not wait for a thread.
        self._remover = ThreadPoolExecutor(1, "groups")

    def is_calm(self) -> bool:
        """Return whether no berth is being made, or was just now: then its process may still be joining its group."""
        return not self._making and self._clock.monotonic() - self._made_at > CALM_S

    async def take(self, interpreter: Interpreter | None, reach: Reach | None = None, *, waits: bool = True) -> Berth:
        """Return a berth for a function of an interpreter (``None``: a custom runtime). Raises ``HelperLost`` or ``OSError``.

        ``waits``: a process of the interpreter's waits in it; else one is to be executed. ``settled`` is to be called when the function has
        started, or hasn't. ``reach``: what it is to reach, and nothing else; berths that were made ahead will do where all are as closed.
        """
        over = self._traffic.begins()
        try:
            ahead = reach is None or self._network.mode == ISOLATED
            berth = await (self._stock(interpreter, waits=waits).take() if ahead else self.make(interpreter, reach=reach, waits=waits))
        except BaseException:
            over()
            raise
        berth.settled = over
        return berth

    def keep_ready(self, interpreter: Interpreter) -> None:
        """See to it that berths wait for an interpreter's functions. Returns at once."""
        self._stock(interpreter, waits=True).tend()

    async def make(
        self,
        interpreter: Interpreter | None,
        accept: doors.Doors | None = None,
        *,
        snapshot: bool = False,
        reach: Reach | None = None,
        waits: bool = True,
        rehearses: bool = False,
    ) -> Berth:
        """Return a new berth; if it ``waits``, with a process of the interpreter's. A Python's can become a ``snapshot``.

        ``rehearses``: a Python's goes through a start before it waits, which makes the real one shorter and this longer.
        """
        self._making += 1
        try:
            return await self._make(interpreter, accept, snapshot=snapshot, reach=reach, waits=waits, rehearses=rehearses)
        finally:
            self._making -= 1
            self._made_at = self._clock.monotonic()

    async def _make(
        self,
        interpreter: Interpreter | None,
        accept: doors.Doors | None,
        *,
        snapshot: bool,
        reach: Reach | None,
        waits: bool,
        rehearses: bool,
    ) -> Berth:
        house = self._house
        wiring = self._network.wiring(custom=interpreter is None, reach=reach)
        root = await house.root(interpreter, shared=wiring.shared)
        forks = interpreter is not None and not interpreter.is_node and waits
        cradle = await house.template(interpreter) if forks and interpreter is not None else await house.cradle()
        first = next(self._uids)
        name = f"room-{next(self._numbers)}"
        group = Group(house.hierarchies, name) if house.hierarchies.all else None
        try:
            room = await Room.open(
                house.warden(),
                name,
                root=root.name,
                uids=(first, first + 1) if house.is_root else None,
                wiring=wiring,
                attach=lambda pid: self._network.attach(house, name, pid),
                proc_options=_PROC_OPTIONS,
                group=group,
            )
        except BaseException:
            if group is not None:
                await asyncio.to_thread(group.remove)
            raise
        berth = await self._berth(room, wiring, group, cradle, accept)
        try:
            if interpreter is not None and waits:
                berth.channel, theirs = await FrameChannel.open()
                with theirs, contextlib.ExitStack() as stack:
                    control = stack.enter_context(self._controlled(berth)) if snapshot else None
                    berth.child = await fork(berth, theirs, {"rehearses": rehearses} if forks else starts.waiting(interpreter), control)
                berth.pipe.started()
        except BaseException:
            await berth.close()
            raise
        return berth

    async def within(self, snapshot: Berth, tmp_mb: int, reach: Reach | None) -> Berth:
        """Return a berth for a copy of a snapshot. Raises ``HelperLost``."""
        assert snapshot.control is not None
        name = f"room-{next(self._numbers)}"
        wiring = self._network.wiring(reach=reach, within=True)
        room = await snapshot.room.within(
            name,
            wiring=wiring,
            attach=lambda pid: self._network.attach(self._house, name, pid),
            proc_options=_PROC_OPTIONS,
            tmp_mb=tmp_mb,
        )
        berth = await self._berth(room, wiring, None, snapshot.control)
        try:
            if self._house.hierarchies.all:
                berth.group = await asyncio.to_thread(Group.make, self._house.hierarchies, name)
                berth.group.settled()  # a copy is moved
        except BaseException:
            await berth.close()
            raise
        return berth

    async def _berth(self, room: Room, wiring: Wiring, group: Group | None, cradle: Helper, accept: doors.Doors | None = None) -> Berth:
        """Connect a room with the server."""
        pipe = OutputPipe(OutputParser(_nobody, self._clock))
        try:
            ways = await self._network.connect(room, wiring, accept)
        except BaseException:
            pipe.close()
            await room.close()
            if group is not None:
                await asyncio.to_thread(group.remove)
            raise
        berth = Berth(room, pipe, ways, group, cradle, self._rounds, is_calm=self.is_calm, shared=wiring.shared)
        berth.remover = self._remover
        berth.is_current = lambda: self._network.is_current(wiring)
        return berth

    def _controlled(self, berth: Berth) -> socket.socket:
        ours, theirs = pair_with_senders()
        berth.control = Helper(ours, is_foreign=True)
        return theirs

    async def close(self) -> None:
        """Let go of the berths that wait."""
        await asyncio.gather(*(each.close() for each in self._stocks.values()))

    def _stock(self, interpreter: Interpreter | None, *, waits: bool) -> Stock[Berth]:
        name = roots.root_for(interpreter).name + ("" if waits else ", executed")
        stock = self._stocks.get(name)
        if stock is None:
            if interpreter is None:
                least, most = ROOMS, READY
            elif not waits:
                least = most = 0
            else:
                least, most = (NODES, NODES_MAX) if interpreter.is_node else (READY, READY_MAX)
            stock = Stock(
                name, lambda ahead: self.make(interpreter, waits=waits, rehearses=ahead), self._traffic, self._clock, least=least, most=most
            )
            self._stocks[name] = stock
        return stock


class Spare:
    """One berth that is made before it is needed, for the next copy of a snapshot."""

    def __init__(self, make: Callable[[], Awaitable[Berth]]) -> None:
        self._make = make
        self._task: asyncio.Future[Berth] | None = None
        self._is_closed = False

    def refill(self) -> None:
        """Begin to make one, unless one is there. Returns at once."""
        if self._task is None and not self._is_closed:
            self._task = asyncio.ensure_future(self._make())

    async def take(self) -> Berth:
        """Return the one that was made, or a new one. Raises ``HelperLost`` or ``OSError``."""
        task, self._task = self._task, None
        if task is not None:
            with contextlib.suppress(HelperLost, OSError):  # then it is tried again, and told
                berth = await task
                if berth.is_sound:
                    return berth
                await berth.close()
        return await self._make()

    async def close(self) -> None:
        """Let go of the one that waits."""
        self._is_closed = True
        task, self._task = self._task, None
        if task is not None:
            with contextlib.suppress(HelperLost, OSError):
                await (await task).close()


def _nobody(data: bytes, framed: bool) -> None:
    """Take the output of an environment that nobody has moved into."""

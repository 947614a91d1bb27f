"""The ``namespaces`` driver's environments: a room, and the process in it that runs the function."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from lambent.adapters.sandbox.bodies import resident_peak_mb
from lambent.adapters.sandbox.cgroups import Group
from lambent.adapters.sandbox.channels import Channel, FrameChannel, RuntimeApiFactory
from lambent.adapters.sandbox.environment import SandboxedEnvironment
from lambent.adapters.sandbox.governor import Governor
from lambent.adapters.sandbox.helpers import Forked, Helper, HelperLost
from lambent.adapters.sandbox.keeper import Ended
from lambent.adapters.sandbox.networks import NOWHERE, Reach
from lambent.adapters.sandbox.output import OutputPipe
from lambent.adapters.sandbox.room import Room
from lambent.adapters.sandbox.rounds import Rounds
from lambent.adapters.sandbox.ways import Ways
from lambent.domain.environments import Launch
from lambent.domain.talk import Report

_FORKED_S = 30.0  # for a snapshot to fork; it takes milliseconds, but there may be many at once
_TOLD_S = 1.0  # for it to say how a copy ended that is gone


class Berth(msgspec.Struct):
    """A room with what belongs to it, before it is known which function comes."""

    room: Room
    pipe: OutputPipe
    ways: Ways
    group: Group | None
    cradle: Helper  #: what forks processes into the room
    rounds: Rounds  #: of all environments: when they are looked after
    control: Helper | None = None  #: of a snapshot: asks it to fork
    child: Forked | None = None  #: one that waits in the room to be told which function it is
    channel: FrameChannel | None = None
    is_calm: Callable[[], bool] = lambda: True  #: whether no other one is being made
    settled: Callable[[], None] = lambda: None  #: to be called when a function has started in it and been invoked, or hasn't
    shared: bool = False  #: it is in the machine's network
    remover: Executor | None = None  #: where groups are removed; ``None``: where everything is that blocks
    is_current: Callable[[], bool] = lambda: True  #: whether its network is still as one that is made now

    @property
    def is_sound(self) -> bool:
        """Whether what was made is all still there, and as it should be."""
        return self.is_current() and not self.room.gone.done() and (self.child is None or not self.child.ended.done())

    async def close(self) -> None:
        """Let go of everything. Safe to call twice."""
        self.settled()
        self.ways.close()
        if self.control is not None:
            self.control.close()
        await self.room.close()
        if self.group is not None:
            await asyncio.get_running_loop().run_in_executor(self.remover, self.group.remove)
        self.pipe.close()
        if self.channel is not None:
            await self.channel.close()


class Program(msgspec.Struct, frozen=True):
    """What a process in a room becomes: a function of a template's runtime, or a program of its own."""

    variables: Mapping[str, str]
    becomes: Mapping[str, object]  #: for a copy of a template: what else it needs to know; it takes that on while its room is furnished
    argv: tuple[str, ...] = ()  #: for a program
    runtime_api: RuntimeApiFactory | None = None  #: when the program speaks HTTP; frames otherwise
    reach: Reach = NOWHERE  #: what it reaches by its network, beyond the gateway


class ConfinedBody:
    """An environment's processes in a room of their own."""

    ended: asyncio.Future[Ended]
    wake: Callable[[], None]
    rest: Callable[[], None]

    def __init__(self, berth: Berth, launch: Launch, program: Program, seen: Callable[[Path], str]) -> None:
        self._berth = berth
        self._out_of_memory = False
        self._governor = Governor(
            berth.group,
            launch.function.memory_mb,
            berth.rounds,
            stop=lambda: self._signal(signal.SIGSTOP),
            go=lambda: self._signal(signal.SIGCONT),
            exceeded=self._exceeded,
            is_calm=berth.is_calm,
            by_group=berth.control is None,
        )
        self.wake = self._governor.busy
        self.rest = self._initialised
        self.drain = berth.pipe.drain
        self._launch = launch
        self._program = program
        self._seen = seen

    async def start(self, report: Report) -> Channel:
        """Furnish the room, and let the process in it be the function's."""
        berth, launch = self._berth, self._launch
        berth.pipe.parser.sink = launch.output
        berth.ways.door.access_key_id = launch.variables.get("AWS_ACCESS_KEY_ID", "")
        if berth.group is not None:
            berth.group.limit(launch.function.memory_mb, launch.function.ephemeral_storage_mb)
        layers = [self._seen(each) for each in launch.layers]
        keeps = berth.control is not None
        stays = berth.group is None or not berth.group.can_freeze
        place = (self._seen(launch.code), layers, launch.function.ephemeral_storage_mb)
        reach, early = self._program.reach, berth.channel if self._program.becomes else None
        berth.room.furnish(*place, reach=reach, keeps=keeps, stays=stays, pauses=berth.is_calm())
        if early is not None:
            self._become(early, report)
        await berth.room.wait_furnished()
        if reach.openings:
            await berth.ways.open(reach, berth.room.targets)
        if berth.child is None:
            return await self._execute(report)
        assert berth.channel is not None
        self.ended = berth.child.ended
        self._governor.pid = berth.child.pid
        self._governor.busy()
        if early is not None:
            early.go()
        else:
            self._become(berth.channel, report)
        return berth.channel

    def _become(self, channel: FrameChannel, report: Report) -> None:
        channel.report = report
        channel.become({"env": dict(self._program.variables), **self._program.becomes})

    async def _execute(self, report: Report) -> Channel:
        berth, program = self._berth, self._program
        variables = dict(program.variables)
        theirs = None
        channel: Channel
        if program.runtime_api is not None:
            api = await program.runtime_api(report, berth.room.listeners[-1])
            variables["AWS_LAMBDA_RUNTIME_API"] = api.address
            channel = api
        else:
            channel, theirs = await FrameChannel.open(report)
        try:
            berth.child = await fork(berth, theirs, {"argv": program.argv, "env": variables})
        finally:
            berth.pipe.started()
            if theirs is not None:
                theirs.close()
        self.ended = berth.child.ended
        self._governor.pid = berth.child.pid
        self._governor.busy()
        return channel

    def peak_mb(self) -> int:
        """Return the largest resident size of the runtime's process so far, in MB; most runtimes say it themselves, with each result."""
        child = self._berth.child
        return resident_peak_mb(child.pid) if child is not None and child.pid and not child.ended.done() else 0

    async def kill(self) -> Ended:
        """Kill everything in the room."""
        self._governor.close()
        self._berth.room.kill()
        await asyncio.shield(self._berth.room.gone)
        if self._berth.child is None:
            return Ended(0)
        ended = await self._end(self._berth.child)
        group = self._berth.group
        killed = ended.status == -signal.SIGKILL and group is not None and group.was_killed()
        return replace(ended, out_of_memory=self._out_of_memory or killed)

    async def _end(self, child: Forked) -> Ended:
        """Return how a process ended that is gone."""
        return await asyncio.shield(child.ended)

    async def remove(self) -> None:
        """Let go of the room."""
        await self._berth.close()

    def _initialised(self) -> None:
        """Rest for the first time. It is frozen, if no invocation follows at once; mostly one does, and the start isn't over before."""
        self.rest = self._settle
        self._governor.idle()

    def _settle(self) -> None:
        """Rest after the first invocation."""
        self._berth.settled()
        self.rest = self._governor.idle
        self.rest()

    def _signal(self, number: signal.Signals) -> None:
        """Stop or continue the environment, where no group does; of a snapshot only its own process: its copies must go on."""
        berth = self._berth
        if berth.control is None:
            berth.room.signal_all(number)
        elif berth.child is not None and not berth.child.ended.done():
            with contextlib.suppress(ProcessLookupError):
                os.kill(berth.child.pid, number)

    def _exceeded(self) -> None:
        self._out_of_memory = True
        self._berth.room.kill()


class RestoredBody(ConfinedBody):
    """An environment that is a copy of a snapshot (``source``), in a room within the snapshot's; ``gone`` is told when it has ended."""

    def __init__(
        self,
        berth: Berth,
        launch: Launch,
        program: Program,
        seen: Callable[[Path], str],
        *,
        source: SandboxedEnvironment,
        gone: Callable[[str], Awaitable[None]],
    ) -> None:
        super().__init__(berth, launch, program, seen)
        self._source = source
        self._gone = gone
        self._moving: asyncio.Task[None] | None = None

    async def start(self, report: Report) -> Channel:
        """Fork the snapshot, and give the copy its own."""
        berth, launch = self._berth, self._launch
        berth.pipe.parser.sink = launch.output
        berth.ways.door.access_key_id = launch.variables.get("AWS_ACCESS_KEY_ID", "")
        channel, theirs = await FrameChannel.open(report)
        with theirs:
            request = {"do": "fork", "id": berth.room.id}
            self._source.wake()
            try:
                async with asyncio.timeout(_FORKED_S):
                    berth.child, _ = await berth.cradle.fork(request, [*berth.room.spaces, berth.pipe.write, theirs.fileno()])
            except TimeoutError:
                await channel.close()
                raise HelperLost("the snapshot doesn't answer") from None
            finally:
                self._source.rest()
        berth.pipe.started()
        berth.channel = channel
        self.ended = berth.child.ended
        self._governor.pid = berth.child.pid
        self._governor.busy()
        channel.become({"env": dict(self._program.variables)})
        if berth.group is not None:
            berth.group.limit(launch.function.memory_mb, launch.function.ephemeral_storage_mb)
            self._moving = asyncio.create_task(asyncio.to_thread(berth.group.take, berth.child.pid))  # takes longer than the restore
        return channel

    async def _end(self, child: Forked) -> Ended:
        """Return what the snapshot says of the end. That is the function's code, and may say nothing."""
        try:
            async with asyncio.timeout(_TOLD_S):
                return await super()._end(child)
        except TimeoutError:
            return Ended(-signal.SIGKILL)

    async def remove(self) -> None:
        """Let go of the room, and tell the snapshot."""
        if self._moving is not None:
            await self._moving
        await super().remove()
        await self._gone(self._launch.environment_id)


async def fork(berth: Berth, frames: socket.socket | None, more: dict[str, Any], control: socket.socket | None = None) -> Forked:
    """Have a process forked into a berth's room and group."""
    group = berth.group
    fds = [berth.room.pidfd, berth.pipe.write]
    if frames is not None:
        fds.append(frames.fileno())
    if control is not None:
        fds.append(control.fileno())
    if group is not None:
        fds += [each for each in (group.born, *group.joins) if each >= 0]
    born = group is not None and group.born >= 0
    snapshot = control is not None
    request = {"do": "fork", "id": berth.room.id, "frames": frames is not None, "born": born, "snapshot": snapshot}
    child, _ = await berth.cradle.fork({**request, "shared": berth.shared, **more}, fds)
    if group is not None:
        group.settled()
    return child

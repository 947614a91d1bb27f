"""The ``process`` driver's environments: a process tree below the keeper, with an output pipe and a temporary folder."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import msgspec

from lambent.adapters.sandbox.channels import Channel, FrameChannel, RuntimeApiFactory
from lambent.adapters.sandbox.keeper import Child, Ended, Keeper, remove
from lambent.adapters.sandbox.output import OutputParser, OutputPipe
from lambent.base.clock import Clock
from lambent.domain.environments import OutputSink
from lambent.domain.talk import Report


class Command(msgspec.Struct, frozen=True):
    """How to start an environment's first process."""

    argv: tuple[str, ...]
    variables: Mapping[str, str]
    folder: Path  #: the working directory: the function's code
    limits: Mapping[str, int]
    tmp: Path  #: the environment's own temporary folder
    output: OutputSink
    runtime_api: RuntimeApiFactory | None  #: when the runtime speaks HTTP; frames otherwise


class ProcessBody:
    """A process tree of the keeper's."""

    ended: asyncio.Future[Ended]

    def __init__(self, name: str, command: Command, keeper: Keeper, clock: Clock) -> None:
        self._id = name
        self._command = command
        self._keeper = keeper
        self._clock = clock
        self._pipe: OutputPipe | None = None
        self._child: Child | None = None

    async def start(self, report: Report) -> Channel:
        """Start the runtime."""
        command = self._command
        self._pipe = OutputPipe(OutputParser(command.output, self._clock))
        variables = dict(command.variables)
        fds = [self._pipe.write]
        theirs = None
        channel: Channel
        if command.runtime_api is None:
            channel, theirs = await FrameChannel.open(report)
            fds.append(theirs.fileno())
        else:
            api = await command.runtime_api(report, None)
            variables["AWS_LAMBDA_RUNTIME_API"] = api.address
            channel = api
        self._child = self._keeper.start(self._id, argv=command.argv, env=variables, cwd=command.folder, limits=command.limits, fds=fds)
        self.ended = self._child.ended
        self._pipe.started()
        if theirs is not None:
            theirs.close()
        return channel

    def drain(self, *, is_read: bool = False) -> bool:
        """Give the output what was written up to now; return whether there is more."""
        return self._pipe is not None and self._pipe.drain(is_read=is_read)

    def peak_mb(self) -> int:
        """Return the largest resident size of the runtime's process so far, in MB; 0 when the machine doesn't say."""
        if self._child is None or not self._child.pid or self._child.ended.done():
            return 0
        return resident_peak_mb(self._child.pid)

    async def kill(self) -> Ended:
        """Kill the tree."""
        if self._child is None:
            return Ended(0)
        if not self._child.ended.done():
            self._keeper.kill(self._id)
        return await asyncio.shield(self._child.ended)

    async def remove(self) -> None:
        """Close the pipe and remove the temporary folder."""
        if self._pipe is not None:
            self._pipe.close()
        await asyncio.to_thread(remove, self._command.tmp.parent)  # nothing but this environment is there

    def rest(self) -> None:
        """Do nothing: this driver doesn't freeze."""

    def wake(self) -> None:
        """Do nothing."""


def resident_peak_mb(pid: int) -> int:
    """Return the largest resident size of a process so far, in MB; 0 when the machine doesn't say."""
    try:
        status = Path(f"/proc/{pid}/status").read_bytes()
    except OSError:
        return 0
    _, found, rest = status.partition(b"VmHWM:")
    return int(rest.split(None, 1)[0]) // 1024 if found else 0

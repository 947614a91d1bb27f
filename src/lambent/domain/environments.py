"""The port between the pool, which decides, and the sandbox drivers, which run processes.

An *environment* is a sandboxed process tree that serves one version of one function, one invocation at a time. A driver starts it,
hands it events, and says what came of them; it decides nothing about reuse, retries or limits of concurrency.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from enum import Enum
from pathlib import Path
from typing import Protocol, TypeAlias

import msgspec

from lambent.domain.functions import FunctionVersion
from lambent.domain.invocations import Invocation


class Ending(Enum):
    """Why an initialisation or an invocation ended as it did."""

    SUCCESS = "success"
    ERROR = "error"  #: the runtime reported an error (a handler's exception); the environment stays usable
    EXIT = "exit"  #: the process exited by itself, or was killed by the kernel; the environment is gone
    TIMEOUT = "timeout"  #: the deadline passed; the driver has killed the whole process tree


class Outcome(msgspec.Struct, frozen=True):
    """What an environment made of an init or an event."""

    ending: Ending
    payload: bytes | AsyncIterator[bytes] = b""  #: the response, or the error document that the runtime reported
    content_type: str = "application/json"
    error_type: str = ""  #: ``Runtime.ImportModuleError``, ``Runtime.ExitError`` …; empty on success
    exit_status: int | None = None  #: with ``EXIT``: as ``subprocess`` gives it, negative for a signal
    out_of_memory: bool = False
    memory_peak_mb: int = 0


OutputSink: TypeAlias = Callable[[bytes, bool], None]
"""Takes what an environment writes. ``(data, framed)``: one whole line or record, without its newline; ``framed`` says that the
runtime marked it as one record (it may hold newlines). Never blocks. Called before the ``Outcome`` is given for whatever was written
before it."""


class Launch(msgspec.Struct, frozen=True):
    """What an environment is made of."""

    environment_id: str
    function: FunctionVersion
    code: Path  #: the unpacked function, seen as ``/var/task``
    layers: tuple[Path, ...]  #: unpacked, in order, seen together as ``/opt``
    variables: Mapping[str, str]  #: the whole environment of the process: Lambda's documented variables and the function's own
    output: OutputSink


class Environment(Protocol):
    """A started environment."""

    id: str

    async def initialise(self, timeout_s: float) -> Outcome:
        """Start the runtime and import the function. Called once."""
        ...

    async def invoke(self, invocation: Invocation, timeout_s: float, trace_header: str) -> Outcome:
        """Hand over an event and wait for its end; one at a time. After ``EXIT`` and ``TIMEOUT`` the environment is gone.

        ``trace_header`` is what the function is given: the invocation's own, gone on.
        """
        ...

    async def stop(self) -> None:
        """Kill the process tree, remove what it left (its ``/tmp``). Safe to call twice; returns when it is all gone."""
        ...


class Snapshot(Protocol):
    """An initialised function version, frozen, from which environments are forked (SnapStart)."""

    id: str
    outcome: Outcome
    """What came of the initialisation and of the hooks that run before a snapshot. Unless it is ``SUCCESS``, the snapshot can't be
    launched from; close it."""

    async def launch(self, launch: Launch) -> Environment:
        """Prepare an environment of the snapshot's function version.

        Its ``initialise`` is the restore: it forks the snapshot, gives it ``launch.variables`` (credentials, log stream), fresh
        randomness and the hooks that run after a restore, within ``timeout_s`` (AWS: 10 s). A hook that fails gives ``ERROR`` with
        ``Runtime.AfterRestoreError``. Raises ``AwsError`` when the snapshot's process was lost: take a new snapshot then.
        """
        ...

    async def close(self) -> None:
        """Let go of the snapshot; environments that came from it live on. Safe to call twice."""
        ...


class RuntimeStatus(msgspec.Struct, frozen=True):
    """Whether a runtime can be served on this machine."""

    runtime: str  #: AWS's identifier
    available: bool
    interpreter: str = ""  #: path and version of what serves it
    remedy: str = ""  #: when it isn't available: what to install
    retired: bool = False  #: AWS no longer offers it
    served_by: str = ""  #: another runtime's identifier, when the setting ``runtimes = "nearest"`` lets it serve

    @property
    def caveat(self) -> str:
        """What to say of a runtime that another one serves; empty for others."""
        if not self.served_by:
            return ""
        return f'{self.runtime} is not installed on this machine: {self.served_by} serves it, as the setting runtimes = "nearest" allows.'


class Sandbox(Protocol):
    """A driver: how environments are isolated on this machine."""

    name: str  #: ``process``, ``namespaces`` …

    def runtimes(self) -> list[RuntimeStatus]:
        """Return every runtime identifier that AWS documents, with what this machine has for it."""
        ...

    async def launch(self, launch: Launch) -> Environment:
        """Prepare an environment; its process may start now or at ``initialise``. Raises ``AwsError`` when the runtime isn't available."""
        ...

    def prepare(self, runtime: str) -> None:
        """Note that environments of a runtime will be wanted, so that its template can start meanwhile. Returns at once."""
        ...

    async def snapshot(self, launch: Launch, timeout_s: float) -> Snapshot:
        """Initialise a function once and keep its process, frozen, to fork environments from.

        ``launch`` is as for an environment, with ``AWS_LAMBDA_INITIALIZATION_TYPE`` set to ``snap-start``. Raises ``AwsError`` when
        the runtime isn't available. A driver that can't fork may give a snapshot that initialises each environment anew.
        """
        ...

    async def close(self) -> None:
        """Stop every environment, snapshot and template."""
        ...

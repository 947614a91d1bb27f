"""The server's end of the keeper, the process that is the parent of every environment's process (``guest/keeper.py`` says why)."""

from __future__ import annotations

import array
import asyncio
import contextlib
import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

_SCRIPT = Path(__file__).with_name("guest") / "keeper.py"
_MESSAGE_BYTES_MAX = 1 << 20
_BUFFER_BYTES = 1 << 20


class Ended(msgspec.Struct, frozen=True):
    """How an environment's first process ended; the rest of its tree is gone, too."""

    status: int  #: as ``subprocess`` gives it, negative for a signal
    peak_mb: int = 0
    out_of_memory: bool = False
    not_started: str = ""  #: why it could not be executed at all


class Child(msgspec.Struct):
    """An environment's first process."""

    id: str
    pid: int = 0  #: 0 until it runs
    ended: asyncio.Future[Ended] = msgspec.field(default_factory=lambda: asyncio.get_running_loop().create_future())
    failed: str = ""


class Keeper:
    """Starts and kills the processes of environments. Starts its own process at the first need, and again when it was lost."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder  #: removed by the keeper when the server is gone
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._children: dict[str, Child] = {}

    def start(
        self, name: str, *, argv: Sequence[str], env: Mapping[str, str], cwd: Path, limits: Mapping[str, int], fds: Sequence[int]
    ) -> Child:
        """Start a process whose output goes to ``fds[0]`` and whose descriptor 3 is ``fds[1]``, when given."""
        child = Child(name)
        self._children[name] = child
        request = {"do": "start", "id": name, "argv": list(argv), "env": dict(env), "cwd": str(cwd), "limits": dict(limits)}
        self._send(request, fds)
        return child

    def kill(self, name: str) -> None:
        """Kill an environment's whole process tree; ``Child.ended`` tells when it is gone."""
        if name in self._children and self._socket is not None:
            self._send({"do": "kill", "id": name}, ())

    async def close(self) -> None:
        """Kill everything and end the keeper."""
        if self._process is None:
            return
        process, self._process = self._process, None
        self._lost()  # its socket's end tells the keeper to kill everything and leave
        await asyncio.to_thread(process.wait)

    def _send(self, request: dict[str, Any], fds: Sequence[int]) -> None:
        if self._socket is None:
            self._begin()
        assert self._socket is not None
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        try:
            self._socket.sendmsg([json.dumps(request).encode()], rights)
        except ConnectionError:
            self._lost()

    def _begin(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for each in (ours, theirs):
            each.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER_BYTES)
        with theirs:
            argv = [sys.executable, "-I", "-S", str(_SCRIPT), str(theirs.fileno()), str(self._folder)]
            self._process = subprocess.Popen(  # noqa: S603 - our own script
                argv, stdin=subprocess.DEVNULL, env={}, cwd="/", pass_fds=(theirs.fileno(),), start_new_session=True
            )
        self._socket = ours
        asyncio.get_running_loop().add_reader(ours.fileno(), self._readable)

    def _readable(self) -> None:
        while self._socket is not None:
            try:
                data = self._socket.recv(_MESSAGE_BYTES_MAX, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            except ConnectionError:
                data = b""
            if not data:
                self._lost()
                return
            self._told(json.loads(data))

    def _told(self, message: dict[str, Any]) -> None:
        child = self._children.get(message["id"])
        if child is None:
            return
        if "pid" in message:
            child.pid = message["pid"]
        elif "failed" in message:
            child.failed = message["failed"]
        elif "exited" in message:
            del self._children[child.id]
            if not child.ended.done():
                child.ended.set_result(Ended(message["exited"], message["peak_kb"] // 1024, not_started=child.failed))

    def _lost(self) -> None:
        """The keeper is gone, and the kernel has killed its children with it."""
        if self._socket is not None:
            with contextlib.suppress(RuntimeError):
                asyncio.get_running_loop().remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        children, self._children = self._children, {}
        for child in children.values():
            if not child.ended.done():
                child.ended.set_result(Ended(-9))


def remove(folder: Path) -> None:
    """Remove a folder and what is in it, whatever its modes; nothing happens when it isn't there."""

    def unlock(function: Any, path: str, _error: Any) -> None:
        with contextlib.suppress(OSError):
            Path(path).parent.chmod(0o700)
            function(path)

    shutil.rmtree(folder, onerror=unlock)

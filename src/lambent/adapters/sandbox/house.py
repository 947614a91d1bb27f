"""The helper processes of one server: the warden, the roots that it assembled, the templates, and the cradle that executes programs.

Each is started at the first need, and again when it was lost.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import platform
import socket
import subprocess
import sys
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, Final

from lambent.adapters.sandbox import cgroups, layout, roots, seccomp
from lambent.adapters.sandbox.helpers import Helper, HelperLost, pair
from lambent.adapters.sandbox.keeper import remove
from lambent.adapters.sandbox.roots import Root
from lambent.adapters.sandbox.runtimes import Interpreter

_WARDEN: Final = layout.GUEST / "warden.py"
_LIMITS: Final = {
    "RLIMIT_CORE": 0,
    "RLIMIT_NOFILE": 1024,
    "RLIMIT_NPROC": 1024,
    "RLIMIT_SIGPENDING": 1024,  # signals and timers, of which a user has so many on the whole machine
    "RLIMIT_RTPRIO": 0,
    "RLIMIT_NICE": 0,
}


class House:
    """Everything that environments are made with.

    ``directory`` is for this server alone; ``shared`` are the folders that code lies in.
    """

    def __init__(self, directory: Path, shared: Sequence[Path]) -> None:
        self.is_root: Final = os.geteuid() == 0
        self.hierarchies = cgroups.Hierarchies()
        self._directory = directory
        self._run = directory / "run"
        self._shared = [each.absolute() for each in shared]
        self.seccomp = seccomp.program(platform.machine()).hex()
        # A snapshot's copies enter rooms; nobody else's room can be entered by a user without privilege, so the call alone is harmless.
        self._snapshot_seccomp = seccomp.program(platform.machine(), "setns").hex()
        self._group_name = f"lambent-{hashlib.sha256(str(self._run).encode()).hexdigest()[:8]}"
        self._warden: Helper | None = None
        self._wardens = 0
        self._is_closed = False
        self._process: subprocess.Popen[bytes] | None = None
        self._roots: dict[str, asyncio.Task[None]] = {}
        self._helpers: dict[str, asyncio.Task[Helper]] = {}

    def warden(self) -> Helper:
        """Return the warden."""
        if self._is_closed:
            raise HelperLost("the server stops")
        if self._warden is None or self._warden.lost:
            self._wardens += 1  # a lost one still removes its own folder
            self._run = self._directory / (f"run-{self._wardens}" if self._wardens > 1 else "run")
            remove(self._run)
            self._run.mkdir(parents=True)
            self.hierarchies = cgroups.find(self._group_name)
            cgroups.sweep(self.hierarchies)
            self._roots.clear()
            self._helpers.clear()
            ours, theirs = pair()
            with theirs:
                argv = [sys.executable, "-I", "-S", str(_WARDEN), str(theirs.fileno()), json.dumps(self._spec() | self._place())]
                self._process = subprocess.Popen(  # noqa: S603 - our own script
                    argv, stdin=subprocess.DEVNULL, env={}, cwd="/", pass_fds=(theirs.fileno(),), start_new_session=True
                )
            self._warden = Helper(ours)
        return self._warden

    async def root(self, interpreter: Interpreter | None, *, shared: bool = False) -> Root:
        """Return the root of an interpreter, or that of custom runtimes, assembled; ``shared``: for the machine's network."""
        warden, root = self.warden(), roots.root_for(interpreter)
        if shared:
            root = roots.in_machines_network(root)
        task = self._roots.get(root.name)
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            task = self._roots[root.name] = asyncio.create_task(_assemble(warden, root))
        await asyncio.shield(task)
        return root

    async def cradle(self) -> Helper:
        """Return what executes programs in rooms."""
        return await self._helper("", self._start_cradle)

    async def plumber(self) -> Helper:
        """Return what runs the helpers that connect environments to the internet."""
        return await self._helper("plumber", self._start_plumber)

    async def template(self, interpreter: Interpreter) -> Helper:
        """Return what forks environments of a Python."""
        return await self._helper(interpreter.release, lambda: self._start_template(interpreter))

    def seen(self, path: Path) -> str:
        """Return a folder's path as the holders see it."""
        for number, folder in enumerate(self._shared):
            if path.parent == folder:
                return f"/share/{number}/{path.name}"
        return f"/host{path.absolute()}"

    async def close(self) -> None:
        """End every helper, and with them whatever is left."""
        self._is_closed = True
        for task in self._helpers.values():
            task.cancel()
        await asyncio.gather(*self._helpers.values(), return_exceptions=True)
        for task in self._helpers.values():
            if not has_failed(task):
                task.result().close()
        if self._warden is not None:
            self._warden.close()
        if self._process is not None:
            await asyncio.to_thread(self._process.wait)

    async def _helper(self, name: str, start: Any) -> Helper:
        self.warden()  # when that was lost, its helpers are gone, too
        task = self._helpers.get(name)
        if task is None or has_failed(task):
            coroutine: Coroutine[Any, Any, Helper] = start()
            task = self._helpers[name] = asyncio.create_task(coroutine)
        return await asyncio.shield(task)

    async def _start_cradle(self) -> Helper:
        ours, theirs = pair()
        with theirs:
            return await _introduced(Helper(ours), self.warden(), {"do": "cradle", "id": "cradle"}, theirs)

    async def _start_plumber(self) -> Helper:
        ours, theirs = pair()
        with theirs:
            return await _introduced(Helper(ours), self.warden(), {"do": "plumber", "id": "plumber"}, theirs)

    async def _start_template(self, interpreter: Interpreter) -> Helper:
        root = await self.root(interpreter)
        cache = None
        if not layout.is_compiled_for(interpreter.release):  # by whoever installed the packages; else we keep what is compiled
            cache = self._directory / "pycache" / interpreter.release
            cache.mkdir(parents=True, exist_ok=True)
        keep = ["-X", "pycache_prefix=/tmp"] if cache else []
        spec = json.dumps(self._spec() | {"runtime": "/var/runtime"})
        argv = [roots.executable(interpreter), "-s", "-S", *keep, f"{roots.GUEST}/python_template.py", "101", spec]
        env = {"LANG": "en_US.UTF-8", "TZ": ":UTC", "PATH": layout.PATH, "LD_LIBRARY_PATH": layout.LIBRARY_PATH}
        request = {"do": "template", "id": f"template-{interpreter.release}", "root": root.name, "cache": str(cache or "")}
        ours, theirs = pair()
        with theirs:
            return await _introduced(Helper(ours), self.warden(), request | {"argv": argv, "env": env}, theirs)

    def _spec(self) -> dict[str, Any]:
        return {
            "uid": roots.USER_ID,
            "gid": roots.GROUP_ID,
            "set_groups": self.is_root,
            "seccomp": self.seccomp,
            "snapshot_seccomp": self._snapshot_seccomp,
            "limits": _LIMITS,
        }

    def _place(self) -> dict[str, Any]:
        for each in self._shared:
            each.mkdir(parents=True, exist_ok=True)
        return {
            "folder": str(self._run),
            "unprivileged": not self.is_root,
            "shared": [str(each) for each in self._shared],
            "groups": [str(each) for each in self.hierarchies.all],
        }


async def _introduced(helper: Helper, warden: Helper, request: dict[str, Any], theirs: socket.socket) -> Helper:
    """Have the warden start a helper with its end of a socket, and return it when it is ready."""
    try:
        await warden.fork(request, [theirs.fileno()])
        theirs.close()
        await helper.ask({"do": "ready"})
    except BaseException:
        helper.close()
        raise
    return helper


async def _assemble(warden: Helper, root: Root) -> None:
    await warden.ask({"do": "root", **root.request()})


def has_failed(task: asyncio.Task[Helper]) -> bool:
    """Return whether a helper could not be started, or has ended."""
    if not task.done():
        return False
    if task.cancelled() or isinstance(task.exception(), (HelperLost, OSError)):
        return True
    return task.result().lost

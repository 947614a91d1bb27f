"""The ``namespaces`` driver: every environment has namespaces of its own, a root with only what its runtime needs, and no privilege.

``DESIGN.md`` says how it is built and why. Three kinds of processes are ours: the *warden* (parent of all), a *holder* per environment
(first process of its namespaces), and a *template* per Python runtime, from which the environments' runtimes are forked.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import json
import logging
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from lambent.adapters.sandbox import cgroups, doors, layout, roots, seccomp
from lambent.adapters.sandbox._generated_syscalls import NUMBERS
from lambent.adapters.sandbox.cgroups import Group
from lambent.adapters.sandbox.channels import FrameChannel, RuntimeApiFactory
from lambent.adapters.sandbox.confined import Berth, ConfinedBody, Program, fork
from lambent.adapters.sandbox.environment import Plan, SandboxedEnvironment
from lambent.adapters.sandbox.helpers import Helper, HelperLost, pair
from lambent.adapters.sandbox.keeper import remove
from lambent.adapters.sandbox.output import OutputParser, OutputPipe
from lambent.adapters.sandbox.room import Room
from lambent.adapters.sandbox.runtimes import CUSTOM, Interpreter, Runtimes
from lambent.adapters.sandbox.snapshots import AnewSnapshot
from lambent.base.clock import Clock
from lambent.domain.environments import Environment, Launch, RuntimeStatus, Snapshot
from lambent.domain.errors import AwsError
from lambent.domain.quotas import Quotas

_log = logging.getLogger(__name__)
_WARDEN: Final = layout.GUEST / "warden.py"
RUNTIME_API_PORT: Final = 9001  # as in Lambda
UIDS_FROM: Final = 0x70000000  # of the machine's user ids: above what distributions give to users and containers
_LIMITS: Final = {"RLIMIT_CORE": 0, "RLIMIT_NOFILE": 1024, "RLIMIT_NPROC": 1024}
_PROBE_S: Final = 5.0
_PROC_OPTIONS: Final = "hidepid=2"


class NamespaceSandbox:
    """A driver that runs environments in namespaces of their own. The parameters are those of ``ProcessSandbox``, and:

    ``gateway_port`` is where ``AWS_ENDPOINT_URL`` points inside; ``accept`` takes the listeners. ``shared`` are the folders that code and
    layers lie in: they are reached whatever the modes of the folders above them.
    """

    name = "namespaces"

    def __init__(
        self,
        directory: Path,
        clock: Clock,
        runtimes_mode: str = "exact",
        *,
        runtime_api: RuntimeApiFactory | None = None,
        home: Path | None = None,
        search_path: str | None = None,
        quotas: Quotas | None = None,
        gateway_port: int = 4566,
        accept: doors.Doors = doors.no_doors,
        shared: Sequence[Path] = (),
    ) -> None:
        self._directory = directory.absolute()
        self._run = self._directory / "run"
        self._clock = clock
        self._runtime_api = runtime_api
        self._quotas = quotas or Quotas()
        self._gateway_port = gateway_port
        self._accept = accept
        self._shared = [each.absolute() for each in shared]
        self._runtimes = Runtimes(home or Path.home(), search_path, runtimes_mode)
        self._is_root = os.geteuid() == 0
        self._seccomp = seccomp.program(platform.machine()).hex()
        self._warden: Helper | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._roots: dict[str, asyncio.Future[None]] = {}
        self._templates: dict[str, asyncio.Task[Helper]] = {}
        self._environments: dict[str, SandboxedEnvironment] = {}
        self._group_name = f"lambent-{hashlib.sha256(str(self._run).encode()).hexdigest()[:8]}"
        self._hierarchies = cgroups.Hierarchies()
        self._numbers = itertools.count(1)
        self._free_uids: list[int] = []
        self._next_uid = UIDS_FROM

    async def probe(self) -> str:
        """Return why this driver can't work on this machine; empty when it can: an environment was made, and ended."""
        if sys.platform != "linux" or platform.machine() not in NUMBERS:
            return f"they are Linux's, on x86_64 and aarch64; this is {sys.platform} on {platform.machine()}"
        try:
            async with asyncio.timeout(_PROBE_S):
                berth = await self._berth(None, doors.no_doors)
                try:
                    child = await fork(berth, None, {"argv": ["/bin/true"], "env": {}})
                    ended = await child.ended
                finally:
                    await berth.close()
        except (HelperLost, OSError) as error:
            return str(error) or type(error).__name__
        return "" if ended.status == 0 else f"a process in one ended with {ended.status}"

    def describe(self) -> str:
        """Return what this driver promises here, in a line."""
        return f"isolated: own namespaces, read-only root, no privileges; {self._hierarchies.describe()}"

    def runtimes(self) -> list[RuntimeStatus]:
        """Return every runtime identifier that AWS documents, with what this machine has for it. Asks each interpreter once."""
        return self._runtimes.status()

    def prepare(self, runtime: str) -> None:
        """Start the runtime's template in the background."""

    async def launch(self, launch: Launch) -> Environment:
        """Prepare an environment; the function is imported at ``initialise``."""
        interpreter = await self._interpreter(launch.function.runtime)
        try:
            berth = await self._berth(interpreter, self._accept)
        except (HelperLost, OSError) as error:
            raise AwsError("ServiceException", f"An execution environment could not be made: {error}", 500) from error
        program, invalid = self._program(launch, interpreter)
        plan = Plan(launch.environment_id, program.argv[0] if program.argv else "", self._quotas.sync_payload_bytes_max, invalid)
        environment = SandboxedEnvironment(plan, ConfinedBody(berth, launch, program, self._seen, self._clock), self._clock, self._forget)
        self._environments[environment.id] = environment
        return environment

    async def snapshot(self, launch: Launch, timeout_s: float) -> Snapshot:
        """Initialise the function once."""
        environment = await self.launch(launch)
        try:
            outcome = await environment.initialise(timeout_s)
        finally:
            await environment.stop()
        return AnewSnapshot(launch.environment_id, outcome, self.launch)

    async def close(self) -> None:
        """Stop every environment, the templates and the warden."""
        await asyncio.gather(*(each.stop() for each in list(self._environments.values())))
        for task in self._templates.values():
            if task.done() and not task.cancelled() and task.exception() is None:
                task.result().close()
        if self._warden is not None:
            self._warden.close()
        if self._process is not None:
            await asyncio.to_thread(self._process.wait)

    def _forget(self, environment_id: str) -> None:
        self._environments.pop(environment_id, None)

    async def _interpreter(self, runtime: str) -> Interpreter | None:
        """Return what runs a managed runtime, or ``None`` for a custom one."""
        if runtime in CUSTOM and self._runtime_api is not None:
            return None
        interpreter = await asyncio.to_thread(self._runtimes.interpreter, runtime)
        if interpreter is None:
            status = await asyncio.to_thread(self._runtimes.status_of, runtime)
            raise AwsError("InvalidRuntimeException", f"The runtime {runtime} is not available on this machine. {status.remedy}", 502)
        return interpreter

    async def _berth(self, interpreter: Interpreter | None, accept: doors.Doors) -> Berth:
        warden = self._started()
        root = await self._root(warden, interpreter)
        template = None if interpreter is None or interpreter.is_node else await self._template(interpreter)
        ports = [self._gateway_port] + ([RUNTIME_API_PORT] if interpreter is None else [])
        uids = (self._uid(), self._uid()) if self._is_root else None
        name = f"room-{next(self._numbers)}"
        room = await Room.open(warden, name, root=root.name, uids=uids, ports=ports, proc_options=_PROC_OPTIONS)
        pipe = OutputPipe(OutputParser(lambda data, framed: None, self._clock))
        berth = Berth(room, pipe, await accept(room.listeners[0]), await self._group(name), template or warden)
        if template is not None:
            berth.channel, theirs = await FrameChannel.open()
            with theirs:
                berth.child = await fork(berth, theirs, {})
            pipe.started()
        return berth

    async def _group(self, name: str) -> Group | None:
        if not self._hierarchies.all:
            return None
        return await asyncio.to_thread(Group.make, self._hierarchies, name)

    def _uid(self) -> int:
        self._next_uid += 1
        return self._next_uid

    def _started(self) -> Helper:
        if self._warden is None or self._warden.lost:
            remove(self._run)
            self._run.mkdir(parents=True)
            self._hierarchies = cgroups.find(self._group_name)
            cgroups.sweep(self._hierarchies)
            self._roots.clear()
            self._templates.clear()
            ours, theirs = pair()
            with theirs:
                argv = [sys.executable, "-I", "-S", str(_WARDEN), str(theirs.fileno()), json.dumps(self._spec() | self._place())]
                self._process = subprocess.Popen(  # noqa: S603 - our own script
                    argv, stdin=subprocess.DEVNULL, env={}, cwd="/", pass_fds=(theirs.fileno(),), start_new_session=True
                )
            self._warden = Helper(ours)
        return self._warden

    def _spec(self) -> dict[str, Any]:
        return {
            "uid": roots.USER_ID,
            "gid": roots.GROUP_ID,
            "set_groups": self._is_root,
            "seccomp": self._seccomp,
            "limits": _LIMITS,
        }

    def _place(self) -> dict[str, Any]:
        for each in self._shared:
            each.mkdir(parents=True, exist_ok=True)
        return {
            "folder": str(self._run),
            "unprivileged": not self._is_root,
            "shared": [str(each) for each in self._shared],
            "groups": [str(each) for each in self._hierarchies.all],
        }

    async def _root(self, warden: Helper, interpreter: Interpreter | None) -> roots.Root:
        root = roots.root_for(interpreter)
        ready = self._roots.get(root.name)
        if ready is None:
            ready = self._roots[root.name] = asyncio.get_running_loop().create_future()
            try:
                await warden.ask({"do": "root", **root.request()})
            except BaseException:
                del self._roots[root.name]
                ready.cancel()
                raise
            ready.set_result(None)
        await asyncio.shield(ready)
        return root

    async def _template(self, interpreter: Interpreter) -> Helper:
        task = self._templates.get(interpreter.release)
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None or task.result().lost)):
            task = self._templates[interpreter.release] = asyncio.create_task(self._start_template(interpreter))
        return await asyncio.shield(task)

    async def _start_template(self, interpreter: Interpreter) -> Helper:
        warden = self._started()
        root = await self._root(warden, interpreter)
        cache = None
        if not layout.is_compiled_for(interpreter.release):  # by whoever installed the packages; else we keep what is compiled
            cache = self._directory / "pycache" / interpreter.release
            cache.mkdir(parents=True, exist_ok=True)
        ours, theirs = pair()
        script = f"{roots.GUEST}/python_template.py"
        spec = self._spec() | {"runtime": "/var/runtime"}
        argv = [
            roots.executable(interpreter),
            "-s",
            "-S",
            *(["-X", "pycache_prefix=/tmp"] if cache else []),
            script,
            "101",
            json.dumps(spec),
        ]
        env = {"LANG": "en_US.UTF-8", "TZ": ":UTC", "PATH": "/var/lang/bin:/usr/local/bin:/usr/bin:/bin:/opt/bin"}
        env["LD_LIBRARY_PATH"] = "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib"
        template = Helper(ours)
        with theirs:
            request = {"do": "template", "id": f"template-{interpreter.release}", "root": root.name, "cache": str(cache or "")}
            await warden.fork(request | {"argv": argv, "env": env}, [theirs.fileno()])
        return template

    def _seen(self, path: Path) -> str:
        """Return a folder's path as the holders see it."""
        for number, folder in enumerate(self._shared):
            if path.parent == folder:
                return f"/share/{number}/{path.name}"
        return f"/host{path.absolute()}"

    def _program(self, launch: Launch, interpreter: Interpreter | None) -> tuple[Program, str]:
        variables = {"LANG": "en_US.UTF-8", "TZ": ":UTC", **launch.variables}
        variables |= {"LAMBDA_TASK_ROOT": "/var/task", "LAMBDA_RUNTIME_DIR": "/var/runtime"}
        variables.setdefault("_HANDLER", launch.function.handler)
        if interpreter is None:
            argv, invalid = _bootstrap(launch)
            return Program(variables, {}, argv, self._runtime_api), invalid
        if interpreter.is_node:
            variables["NODE_PATH"] = f"/opt/nodejs/node{interpreter.release}/node_modules:/opt/nodejs/node_modules:/var/task"
            return Program(variables, {}, (roots.executable(interpreter), "/var/runtime/index.mjs", launch.function.handler)), ""
        variables.setdefault("PYTHONPATH", "/var/runtime")
        paths = ["/var/task", f"/opt/python/lib/python{interpreter.release}/site-packages", "/opt/python"]
        return Program(variables, {"paths": paths, "handler": launch.function.handler}), ""


def _bootstrap(launch: Launch) -> tuple[tuple[str, ...], str]:
    """Return a custom runtime's executable: the function's, or else a layer's."""
    places = [(launch.code, "/var/task"), *((layer, "/opt") for layer in reversed(launch.layers))]
    for folder, inside in places:
        path = folder / "bootstrap"
        if path.is_file():
            if not os.access(path, os.X_OK):
                return (), "fork/exec /var/task/bootstrap: permission denied"
            return (f"{inside}/bootstrap",), ""
    return (), "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"

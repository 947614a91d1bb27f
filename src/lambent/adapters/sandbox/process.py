"""The ``process`` driver: every environment is a process tree of its own, with limits but without walls.

It runs wherever Linux does, unprivileged containers included: own session and group, resource limits, clean environment, no inherited
descriptors, an own temporary folder, and nothing that outlives the server (``guest/keeper.py``). It does not hide the machine's files
and network from a function, and it mounts nothing (``layout.py`` says what that means for ``/var/task``, ``/opt`` and ``/tmp``).
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from lambent.adapters.sandbox import layout
from lambent.adapters.sandbox.bodies import Command, ProcessBody
from lambent.adapters.sandbox.channels import RuntimeApiFactory
from lambent.adapters.sandbox.environment import Plan, SandboxedEnvironment
from lambent.adapters.sandbox.keeper import Keeper, remove
from lambent.adapters.sandbox.runtimes import CUSTOM, Interpreter, Runtimes
from lambent.adapters.sandbox.snapshots import anew
from lambent.adapters.sandbox.starts import WRAPPER
from lambent.base.clock import Clock
from lambent.domain.environments import Environment, Launch, RuntimeStatus, Snapshot
from lambent.domain.quotas import Quotas


class ProcessSandbox:
    """A driver that runs environments as plain processes.

    ``directory`` is for this server alone. ``runtimes_mode`` is ``exact`` or ``nearest``. ``runtime_api`` starts a Runtime API server
    for a custom runtime; without one, ``provided.*`` isn't available. ``home`` and ``search_path`` are where interpreters are looked for.
    """

    name = "process"

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
    ) -> None:
        self._directory = directory.absolute()
        self._clock = clock
        self._runtime_api = runtime_api
        self._quotas = quotas or Quotas()
        self._runtimes = Runtimes(home or Path.home(), search_path, runtimes_mode)
        self._environments: dict[str, SandboxedEnvironment] = {}
        self._run = self._directory / "run"
        self._keeper = Keeper(self._run)
        self._swept = False
        self._linked: set[Path] = set()

    def runtimes(self) -> list[RuntimeStatus]:
        """Return every runtime identifier that AWS documents, with what this machine has for it. Asks each interpreter once."""
        return self._runtimes.status()

    async def launch(self, launch: Launch) -> Environment:
        """Prepare an environment; its process starts at ``initialise``."""
        if not self._swept:
            self._swept = True
            remove(self._run)  # what a killed server left; before anything else is there
        interpreter = await self._interpreter(launch)
        runtime = self._directory / "runtime" / (interpreter.release if interpreter else "custom")
        if interpreter is not None and not interpreter.is_node and runtime not in self._linked:
            layout.link_python_runtime(runtime, interpreter.release)
            self._linked.add(runtime)
        tmp = self._run / launch.environment_id / "tmp"
        tmp.mkdir(parents=True, mode=0o700)
        variables = layout.variables(launch, runtime, tmp)
        argv, invalid = self._command(launch, interpreter, variables)
        runtime_api = self._runtime_api if interpreter is None else None
        command = Command(tuple(argv), variables, launch.code, layout.limits(launch), tmp, launch.output, runtime_api)
        body = ProcessBody(launch.environment_id, command, self._keeper, self._clock)
        plan = Plan(launch.environment_id, argv[0] if argv else "", self._quotas.sync_payload_bytes_max, invalid)
        environment = SandboxedEnvironment(plan, body, self._clock, self._forget)
        self._environments[environment.id] = environment
        return environment

    def prepare(self, runtime: str) -> None:
        """Do nothing: this driver has no templates."""

    async def snapshot(self, launch: Launch, timeout_s: float) -> Snapshot:
        """Initialise the function once to see what comes of it. This driver can't fork: environments are initialised anew."""
        return await anew(launch, timeout_s, self.launch)

    async def close(self) -> None:
        """Stop every environment and the keeper."""
        await self._keeper.close()  # kills everything at once, which is quicker than one by one
        await asyncio.gather(*(each.stop() for each in list(self._environments.values())))

    def _forget(self, environment_id: str) -> None:
        self._environments.pop(environment_id, None)

    async def _interpreter(self, launch: Launch) -> Interpreter | None:
        """Return what runs a managed runtime, or ``None`` for a custom one."""
        if launch.function.runtime in CUSTOM and self._runtime_api is not None:
            return None
        return await self._runtimes.required(launch)

    def _command(self, launch: Launch, interpreter: Interpreter | None, variables: dict[str, str]) -> tuple[list[str], str]:
        """Return the command line, and why there is none, and complete ``variables``."""
        if interpreter is None:
            return _bootstrap(launch)
        if launch.function.runtime.startswith("python"):
            variables.setdefault("PYTHONPATH", variables["LAMBDA_RUNTIME_DIR"])
            variables["_LAMBENT_PATHS"] = os.pathsep.join(layout.python_paths(launch, interpreter.release))
            # Compiled modules are kept apart: the code's folder is shared and read-only in Lambda.
            cache = f"pycache_prefix={self._directory / 'pycache'}"
            argv = [str(interpreter.path), "-s", "-S", "-X", cache, str(layout.GUEST / "python_bootstrap.py")]
            return [*_wrapper(launch), *argv], ""
        variables["NODE_PATH"] = layout.node_paths(launch, interpreter.release)
        return [*_wrapper(launch), str(interpreter.path), str(layout.GUEST / "node_bootstrap.mjs")], ""


def _wrapper(launch: Launch) -> list[str]:
    """Return the function's wrapper script, if it names one: of the code or of a layer, which aren't where Lambda has them."""
    named = Path(launch.variables.get(WRAPPER) or "/")
    folders = {"task": [launch.code], "opt": list(reversed(launch.layers))}
    places = folders["task"] if named.is_relative_to("/var/task") else folders["opt"] if named.is_relative_to("/opt") else []
    within = named.relative_to("/var/task" if named.is_relative_to("/var/task") else "/opt") if places else named
    found = next((folder / within for folder in places if (folder / within).exists()), named)
    return [] if str(named) == "/" else [str(found)]


def _bootstrap(launch: Launch) -> tuple[list[str], str]:
    """Return a custom runtime's executable: the function's, or else a layer's."""
    for folder in (launch.code, *reversed(launch.layers)):
        path = folder / "bootstrap"
        if path.is_file():
            if not os.access(path, os.X_OK):
                return [], "fork/exec /var/task/bootstrap: permission denied"
            return [str(path)], ""
    return [], "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"

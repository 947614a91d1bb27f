"""The ``namespaces`` driver: every environment has namespaces of its own, a root with only what its runtime needs, and no privilege.

``DESIGN.md`` says how it is built and why. Three kinds of processes are ours: the *warden* (parent of all), a *holder* per environment
(first process of its namespaces), and a *template* per Python runtime, from which the environments' runtimes are forked.
"""

from __future__ import annotations

import asyncio
import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from lambent.adapters.sandbox import doors, starts
from lambent.adapters.sandbox._generated_syscalls import NUMBERS
from lambent.adapters.sandbox.berths import PAUSE_S, Berths, Spare
from lambent.adapters.sandbox.channels import RuntimeApiFactory
from lambent.adapters.sandbox.confined import Berth, ConfinedBody, Program, RestoredBody, fork
from lambent.adapters.sandbox.environment import Body, Plan, SandboxedEnvironment
from lambent.adapters.sandbox.helpers import HelperLost
from lambent.adapters.sandbox.house import House
from lambent.adapters.sandbox.networks import NOWHERE
from lambent.adapters.sandbox.runtimes import CUSTOM, Interpreter, Runtimes
from lambent.adapters.sandbox.snapshots import ForkedSnapshot, anew
from lambent.adapters.sandbox.ways import Network
from lambent.base.clock import Clock
from lambent.domain.environments import Ending, Environment, Launch, RuntimeStatus, Snapshot
from lambent.domain.errors import AwsError
from lambent.domain.quotas import Quotas

_PROBE_S: Final = 20.0  # milliseconds, unless the machine is very busy


class NamespaceSandbox:
    """A driver that runs environments in namespaces of their own. The parameters are those of ``ProcessSandbox``, and:

    ``gateway_port`` is where ``AWS_ENDPOINT_URL`` points inside; ``accept`` takes the listeners; ``network`` replaces both, when it is to
    be another one than ``isolated``. ``shared`` are the folders that code and
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
        network: Network | None = None,
        shared: Sequence[Path] = (),
    ) -> None:
        self._clock = clock
        self._runtime_api = runtime_api
        self._network = network or Network(gateway_port, accept)
        self._endpoint_url = f"http://127.0.0.1:{gateway_port}"
        self._quotas = quotas or Quotas()
        self._runtimes = Runtimes(home or Path.home(), search_path, runtimes_mode)
        self._house = House(directory.absolute(), shared)
        self._berths = Berths(self._house, clock, self._network)
        self._environments: dict[str, SandboxedEnvironment] = {}
        self._preparing: set[asyncio.Task[None]] = set()

    async def probe(self) -> str:
        """Return why this driver can't work on this machine; empty when it can: an environment was made, and ended."""
        if sys.platform != "linux" or platform.machine() not in NUMBERS:
            return f"they are Linux's, on x86_64 and aarch64; this is {sys.platform} on {platform.machine()}"
        try:
            async with asyncio.timeout(_PROBE_S):
                berth = await self._berths.make(None, doors.no_doors)
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
        return f"isolated: own namespaces, read-only root, no privileges; {self._network.describe()}; {self._house.hierarchies.describe()}"

    def runtimes(self) -> list[RuntimeStatus]:
        """Return every runtime identifier that AWS documents, with what this machine has for it. Asks each interpreter once."""
        return self._runtimes.status()

    def prepare(self, runtime: str) -> None:
        """Start the runtime's template in the background, and have environments wait for its functions."""
        task = asyncio.create_task(self._prepare(runtime))
        self._preparing.add(task)
        task.add_done_callback(self._preparing.discard)

    async def launch(self, launch: Launch) -> Environment:
        """Prepare an environment; the function is imported at ``initialise``."""
        interpreter = await self._interpreter(launch)
        try:
            waits = interpreter is not None and starts.moves_in(launch.variables, interpreter)
            berth = await self._berths.take(interpreter, self._network.of(launch.function), waits=waits)
        except (HelperLost, OSError) as error:
            raise _unmade(error) from error
        program, invalid = self._program(launch, interpreter, berth)
        return self._environment(launch, program, ConfinedBody(berth, launch, program, self._house.seen), invalid)

    def _environment(self, launch: Launch, program: Program, body: Body, invalid: str = "") -> SandboxedEnvironment:
        plan = Plan(launch.environment_id, program.argv[0] if program.argv else "", self._quotas.sync_payload_bytes_max, invalid)
        environment = SandboxedEnvironment(plan, body, self._clock, self._forget)
        self._environments[environment.id] = environment
        return environment

    async def snapshot(self, launch: Launch, timeout_s: float) -> Snapshot:
        """Initialise a Python function and keep its process to fork environments from; others are initialised anew each time."""
        interpreter = await self._interpreter(launch)
        reach = self._network.of(launch.function)
        # What is open in a snapshot knows where the gateway is; in the machine's network each environment has one of its own.
        is_shared = self._network.is_shared and reach is None
        if interpreter is None or interpreter.is_node or is_shared or not starts.moves_in(launch.variables, interpreter):
            return await anew(launch, timeout_s, self.launch)
        try:
            berth = await self._berths.make(interpreter, snapshot=True, reach=reach)
        except (HelperLost, OSError) as error:
            raise _unmade(error) from error
        program, _ = self._program(launch, interpreter, berth)
        program = replace(program, becomes={**program.becomes, "snapshot": True})
        source = self._environment(launch, program, ConfinedBody(berth, launch, program, self._house.seen))
        outcome = await source.initialise(timeout_s)
        spare = Spare(lambda: self._berths.within(berth, launch.function.ephemeral_storage_mb, reach))
        if outcome.ending is Ending.SUCCESS:
            spare.refill()
        else:
            await source.stop()

        async def restore(wanted: Launch) -> SandboxedEnvironment:
            try:
                copy = await spare.take()
            except (HelperLost, OSError) as error:
                raise _unmade(error) from error
            self._clock.call_later(PAUSE_S, spare.refill)  # when this one is on its way
            becomes, _ = self._program(wanted, interpreter, copy)
            body = RestoredBody(copy, wanted, becomes, self._house.seen, source=source, gone=kept.stopped)
            return self._environment(wanted, becomes, body)

        kept = ForkedSnapshot(source, outcome, restore, spare.close)
        return kept

    async def close(self) -> None:
        """Stop every environment, the templates and the warden."""
        for task in self._preparing:
            task.cancel()
        await asyncio.gather(*(each.stop() for each in list(self._environments.values())))
        await self._berths.close()
        await self._house.close()

    async def _prepare(self, runtime: str) -> None:
        interpreter = await asyncio.to_thread(self._runtimes.interpreter, runtime)
        if interpreter is not None:
            self._berths.keep_ready(interpreter)

    def _forget(self, environment_id: str) -> None:
        self._environments.pop(environment_id, None)

    async def _interpreter(self, launch: Launch) -> Interpreter | None:
        """Return what runs a managed runtime, or ``None`` for a custom one."""
        if launch.function.runtime in CUSTOM and self._runtime_api is not None:
            return None
        return await self._runtimes.required(launch)

    def _program(self, launch: Launch, interpreter: Interpreter | None, berth: Berth) -> tuple[Program, str]:
        program, invalid = self._process(launch, interpreter, berth)
        return replace(program, reach=self._network.of(launch.function) or NOWHERE), invalid

    def _process(self, launch: Launch, interpreter: Interpreter | None, berth: Berth) -> tuple[Program, str]:
        variables = {"LANG": "en_US.UTF-8", "TZ": ":UTC", **launch.variables}
        if berth.ways.endpoint and variables.get("AWS_ENDPOINT_URL") == self._endpoint_url:
            variables["AWS_ENDPOINT_URL"] = berth.ways.endpoint
        variables |= {"LAMBDA_TASK_ROOT": "/var/task", "LAMBDA_RUNTIME_DIR": "/var/runtime"}
        variables.setdefault("_HANDLER", launch.function.handler)
        if interpreter is None:
            argv, invalid = _bootstrap(launch)
            return Program(variables, {}, argv, self._runtime_api), invalid
        if interpreter.is_node:
            variables["NODE_PATH"] = starts.node_path(interpreter)
            becomes: dict[str, object] = {}
        else:
            variables.setdefault("PYTHONPATH", "/var/runtime")
            paths = ["/var/task", f"/opt/python/lib/python{interpreter.release}/site-packages", "/opt/python"]
            becomes = {"paths": paths, "handler": launch.function.handler}
        return Program(variables, becomes, starts.wrapped(starts.command(interpreter), variables)), ""


def _unmade(error: Exception) -> AwsError:
    return AwsError("ServiceException", f"An execution environment could not be made: {error}", 500)


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

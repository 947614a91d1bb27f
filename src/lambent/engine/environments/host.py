"""Carries out what pools decide: prepares, launches, hands out and stops environments."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from lambent.base.clock import Clock
from lambent.base.ids import Ids
from lambent.domain.environments import Environment
from lambent.domain.functions import FunctionVersion
from lambent.engine.environments.contents import ON_DEMAND, PROVISIONED, SNAP_START, Contents
from lambent.engine.environments.loglines import stream_name
from lambent.engine.environments.output import FunctionLog
from lambent.engine.environments.pool import Instruction, Pool, Stop
from lambent.engine.environments.snapshots import SnapshotKeeper
from lambent.engine.environments.variables import RoleSession

_log = logging.getLogger(__name__)

LIFE_S: Final = 4 * 3600.0
"""How long an environment is used: its role's credentials are issued when it starts, and must outlive it (they last 6 to 12 hours)."""


class Hosted:
    """An environment on this machine, or one to be."""

    __slots__ = ("ahead_ms", "environment", "function", "id", "initialization_type", "log", "pool", "session")

    def __init__(  # noqa: PLR0917, RUF100
        self, environment_id: str, function: FunctionVersion, pool: Pool, log: FunctionLog, initialization_type: str = ON_DEMAND
    ) -> None:
        self.id = environment_id
        self.initialization_type = initialization_type
        self.function = function
        self.pool = pool
        self.log = log
        self.environment: Environment | None = None  #: ``None`` until it was launched
        self.session: RoleSession | None = None  #: from then to its first answer, before which it is to be kept
        self.ahead_ms: float | None = None  #: what its init took, when that went ahead of its first invocation, which is yet to come


class EnvironmentHost:
    """Every environment of this process, by pool. All methods that decide are synchronous: no lock is needed, and the warm path awaits
    nothing here."""

    def __init__(self, contents: Contents, clock: Clock, ids: Ids, *, idle_s: float, tail_bytes: int) -> None:
        self._contents = contents
        self._clock = clock
        self._ids = ids
        self._idle_s = idle_s
        self._tail_bytes = tail_bytes
        self._pools: dict[tuple[str, str], Pool] = {}
        self._hosted: dict[str, Hosted] = {}
        self._stopping: set[asyncio.Task[None]] = set()
        self.snapshots = SnapshotKeeper(contents, clock, ids)
        self.provisioned_lost = asyncio.Event()
        """Set when there may be fewer provisioned environments than wanted."""

    def __len__(self) -> int:
        return len(self._hosted)

    def provisioned(self, function: FunctionVersion) -> tuple[int, int]:
        """Return how many provisioned environments a version has, and how many of them are initialised."""
        pool = self._pools.get((function.arn, ""))
        return (0, 0) if pool is None else (pool.provisioned, pool.prepared_count)

    def provision(self, function: FunctionVersion) -> Hosted:
        """Return a provisioned environment that has yet to be launched."""
        pool = self.pool(function)
        fresh_id = self._ids.hex(32)
        self._carry_out(pool.provision(fresh_id, function.revision_id, self._clock.monotonic()))
        return self._born(fresh_id, function, pool, PROVISIONED)

    def release(self, function: FunctionVersion, wanted: int) -> None:
        """Let go of provisioned environments beyond ``wanted``."""
        pool = self._pools.get((function.arn, ""))
        if pool is not None:
            self._carry_out(pool.release(wanted))

    def pool(self, function: FunctionVersion, tenant_id: str = "") -> Pool:
        """Return the environments of a function's version, for a tenant of its own if there is one."""
        key = (function.arn, tenant_id)
        pool = self._pools.get(key)
        if pool is None:
            pool = self._pools[key] = Pool(self._idle_s, LIFE_S)
        return pool

    def take(self, function: FunctionVersion, pool: Pool) -> Hosted | None:
        """Return a warm environment for an invocation, if one waits."""
        warm = pool.warm(function.revision_id)
        return self._hosted[warm] if warm else None

    def begin(self, function: FunctionVersion, pool: Pool) -> Hosted:
        """Return an environment for an invocation that has yet to be launched (``environment`` is ``None``)."""
        fresh_id = self._ids.hex(32)
        self._carry_out(pool.begin(fresh_id, function.revision_id, self._clock.monotonic()))
        return self._born(fresh_id, function, pool)

    def take_again(self, hosted: Hosted) -> Hosted:
        """Return a fresh environment in place of one whose init timed out."""
        fresh_id = self._ids.hex(32)
        hosted.pool.init_redone(fresh_id, hosted.function.revision_id, self._clock.monotonic())
        return self._born(fresh_id, hosted.function, hosted.pool)

    def _born(self, environment_id: str, function: FunctionVersion, pool: Pool, initialization_type: str = ON_DEMAND) -> Hosted:
        if function.snap_start:
            initialization_type = SNAP_START
        name = stream_name(function.version, self._clock.now(), environment_id)
        stream = self._contents.shipper.open(function, name)
        log = FunctionLog(function, stream, self._clock, tail_bytes=self._tail_bytes, initialization_type=initialization_type)
        hosted = Hosted(environment_id, function, pool, log, initialization_type)
        self._hosted[environment_id] = hosted
        return hosted

    async def launch(self, hosted: Hosted) -> Environment:
        """Unpack the code, issue credentials and have the sandbox prepare the environment. Raises ``AwsError``."""
        launch, hosted.session = await self._contents.launch(hosted.function, hosted.id, hosted.log)
        start = self.snapshots.launch if hosted.initialization_type == SNAP_START else self._contents.sandbox.launch
        hosted.environment = await start(launch)
        return hosted.environment

    def initialised(self, hosted: Hosted) -> None:
        """The init went well."""
        self._carry_out(hosted.pool.initialised(hosted.id))

    def prepared(self, hosted: Hosted) -> None:
        """A provisioned environment's init went well."""
        self._carry_out(hosted.pool.prepared(hosted.id, self._clock.monotonic()))

    def init_failed(self, hosted: Hosted) -> None:
        """The init failed: discard the environment."""
        self._carry_out(hosted.pool.init_failed(hosted.id))

    def give_back(self, hosted: Hosted, now: float) -> None:
        """The invocation ended and left the environment usable; ``now`` is monotonic, in seconds."""
        instructions = hosted.pool.finished(hosted.id, now)
        if instructions:
            self._carry_out(instructions)

    def discard(self, hosted: Hosted) -> None:
        """The invocation ended the environment."""
        self._carry_out(hosted.pool.broken(hosted.id))

    def retire(self, function_arn: str) -> None:
        """Let go of every environment of a function (unqualified ARN), because it was deleted."""
        for (arn, _), pool in self._pools.items():
            if arn.rpartition(":")[0] == function_arn:
                self._carry_out(pool.retired())

    def expire(self) -> None:
        """Let go of environments that were idle for too long, and of empty pools."""
        now = self._clock.monotonic()
        for key, pool in list(self._pools.items()):
            self._carry_out(pool.expired(now))
            if not len(pool):
                del self._pools[key]

    def _carry_out(self, instructions: list[Instruction]) -> None:
        for each in instructions:
            if isinstance(each, Stop):
                hosted = self._hosted.pop(each.environment_id)
                if hosted.initialization_type == PROVISIONED:
                    self.provisioned_lost.set()
                if hosted.environment is not None:
                    task = asyncio.create_task(self._stop(hosted.environment), name=f"stop {hosted.id}")
                    self._stopping.add(task)
                    task.add_done_callback(self._stopping.discard)

    async def _stop(self, environment: Environment) -> None:
        try:
            await environment.stop()
        except Exception:  # noqa: BLE001 - nobody waits for this; the operator sees it in the server's log
            _log.exception("stopping environment %s failed", environment.id)

    async def wait_stopped(self) -> None:
        """Return when every environment that was let go of is gone."""
        while self._stopping:
            await asyncio.gather(*self._stopping, return_exceptions=True)

    async def close(self) -> None:
        """Stop every environment."""
        for hosted in list(self._hosted.values()):
            if hosted.environment is not None:
                await self._stop(hosted.environment)
        self._hosted.clear()
        self._pools.clear()
        await self.snapshots.close()
        await self.wait_stopped()

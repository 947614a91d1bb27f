"""Snapshots of initialised functions, as far as a driver can keep them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from lambent.adapters.sandbox.environment import SandboxedEnvironment
from lambent.domain.environments import Environment, Launch, Outcome


class ForkedSnapshot:
    """A snapshot whose process is kept. It ends when it was closed and no copy of it lives: it is the parent of all of them."""

    def __init__(
        self,
        source: SandboxedEnvironment,
        outcome: Outcome,
        restore: Callable[[Launch], Awaitable[SandboxedEnvironment]],
        close: Callable[[], Awaitable[None]],
    ) -> None:
        self.id = source.id
        self.outcome = outcome
        self._source = source
        self._restore = restore
        self._close = close
        self._copies: set[str] = set()
        self._is_closed = False

    async def launch(self, launch: Launch) -> Environment:
        """Make a room for a copy; it is forked at ``initialise``."""
        self._copies.add(launch.environment_id)
        try:
            return await self._restore(launch)
        except BaseException:
            self._copies.discard(launch.environment_id)
            raise

    async def stopped(self, environment_id: str) -> None:
        """Note the end of a copy."""
        self._copies.discard(environment_id)
        await self._end()

    async def close(self) -> None:
        """Let go of it when its last copy is gone."""
        self._is_closed = True
        await self._end()

    async def _end(self) -> None:
        if self._is_closed and not self._copies:
            await self._close()
            await self._source.stop()


class AnewSnapshot:
    """A snapshot that keeps nothing but the outcome: each environment is initialised anew, hooks included."""

    def __init__(self, snapshot_id: str, outcome: Outcome, start: Callable[[Launch], Awaitable[Environment]]) -> None:
        self.id = snapshot_id
        self.outcome = outcome
        self._start = start

    async def launch(self, launch: Launch) -> Environment:
        """Prepare an environment, initialised like any other."""
        return await self._start(launch)

    async def close(self) -> None:
        """Do nothing."""


async def anew(launch: Launch, timeout_s: float, start: Callable[[Launch], Awaitable[Environment]]) -> AnewSnapshot:
    """Initialise a function once, to see what comes of it, and return a snapshot that does it each time."""
    environment = await start(launch)
    try:
        outcome = await environment.initialise(timeout_s)
    finally:
        await environment.stop()
    return AnewSnapshot(launch.environment_id, outcome, start)

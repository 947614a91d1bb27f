"""Snapshots of initialised functions, as far as a driver can keep them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from lambent.domain.environments import Environment, Launch, Outcome


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

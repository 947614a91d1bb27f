"""EventBridge Scheduler over a store in memory and virtual time; every other service is a list of calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from tests.unit.services.asking import asked

from lambent.adapters.memory import MemoryBlobs, MemoryStore
from lambent.base.clock import VirtualClock
from lambent.base.ids import SeededIds
from lambent.domain.call import Call, Result
from lambent.domain.caller import Caller
from lambent.domain.errors import AwsError
from lambent.domain.ports import Platform
from lambent.domain.quotas import Quotas
from lambent.services.scheduler.service import build

ACCOUNT = "123456789012"
REGION = "eu-west-1"
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:q"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/r"
START = 1_700_000_000.0  # 2023-11-14T22:13:20Z


class Kit:
    """The service and short ways to call it."""

    def __init__(self) -> None:
        self.clock = VirtualClock(START)
        self.store = MemoryStore(self.clock)
        self.calls: list[tuple[float, Call]] = []
        self.trusting = True
        self.refuse: Callable[[Call], AwsError | None] = lambda call: None
        platform = Platform(self.store, MemoryBlobs(self.clock), self, self.clock, SeededIds(1), Quotas(), "localhost:4566")
        self.service = build(platform, self)
        self._workers: list[asyncio.Task[None]] = []

    async def call(self, call: Call) -> Result:
        """Stand for ``Cloud``."""
        self.calls.append((self.clock.now(), call))
        refusal = self.refuse(call)
        if refusal is not None:
            raise refusal
        return {}

    async def is_assumable(self, role_arn: str, service: str, source_arn: str) -> bool:
        """Stand for ``Roles``."""
        assert (service, source_arn.rpartition("/")[0]) == (
            "scheduler.amazonaws.com",
            f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule-group",
        )
        return self.trusting

    async def permits(self, call: Call) -> bool:
        """Stand for ``Roles``, of which the Scheduler doesn't ask this."""
        raise AssertionError(call)

    async def __call__(self, operation: str, **params: Any) -> Any:
        return await asked(self.service, Call("scheduler", operation, params, Caller.root(ACCOUNT), REGION, ACCOUNT, "request-1"))

    async def fails(self, operation: str, **params: Any) -> tuple[str, int, str]:
        with pytest.raises(AwsError) as caught:
            await self(operation, **params)
        return caught.value.code, caught.value.status, caught.value.message

    async def create(self, expression: str = "rate(1 minute)", *, target: dict[str, Any] | None = None, **more: Any) -> str:
        """Create a schedule of a queue; return its ARN."""
        given = {"Arn": QUEUE, "RoleArn": ROLE} | (target or {})
        settings = {"Name": "s", "FlexibleTimeWindow": {"Mode": "OFF"}, "ScheduleExpression": expression, "Target": given} | more
        return str((await self("CreateSchedule", **settings))["ScheduleArn"])

    async def settle(self, seconds: float = 0.0) -> None:
        """Let workers do what is due within the time."""
        if not self._workers:
            self._workers = [asyncio.create_task(each.run()) for each in self.service.workers]
        await self.clock.advance(seconds)
        await self.clock.settle()

    async def stop(self) -> None:
        for each in self._workers:
            each.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        await self.store.close()

    def times(self) -> list[float]:
        """When targets were told, in seconds since the start."""
        return [time - START for time, _ in self.calls]


@pytest.fixture
async def kit() -> AsyncIterator[Kit]:
    made = Kit()
    yield made
    await made.stop()

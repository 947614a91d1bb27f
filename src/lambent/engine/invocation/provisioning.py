"""Keeps provisioned environments ready: as many as the control plane wants of each version, and again when one of them ends."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Final

import msgspec

from lambent.base.clock import Clock
from lambent.base.tasks import cancel_and_wait
from lambent.domain.environments import Ending
from lambent.domain.errors import AwsError
from lambent.domain.provisioning import FAILED, IN_PROGRESS, READY, Allotment, Progress
from lambent.engine.environments.host import EnvironmentHost
from lambent.engine.invocation.invoker import LocalInvoker

_log = logging.getLogger(__name__)

AT_ONCE: Final = 8
"""Environments that are prepared at the same time: a large allotment must not keep invocations from the processor."""

RETRY_S: Final = 60.0
"""After a failed init: the same code will fail again, so that trying at once would be a loop."""

INIT_FAILURE: Final = "FUNCTION_ERROR_INIT_FAILURE"


class _Aim(msgspec.Struct, eq=False):
    allotment: Allotment
    failure: str = ""
    retry_at: float = 0.0  #: monotonic, in seconds


class Provisioner:
    """``ProvisionedEnvironments`` over the invoker's environments; a ``Worker``."""

    name = "provisioned concurrency"

    def __init__(self, invoker: LocalInvoker, host: EnvironmentHost, clock: Clock) -> None:
        self._invoker = invoker
        self._host = host
        self._clock = clock
        self._aims: dict[str, _Aim] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def aim(self, function_arn: str, allotments: Mapping[str, Allotment]) -> None:
        """Have this of a function from now on; see ``ProvisionedEnvironments``."""
        for arn in [each for each in self._aims if each.rpartition(":")[0] == function_arn and each not in allotments]:
            self._host.release(self._aims.pop(arn).allotment.function, 0)
        for arn, allotment in allotments.items():
            known = self._aims.get(arn)
            if known is None or known.allotment != allotment:
                self._aims[arn] = _Aim(allotment)
                self._host.release(allotment.function, allotment.wanted)
        self._host.provisioned_lost.set()

    def retire(self, function_arn: str) -> None:
        """Let go of a deleted function's environments; see ``ProvisionedEnvironments``."""
        self._host.retire(function_arn)

    def progress(self, arn: str) -> Progress:
        """Return how far the allotment of a version has come."""
        aim = self._aims.get(arn)
        if aim is None:
            return Progress(0, 0, IN_PROGRESS)
        allocated, available = self._host.provisioned(aim.allotment.function)
        if available >= aim.allotment.wanted:
            return Progress(allocated, available, READY)
        if aim.failure:
            return Progress(available, available, FAILED, aim.failure)
        return Progress(available, available, IN_PROGRESS)

    async def run(self) -> None:
        """Prepare what is missing, until cancelled."""
        try:
            while True:
                await self._host.provisioned_lost.wait()
                self._host.provisioned_lost.clear()
                later = self._prepare_missing()
                if later is not None:
                    self._clock.call_later(later, self._host.provisioned_lost.set)
        finally:
            await cancel_and_wait(list(self._tasks))

    def _prepare_missing(self) -> float | None:
        """Start what is missing and may be started now; return in how many seconds to look again, if that is known."""
        now, later = self._clock.monotonic(), None
        for aim in self._aims.values():
            if aim.retry_at > now:
                later = min(aim.retry_at - now, later or RETRY_S)
                continue
            allocated, _ = self._host.provisioned(aim.allotment.function)
            for _ in range(min(aim.allotment.wanted - allocated, AT_ONCE - len(self._tasks))):
                task = asyncio.create_task(self._prepare(aim), name=f"provision {aim.allotment.function.arn}")
                self._tasks.add(task)
                task.add_done_callback(self._prepared)
        return later

    def _prepared(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._host.provisioned_lost.set()  # there may be more to do

    async def _prepare(self, aim: _Aim) -> None:
        try:
            outcome = await self._invoker.prepare(aim.allotment.function)
            failed = outcome.ending is not Ending.SUCCESS
        except AwsError as error:
            _log.warning("%s could not be provisioned: %s", aim.allotment.function.arn, error)
            failed = True
        aim.failure = INIT_FAILURE if failed else ""
        aim.retry_at = self._clock.monotonic() + RETRY_S if failed else 0.0

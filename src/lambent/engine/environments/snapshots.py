"""SnapStart: functions that were initialised once, kept frozen, and forked for every environment.

A snapshot is taken when its version is published, and anew when it is missed: after a restart of the server, or when its process was
lost. Whoever needs one that is being taken waits for the same one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Final

from lambent.base.clock import Clock
from lambent.base.ids import Ids
from lambent.domain.environments import Ending, Environment, Launch, Outcome, Snapshot
from lambent.domain.errors import AwsError
from lambent.domain.functions import FunctionVersion
from lambent.engine.environments.contents import SNAP_START, Contents
from lambent.engine.environments.loglines import stream_name
from lambent.engine.environments.output import FunctionLog

_log = logging.getLogger(__name__)

INIT_S_MIN: Final = 130.0
"""How long an init for a snapshot may take at least (AWS: 130 s, or the function's timeout if that is longer)."""

AT_ONCE: Final = 2


class SnapshotKeeper:
    """The snapshots of this server, by the version's ARN."""

    def __init__(self, contents: Contents, clock: Clock, ids: Ids) -> None:
        self._contents = contents
        self._clock = clock
        self._ids = ids
        self._taken: dict[str, tuple[str, asyncio.Task[Snapshot]]] = {}  #: revision, and the snapshot or what takes it
        self._room = asyncio.Semaphore(AT_ONCE)
        self._closing: set[asyncio.Task[None]] = set()

    async def take(self, function: FunctionVersion) -> Outcome:
        """Initialise a version unless its snapshot is kept, and return the outcome of its init. Raises ``AwsError``."""
        snapshot = await self._of(function)
        if snapshot.outcome.ending is not Ending.SUCCESS:
            self._let_go(function.arn)
        return snapshot.outcome

    async def launch(self, launch: Launch) -> Environment:
        """Prepare an environment of a snapshot; a snapshot that was lost is taken anew, once. Raises ``AwsError``."""
        function = launch.function
        for attempt in (0, 1):
            snapshot = await self._of(function)
            if snapshot.outcome.ending is not Ending.SUCCESS:
                self._let_go(function.arn)
                raise restore_failed()
            try:
                return await snapshot.launch(launch)
            except AwsError as error:
                self._let_go(function.arn)
                if attempt:
                    raise
                _log.info("the snapshot of %s was lost (%s): it is taken anew", function.arn, error)
        raise AssertionError("unreachable")

    def keep(self, function_arn: str, functions: Mapping[str, FunctionVersion]) -> None:
        """Keep the snapshots of these versions of a function (unqualified ARN), and no others of it; missing ones are taken in time."""
        for arn in [each for each in self._taken if each.rpartition(":")[0] == function_arn and each not in functions]:
            self._let_go(arn)
        for function in functions.values():
            self._task(function)

    async def close(self) -> None:
        """Let go of all of them; those that are being taken are given up."""
        for arn, (_, task) in list(self._taken.items()):
            task.cancel()  # nothing happens to one that was taken
            self._let_go(arn)
        await asyncio.gather(*self._closing, return_exceptions=True)

    async def _of(self, function: FunctionVersion) -> Snapshot:
        # Shielded: one that gives up waiting must not take the snapshot from the others.
        return await asyncio.shield(self._task(function))

    def _task(self, function: FunctionVersion) -> asyncio.Task[Snapshot]:
        known = self._taken.get(function.arn)
        if known is not None and known[0] == function.revision_id and not _failed(known[1]):
            return known[1]
        self._let_go(function.arn)
        task = asyncio.create_task(self._take(function), name=f"snapshot {function.arn}")
        task.add_done_callback(_looked_at)
        self._taken[function.arn] = (function.revision_id, task)
        return task

    async def _take(self, function: FunctionVersion) -> Snapshot:
        async with self._room:
            snapshot_id = self._ids.hex(32)
            stream = self._contents.shipper.open(function, stream_name(function.version, self._clock.now(), snapshot_id))
            log = FunctionLog(function, stream, self._clock, initialization_type=SNAP_START)
            launch, session = await self._contents.launch(function, snapshot_id, log)
            await session.wait_kept()
            log.init_start()
            began = self._clock.monotonic()
            snapshot = await self._contents.sandbox.snapshot(launch, max(INIT_S_MIN, float(function.timeout_s)))
            status = {Ending.SUCCESS: "success", Ending.TIMEOUT: "timeout"}.get(snapshot.outcome.ending, "error")
            log.init_end((self._clock.monotonic() - began) * 1000, "init", status, snapshot.outcome.error_type, is_reported=True)
            return snapshot

    def _let_go(self, arn: str) -> None:
        known = self._taken.pop(arn, None)
        if known is not None:
            task = asyncio.create_task(self._close(known[1]), name=f"close snapshot {arn}")
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    async def _close(self, task: asyncio.Task[Snapshot]) -> None:
        try:
            await (await task).close()
        except AwsError:
            return  # it was never taken
        except Exception:  # noqa: BLE001 - nobody waits for this; the operator sees it in the server's log
            _log.exception("closing a snapshot failed")


def _failed(task: asyncio.Task[Snapshot]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)


def _looked_at(task: asyncio.Task[Snapshot]) -> None:
    """Log why a snapshot wasn't taken: those that are taken ahead have nobody who waits for them."""
    if not task.cancelled() and task.exception() is not None:
        _log.warning("%s could not be taken: %s", task.get_name(), task.exception())


def restore_failed() -> AwsError:
    """Return AWS's answer to an invocation whose environment could not be restored."""
    text = "The afterRestore() runtime hook encountered an error. For more information, check the Amazon CloudWatch logs."
    return AwsError("SnapStartException", text, 400, members={"Type": "User"})


def restore_timed_out() -> AwsError:
    """Return AWS's answer to an invocation whose environment took too long to be restored."""
    text = "Lambda couldn't restore the snapshot within the timeout limit."
    return AwsError("SnapStartTimeoutException", text, 408, members={"Type": "User"})

"""Runs invocations on this machine: admission → warm environment or a new one → result and log.

The warm path awaits the environment and nothing else: no disk, no lock.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import Final

import msgspec
from msgspec.structs import replace

from lambent.base.clock import Clock
from lambent.base.ids import Ids
from lambent.domain.environments import Ending, Outcome, Sandbox
from lambent.domain.errors import AwsError
from lambent.domain.functions import FunctionVersion
from lambent.domain.invocations import FunctionError, Invocation, InvocationResult
from lambent.domain.quotas import Quotas
from lambent.engine.environments.code import CodeCache
from lambent.engine.environments.contents import PROVISIONED, SNAP_START, Contents
from lambent.engine.environments.host import EnvironmentHost, Hosted
from lambent.engine.environments.loglines import Report, billed_ms, stamp
from lambent.engine.environments.shipping import LogShipper, LogStream
from lambent.engine.environments.snapshots import restore_failed, restore_timed_out
from lambent.engine.environments.variables import RoleCredentials
from lambent.engine.invocation import recursion
from lambent.engine.invocation.admission import Admission, ReservedTotal, Ticket
from lambent.engine.invocation.results import Failure, failure, too_large
from lambent.engine.invocation.streaming import ResponseStream

PREPARATION_S_MIN: Final = 130.0


class _Started(msgspec.Struct, frozen=True):
    """An environment that is ready for its invocation, or the outcome of an init that failed."""

    hosted: Hosted
    init_ms: float | None = None  #: ``None``: it was warm, or restored, or its init is part of the invocation
    restore_ms: float | None = None  #: when it was restored from a snapshot
    ahead_ms: float | None = None  #: what its init took ahead of this, its first invocation: reported with it, and not billed with it
    spent_s: float = 0.0  #: of the function's timeout, by an init that was done again
    failed: Outcome | None = None


class _Running(msgspec.Struct, frozen=True):
    """An invocation under way."""

    invocation: Invocation
    hosted: Hosted
    ticket: Ticket
    began: float  #: monotonic, in seconds
    init_ms: float | None
    restore_ms: float | None
    ahead_ms: float | None


class LocalInvoker:
    """An ``Invoker`` over a sandbox, and the ``Worker`` that lets go of idle environments."""

    name = "environments"

    def __init__(
        self,
        sandbox: Sandbox,
        code: CodeCache,
        shipper: LogShipper,
        *,
        credentials: RoleCredentials,
        endpoint_url: str,
        clock: Clock,
        ids: Ids,
        quotas: Quotas,
        idle_s: float = 600.0,
        reserved_total: ReservedTotal = lambda account_id, region: 0,
    ) -> None:
        self._clock = clock
        self._ids = ids
        self._quotas = quotas
        self._shipper = shipper
        self._idle_s = idle_s
        self._admission = Admission(quotas, reserved_total)
        contents = Contents(sandbox, code, shipper, credentials, endpoint_url)
        self._host = EnvironmentHost(contents, clock, ids, idle_s=idle_s, tail_bytes=quotas.log_tail_bytes_max)

    @property
    def host(self) -> EnvironmentHost:
        """The environments of this machine."""
        return self._host

    @property
    def environments(self) -> int:
        """How many environments there are, busy or not."""
        return len(self._host)

    async def run(self) -> None:
        """Let go of idle environments until cancelled."""
        while True:
            await self._clock.sleep(max(1.0, self._idle_s / 20))
            self._host.expire()

    def retire(self, function_arn: str) -> None:
        """Let go of a deleted function's environments; ``function_arn`` is unqualified."""
        self._host.retire(function_arn)

    async def close(self) -> None:
        """Stop every environment."""
        await self._host.close()

    async def invoke(self, function: FunctionVersion, invocation: Invocation) -> InvocationResult:
        """Return the outcome; see ``Invoker``."""
        now = self._clock.monotonic()
        if invocation.trace_header and not function.recursion_allowed:
            recursion.check(invocation.trace_header, function.function_arn)
        pool = self._host.pool(function, invocation.tenant_id)
        ticket = self._admission.enter(function, now, is_provisioned=pool.has_ready(function.revision_id))
        try:
            hosted = self._host.take(function, pool)
            if hosted is None:
                self._admission.scale(function, now)
                hosted = self._host.begin(function, pool)
                started = await self._start(hosted, invocation)
            else:
                started = _Started(hosted) if hosted.ahead_ms is None else _prepared(hosted)
            result = await self._serve(started, invocation, ticket)
        except BaseException:
            ticket.leave()
            raise
        if self._shipper.is_crowded(started.hosted.log.stream):
            await self._shipper.wait_room()
        if invocation.log_awaited:
            first, last = hosted.log.stream, started.hosted.log.stream
            return replace(result, logged=last.wait_shipped if first is last else partial(self._wait_logged, (first, last)))
        return result

    async def _wait_logged(self, streams: tuple[LogStream, ...]) -> None:
        for each in streams:
            await each.wait_shipped()

    async def prepare(self, function: FunctionVersion) -> Outcome:
        """Initialise an environment ahead of invocations and return the outcome of its init. Such an init may take as long as the
        function, or AWS's 130 s if that is longer."""
        hosted = self._host.provision(function)
        outcome, init_s = await self._initialise(hosted, max(PREPARATION_S_MIN, float(function.timeout_s)), "init")
        hosted.ahead_ms = init_s * 1000
        return outcome

    # ── init ────────────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _start(self, hosted: Hosted, invocation: Invocation) -> _Started:
        """Launch and initialise. An init that takes longer than 10 s is done once more, within the function's own timeout."""
        if invocation.log_tail:
            hosted.log.collect_tail()
        if hosted.initialization_type == SNAP_START:
            return await self._restore(hosted)
        outcome, init_s = await self._initialise(hosted, self._quotas.init_s_max, "init")
        if outcome.ending is Ending.SUCCESS:
            return _Started(hosted, init_ms=init_s * 1000)
        if outcome.ending is not Ending.TIMEOUT:
            return _Started(hosted, init_ms=init_s * 1000, failed=outcome)
        again = self._host.take_again(hosted)
        if invocation.log_tail:
            again.log.collect_tail()
        outcome, spent_s = await self._initialise(again, float(again.function.timeout_s), "invoke")
        return _Started(again, spent_s=spent_s, failed=None if outcome.ending is Ending.SUCCESS else outcome)

    async def _restore(self, hosted: Hosted) -> _Started:
        """Fork the version's snapshot; what its hooks make of that isn't the invocation's error but Lambda's."""
        outcome, restore_s = await self._initialise(hosted, self._quotas.init_s_max, "restore")
        if outcome.ending is Ending.SUCCESS:
            return _Started(hosted, restore_ms=restore_s * 1000)
        raise restore_timed_out() if outcome.ending is Ending.TIMEOUT else restore_failed()

    async def _initialise(self, hosted: Hosted, timeout_s: float, phase: str) -> tuple[Outcome, float]:
        """Return the outcome of an init and the seconds that it took, fetching the code not counted (nor does AWS)."""
        succeeded = False
        try:
            environment = await self._host.launch(hosted)
            if phase == "restore":
                hosted.log.restore_start()
            else:
                hosted.log.init_start(phase)
            began = self._clock.monotonic()
            outcome = await environment.initialise(timeout_s)
            init_s = self._clock.monotonic() - began
            succeeded = outcome.ending is Ending.SUCCESS
            status = "success" if succeeded else "timeout" if outcome.ending is Ending.TIMEOUT else "error"
            error_type = outcome.error_type or ("Runtime.ExitError" if outcome.ending is Ending.EXIT else "")
            if phase == "restore":
                hosted.log.restore_end(init_s * 1000, status, error_type)
            else:
                hosted.log.init_end(init_s * 1000, phase, status, error_type)
            return outcome, init_s
        finally:
            if not succeeded:
                self._host.init_failed(hosted)
            elif hosted.initialization_type == PROVISIONED:
                self._host.prepared(hosted)
            else:
                self._host.initialised(hosted)

    # ── invoke ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _serve(self, started: _Started, invocation: Invocation, ticket: Ticket) -> InvocationResult:
        hosted, now = started.hosted, self._clock.monotonic()
        if invocation.log_tail and started.failed is None:
            hosted.log.collect_tail()  # a good init isn't part of the tail
        hosted.log.start(invocation.request_id)
        running = _Running(invocation, hosted, ticket, now - started.spent_s, started.init_ms, started.restore_ms, started.ahead_ms)
        if started.failed is not None:
            return await self._settle(running, started.failed, is_gone=True)
        environment = hosted.environment
        if environment is None:
            raise AwsError("ServiceException", "The environment is gone.", 500, members={"Type": "Service"})
        timeout_s = max(0.001, hosted.function.timeout_s - started.spent_s)
        try:
            outcome = await environment.invoke(self._dated(hosted.function, invocation, timeout_s), timeout_s)
        except BaseException:
            self._host.discard(hosted)
            raise
        if isinstance(outcome.payload, bytes):
            if outcome.ending is Ending.SUCCESS and len(outcome.payload) <= self._quotas.sync_payload_bytes_max:
                self._host.give_back(hosted)
                return self._finish(running, outcome, None)
            return self._settled(running, outcome, is_gone=False)
        return await self._settle(running, outcome, is_gone=False)

    def _dated(self, function: FunctionVersion, invocation: Invocation, timeout_s: float) -> Invocation:
        """Return the invocation with its deadline, and a trace of its own if it came without. (``replace`` takes three times as long.)"""
        now = self._clock.now()
        trace = recursion.onward(invocation.trace_header or recursion.fresh(now, self._ids.hex(40)), function.function_arn)
        return Invocation(
            invocation.request_id,
            invocation.payload,
            invocation.invoked_arn,
            invocation.client_context,
            trace,
            invocation.log_tail,
            invocation.streamed,
            invocation.tenant_id,
            now + timeout_s,
        )

    async def _settle(self, running: _Running, outcome: Outcome, *, is_gone: bool) -> InvocationResult:
        """Turn an outcome into the answer. Success of a streamed invocation is settled when its last piece was taken."""
        pieces = outcome.payload
        if not isinstance(pieces, bytes):
            if running.invocation.streamed and outcome.ending is Ending.SUCCESS:
                return self._stream(running, outcome, pieces)
            outcome = replace(outcome, payload=b"".join([piece async for piece in pieces]))
        return self._settled(running, outcome, is_gone=is_gone)

    def _settled(self, running: _Running, outcome: Outcome, *, is_gone: bool) -> InvocationResult:
        """Let go of the environment, or give it back, and return the answer."""
        failed = self._failure(running, outcome)
        if not is_gone:
            if outcome.ending in (Ending.EXIT, Ending.TIMEOUT):
                self._host.discard(running.hosted)
            else:
                self._host.give_back(running.hosted)
        return self._finish(running, outcome, failed)

    def _failure(self, running: _Running, outcome: Outcome) -> Failure | None:
        payload = outcome.payload if isinstance(outcome.payload, bytes) else b""
        if outcome.ending is Ending.SUCCESS:
            bytes_max = self._quotas.streamed_response_bytes_max if running.invocation.streamed else self._quotas.sync_payload_bytes_max
            return too_large(bytes_max) if len(payload) > bytes_max else None
        return failure(
            outcome,
            payload,
            request_id=running.invocation.request_id,
            timeout_s=float(running.hosted.function.timeout_s),
            now_stamp=stamp(self._clock.now()),
        )

    def _finish(self, running: _Running, outcome: Outcome, failed: Failure | None) -> InvocationResult:
        """Log END and REPORT, leave the busy, and return the result."""
        hosted, log, request_id = running.hosted, running.hosted.log, running.invocation.request_id
        duration_ms = (self._clock.monotonic() - running.began) * 1000
        if outcome.ending is Ending.TIMEOUT:
            duration_ms = hosted.function.timeout_s * 1000.0  # what is billed and reported, whatever the kill took
        billed = billed_ms(duration_ms, running.init_ms, running.restore_ms)
        memory_used_mb = min(outcome.memory_peak_mb, hosted.function.memory_mb)  # pages of the machine's files are counted, too, in a peak
        if failed is not None and failed.note:
            log.note(failed.note)
        log.end(
            Report(
                request_id=request_id,
                duration_ms=duration_ms,
                billed_ms=billed,
                memory_mb=hosted.function.memory_mb,
                memory_used_mb=memory_used_mb,
                init_ms=running.init_ms if running.ahead_ms is None else running.ahead_ms,
                restore_ms=running.restore_ms,
                status="success" if failed is None else failed.status,
                error_type="" if failed is None else failed.error_type,
            )
        )
        running.ticket.leave()
        return InvocationResult(
            payload=outcome.payload if failed is None else failed.payload,
            executed_version=hosted.function.version,
            function_error=None if failed is None else FunctionError.UNHANDLED,
            log_tail=log.take_tail() if running.invocation.log_tail else b"",
            content_type=outcome.content_type,
            duration_ms=duration_ms,
            billed_ms=billed,
            init_ms=running.init_ms,
            memory_used_mb=memory_used_mb,
        )

    def _stream(self, running: _Running, outcome: Outcome, pieces: AsyncIterator[bytes]) -> InvocationResult:
        def ended(error: BaseException | None) -> None:
            final, failed = outcome, None
            if error is not None:
                told = getattr(error, "outcome", None)  # what the driver knows of a stream that broke
                final = told if isinstance(told, Outcome) else Outcome(Ending.EXIT, error_type="Runtime.TruncatedResponse", exit_status=-9)
                failed = self._failure(running, final)
            if final.ending in (Ending.EXIT, Ending.TIMEOUT):
                self._host.discard(running.hosted)
            else:
                self._host.give_back(running.hosted)
            stream.log_tail = self._finish(running, final, failed).log_tail

        stream = ResponseStream(pieces, ended)
        return InvocationResult(
            payload=stream,
            executed_version=running.hosted.function.version,
            content_type=outcome.content_type,
            init_ms=running.init_ms,
        )


def _prepared(hosted: Hosted) -> _Started:
    """Return an environment whose init went ahead of its first invocation, which reports that."""
    ahead_ms, hosted.ahead_ms = hosted.ahead_ms, None
    return _Started(hosted, ahead_ms=ahead_ms)

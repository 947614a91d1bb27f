"""Runs invocations on this machine: admission → warm environment or a new one → result and log.

The warm path awaits the environment and nothing else: no disk, no lock.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from functools import partial
from typing import Final

import msgspec
from msgspec.structs import replace

from lambent.base.clock import Clock
from lambent.base.ids import Ids
from lambent.domain.environments import Ending, Outcome, Sandbox
from lambent.domain.functions import FunctionVersion
from lambent.domain.invocations import FunctionError, Invocation, InvocationResult
from lambent.domain.metrics import BeginInvocation, unmetered
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


# Python 3.11 takes a fifth of a microsecond to find a member of an Enum by its name, and each invocation asks for several.
_SUCCESS: Final = Ending.SUCCESS
_TIMEOUT: Final = Ending.TIMEOUT
_USABLE: Final = (Ending.SUCCESS, Ending.ERROR)  #: endings that leave the environment as it was


class _Run(msgspec.Struct, frozen=True, gc=False):
    """An invocation and its environment, which is ready for it, or whose init failed."""

    invocation: Invocation
    hosted: Hosted
    ticket: Ticket
    began: float  #: monotonic, in seconds
    ahead_ms: float | None = None  #: what its init took ahead of this, its first invocation: reported with it, and not billed with it
    init_ms: float | None = None  #: ``None``: it was warm, or restored, or its init is part of the invocation
    restore_ms: float | None = None  #: when it was restored from a snapshot
    spent_s: float = 0.0  #: of the function's timeout, by an init that was done again
    failed: Outcome | None = None  #: what came of an init that failed: the environment is gone


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
        begin: BeginInvocation = unmetered,
    ) -> None:
        self._clock = clock
        self._monotonic = clock.monotonic
        self._ids = ids
        self._quotas = quotas
        self._sync_bytes_max = quotas.sync_payload_bytes_max
        self._shipper = shipper
        self._idle_s = idle_s
        self._begin = begin
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
        """Let go of idle environments, and of what is known of functions that are idle or gone, until cancelled."""
        while True:
            await self._clock.sleep(max(1.0, self._idle_s / 20))
            self._host.expire()
            self._admission.forget(self._monotonic())

    async def close(self) -> None:
        """Stop every environment."""
        await self._host.close()

    async def invoke(self, function: FunctionVersion, invocation: Invocation) -> InvocationResult:
        """Return the outcome; see ``Invoker``."""
        now = self._monotonic()
        meter = self._begin(function, invocation.invoked_arn)
        ticket = None
        try:
            if invocation.trace_header and not function.recursion_allowed:
                recursion.check(invocation.trace_header, function.function_arn)
            pool = self._host.pool(function, invocation.tenant_id)
            ticket = self._admission.enter(function, now, is_provisioned=pool.has_ready(function.revision_id))
            hosted = self._host.take(function, pool)
            if hosted is None:
                self._admission.scale(function, now)
                hosted = self._host.begin(function, pool)
                run = await self._start(hosted, invocation, ticket)
            else:
                run = _Run(invocation, hosted, ticket, now, hosted.ahead_ms)
                hosted.ahead_ms = None
            log = run.hosted.log
            if invocation.log_tail and run.failed is None:
                log.collect_tail()  # a good init isn't part of the tail
            log.start(invocation.request_id)
            outcome = run.failed
            if outcome is None:
                try:
                    outcome = await self._handed_over(run)
                    if run.hosted.session is not None:
                        await run.hosted.session.wait_kept()
                        run.hosted.session = None
                except BaseException:
                    self._host.discard(run.hosted)
                    raise
            payload = outcome.payload
            result = (
                self._settled(run, outcome, payload) if isinstance(payload, bytes) else await self._settle_pieces(run, outcome, payload)
            )
        except BaseException as error:
            meter.failed(error)
            if ticket is not None:
                ticket.leave()
            raise
        meter.ended(result)
        if self._shipper.is_crowded(log.stream):
            await self._shipper.wait_room()
        if invocation.log_awaited:
            first, last = hosted.log.stream, log.stream
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

    async def _start(self, hosted: Hosted, invocation: Invocation, ticket: Ticket) -> _Run:
        """Launch and initialise. An init that takes longer than 10 s is done once more, within the function's own timeout."""
        if invocation.log_tail:
            hosted.log.collect_tail()
        if hosted.initialization_type == SNAP_START:
            return await self._restore(hosted, invocation, ticket)
        outcome, init_s = await self._initialise(hosted, self._quotas.init_s_max, "init")
        if outcome.ending is not Ending.TIMEOUT:
            failed = None if outcome.ending is Ending.SUCCESS else outcome
            return _Run(invocation, hosted, ticket, self._monotonic(), init_ms=init_s * 1000, failed=failed)
        again = self._host.take_again(hosted)
        if invocation.log_tail:
            again.log.collect_tail()
        outcome, spent_s = await self._initialise(again, float(again.function.timeout_s), "invoke")
        failed = None if outcome.ending is Ending.SUCCESS else outcome
        return _Run(invocation, again, ticket, self._monotonic() - spent_s, spent_s=spent_s, failed=failed)

    async def _restore(self, hosted: Hosted, invocation: Invocation, ticket: Ticket) -> _Run:
        """Fork the version's snapshot; what its hooks make of that isn't the invocation's error but Lambda's."""
        outcome, restore_s = await self._initialise(hosted, self._quotas.init_s_max, "restore")
        if outcome.ending is Ending.SUCCESS:
            return _Run(invocation, hosted, ticket, self._monotonic(), restore_ms=restore_s * 1000)
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

    def _handed_over(self, run: _Run) -> Awaitable[Outcome]:
        """Hand the event to the environment, with a trace of its own if it came without; return what waits for its end."""
        hosted, invocation = run.hosted, run.invocation
        function = hosted.function
        if invocation.trace_header:
            trace = recursion.onward(invocation.trace_header, function.function_arn)
        else:
            trace = recursion.fresh(self._clock.now(), self._ids.hex(40)) + recursion.first_step(function.function_arn)
        timeout_s = max(0.001, function.timeout_s - run.spent_s) if run.spent_s else function.timeout_s
        assert hosted.environment is not None, "it was launched"
        return hosted.environment.invoke(invocation, timeout_s, trace)

    async def _settle_pieces(self, run: _Run, outcome: Outcome, pieces: AsyncIterator[bytes]) -> InvocationResult:
        """Turn a response in pieces into the answer. Success of a streamed invocation is settled when its last piece was taken."""
        if run.invocation.streamed and outcome.ending is Ending.SUCCESS:
            return self._stream(run, outcome, pieces)
        payload = b"".join([piece async for piece in pieces])
        return self._settled(run, replace(outcome, payload=payload), payload)

    def _settled(self, run: _Run, outcome: Outcome, payload: bytes) -> InvocationResult:
        """Let go of the environment, or give it back, and return the answer."""
        now, failed = self._monotonic(), None
        if outcome.ending is _SUCCESS and len(payload) <= self._sync_bytes_max:
            self._host.give_back(run.hosted, now)
        else:
            failed = self._failure(run, outcome)
            if run.failed is None:
                self._let_go(run.hosted, outcome, now)
        return self._finish(run, outcome, failed, now)

    def _let_go(self, hosted: Hosted, outcome: Outcome, now: float) -> None:
        if outcome.ending in _USABLE:
            self._host.give_back(hosted, now)
        else:
            self._host.discard(hosted)

    def _failure(self, run: _Run, outcome: Outcome) -> Failure | None:
        payload = outcome.payload if isinstance(outcome.payload, bytes) else b""
        if outcome.ending is Ending.SUCCESS:
            bytes_max = self._quotas.streamed_response_bytes_max if run.invocation.streamed else self._quotas.sync_payload_bytes_max
            return too_large(bytes_max) if len(payload) > bytes_max else None
        return failure(
            outcome,
            payload,
            request_id=run.invocation.request_id,
            timeout_s=float(run.hosted.function.timeout_s),
            now_stamp=stamp(self._clock.now()),
        )

    def _finish(self, run: _Run, outcome: Outcome, failed: Failure | None, now: float) -> InvocationResult:
        """Log END and REPORT, leave the busy, and return the result."""
        invocation, function, log = run.invocation, run.hosted.function, run.hosted.log
        payload, status, error_type, function_error = outcome.payload, "success", "", None
        if failed is not None:
            payload, status, error_type, function_error = failed.payload, failed.status, failed.error_type, FunctionError.UNHANDLED
            if failed.note:
                log.note(failed.note)
        duration_ms = (now - run.began) * 1000
        if outcome.ending is _TIMEOUT:
            duration_ms = function.timeout_s * 1000.0  # what is billed and reported, whatever the kill took
        billed = billed_ms(duration_ms, run.init_ms, run.restore_ms)
        memory_used_mb = outcome.memory_peak_mb
        if memory_used_mb > function.memory_mb:  # pages of the machine's files are counted, too, in a peak
            memory_used_mb = function.memory_mb
        log.end(
            Report(
                request_id=invocation.request_id,
                duration_ms=duration_ms,
                billed_ms=billed,
                memory_mb=function.memory_mb,
                memory_used_mb=memory_used_mb,
                init_ms=run.init_ms if run.ahead_ms is None else run.ahead_ms,
                restore_ms=run.restore_ms,
                status=status,
                error_type=error_type,
            )
        )
        run.ticket.leave()
        log_tail = log.take_tail() if invocation.log_tail else b""
        return InvocationResult(
            payload, function.version, function_error, log_tail, outcome.content_type, duration_ms, billed, run.init_ms, memory_used_mb
        )

    def _stream(self, run: _Run, outcome: Outcome, pieces: AsyncIterator[bytes]) -> InvocationResult:
        def ended(error: BaseException | None) -> None:
            final, failed = outcome, None
            if error is not None:
                told = getattr(error, "outcome", None)  # what the driver knows of a stream that broke
                final = told if isinstance(told, Outcome) else Outcome(Ending.EXIT, error_type="Runtime.TruncatedResponse", exit_status=-9)
                failed = self._failure(run, final)
            now = self._monotonic()
            self._let_go(run.hosted, final, now)
            stream.log_tail = self._finish(run, final, failed, now).log_tail

        stream = ResponseStream(pieces, ended)
        return InvocationResult(
            payload=stream,
            executed_version=run.hosted.function.version,
            content_type=outcome.content_type,
            init_ms=run.init_ms,
        )

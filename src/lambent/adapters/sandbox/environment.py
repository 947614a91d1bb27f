"""One environment: the talk with the runtime in it, and what its end means. What keeps its processes is a driver's ``Body``."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final, Protocol, TypeAlias

import msgspec

from lambent.adapters.sandbox import exits
from lambent.adapters.sandbox.alarm import Alarm
from lambent.adapters.sandbox.channels import Channel
from lambent.adapters.sandbox.keeper import Ended
from lambent.adapters.sandbox.output import PAUSE_S
from lambent.adapters.sandbox.responses import ResponseStream, StreamBroken
from lambent.base.clock import Clock
from lambent.domain.environments import Ending, Outcome
from lambent.domain.invocations import Invocation
from lambent.domain.talk import EventHeader, Report, ReportHeader

_PEAK_DIGITS_MAX = 10
_GRACE_S = 2.0  #: for the last words of a process that is ending by itself
_Message: TypeAlias = "tuple[str, ReportHeader, bytes]"
_SUCCESS: Final = Ending.SUCCESS  #: Python 3.11 takes a fifth of a microsecond to find a member of an Enum by its name
_IN_PIECES: Final = frozenset(("stream", "chunk", "end"))


class Body(Protocol):
    """An environment's processes, as a driver keeps them."""

    ended: asyncio.Future[Ended]  #: the end of the first one; there once ``start`` was called

    async def start(self, report: Report) -> Channel:
        """Start the runtime; what it reports goes to ``report``. Raises ``OSError`` when nothing could be started."""
        ...

    def drain(self, *, is_read: bool = False) -> bool:
        """Give the environment's output what was written up to now; return whether there is more of it, for the next call.

        ``is_read``: the runtime says that all of it was read. What it says may be wrong; it says it of its own log.
        """
        ...

    def peak_mb(self) -> int:
        """Return the largest resident size of the runtime so far, in MB; 0 when the machine doesn't say."""
        ...

    async def kill(self) -> Ended:
        """Kill the whole tree and return when it is gone. Safe to call at any time, and twice."""
        ...

    async def remove(self) -> None:
        """Let go of everything else, after ``kill``. Safe to call twice."""
        ...

    def rest(self) -> None:
        """Nothing is to run until ``wake``: the time between two invocations."""
        ...

    def wake(self) -> None:
        """An invocation follows."""
        ...


class Plan(msgspec.Struct, frozen=True):
    """What is asked of an environment, whatever runs it."""

    id: str
    program: str  #: what is executed, for the message when that fails
    response_bytes_max: int
    invalid: str = ""  #: why there is nothing to execute


class SandboxedEnvironment:
    """A started environment: the talk with its runtime, and what its end means."""

    def __init__(self, plan: Plan, body: Body, clock: Clock, stopped: Callable[[str], None]) -> None:
        self.id = plan.id
        self._plan = plan
        self._body = body
        self._clock = clock
        self._stopped = stopped
        self._channel: Channel | None = None
        self._loop = asyncio.get_running_loop()
        self._report: asyncio.Future[_Message | None] = self._loop.create_future()
        self._alarm = Alarm(clock, self._no_report)  #: one that rings when there was a report does nothing
        self._peak_kb = "-"  #: what the runtime told last, and what that is in MB
        self._peak_mb = 0
        self._request_id = ""
        self._stream: ResponseStream | None = None
        self._watch: asyncio.Task[None] | None = None

    async def initialise(self, timeout_s: float) -> Outcome:
        """Start the runtime and import the function.

        ``ERROR`` carries the document of a failed import (the process ends by itself; stop the environment). Documents of ``EXIT``
        have no request id yet: their message begins with ``Error:``.
        """
        if self._plan.invalid:
            return _failed(Ending.EXIT, exits.INVALID_ENTRYPOINT, self._plan.invalid)
        self._channel = await self._body.start(self._reported)
        self._body.ended.add_done_callback(self._no_report)
        deadline = self._clock.monotonic() + timeout_s
        outcome = await self._outcome(await self._awaited(deadline), deadline)
        if outcome.ending is Ending.ERROR:
            await self._ended_within(_GRACE_S)
            await self._drained()
        self._body.rest()
        return outcome

    async def invoke(self, invocation: Invocation, timeout_s: float, trace_header: str) -> Outcome:
        """Hand over an event and wait for its end. A response in pieces ends when its iterator does."""
        assert self._channel is not None, "initialise comes first"
        if self._watch is not None:
            await self._watch
        self._report = self._loop.create_future()
        self._request_id = invocation.request_id
        self._stream = None
        header = EventHeader(
            invocation.request_id,
            invocation.invoked_arn,
            int((self._clock.now() + timeout_s) * 1000),
            trace_header,
            invocation.client_context,
            invocation.tenant_id,
        )
        self._body.wake()
        self._channel.send(header, invocation.payload)
        deadline = self._clock.monotonic() + timeout_s
        message = await self._awaited(deadline)
        outcome = self._plain(message) or await self._outcome(message, deadline, streamed=invocation.streamed)
        if self._watch is None or self._watch.done():
            self._body.rest()
        return outcome

    def wake(self) -> None:
        """Let it run, though no event comes."""
        self._body.wake()

    def rest(self) -> None:
        """Let it rest again."""
        self._body.rest()

    async def stop(self) -> None:
        """Kill the process tree and remove what it left."""
        self._alarm.close()
        await self._body.kill()
        if self._watch is not None:
            await self._watch
        await self._drained()
        if self._channel is not None:
            await self._channel.close()
        await self._body.remove()
        self._stopped(self.id)

    def _reported(self, kind: str, header: ReportHeader, body: bytes) -> None:
        if header.request_id and header.request_id != self._request_id:
            return  # of an invocation that is over
        if kind in _IN_PIECES:
            self._streamed(kind, header, body)
        elif not self._report.done():
            self._report.set_result((kind, header, body))

    def _streamed(self, kind: str, header: ReportHeader, body: bytes) -> None:
        """Take the beginning, a piece, or the end of a response in pieces."""
        if kind == "chunk":
            if self._stream is not None:
                self._stream.feed(body)
        elif kind == "end":
            self._end_stream(header, body)
        elif not self._report.done():
            assert self._channel is not None
            self._stream = ResponseStream(self._channel, header.content_type or "application/octet-stream")
            self._report.set_result((kind, header, body))

    def _no_report(self, _: object = None) -> None:
        """Let whoever waits for a report know that none is coming: the process has ended, or the deadline has passed."""
        if not self._report.done():
            self._report.set_result(None)

    async def _drained(self) -> None:
        """Let out what was written up to now; others have their turns meanwhile."""
        while self._body.drain():
            await self._clock.sleep(PAUSE_S)

    def _end_stream(self, header: ReportHeader, body: bytes) -> None:
        if self._stream is None:
            return
        self._body.drain()
        ending = Ending.ERROR if header.error_type else Ending.SUCCESS
        self._stream.end(Outcome(ending, body, self._stream.content_type, header.error_type, memory_peak_mb=self._body.peak_mb()))

    def _awaited(self, deadline: float) -> asyncio.Future[_Message | None]:
        """Return what is done with whatever comes first: a report, the process's end, or the deadline."""
        if self._body.ended.done():
            self._no_report()
        else:
            self._alarm.set(deadline)
        return self._report

    def _plain(self, message: _Message | None) -> Outcome | None:
        """Return the outcome of a result that is all there is to it, as nearly always; ``None``: it is something else, or there is more."""
        if message is None or message[0] != "result":
            return None
        _, header, body = message
        if header.too_large or len(body) > self._plan.response_bytes_max or self._body.drain(is_read=header.unread == "0"):
            return None
        peak_mb = self._peak_mb if header.peak_kb == self._peak_kb else self._peak(header)
        return Outcome(_SUCCESS, body, header.content_type or "application/json", "", None, False, peak_mb)

    async def _outcome(self, message: _Message | None, deadline: float, *, streamed: bool = False) -> Outcome:
        """Return what came of it; ``None``: nothing was reported before the process's end, or the deadline."""
        self._alarm.clear()
        if message is None and (message := await self._late_report()) is None:
            return await self._gone()
        kind, header, body = message
        if self._body.drain(is_read=header.unread == "0"):
            await self._drained()
        if kind == "stream":
            return await self._streaming(deadline, streamed=streamed)
        peak = self._peak(header)
        if len(body) > self._plan.response_bytes_max or header.too_large:
            document = exits.too_large(self._plan.response_bytes_max)
            return Outcome(Ending.ERROR, document, error_type=exits.RESPONSE_TOO_LARGE, memory_peak_mb=peak)
        if kind in ("error", "init_error"):
            return Outcome(Ending.ERROR, body, error_type=header.error_type, memory_peak_mb=peak)
        return Outcome(Ending.SUCCESS, body, header.content_type or "application/json", memory_peak_mb=peak)

    def _peak(self, header: ReportHeader) -> int:
        """Return the largest resident size in MB: what the runtime tells, which seldom changes, and else what the machine does."""
        if not header.peak_kb:
            return self._body.peak_mb()
        if header.peak_kb != self._peak_kb:
            self._peak_kb, self._peak_mb = header.peak_kb, _megabytes(header.peak_kb)
        return self._peak_mb

    async def _streaming(self, deadline: float, *, streamed: bool) -> Outcome:
        stream = self._stream
        assert stream is not None
        self._watch = asyncio.create_task(self._watch_stream(stream, deadline))
        if streamed:
            return Outcome(Ending.SUCCESS, stream.pieces(), stream.content_type, memory_peak_mb=self._body.peak_mb())
        body = bytearray()
        try:
            async for piece in stream.pieces():
                body += piece
                if len(body) > self._plan.response_bytes_max:
                    document = exits.too_large(self._plan.response_bytes_max)
                    await self._discard(stream)
                    return Outcome(Ending.ERROR, document, error_type=exits.RESPONSE_TOO_LARGE)
        except StreamBroken as broken:
            return broken.outcome
        return Outcome(Ending.SUCCESS, bytes(body), stream.content_type, memory_peak_mb=self._body.peak_mb())

    async def _discard(self, stream: ResponseStream) -> None:
        with contextlib.suppress(StreamBroken):
            async for _ in stream.pieces():
                pass

    async def _watch_stream(self, stream: ResponseStream, deadline: float) -> None:
        """See to it that a response in pieces ends: with its last piece, with the process, or at the deadline."""
        await self._first(deadline - self._clock.monotonic(), stream.ended, self._body.ended)
        if not stream.ended.done() and self._body.ended.done():
            await self._last_words()
        if not stream.ended.done():
            stream.end(await self._gone())
        self._body.rest()

    async def _gone(self) -> Outcome:
        """Say how the process ended; when it hasn't, the deadline has passed and it is killed."""
        ending = Ending.EXIT if self._body.ended.done() else Ending.TIMEOUT
        ended = await self._body.kill()
        await self._drained()
        if ending is Ending.TIMEOUT:
            return Outcome(ending, exit_status=ended.status, memory_peak_mb=ended.peak_mb)
        if ended.not_started:
            message = f"fork/exec {self._plan.program}: {ended.not_started.lower()}"
            return _failed(ending, exits.INVALID_ENTRYPOINT, message, self._request_id)
        return _failed(ending, exits.EXIT_ERROR, exits.describe(ended.status), self._request_id, ended)

    async def _late_report(self) -> _Message | None:
        """Return what an ended process had reported before, if it had."""
        self._report = self._loop.create_future()
        if self._body.ended.done():
            await self._last_words()
        return self._report.result() if self._report.done() else None

    async def _last_words(self) -> None:
        """Let in what an ended process had sent before."""
        assert self._channel is not None
        drained = asyncio.ensure_future(self._channel.drained())
        await self._first(_GRACE_S, drained)
        drained.cancel()

    async def _ended_within(self, seconds: float) -> None:
        await self._first(seconds, self._body.ended)
        await self._body.kill()

    async def _first(self, timeout_s: float, *futures: asyncio.Future[Ended] | asyncio.Future[Outcome] | asyncio.Future[None]) -> None:
        if any(each.done() for each in futures):
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def wake(_: object = None) -> None:
            if not waiter.done():
                waiter.set_result(None)

        for each in futures:
            each.add_done_callback(wake)
        timer = self._clock.call_later(timeout_s, wake)
        try:
            await waiter
        finally:
            timer.cancel()
            for each in futures:
                each.remove_done_callback(wake)


def _megabytes(told: str) -> int:
    """Return the peak that a runtime tells in kB; 0 for what isn't one."""
    return int(told) // 1024 if told.isdecimal() and len(told) <= _PEAK_DIGITS_MAX else 0


def _failed(ending: Ending, error_type: str, message: str, request_id: str = "", ended: Ended | None = None) -> Outcome:
    return Outcome(
        ending,
        exits.document(error_type, message, request_id),
        error_type=error_type,
        exit_status=ended.status if ended else None,
        out_of_memory=ended.out_of_memory if ended else False,
        memory_peak_mb=ended.peak_mb if ended else 0,
    )

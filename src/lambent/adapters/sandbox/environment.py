"""One environment of the ``process`` driver: a process tree, its output, and the talk with the runtime in it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from lambent.adapters.sandbox import exits
from lambent.adapters.sandbox.channels import Channel, FrameChannel, RuntimeApiFactory
from lambent.adapters.sandbox.keeper import Child, Ended, Keeper, remove
from lambent.adapters.sandbox.output import OutputParser, OutputPipe
from lambent.adapters.sandbox.responses import ResponseStream, StreamBroken
from lambent.base.clock import Clock
from lambent.domain.environments import Ending, Outcome, OutputSink
from lambent.domain.invocations import Invocation

_GRACE_S = 2.0  #: for the last words of a process that is ending by itself
_Message: TypeAlias = "tuple[str, Mapping[str, str], bytes]"


@dataclass(frozen=True, slots=True)
class Plan:
    """How to start an environment's process."""

    id: str
    argv: tuple[str, ...]
    variables: Mapping[str, str]
    folder: Path  #: the working directory: the function's code
    limits: Mapping[str, int]
    tmp: Path  #: the environment's own temporary folder
    output: OutputSink
    runtime_api: RuntimeApiFactory | None  #: when the runtime speaks HTTP; frames otherwise
    response_bytes_max: int
    invalid: str = ""  #: why there is nothing to execute


class ProcessEnvironment:
    """A started environment."""

    def __init__(self, plan: Plan, keeper: Keeper, clock: Clock, stopped: Callable[[str], None]) -> None:
        self.id = plan.id
        self._plan = plan
        self._keeper = keeper
        self._clock = clock
        self._stopped = stopped
        self._pipe: OutputPipe | None = None
        self._channel: Channel | None = None
        self._child: Child | None = None
        self._report: asyncio.Future[_Message] = asyncio.get_running_loop().create_future()
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
        await self._start()
        outcome = await self._outcome(timeout_s)
        if outcome.ending is Ending.ERROR:
            await self._ended_within(_GRACE_S)
            self._drain()
        return outcome

    async def invoke(self, invocation: Invocation, timeout_s: float) -> Outcome:
        """Hand over an event and wait for its end. A response in pieces ends when its iterator does."""
        assert self._channel is not None, "initialise comes first"
        if self._watch is not None:
            await self._watch
        self._report = asyncio.get_running_loop().create_future()
        self._request_id = invocation.request_id
        self._stream = None
        deadline = invocation.deadline or self._clock.now() + timeout_s
        header: dict[str, str | int] = {
            "request_id": invocation.request_id,
            "arn": invocation.invoked_arn,
            "deadline_ms": int(deadline * 1000),
            "trace": invocation.trace_header,
            "client_context": invocation.client_context,
            "tenant": invocation.tenant_id,
        }
        self._channel.send(header, invocation.payload)
        return await self._outcome(timeout_s, streamed=invocation.streamed)

    async def stop(self) -> None:
        """Kill the process tree and remove its ``/tmp``."""
        await self._kill()
        if self._watch is not None:
            await self._watch
        if self._pipe is not None:
            self._pipe.close()
        if self._channel is not None:
            await self._channel.close()
        await asyncio.to_thread(remove, self._plan.tmp)
        self._stopped(self.id)

    async def _start(self) -> None:
        plan = self._plan
        self._pipe = OutputPipe(OutputParser(plan.output, self._clock))
        variables = dict(plan.variables)
        fds = [self._pipe.write]
        theirs = None
        if plan.runtime_api is None:
            self._channel, theirs = await FrameChannel.open(self._reported)
            fds.append(theirs.fileno())
        else:
            api = await plan.runtime_api(self._reported)
            variables["AWS_LAMBDA_RUNTIME_API"] = api.address
            self._channel = api
        self._child = self._keeper.start(self.id, argv=plan.argv, env=variables, cwd=plan.folder, limits=plan.limits, fds=fds)
        self._pipe.started()
        if theirs is not None:
            theirs.close()

    def _reported(self, kind: str, header: Mapping[str, str], body: bytes) -> None:
        if header.get("request_id", self._request_id) != self._request_id:
            return  # of an invocation that is over
        if kind == "chunk":
            if self._stream is not None:
                self._stream.feed(body)
        elif kind == "end":
            self._end_stream(header, body)
        elif not self._report.done():
            if kind == "stream" and self._channel is not None:
                self._stream = ResponseStream(self._channel, header.get("content_type", "application/octet-stream"))
            self._report.set_result((kind, header, body))

    def _end_stream(self, header: Mapping[str, str], body: bytes) -> None:
        if self._stream is None:
            return
        self._drain()
        error_type = header.get("error_type", "")
        ending = Ending.ERROR if error_type else Ending.SUCCESS
        self._stream.end(Outcome(ending, body, self._stream.content_type, error_type, memory_peak_mb=self._peak_mb()))

    async def _outcome(self, timeout_s: float, *, streamed: bool = False) -> Outcome:
        """Wait for whatever comes first: a report, the process's end, or the deadline."""
        assert self._child is not None
        deadline = self._clock.monotonic() + timeout_s
        await self._first(timeout_s, self._report, self._child.ended)
        if not self._report.done() and self._child.ended.done():
            await self._last_words()
        if not self._report.done():
            return await self._gone()
        kind, header, body = self._report.result()
        self._drain()
        if kind == "stream":
            return await self._streaming(deadline, streamed=streamed)
        peak = int(header["peak_kb"]) // 1024 if "peak_kb" in header else self._peak_mb()
        if kind in ("error", "init_error"):
            return Outcome(Ending.ERROR, body, error_type=header.get("error_type", ""), memory_peak_mb=peak)
        if len(body) > self._plan.response_bytes_max:
            document = exits.too_large(self._plan.response_bytes_max)
            return Outcome(Ending.ERROR, document, error_type=exits.RESPONSE_TOO_LARGE, memory_peak_mb=peak)
        return Outcome(Ending.SUCCESS, body, header.get("content_type") or "application/json", memory_peak_mb=peak)

    async def _streaming(self, deadline: float, *, streamed: bool) -> Outcome:
        stream = self._stream
        assert stream is not None
        self._watch = asyncio.create_task(self._watch_stream(stream, deadline))
        if streamed:
            return Outcome(Ending.SUCCESS, stream.pieces(), stream.content_type, memory_peak_mb=self._peak_mb())
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
        return Outcome(Ending.SUCCESS, bytes(body), stream.content_type, memory_peak_mb=self._peak_mb())

    async def _discard(self, stream: ResponseStream) -> None:
        with contextlib.suppress(StreamBroken):
            async for _ in stream.pieces():
                pass

    async def _watch_stream(self, stream: ResponseStream, deadline: float) -> None:
        """See to it that a response in pieces ends: with its last piece, with the process, or at the deadline."""
        assert self._child is not None
        await self._first(deadline - self._clock.monotonic(), stream.ended, self._child.ended)
        if not stream.ended.done() and self._child.ended.done():
            await self._last_words()
        if not stream.ended.done():
            stream.end(await self._gone())

    async def _gone(self) -> Outcome:
        """Say how the process ended; when it hasn't, the deadline has passed and it is killed."""
        assert self._child is not None
        ending = Ending.EXIT if self._child.ended.done() else Ending.TIMEOUT
        ended = await self._kill()
        self._drain()
        if ending is Ending.TIMEOUT:
            return Outcome(ending, exit_status=ended.status, memory_peak_mb=ended.peak_mb)
        if ended.not_started:
            message = f"fork/exec {self._plan.argv[0]}: {ended.not_started.lower()}"
            return _failed(ending, exits.INVALID_ENTRYPOINT, message, self._request_id)
        return _failed(ending, exits.EXIT_ERROR, exits.describe(ended.status), self._request_id, ended)

    async def _last_words(self) -> None:
        """Let in what an ended process had sent before."""
        assert self._channel is not None
        drained = asyncio.ensure_future(self._channel.drained())
        await self._first(_GRACE_S, drained)
        drained.cancel()

    async def _ended_within(self, seconds: float) -> None:
        assert self._child is not None
        await self._first(seconds, self._child.ended)
        await self._kill()

    async def _kill(self) -> Ended:
        if self._child is None:
            return Ended(0)
        if not self._child.ended.done():
            self._keeper.kill(self.id)
        return await asyncio.shield(self._child.ended)

    async def _first(
        self, timeout_s: float, *futures: asyncio.Future[_Message] | asyncio.Future[Ended] | asyncio.Future[Outcome] | asyncio.Future[None]
    ) -> None:
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

    def _drain(self) -> None:
        if self._pipe is not None:
            self._pipe.drain()

    def _peak_mb(self) -> int:
        """Return the largest resident size of the runtime's process so far, in MB; 0 when the machine doesn't say."""
        if self._child is None or not self._child.pid or self._child.ended.done():
            return 0
        try:
            status = Path(f"/proc/{self._child.pid}/status").read_bytes()
        except OSError:
            return 0
        _, found, rest = status.partition(b"VmHWM:")
        return int(rest.split(None, 1)[0]) // 1024 if found else 0


def _failed(ending: Ending, error_type: str, message: str, request_id: str = "", ended: Ended | None = None) -> Outcome:
    return Outcome(
        ending,
        exits.document(error_type, message, request_id),
        error_type=error_type,
        exit_status=ended.status if ended else None,
        memory_peak_mb=ended.peak_mb if ended else 0,
    )

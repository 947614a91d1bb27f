"""What an environment makes of what its runtime reports, and of what it doesn't."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from lambent.adapters.sandbox.environment import Plan, SandboxedEnvironment
from lambent.adapters.sandbox.keeper import Ended
from lambent.base.clock import VirtualClock
from lambent.domain.environments import Ending, Outcome
from lambent.domain.invocations import Invocation
from lambent.domain.talk import EventHeader, Report, ReportHeader

RESULT, ERROR = "result", "error"


class Runtime:
    """A channel, and the body whose process is at its other end."""

    def __init__(self) -> None:
        self.ended: asyncio.Future[Ended] = asyncio.get_running_loop().create_future()
        self.events: list[EventHeader] = []
        self.says: list[tuple[str, ReportHeader, bytes]] = []  #: as soon as an event comes
        self.last_words: list[tuple[str, ReportHeader, bytes]] = []
        self.to_drain = 0  #: how often there is more of its output
        self.drains: list[bool] = []
        self.is_awake = True
        self.peaks = iter(range(7, 1000))
        self.report: Report

    async def start(self, report: Report) -> Runtime:
        self.report = report
        report("ready", ReportHeader(), b"")
        return self

    def send(self, header: EventHeader, body: bytes) -> None:
        assert self.is_awake
        self.events.append(header)
        for each in self.says:
            self.report(*each)

    async def drained(self) -> None:
        for each in self.last_words:
            self.report(*each)

    def drain(self, *, is_read: bool = False) -> bool:
        self.drains.append(is_read)
        self.to_drain -= 1
        return self.to_drain >= 0

    def peak_mb(self) -> int:
        return next(self.peaks)

    async def kill(self) -> Ended:
        if not self.ended.done():
            self.ended.set_result(Ended(-9, peak_mb=5))
        return self.ended.result()

    def wake(self) -> None:
        self.is_awake = True

    def rest(self) -> None:
        self.is_awake = False

    async def close(self) -> None: ...

    async def remove(self) -> None: ...

    def pause(self) -> None: ...

    def resume(self) -> None: ...


class Started:
    """An initialised environment; its invocations have the ids 1, 2, …"""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.runtime = Runtime()
        self.environment = SandboxedEnvironment(Plan("e", "/bootstrap", response_bytes_max=10), self.runtime, self.clock, lambda _: None)
        self.ids = iter(map(str, range(1, 100)))

    async def invoke(self, *says: tuple[str, ReportHeader, bytes], timeout_s: float = 3.0, **more: Any) -> Outcome:
        self.runtime.says = list(says)
        return await self.environment.invoke(Invocation(next(self.ids), b"{}", "arn", **more), timeout_s, "Root=1")

    def begin(self, *says: tuple[str, ReportHeader, bytes], **more: Any) -> asyncio.Task[Outcome]:
        return asyncio.create_task(self.invoke(*says, **more))


@pytest.fixture
async def started() -> Started:
    made = Started()
    assert (await made.environment.initialise(10.0)).ending is Ending.SUCCESS
    assert not made.runtime.is_awake
    return made


def result(body: bytes = b"1", **header: Any) -> tuple[str, ReportHeader, bytes]:
    return RESULT, ReportHeader(**header), body


async def test_an_event_is_handed_over_with_its_trace_and_deadline(started: Started) -> None:
    outcome = await started.invoke(result(content_type="text/plain", peak_kb="2048", unread="0"), client_context="{}", tenant_id="t")
    assert outcome == Outcome(Ending.SUCCESS, b"1", "text/plain", memory_peak_mb=2)
    deadline_ms = int((started.clock.now() + 3.0) * 1000)
    assert started.runtime.events == [EventHeader("1", "arn", deadline_ms, "Root=1", "{}", "t")]
    assert started.runtime.drains[-1]  # it needn't look
    assert not started.runtime.is_awake


async def test_peaks_are_told_by_the_runtime_or_else_by_the_machine(started: Started) -> None:
    told = ("2048", "2048", "3072", "2048", "", "2048", "x" * 20, "9" * 11, "-5", "", "4096")
    peaks = [(await started.invoke(result(peak_kb=each))).memory_peak_mb for each in told]
    by_machine = [peaks.pop(4), peaks.pop(8)]
    assert peaks == [2, 2, 3, 2, 2, 0, 0, 0, 4]
    assert by_machine == sorted(by_machine)
    assert min(by_machine) >= 7


async def test_what_is_of_an_invocation_that_is_over_is_not_heard(started: Started) -> None:
    await started.invoke(result(request_id="1"))
    outcome = await started.invoke(result(b"old", request_id="1"), result(b"new", request_id="2"), result(b"more", request_id="2"))
    assert outcome.payload == b"new"
    assert (await started.invoke(result(b"mine"))).payload == b"mine"


@pytest.mark.parametrize("report", [result(b"x" * 11), result(too_large=True), (ERROR, ReportHeader(), b"x" * 11)])
async def test_a_response_above_the_limit_is_an_error(started: Started, report: tuple[str, ReportHeader, bytes]) -> None:
    outcome = await started.invoke(report)
    assert (outcome.ending, outcome.error_type) == (Ending.ERROR, "Function.ResponseSizeTooLarge")
    assert (await started.invoke(result(b"x" * 10))).payload == b"x" * 10


async def test_all_output_is_out_before_the_outcome(started: Started) -> None:
    started.runtime.to_drain = 3
    running = started.begin(result(unread="4"))
    await started.clock.settle()
    assert not running.done()
    while not running.done():
        await started.clock.advance(0.01)
    assert running.result().payload == b"1"
    assert started.runtime.to_drain < 0


async def test_a_deadline_ends_it_and_not_the_next(started: Started) -> None:
    await started.invoke(result(), timeout_s=1.0)
    running = started.begin(timeout_s=3.0)
    await started.clock.advance(2.9)  # the first one's alarm is early
    assert not running.done()
    started.runtime.report(*result(b"late"))
    assert (await running).payload == b"late"
    await started.clock.advance(60.0)
    running = started.begin(timeout_s=2.0)
    await started.clock.advance(2.0)
    assert (await running).ending is Ending.TIMEOUT


async def test_a_process_that_ends_is_an_exit_unless_it_had_answered(started: Started) -> None:
    running = started.begin()
    await started.clock.settle()
    started.runtime.last_words = [result(b"last")]
    started.runtime.ended.set_result(Ended(1))
    assert (await running).payload == b"last"
    started.runtime.last_words = []
    assert (await started.invoke()).ending is Ending.EXIT  # it had ended before


async def test_an_alarm_does_not_silence_last_words(started: Started) -> None:
    running = started.begin(timeout_s=1.0)
    await started.clock.advance(0.9)
    heard = asyncio.Event()

    async def drained() -> None:
        await heard.wait()
        started.runtime.report(*result(b"last"))

    started.runtime.drained = drained  # type: ignore[method-assign]
    started.runtime.ended.set_result(Ended(1))
    await started.clock.advance(0.5)  # past the deadline
    heard.set()
    assert (await running).payload == b"last"


async def test_pieces_pass_on_and_others_gather(started: Started) -> None:
    def pieces() -> Iterator[tuple[str, ReportHeader, bytes]]:
        yield "chunk", ReportHeader(), b"nothing has begun"
        yield "end", ReportHeader(), b""
        yield "stream", ReportHeader(content_type="text/plain"), b""
        yield "stream", ReportHeader(content_type="text/html"), b""
        yield from (("chunk", ReportHeader(), each) for each in (b"a", b"b"))
        yield "end", ReportHeader(), b""

    outcome = await started.invoke(*pieces())
    assert (outcome.payload, outcome.content_type) == (b"ab", "text/plain")
    outcome = await started.invoke(*pieces(), streamed=True)
    assert not isinstance(outcome.payload, bytes)
    assert [piece async for piece in outcome.payload] == [b"a", b"b"]
    assert (await started.invoke(result())).payload == b"1"
    assert not started.runtime.is_awake

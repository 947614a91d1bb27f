"""Invocations over a fake sandbox: reuse, errors, timeouts, throttles, and what the log says."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.engine.fakes import Bench, FakeEnvironment, function, invocation

from lambent.domain.environments import Ending, Outcome
from lambent.domain.errors import AwsError
from lambent.domain.functions import LoggingConfig
from lambent.domain.invocations import FunctionError, Invocation
from lambent.domain.quotas import Quotas
from lambent.engine.invocation.admission import Admission
from lambent.engine.measuring import InvocationMeters

REQUEST = invocation().request_id


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def ending(outcome: Outcome, *lines: str, takes_s: float = 0.0):
    async def handler(environment: FakeEnvironment, event: Invocation) -> Outcome:
        for line in lines:
            environment.print(line)
        if takes_s:
            await environment.sandbox.clock.sleep(takes_s)
        return outcome

    return handler


async def test_no_more_memory_is_reported_than_there_is(bench: Bench) -> None:
    bench.sandbox.handler = ending(Outcome(Ending.SUCCESS, b"1", memory_peak_mb=300))
    result = await bench.invoker.invoke(function(), invocation(log_tail=True))
    assert b"Memory Size: 128 MB\tMax Memory Used: 128 MB" in result.log_tail
    assert result.memory_used_mb == 128


async def test_a_cold_then_a_warm_invocation(bench: Bench) -> None:
    cold = await bench.invoker.invoke(function(), invocation(payload=b"[1]", log_tail=True))
    warm = await bench.invoker.invoke(function(), invocation(payload=b"[2]", log_tail=True))
    assert (cold.payload, warm.payload) == (b"[1]", b"[2]")
    assert cold.init_ms is not None
    assert warm.init_ms is None
    assert len(bench.sandbox.environments) == 1
    assert (
        warm.log_tail.decode() == f"START RequestId: {REQUEST} Version: $LATEST\nEND RequestId: {REQUEST}\n"
        f"REPORT RequestId: {REQUEST}\tDuration: 0.00 ms\tBilled Duration: 1 ms\tMemory Size: 128 MB\tMax Memory Used: 30 MB\t\n"
    )
    assert cold.log_tail.startswith(b"START")
    log = await bench.log()
    assert re.match(
        r"INIT_START Runtime Version: python:3\.12\.v1\tRuntime Version ARN: arn:aws:lambda:us-east-1::runtime:[0-9a-f]{64}\n", log
    )
    ((group, stream),) = bench.cloud.streams
    assert group == "/aws/lambda/f"
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", stream)
    assert {call.caller.arn for call in bench.cloud.calls} == {"arn:aws:sts::000000000000:assumed-role/lambda-role/f@lambda_function"}


async def test_only_an_environments_first_answer_waits_for_its_credentials_to_be_kept(bench: Bench) -> None:
    first = await bench.invoker.invoke(function(), invocation(payload=b"[1]"))
    assert (first.payload, bench.credentials.waited) == (b"[1]", 1)
    await bench.invoker.invoke(function(), invocation())
    assert bench.credentials.waited == 1


async def test_an_environment_whose_credentials_cannot_be_kept_gives_no_answer(bench: Bench) -> None:
    bench.credentials.refused = OSError("the disk is full")
    with pytest.raises(OSError, match="the disk is full"):
        await bench.invoker.invoke(function(), invocation())
    assert bench.invoker.environments == 0
    bench.credentials.refused = None
    assert (await bench.invoker.invoke(function(), invocation())).init_ms is not None


async def test_the_process_sees_the_documented_variables(bench: Bench) -> None:
    await bench.invoker.invoke(function(environment={"TABLE": "t"}), invocation())
    seen = bench.sandbox.environments[0].launch.variables
    assert seen["TABLE"] == "t"
    assert seen["AWS_LAMBDA_FUNCTION_NAME"] == "f"
    assert seen["AWS_EXECUTION_ENV"] == "AWS_Lambda_python3.12"
    assert seen["AWS_ENDPOINT_URL"] == "http://localhost:4566"
    assert seen["AWS_SESSION_TOKEN"] == "token"
    assert seen["AWS_LAMBDA_LOG_STREAM_NAME"].split("]")[1] == bench.sandbox.environments[0].id
    assert (bench.sandbox.environments[0].launch.code / "app.py").read_text() == "pass"


async def test_a_handlers_exception_leaves_the_environment_warm(bench: Bench) -> None:
    document = b'{"errorMessage":"x","errorType":"ValueError"}'
    bench.sandbox.handler = ending(Outcome(Ending.ERROR, document, error_type="ValueError"))
    result = await bench.invoker.invoke(function(), invocation())
    await bench.invoker.invoke(function(), invocation())
    assert (result.payload, result.function_error) == (document, FunctionError.UNHANDLED)
    assert len(bench.sandbox.environments) == 1


async def test_a_timeout_ends_the_environment(bench: Bench) -> None:
    bench.sandbox.handler = ending(Outcome(Ending.TIMEOUT), "last words", takes_s=3.0)
    task = asyncio.create_task(bench.invoker.invoke(function(), invocation(log_tail=True)))
    await bench.clock.settle()
    while not task.done():
        await asyncio.sleep(0.001)
        await bench.clock.advance(1)
    result = await task
    assert json.loads(result.payload) == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": f"RequestId: {REQUEST} Error: Task timed out after 3.00 seconds",
    }
    tail = result.log_tail.decode()
    assert "last words\n" in tail
    assert re.search(rf"\dZ {REQUEST} Task timed out after 3\.00 seconds\n", tail)
    # The clock may move on while the code is unpacked in a thread; that time is the init's, and billed.
    assert re.search(r"\tDuration: 3000\.00 ms\tBilled Duration: \d000 ms", tail)
    assert tail.endswith("Status: timeout\n")
    await bench.invoker.close()
    assert bench.sandbox.environments[0].stopped
    assert bench.invoker.environments == 0


@pytest.mark.parametrize(
    ("outcome", "error_type", "how"),
    [
        (Outcome(Ending.EXIT, exit_status=1), "Runtime.ExitError", "Runtime exited with error: exit status 1"),
        (Outcome(Ending.EXIT, exit_status=0), "Runtime.ExitError", "Runtime exited without providing a reason"),
        (Outcome(Ending.EXIT, exit_status=-9), "Runtime.ExitError", "Runtime exited with error: signal: killed"),
        (Outcome(Ending.EXIT, exit_status=-9, out_of_memory=True), "Runtime.OutOfMemory", "Runtime exited with error: signal: killed"),
        (Outcome(Ending.EXIT, exit_status=-11), "Runtime.ExitError", "Runtime exited with error: signal: segmentation fault"),
    ],
)
async def test_an_exit_is_answered_as_aws_words_it(bench: Bench, outcome: Outcome, error_type: str, how: str) -> None:
    bench.sandbox.handler = ending(outcome, "before the crash")
    result = await bench.invoker.invoke(function(), invocation())
    assert json.loads(result.payload) == {"errorType": error_type, "errorMessage": f"RequestId: {REQUEST} Error: {how}"}
    log = await bench.log()
    assert log.index("before the crash") < log.index(how) < log.index("END RequestId") < log.index(f"Error Type: {error_type}")
    bench.sandbox.handler = ending(Outcome(Ending.SUCCESS, b"1"))
    assert (await bench.invoker.invoke(function(), invocation())).init_ms is not None


async def test_an_init_error_is_answered_and_init_is_run_anew_next_time(bench: Bench) -> None:
    document = b'{"errorMessage":"Unable to import module","errorType":"Runtime.ImportModuleError"}'
    bench.sandbox.inits = [Outcome(Ending.ERROR, document, error_type="Runtime.ImportModuleError")]
    failed = await bench.invoker.invoke(function(), invocation(log_tail=True))
    assert (failed.payload, failed.function_error) == (document, FunctionError.UNHANDLED)
    assert b"Phase: init\tStatus: error\tError Type: Runtime.ImportModuleError\n" in failed.log_tail
    assert (await bench.invoker.invoke(function(), invocation())).function_error is None
    await bench.invoker.close()
    assert [each.stopped for each in bench.sandbox.environments] == [True, True]


async def test_a_slow_init_is_done_again_within_the_functions_timeout(bench: Bench) -> None:
    bench.sandbox.init_s = 12.0
    slow = asyncio.create_task(bench.invoker.invoke(function(timeout_s=30), invocation()))
    quick = asyncio.create_task(bench.invoker.invoke(function("g", timeout_s=5), invocation()))
    while not (slow.done() and quick.done()):
        await asyncio.sleep(0.001)
        await bench.clock.advance(0.5)
    result = await slow
    assert result.function_error is None
    assert result.init_ms is None
    assert 12_000 <= result.duration_ms < 13_000
    assert json.loads((await quick).payload)["errorType"] == "Sandbox.Timedout"  # type: ignore[arg-type]
    log = await bench.log()
    assert re.search(r"INIT_REPORT Init Duration: 10000\.00 ms\tPhase: init\tStatus: timeout\n", log)
    assert re.search(r"INIT_REPORT Init Duration: 5000\.00 ms\tPhase: invoke\tStatus: timeout\n", log)


async def test_an_oversized_response_is_an_error(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Quotas(sync_payload_bytes_max=10))
    result = await bench.invoker.invoke(function(), invocation(payload=b"[1,2,3,4,5,6]"))
    assert json.loads(result.payload) == {
        "errorType": "Function.ResponseSizeTooLarge",
        "errorMessage": "Response payload size exceeded maximum allowed payload size (10 bytes).",
    }


async def reasons(bench: Bench, *functions: object) -> list[str]:
    """Return what each of the functions, invoked at once, is answered within a second: ``ok`` or the reason of its throttle."""
    running = 0

    async def handler(environment: FakeEnvironment, event: Invocation) -> Outcome:
        nonlocal running
        running += 1
        await bench.clock.sleep(1.0)
        return Outcome(Ending.SUCCESS, b"1")

    bench.sandbox.handler = handler
    tasks = [asyncio.create_task(bench.invoker.invoke(each, invocation())) for each in functions]  # type: ignore[arg-type]
    while running + sum(task.done() for task in tasks) < len(tasks):  # the code is unpacked in a thread; the clock stands still meanwhile
        await asyncio.sleep(0.001)
    await bench.clock.advance(1.0)
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    for answer in answers:
        assert not isinstance(answer, AwsError) or (answer.code, answer.status, answer.message) == (
            "TooManyRequestsException",
            429,
            "Rate Exceeded.",
        )
    return [str(each.members["Reason"]) if isinstance(each, AwsError) else "ok" for each in answers]


async def test_reserved_concurrency_is_a_limit_and_zero_refuses_all(bench: Bench) -> None:
    two = function(reserved_concurrency=2)
    assert await reasons(bench, two, two, two) == ["ok", "ok", "ReservedFunctionConcurrentInvocationLimitExceeded"]
    assert await reasons(bench, two) == ["ok"]
    assert await reasons(bench, function("g", reserved_concurrency=0)) == ["ReservedFunctionConcurrentInvocationLimitExceeded"]


def test_what_is_provisioned_of_the_reserved_is_for_those_versions_only() -> None:
    admission, whole = Admission(Quotas()), function(reserved_concurrency=2, provisioned_concurrency=2)
    with pytest.raises(AwsError, match="Rate Exceeded"):
        admission.enter(whole, 0.0)
    tickets = [admission.enter(whole, 0.0, is_provisioned=True) for _ in range(2)]
    part = function(reserved_concurrency=3, provisioned_concurrency=2)
    admission.enter(part, 0.0).leave()
    tickets.append(admission.enter(part, 0.0))
    with pytest.raises(AwsError, match="Rate Exceeded"):
        admission.enter(part, 0.0)
    for ticket in tickets:
        ticket.leave()
        ticket.leave()
    assert admission.busy(whole) == 0


async def test_reserved_concurrency_is_taken_from_the_others(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Quotas(concurrency_max=3), reserved=2)
    assert await reasons(bench, function("a"), function("b")) == ["ok", "ConcurrentInvocationLimitExceeded"]


async def test_environments_start_at_a_limited_rate(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Quotas(scaling_environments_per_10s=2))
    assert await reasons(bench, *[function()] * 3) == ["ok", "ok", "FunctionInvocationRateLimitExceeded"]
    await bench.clock.advance(5)
    assert await reasons(bench, *[function()] * 4) == ["ok", "ok", "ok", "FunctionInvocationRateLimitExceeded"]


async def test_idle_environments_expire(bench: Bench) -> None:
    await bench.invoker.invoke(function(), invocation())
    worker = asyncio.create_task(bench.invoker.run())
    await bench.clock.advance(590)
    assert bench.invoker.environments == 1
    await bench.clock.advance(60)
    assert bench.invoker.environments == 0
    assert bench.sandbox.environments[0].stopped
    worker.cancel()


async def test_a_streamed_response_keeps_the_environment_until_its_end(bench: Bench) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"a"
        yield b"b"

    async def handler(environment: FakeEnvironment, event: Invocation) -> Outcome:
        return Outcome(Ending.SUCCESS, pieces(), "text/plain")

    bench.sandbox.handler = handler
    result = await bench.invoker.invoke(function(), invocation(streamed=True))
    assert "END" not in await bench.log()
    assert not isinstance(result.payload, bytes)
    assert [piece async for piece in result.payload] == [b"a", b"b"]
    assert "END" in await bench.log()
    again = await bench.invoker.invoke(function(), invocation(streamed=True))
    assert len(bench.sandbox.environments) == 1
    await again.payload.aclose()  # type: ignore[union-attr]
    await bench.invoker.close()
    assert bench.sandbox.environments[0].stopped


async def test_a_stream_that_breaks_is_reported_as_it_ended(bench: Bench) -> None:
    class BrokenStream(Exception):
        outcome = Outcome(Ending.TIMEOUT)

    async def pieces() -> AsyncIterator[bytes]:
        yield b"a"
        raise BrokenStream

    bench.sandbox.handler = ending(Outcome(Ending.SUCCESS, pieces()))
    result = await bench.invoker.invoke(function(), invocation(streamed=True))
    with pytest.raises(BrokenStream):
        _ = [piece async for piece in result.payload]  # type: ignore[union-attr]
    assert "Task timed out after 3.00 seconds" in await bench.log()
    assert bench.invoker.environments == 0


async def test_a_process_that_never_began_is_answered_with_its_drivers_words(bench: Bench) -> None:
    document = b'{"errorType":"Runtime.InvalidEntrypoint","errorMessage":"Error: fork/exec /var/task/bootstrap: permission denied"}'
    bench.sandbox.inits = [Outcome(Ending.EXIT, document, error_type="Runtime.InvalidEntrypoint")]
    result = await bench.invoker.invoke(function(), invocation())
    assert json.loads(result.payload) == {
        "errorType": "Runtime.InvalidEntrypoint",
        "errorMessage": f"RequestId: {REQUEST} Error: fork/exec /var/task/bootstrap: permission denied",
    }


async def test_json_logs_are_platform_events_by_level(bench: Bench) -> None:
    quiet = function(logging=LoggingConfig("/g", "JSON", "WARN", "INFO"))
    bench.sandbox.handler = ending(
        Outcome(Ending.SUCCESS, b"1"), '{"level":"INFO","message":"no"}', '{"level":"ERROR","message":"yes"}', "plain"
    )
    await bench.invoker.invoke(quiet, invocation())
    lines = (await bench.log()).splitlines()
    events = [json.loads(line) for line in lines if line != "plain"]
    assert [event.get("type", event.get("message")) for event in events] == [
        "platform.initStart",
        "platform.start",
        "yes",
        "platform.report",
    ]
    assert events[-1]["record"]["metrics"]["memorySizeMB"] == 128


async def test_a_driver_that_fails_leaves_nothing_busy(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Quotas(concurrency_max=1))

    async def broken(environment: FakeEnvironment, event: Invocation) -> Outcome:
        raise OSError("gone")

    bench.sandbox.handler = broken
    for _ in range(3):
        with pytest.raises(OSError, match="gone"):
            await bench.invoker.invoke(function(), invocation())
    assert bench.invoker.environments == 0


async def test_an_invocation_can_tell_when_its_log_was_sent(bench: Bench) -> None:
    bench.sandbox.handler = ending(Outcome(Ending.SUCCESS, b"1"), "said")
    assert (await bench.invoker.invoke(function(), invocation())).logged is None
    result = await bench.invoker.invoke(function(), invocation(log_awaited=True))
    assert result.logged is not None
    waiting = asyncio.create_task(result.logged())  # type: ignore[arg-type]
    await bench.clock.advance(1)
    assert not waiting.done()
    assert "said" in await bench.log()
    await bench.clock.settle()
    assert waiting.done()


async def test_tenants_do_not_share_environments(bench: Bench) -> None:
    for tenant in ("blue", "red", "blue"):
        await bench.invoker.invoke(function(tenant_isolated=True), invocation(tenant_id=tenant))
    assert [each.served for each in bench.sandbox.environments] == [2, 1]


async def test_each_invocation_is_counted_once_however_it_ends(tmp_path: Path) -> None:
    counts, metrics = InvocationMeters(), Counted()
    bench = Bench(tmp_path, Quotas(concurrency_max=1), begin=counts.begin)
    await bench.invoker.invoke(function(), invocation())
    bench.sandbox.handler = ending(Outcome(Ending.ERROR, b"{}"))
    await bench.invoker.invoke(function(), invocation())
    bench.sandbox.handler = ending(Outcome(Ending.SUCCESS, b"1"), takes_s=10.0)
    running = asyncio.create_task(bench.invoker.invoke(function(), invocation()))
    await bench.clock.settle()
    with pytest.raises(AwsError):
        await bench.invoker.invoke(function(), invocation())
    counts.tell(metrics)
    assert metrics.of() == {"Invocations": 2, "Errors": 1, "Throttles": 1, "ConcurrentExecutions": 2}
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert bench.invoker.environments == 0  # who knows what it does now
    bench.sandbox.handler = ending(Outcome(Ending.SUCCESS, b"1"))
    await bench.invoker.invoke(function(), invocation())  # its place is free
    counts.tell(metrics)
    assert metrics.of() == {"Invocations": 1, "Errors": 0, "Throttles": 0, "ConcurrentExecutions": 1}


class Counted:
    """Takes what was counted of all functions together."""

    def __init__(self) -> None:
        self._counted: dict[str, float] = {}

    def record(self, account_id: str, region: str, name: str, value: float, unit: str, dimensions: Any, *, times: int = 1) -> None:
        if not dimensions and name != "Duration":
            self._counted[name] = value

    def of(self) -> dict[str, float]:
        counted, self._counted = self._counted, {}
        return counted

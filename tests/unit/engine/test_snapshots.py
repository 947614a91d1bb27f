"""SnapStart: one init, many restores, and what is logged, billed and answered."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.engine.fakes import Bench, function, invocation

from lambent.domain.environments import Ending, Outcome
from lambent.domain.errors import AwsError
from lambent.domain.functions import FunctionVersion, LoggingConfig

ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"


def version(number: int = 1, **changes: object) -> FunctionVersion:
    return function(version=str(number), arn=f"{ARN}:{number}", snap_start=True, revision_id=f"r{number}", **changes)


@pytest.fixture
def engine(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


async def until(met: Callable[[], bool]) -> None:
    while not met():
        await asyncio.sleep(0)


async def test_one_init_serves_all_environments(engine: Bench) -> None:
    outcome = await engine.invoker.host.snapshots.take(version())
    assert outcome.ending is Ending.SUCCESS
    [snapshot] = engine.sandbox.snapshots
    assert snapshot.launched_with.variables["AWS_LAMBDA_INITIALIZATION_TYPE"] == "snap-start"
    release = asyncio.Event()

    async def wait(environment: object, event: object) -> Outcome:
        await release.wait()
        return Outcome(Ending.SUCCESS, b"1")

    engine.sandbox.handler = wait
    running = [asyncio.create_task(engine.invoker.invoke(version(), invocation())) for _ in range(3)]
    await until(lambda: len(engine.sandbox.environments) == 3)
    release.set()
    assert {(each.init_ms, each.payload) for each in await asyncio.gather(*running)} == {(None, b"1")}
    assert len(engine.sandbox.snapshots) == 1
    streams = {each.launch.variables["AWS_LAMBDA_LOG_STREAM_NAME"] for each in engine.sandbox.environments}
    assert len(streams) == 3


async def test_restores_are_logged_and_billed_as_lambda_does(engine: Bench) -> None:
    await engine.invoker.host.snapshots.take(version())
    await engine.invoker.invoke(version(), invocation())
    await engine.invoker.invoke(version(), invocation())
    log = await engine.log()
    assert re.search(
        r"INIT_START Runtime Version: python:3.12.v1\t.*\nINIT_REPORT Init Duration: 0.00 ms\tPhase: init\tStatus: success\n", log
    )
    assert re.search(
        r"RESTORE_START Runtime Version: python:3.12.v1\tRuntime Version ARN: arn:.*\nRESTORE_REPORT Restore Duration: 0.00 ms\nSTART", log
    )
    reports = re.findall(r"REPORT RequestId.*", log)
    assert "\tRestore Duration: 0.00 ms\tBilled Restore Duration: 1 ms\t" in reports[0]
    assert "Init Duration" not in reports[0]
    assert "Restore" not in reports[1]


async def test_restores_in_json(engine: Bench) -> None:
    logging = LoggingConfig("/aws/lambda/f", "JSON", "INFO", "DEBUG")
    await engine.invoker.invoke(version(logging=logging), invocation())
    log = await engine.log()
    assert '"type":"platform.restoreStart","record":{"initializationType":"snap-start"' in log
    assert '"type":"platform.restoreReport"' in log
    assert '"restoreDurationMs":0.0,"billedRestoreDurationMs":1' in log


async def test_whoever_needs_a_snapshot_that_is_being_taken_waits_for_it(engine: Bench) -> None:
    engine.sandbox.init_s = 0.5
    taking = [asyncio.create_task(engine.invoker.host.snapshots.take(version())) for _ in range(3)]
    for _ in range(300):
        await asyncio.sleep(0)
        await asyncio.to_thread(int)
    taking[0].cancel()
    await engine.clock.advance(0.5)
    await asyncio.gather(*taking[1:])
    assert len(engine.sandbox.snapshots) == 1


async def test_a_server_that_stops_does_not_wait_for_an_init(engine: Bench) -> None:
    engine.sandbox.init_s = 100.0
    taking = asyncio.create_task(engine.invoker.host.snapshots.take(version()))
    for _ in range(100):
        await asyncio.to_thread(int)
    await asyncio.wait_for(engine.invoker.close(), 5)
    with pytest.raises(asyncio.CancelledError):
        await taking


async def test_a_snapshot_that_was_lost_is_taken_anew(engine: Bench) -> None:
    await engine.invoker.host.snapshots.take(version())
    engine.sandbox.snapshots[0].lost = True
    assert (await engine.invoker.invoke(version(), invocation())).function_error is None
    assert len(engine.sandbox.snapshots) == 2
    await until(lambda: engine.sandbox.snapshots[0].closed)


@pytest.mark.parametrize(
    ("outcome", "code", "status"),
    [
        (Outcome(Ending.ERROR, b"{}", error_type="Runtime.AfterRestoreError"), "SnapStartException", 400),
        (Outcome(Ending.TIMEOUT), "SnapStartTimeoutException", 408),
    ],
)
async def test_a_restore_that_fails_is_lambdas_error_and_frees_the_place(engine: Bench, outcome: Outcome, code: str, status: int) -> None:
    await engine.invoker.host.snapshots.take(version())
    engine.sandbox.inits = [outcome]
    with pytest.raises(AwsError) as refused:
        await engine.invoker.invoke(version(), invocation())
    assert (refused.value.code, refused.value.status) == (code, status)
    assert engine.invoker.environments == 0
    assert (await engine.invoker.invoke(version(), invocation())).function_error is None


async def test_an_init_that_fails_is_told_and_not_kept(engine: Bench) -> None:
    engine.sandbox.snapshot_outcome = Outcome(Ending.ERROR, b'{"errorMessage":"boom"}', error_type="Runtime.ImportModuleError")
    assert (await engine.invoker.host.snapshots.take(version())).ending is Ending.ERROR
    await until(lambda: engine.sandbox.snapshots[0].closed)
    assert "INIT_REPORT Init Duration: 0.00 ms\tPhase: init\tStatus: error\tError Type: Runtime.ImportModuleError" in await engine.log()
    engine.sandbox.snapshot_outcome = Outcome(Ending.SUCCESS)
    assert (await engine.invoker.host.snapshots.take(version())).ending is Ending.SUCCESS


async def test_what_is_no_longer_wanted_is_closed_and_the_rest_taken_ahead(engine: Bench) -> None:
    snapshots = engine.invoker.host.snapshots
    await snapshots.take(version(1))
    snapshots.keep(ARN, {f"{ARN}:2": version(2)})
    while len(engine.sandbox.snapshots) < 2:
        await asyncio.to_thread(int)
    await until(lambda: engine.sandbox.snapshots[0].closed)
    snapshots.keep(ARN, {})
    await until(lambda: engine.sandbox.snapshots[1].closed)

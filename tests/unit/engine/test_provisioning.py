"""Provisioned concurrency: allocation in the background, spill-over, replacement, failures, and who pays for the place."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.unit.engine.fakes import Bench, FakeEnvironment, function, invocation

from lambent.domain.environments import Ending, Outcome
from lambent.domain.errors import AwsError
from lambent.domain.invocations import Invocation
from lambent.domain.provisioning import FAILED, IN_PROGRESS, READY, Allotment, Progress
from lambent.domain.quotas import Quotas
from lambent.engine.invocation.provisioning import AT_ONCE, INIT_FAILURE, RETRY_S, Provisioner

ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"
V1 = function(version="1", arn=f"{ARN}:1")


@pytest.fixture(autouse=True)
async def one_thread() -> None:
    """Let threads' work be done in turns, so that waiting for one's own is waiting for all that came before."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Bench]:
    engine = Bench(tmp_path)
    provisioner = Provisioner(engine.invoker, engine.invoker.host, engine.clock)
    engine.provisioner = provisioner
    task = asyncio.create_task(provisioner.run())
    yield engine
    task.cancel()


async def aim(engine: Bench, wanted: int) -> None:
    engine.provisioner.aim(ARN, {V1.arn: Allotment(V1, wanted)} if wanted else {})
    await settle(engine)


async def settle(engine: Bench) -> None:
    """Let the code be unpacked (in a thread) and everything that follows happen."""
    for _ in range(200):
        await asyncio.sleep(0)
        await asyncio.to_thread(int)


async def test_environments_are_ready_before_anybody_invokes(engine: Bench) -> None:
    engine.provisioner.aim(ARN, {V1.arn: Allotment(V1, 3)})
    assert engine.provisioner.progress(V1.arn) == Progress(0, 0, IN_PROGRESS)
    await settle(engine)
    assert engine.provisioner.progress(V1.arn) == Progress(3, 3, READY)
    assert {each.launch.variables["AWS_LAMBDA_INITIALIZATION_TYPE"] for each in engine.sandbox.environments} == {"provisioned-concurrency"}
    result = await engine.invoker.invoke(V1, invocation())
    assert result.init_ms is None
    assert len(engine.sandbox.environments) == 3


async def test_the_first_invocation_reports_the_init_that_went_ahead_and_is_not_billed_for_it(engine: Bench) -> None:
    engine.sandbox.init_s = 5.0
    engine.provisioner.aim(ARN, {V1.arn: Allotment(V1, 1)})
    for _ in range(20):
        await settle(engine)
        await engine.clock.advance(1)
    assert engine.provisioner.progress(V1.arn) == Progress(1, 1, READY)
    first, second = [(await engine.invoker.invoke(V1, invocation(log_tail=True))).log_tail.decode() for _ in range(2)]
    assert "Billed Duration: 1 ms\tMemory Size: 128 MB\tMax Memory Used: 30 MB\tInit Duration: 5000.00 ms\t" in first
    assert "Init Duration" not in second


async def test_what_finds_no_provisioned_environment_spills_over(engine: Bench) -> None:
    await aim(engine, 1)
    release = asyncio.Event()

    async def wait(environment: object, event: object) -> Outcome:
        await release.wait()
        return Outcome(Ending.SUCCESS, b"1")

    engine.sandbox.handler = wait
    both = [asyncio.create_task(engine.invoker.invoke(V1, invocation())) for _ in range(2)]
    await settle(engine)
    release.set()
    results = await asyncio.gather(*both)
    assert [each.init_ms is None for each in results] == [True, False]
    kinds = [each.launch.variables["AWS_LAMBDA_INITIALIZATION_TYPE"] for each in engine.sandbox.environments]
    assert kinds == ["provisioned-concurrency", "on-demand"]


async def test_a_provisioned_environment_that_ends_is_replaced(engine: Bench) -> None:
    await aim(engine, 2)

    async def crash(environment: object, event: object) -> Outcome:
        return Outcome(Ending.EXIT, exit_status=1)

    engine.sandbox.handler = crash
    await engine.invoker.invoke(V1, invocation())
    await settle(engine)
    assert engine.provisioner.progress(V1.arn) == Progress(2, 2, READY)
    assert len(engine.sandbox.environments) == 3


async def test_an_init_that_fails_is_told_and_tried_again_later(engine: Bench) -> None:
    engine.sandbox.inits = [Outcome(Ending.ERROR, b"{}", error_type="Runtime.ImportModuleError")]
    await aim(engine, 1)
    assert engine.provisioner.progress(V1.arn) == Progress(0, 0, FAILED, INIT_FAILURE)
    assert len(engine.sandbox.environments) == 1
    await engine.clock.advance(RETRY_S + 1)
    await settle(engine)
    assert engine.provisioner.progress(V1.arn) == Progress(1, 1, READY)


async def test_fewer_or_none(engine: Bench) -> None:
    await aim(engine, 3)
    await aim(engine, 1)
    assert engine.provisioner.progress(V1.arn) == Progress(1, 1, READY)
    assert sum(not each.stopped for each in engine.sandbox.environments) == 1
    await aim(engine, 0)
    assert all(each.stopped for each in engine.sandbox.environments)


async def test_a_large_allotment_is_prepared_in_small_steps(engine: Bench) -> None:
    engine.sandbox.init_s = 1.0
    await aim(engine, AT_ONCE * 2)
    assert len(engine.sandbox.environments) == AT_ONCE
    await engine.clock.advance(1.0)
    await settle(engine)
    assert len(engine.sandbox.environments) == AT_ONCE * 2


async def test_provisioned_places_are_not_taken_from_the_pool_of_all(tmp_path: Path) -> None:
    engine = Bench(tmp_path, replace(Quotas(), concurrency_max=3), reserved=2)
    provisioner = Provisioner(engine.invoker, engine.invoker.host, engine.clock)
    engine.provisioner = provisioner
    task = asyncio.create_task(provisioner.run())
    await aim(engine, 2)
    release = asyncio.Event()

    async def wait(environment: object, event: object) -> Outcome:
        await release.wait()
        return Outcome(Ending.SUCCESS, b"1")

    engine.sandbox.handler = wait
    running = [asyncio.create_task(engine.invoker.invoke(V1, invocation())) for _ in range(3)]
    await settle(engine)
    with pytest.raises(AwsError) as refused:
        await engine.invoker.invoke(V1, invocation())
    assert refused.value.members["Reason"] == "ConcurrentInvocationLimitExceeded"
    release.set()
    await asyncio.gather(*running)
    task.cancel()


async def test_of_a_deleted_function_idle_environments_go_now_and_busy_ones_when_they_end(engine: Bench) -> None:
    await aim(engine, 1)
    kept = function("other")
    await engine.invoker.invoke(kept, invocation())
    free = asyncio.Event()

    async def handler(environment: FakeEnvironment, event: Invocation) -> Outcome:
        await free.wait()
        return Outcome(Ending.SUCCESS, b"1")

    engine.sandbox.handler = handler
    busy = asyncio.create_task(engine.invoker.invoke(function(), invocation()))
    await settle(engine)
    assert engine.invoker.environments == 3
    await aim(engine, 0)
    engine.provisioner.retire(ARN)
    await settle(engine)
    assert engine.invoker.environments == 2
    free.set()
    assert (await busy).payload == b"1"
    assert engine.invoker.environments == 1
    assert (await engine.invoker.invoke(kept, invocation())).init_ms is None

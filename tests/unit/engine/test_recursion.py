"""Lineage in trace headers, and the invocation that is one too many."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.unit.engine.fakes import Bench, FakeEnvironment, function, invocation

from lambent.domain.environments import Ending, Outcome
from lambent.domain.errors import AwsError
from lambent.domain.invocations import Invocation
from lambent.engine.invocation.recursion import HOPS_MAX, check, hops, lineage_hash, onward

ROOT = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0"
F, G = "arn:aws:lambda:us-east-1:000000000000:function:f", "arn:aws:lambda:us-east-1:000000000000:function:g"


def test_a_function_counts_its_own_runs_in_a_chain() -> None:
    header = ROOT
    for number in range(HOPS_MAX):
        assert hops(header, F) == number
        header = onward(onward(header, F), G)
    assert header.startswith(ROOT + ";Lineage=1:")
    assert hops(header, F) == hops(header, G) == HOPS_MAX
    with pytest.raises(AwsError, match="recursive loop"):
        check(header, F)
    check(header, "arn:aws:lambda:us-east-1:000000000000:function:another")


def test_other_forms_of_lineage_are_understood_and_odd_ones_do_no_harm() -> None:
    mine = lineage_hash(F)
    assert hops(f"{ROOT};Lineage={mine}:4|68fd508a:5", F) == 5
    assert onward(f"Lineage=a87bd80c:1;{ROOT}", F) == f"{ROOT};Lineage=1:{mine}:0|a87bd80c:1"
    for odd in ("Lineage=", "Lineage=;", f"Lineage={mine}", f"Lineage={mine}:", "Lineage=||:1:"):
        assert hops(f"{ROOT};{odd}", F) == 0
        assert hops(onward(f"{ROOT};{odd}", F), F) == 1


def test_the_header_stays_short_however_many_functions_there_are() -> None:
    header = ROOT
    for number in range(1000):
        header = onward(header, f"{F}{number}")
    assert len(header) < 600
    assert hops(header, f"{F}999") == 1


async def test_a_loop_is_stopped_unless_the_function_allows_it(tmp_path: Path) -> None:
    bench, seen = Bench(tmp_path), [""]

    async def handler(environment: FakeEnvironment, event: Invocation) -> Outcome:
        seen.append(event.trace_header)
        return Outcome(Ending.SUCCESS, b"1")

    bench.sandbox.handler = handler
    for _ in range(HOPS_MAX):
        await bench.invoker.invoke(function(), invocation(trace_header=seen[-1]))
    with pytest.raises(AwsError) as refused:
        await bench.invoker.invoke(function(), invocation(trace_header=seen[-1]))
    assert (refused.value.code, refused.value.status) == ("RecursiveInvocationException", 400)
    await bench.invoker.invoke(function(recursion_allowed=True), invocation(trace_header=seen[-1]))
    assert len(seen) == HOPS_MAX + 2


async def test_who_comes_without_a_trace_gets_one(tmp_path: Path) -> None:
    bench, seen = Bench(tmp_path), []

    async def handler(environment: FakeEnvironment, event: Invocation) -> Outcome:
        seen.append(event.trace_header)
        return Outcome(Ending.SUCCESS, b"1")

    bench.sandbox.handler = handler
    for _ in range(2):
        await bench.invoker.invoke(function(), invocation())
    await bench.invoker.invoke(function(), invocation(trace_header=ROOT))
    first, second, third = seen
    second_s = f"{int(bench.clock.now()):08x}"
    form = rf"Root=1-{second_s}-[0-9a-f]{{24}};Parent=[0-9a-f]{{16}};Sampled=0;Lineage=1:{lineage_hash(function().function_arn)}:0"
    assert re.fullmatch(form, first)
    assert re.fullmatch(form, second)
    assert first != second
    assert third == f"{ROOT};Lineage=1:{lineage_hash(function().function_arn)}:0"

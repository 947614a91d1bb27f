"""Mappings come, change and go: pollers begin, end and are replaced, and what was reached is noted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from tests.unit.engine.sources.kit import QUEUE, World, answer, mapping, numbers

from lambent.domain.errors import AwsError
from lambent.domain.invocations import InvocationResult
from lambent.domain.mappings import DELETING
from lambent.engine.sources import EventSources
from lambent.engine.sources.checkpoints import CHECKPOINTS
from lambent.engine.sources.supervisor import DRAIN_S, READY_S


@asynccontextmanager
async def following(world: World) -> AsyncIterator[None]:
    task = asyncio.create_task(EventSources(world.tools()).run())
    await world.clock.advance(0.3)
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def fine(event: dict[str, Any]) -> InvocationResult:
    return answer()


def change(world: World, **changes: Any) -> None:
    (one,) = world.kept
    world.kept = [msgspec.structs.replace(one, generation=one.generation + 1, **changes)]


async def test_a_mapping_is_read_while_it_is_enabled() -> None:
    world = World(fine)
    world.kept = [mapping(QUEUE)]
    async with following(world):
        assert world.results == ["Enabled"]
        world.send("a")
        await world.clock.advance(0.3)
        assert len(world.events) == 1
        change(world, enabled=False)
        await world.clock.advance(1)
        assert world.results == ["Enabled", "Disabled"]
        world.send("b")
        await world.clock.advance(60)
        assert len(world.events) == 1
        change(world, enabled=True)
        await world.clock.advance(1)
        assert world.results == ["Enabled", "Disabled", "Enabled"]
        assert len(world.events) == 2


async def test_a_disabled_mapping_is_not_read() -> None:
    world = World(fine)
    world.kept = [mapping(QUEUE, enabled=False)]
    world.send("a")
    async with following(world):
        await world.clock.advance(5)
    assert (world.results, world.events) == (["Disabled"], [])


async def test_a_change_waits_for_the_batch_that_is_under_way_but_not_for_ever() -> None:
    async def slow(event: dict[str, Any]) -> InvocationResult:
        await world.clock.sleep(float(event["Records"][0]["body"]))
        return answer()

    world = World(slow)
    world.visibility_s = 1000.0
    world.kept = [mapping(QUEUE)]
    async with following(world):
        world.send("5")
        await world.clock.advance(1)
        change(world, enabled=False)
        await world.clock.advance(1)
        assert world.results == ["Enabled"]
        await world.clock.advance(4)
        assert world.results == ["Enabled", "Disabled"]
        assert world.deleted == ["m1"]
        change(world, enabled=True)
        await world.clock.advance(1)
        world.send("900")
        await world.clock.advance(1)
        change(world, enabled=False)
        await world.clock.advance(DRAIN_S + 1)
        assert world.results[-1] == "Disabled"
        assert world.deleted == ["m1"]


async def test_a_deleted_mapping_is_gone_with_its_checkpoints() -> None:
    world = World(fine)
    world.kept = [mapping()]
    world.put(1)
    async with following(world):
        await world.clock.advance(1)
        assert await CHECKPOINTS.range(world.store)
        change(world, state=DELETING, enabled=False)
        await world.clock.advance(1)
        assert world.kept == []
        assert await CHECKPOINTS.range(world.store) == []


async def test_a_changed_streams_mapping_goes_on_where_it_was() -> None:
    world = World(fine)
    world.kept = [mapping()]
    world.put(1, 2)
    async with following(world):
        await world.clock.advance(1)
        change(world, batch_size=1)
        await world.clock.advance(1)
        world.put(3, 4)
        await world.clock.advance(1)
        assert [numbers(event) for event in world.events] == [[1, 2], [3], [4]]


async def test_a_source_that_does_not_answer_does_not_keep_the_mapping_from_being_enabled() -> None:
    world = World(fine)
    world.kept = [mapping()]
    world.failing = lambda operation: AwsError("ResourceNotFoundException", "gone")
    async with following(world):
        await world.clock.advance(READY_S + 1)
        assert world.results == ["PROBLEM: gone", "Enabled"]

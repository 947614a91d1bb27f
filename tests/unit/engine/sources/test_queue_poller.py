"""Queues on virtual time: batches, windows, deletion, partial failures, throttles, scaling, recursion."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.unit.engine.sources.kit import FAILED, QUEUE, THROTTLED, World, answer, mapping

from lambent.domain.errors import AwsError
from lambent.domain.invocations import InvocationResult
from lambent.engine.invocation.recursion import HOPS_MAX, onward
from lambent.engine.sources.sqs import HELD_BYTES_MAX, QueuePoller


@asynccontextmanager
async def polling(world: World, **changes: Any) -> AsyncIterator[QueuePoller]:
    poller = QueuePoller(world.tools(), mapping(QUEUE, **changes))
    task = asyncio.create_task(poller.run())
    await world.clock.advance(0.1)
    yield poller
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await poller.close()


async def fine(event: dict[str, Any]) -> InvocationResult:
    return answer()


def bodies(world: World) -> list[list[str]]:
    return [[each["body"] for each in event["Records"]] for event in world.events]


async def test_a_message_is_handed_over_at_once_and_deleted() -> None:
    world = World(fine)
    async with polling(world):
        world.send("a")
        await world.clock.advance(0.1)
        assert bodies(world) == [["a"]]
        assert world.messages == {}
        acting = {call.caller.arn for call in world.calls if call.operation != "GetQueueUrl"}
        assert acting == {"arn:aws:sts::000000000000:assumed-role/lambda-role/f@lambda_function"}


async def test_without_a_window_batches_hold_what_is_there() -> None:
    world = World(fine)
    world.send(*"abcdefghijklm")
    async with polling(world, batch_size=5):
        await world.clock.advance(1)
        assert bodies(world) == [list("abcde"), list("fghij"), list("klm")]


async def test_a_window_gathers_until_it_is_over_or_the_batch_is_full() -> None:
    world = World(fine)
    async with polling(world, batch_size=100, window_s=5):
        world.send("a")
        await world.clock.advance(3)
        world.send("b")
        await world.clock.advance(1.5)
        assert world.events == []
        await world.clock.advance(1)
        assert bodies(world) == [["a", "b"]]
        world.send(*(str(number) for number in range(100)))
        await world.clock.advance(0.5)
        assert [len(each) for each in bodies(world)] == [2, 100]


async def test_an_event_stays_below_six_megabytes() -> None:
    world = World(fine)
    world.send(*["x" * 1_000_000] * 10)
    async with polling(world):
        await world.clock.advance(1)
        assert [len(each) for each in bodies(world)] == [5, 5]
        assert world.messages == {}


async def test_what_does_not_pass_the_filter_is_deleted_unseen() -> None:
    world = World(fine)
    world.send('{"a": 1}', '{"a": 2}', "text")
    async with polling(world, filters=('{"body": {"a": [1]}}',)):
        await world.clock.advance(1)
        assert bodies(world) == [['{"a": 1}']]
        assert world.messages == {}
        assert world.metrics.values["FilteredOutEventCount"] == 2


async def test_what_failed_comes_again_after_its_visibility_timeout() -> None:
    async def once(event: dict[str, Any]) -> InvocationResult:
        return FAILED if len(world.events) == 1 else answer()

    world = World(once)
    world.send("a")
    async with polling(world):
        await world.clock.advance(29)
        assert len(world.events) == 1
        await world.clock.advance(2)
        assert [event["Records"][0]["attributes"]["ApproximateReceiveCount"] for event in world.events] == ["1", "2"]
        assert world.messages == {}


async def test_reported_failures_are_left_and_the_others_deleted() -> None:
    async def partly(event: dict[str, Any]) -> InvocationResult:
        return answer({"batchItemFailures": [{"itemIdentifier": "m2"}]} if len(world.events) == 1 else None)

    world = World(partly)
    world.send("a", "b", "c")
    async with polling(world, reports_failures=True):
        await world.clock.advance(1)
        assert world.deleted == ["m1", "m3"]
        await world.clock.advance(30)
        assert bodies(world)[1] == ["b"]
        assert world.messages == {}


async def test_an_answer_that_cannot_be_understood_deletes_nothing() -> None:
    async def odd(event: dict[str, Any]) -> InvocationResult:
        return answer({"batchItemFailures": [{"itemIdentifier": ""}]})

    world = World(odd)
    world.send("a")
    async with polling(world, reports_failures=True):
        await world.clock.advance(10)
        assert world.deleted == []
    world = World(odd)
    world.send("a")
    async with polling(world):  # a function that isn't asked to report says nothing by its answer
        await world.clock.advance(10)
        assert world.deleted == ["m1"]


async def test_a_throttled_batch_is_tried_until_its_messages_become_visible() -> None:
    async def throttled(event: dict[str, Any]) -> InvocationResult:
        if world.clock.now() - began < 100:
            raise THROTTLED
        return answer()

    world = World(throttled)
    began = world.clock.now()
    world.send("a")
    async with polling(world):
        await world.clock.advance(28)
        assert len(world.events) > 3
        assert world.messages["m1"].receives == 1
        await world.clock.advance(120)
        assert world.messages == {}


async def test_throttled_batches_keep_the_places_that_there_are_in_use() -> None:
    async def two_at_once(event: dict[str, Any]) -> InvocationResult:
        nonlocal running
        if running == 2:
            raise THROTTLED
        running += 1
        await world.clock.sleep(1)
        running -= 1
        return answer()

    running = 0
    world = World(two_at_once)
    world.visibility_s = 1000.0
    world.send(*(str(number) for number in range(60)))
    async with polling(world, batch_size=1, pollers=(6, 6)):
        await world.clock.advance(33)
        assert world.messages == {}


class Slow:
    """A function that takes ten seconds, and notes how many of it run."""

    def __init__(self) -> None:
        self.running = self.most = 0
        self.world = World(self._invoked)
        self.world.visibility_s = 1000.0

    async def _invoked(self, event: dict[str, Any]) -> InvocationResult:
        self.running += 1
        self.most = max(self.most, self.running)
        await self.world.clock.sleep(10)
        self.running -= 1
        return answer()


async def test_five_batches_at_the_start_more_while_the_queue_is_behind_none_beyond_the_maximum() -> None:
    slow = Slow()
    world = slow.world
    world.send(*(str(number) for number in range(500)))
    async with polling(world, batch_size=1):
        await world.clock.advance(0.5)
        assert slow.running == 5
        await world.clock.advance(5)
        assert 20 <= slow.running <= 35
        await world.clock.advance(300)
        assert slow.most <= 64
        assert world.messages == {}
    slow.most = 0
    world.send(*(str(number) for number in range(50)))
    async with polling(world, batch_size=1, concurrency_max=2):
        await world.clock.advance(300)
        assert slow.most == 2
        assert world.messages == {}


async def test_provisioned_pollers_are_there_from_the_first_moment() -> None:
    slow = Slow()
    world = slow.world
    world.send(*(str(number) for number in range(300)))
    async with polling(world, batch_size=1, pollers=(3, 4)):
        await world.clock.advance(0.5)
        assert slow.running == 30
        await world.clock.advance(300)
        assert slow.most == 40
        assert world.messages == {}


async def test_what_is_held_in_memory_is_bounded_whatever_the_concurrency() -> None:
    async def slow(event: dict[str, Any]) -> InvocationResult:
        await world.clock.sleep(10)
        return answer()

    world = World(slow)
    world.visibility_s = 1000.0
    world.send(*["x" * 1_000_000] * 200)
    async with polling(world, batch_size=1, pollers=(20, 20)):
        await world.clock.advance(1)
        assert HELD_BYTES_MAX <= len(world.events) * 1_000_000 < HELD_BYTES_MAX + 2_000_000
        await world.clock.advance(60)
        assert world.messages == {}


async def test_a_fifo_queues_groups_keep_their_order() -> None:
    seen: dict[str, list[str]] = {}

    async def flaky(event: dict[str, Any]) -> InvocationResult:
        await world.clock.sleep(world.ids.random() * 3)
        if world.ids.random() < 0.3:
            return FAILED
        for each in event["Records"]:
            seen.setdefault(each["body"][0], []).append(each["body"][1:])
        return answer()

    world = World(flaky)
    for number in range(20):
        for group in "abc":
            world.send(f"{group}{number:02}", group=group)
    async with polling(world, batch_size=4):
        await world.clock.advance(2000)
    assert world.messages == {}
    for group in "abc":
        assert list(dict.fromkeys(seen[group])) == [f"{number:02}" for number in range(20)]


async def test_messages_of_a_recursive_loop_are_dropped_and_the_others_handed_over() -> None:
    async def loop(event: dict[str, Any]) -> InvocationResult:
        if any("AWSTraceHeader" in each["attributes"] for each in event["Records"]):
            raise AwsError("RecursiveInvocationException", "loop", 400)
        return answer()

    trace = "Root=1-5759e988-bd862e3fe1be46a994272793"
    world = World(loop)
    for _ in range(HOPS_MAX):
        trace = onward(trace, world.version.function_arn)
    world.send("a", "b")
    world.send("looping", trace=trace)
    async with polling(world):
        await world.clock.advance(1)
        assert bodies(world)[-1] == ["a", "b"]
        assert world.messages == {}
    world.redrives = True
    world.send("looping", trace=trace)
    async with polling(world):
        await world.clock.advance(1)
        assert len(world.messages) == 1  # the redrive policy takes it from here


async def test_a_queue_that_fails_is_tried_again() -> None:
    world = World(fine)
    world.failing = lambda operation: AwsError("ServiceUnavailable", "later", 503)
    world.send("a")
    async with polling(world):
        await world.clock.advance(5)
        world.failing = lambda operation: None
        await world.clock.advance(30)
        assert bodies(world) == [["a"]]


async def test_messages_that_were_gathered_when_polling_ends_are_still_handed_over() -> None:
    world = World(fine)
    poller = QueuePoller(world.tools(), mapping(QUEUE, batch_size=100, window_s=60))
    task = asyncio.create_task(poller.run())
    world.send("a", "b")
    await world.clock.advance(5)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await poller.drain()
    assert bodies(world) == [["a", "b"]]
    assert world.messages == {}

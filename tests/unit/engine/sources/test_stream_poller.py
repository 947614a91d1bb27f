"""Streams on virtual time: positions, order, retries, bisecting, windows, lanes, splits, checkpoints across restarts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from tests.unit.engine.sources.kit import FAILED, STREAM, THROTTLED, FakeShard, World, answer, mapping, numbers

from lambent.domain.errors import AwsError
from lambent.domain.invocations import InvocationResult
from lambent.engine.delivery.destinations import DISPATCHES
from lambent.engine.sources.checkpoints import CHECKPOINTS
from lambent.engine.sources.streams import StreamPoller, forget


@asynccontextmanager
async def polling(world: World, **changes: Any) -> AsyncIterator[StreamPoller]:
    poller = StreamPoller(world.tools(), mapping(**changes))
    task = asyncio.create_task(poller.run())
    await world.clock.advance(0.1)
    yield poller
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await poller.close()


async def fine(event: dict[str, Any]) -> InvocationResult:
    return answer()


def batches(world: World) -> list[list[int]]:
    return [numbers(event) for event in world.events]


async def records_of(world: World) -> list[dict[str, Any]]:
    """Return what waits for the on-failure destination."""
    found: list[dict[str, Any]] = []
    for queue in await world.store.queues(DISPATCHES):
        leases = await world.store.lease(queue, now=world.clock.now(), seconds=1, limit=100)
        found += [json.loads(msgspec.msgpack.decode(lease.body)["body"]) for lease in leases]
    return found


async def test_from_the_oldest_in_order_and_in_batches() -> None:
    world = World(fine)
    world.put(*range(25))
    async with polling(world):
        await world.clock.advance(1)
        assert batches(world) == [list(range(10)), list(range(10, 20)), list(range(20, 25))]
        world.put(25)
        await world.clock.advance(0.3)
        assert batches(world)[-1] == [25]
        assert world.results == ["OK"]
        assert world.metrics.values["IteratorAge"] < 300


async def test_from_the_newest_only_what_comes_after_the_mapping() -> None:
    world = World(fine)
    world.put(1, 2)
    async with polling(world, starting_position="LATEST") as poller:
        assert poller.ready.is_set()
        world.put(3)
        await world.clock.advance(1)
    assert batches(world) == [[3]]


async def test_the_newest_is_what_it_was_when_the_mapping_was_made_also_after_a_restart() -> None:
    world = World(fine)
    world.put(1)
    await world.clock.advance(10)
    async with polling(world, starting_position="LATEST"):
        await world.clock.advance(1)
    world.put(2)
    async with polling(world, starting_position="LATEST"):
        await world.clock.advance(1)
    assert batches(world) == [[2]]


async def test_from_a_time() -> None:
    world = World(fine)
    world.put(1)
    await world.clock.advance(10)
    at = world.clock.now()
    world.put(2)
    async with polling(world, starting_position="AT_TIMESTAMP", starting_at=at):
        await world.clock.advance(1)
    assert batches(world) == [[2]]


async def test_a_restart_goes_on_after_what_was_handled() -> None:
    world = World(fine)
    world.put(*range(5))
    async with polling(world):
        await world.clock.advance(1)
    world.put(5)
    async with polling(world):
        await world.clock.advance(1)
        assert batches(world) == [[0, 1, 2, 3, 4], [5]]
    await forget(world.store, mapping())
    assert await CHECKPOINTS.range(world.store) == []


async def test_a_window_gathers() -> None:
    world = World(fine)
    async with polling(world, window_s=5):
        world.put(1)
        await world.clock.advance(3)
        world.put(2)
        await world.clock.advance(1)
        assert world.events == []
        await world.clock.advance(1.5)
        assert batches(world) == [[1, 2]]


async def test_a_failing_batch_holds_up_the_shard_until_it_is_given_up() -> None:
    async def fails(event: dict[str, Any]) -> InvocationResult:
        return FAILED if 0 in numbers(event) else answer()

    world = World(fails)
    world.put(*range(12))
    async with polling(world, retries=2, on_failure_arn="arn:aws:sqs:us-east-1:000000000000:failed"):
        await world.clock.advance(60)
        assert batches(world) == [list(range(10))] * 3 + [[10, 11]]
        (failure,) = await records_of(world)
        info = failure["KinesisBatchInfo"]
        assert failure["requestContext"]["condition"] == "RetryAttemptsExhausted"
        assert failure["requestContext"]["approximateInvokeCount"] == 3
        assert failure["requestContext"]["functionArn"] == "arn:aws:lambda:us-east-1:000000000000:function:f"
        assert failure["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"}
        assert (info["shardId"], info["batchSize"], info["startSequenceNumber"], info["endSequenceNumber"]) == ("0", 10, "1", "10")
        assert (info["streamArn"], info["approximateArrivalOfFirstRecord"]) == (STREAM, "2023-11-14T22:13:20.000Z")
        assert "payload" not in failure
        assert world.results == ["PROBLEM: Function call failed", "OK"]


async def test_a_bucket_gets_the_records_too() -> None:
    async def fails(event: dict[str, Any]) -> InvocationResult:
        return FAILED

    world = World(fails)
    world.put(7)
    async with polling(world, retries=0, on_failure_arn="arn:aws:s3:::failed"):
        await world.clock.advance(1)
        (failure,) = await records_of(world)
        assert numbers(json.loads(failure["payload"])) == [7]


async def test_bisecting_finds_the_one_that_fails() -> None:
    async def fails(event: dict[str, Any]) -> InvocationResult:
        return FAILED if 6 in numbers(event) else answer()

    world = World(fails)
    world.put(*range(10))
    async with polling(world, bisects=True, retries=1):
        await world.clock.advance(60)
    handled = [each for batch in batches(world) if 6 not in batch for each in batch]
    assert handled == [0, 1, 2, 3, 4, 5, 7, 8, 9]
    assert batches(world).count([6]) == 2


async def test_reported_failures_go_on_from_the_first() -> None:
    async def reports(event: dict[str, Any]) -> InvocationResult:
        third = [each["kinesis"]["sequenceNumber"] for each in event["Records"]][2:3]
        return answer({"batchItemFailures": [{"itemIdentifier": each} for each in third]})

    world = World(reports)
    world.put(*range(6))
    async with polling(world, reports_failures=True):
        await world.clock.advance(30)
    assert batches(world) == [[0, 1, 2, 3, 4, 5], [2, 3, 4, 5], [4, 5]]


async def test_records_that_are_too_old_are_given_up_unseen() -> None:
    world = World(fine)
    world.put(1)
    await world.clock.advance(100)
    world.put(2)
    async with polling(world, record_age_s=60, on_failure_arn="arn:aws:sqs:us-east-1:000000000000:failed"):
        await world.clock.advance(1)
        assert batches(world) == [[2]]
        (failure,) = await records_of(world)
        assert failure["requestContext"]["condition"] == "RecordAgeExceeded"
        assert "responseContext" not in failure


async def test_throttles_do_not_use_up_the_tries() -> None:
    async def throttled(event: dict[str, Any]) -> InvocationResult:
        if len(world.events) < 5:
            raise THROTTLED
        return answer()

    world = World(throttled)
    world.put(1)
    async with polling(world, retries=0):
        await world.clock.advance(60)
    assert batches(world) == [[1]] * 5
    assert world.results[-1] == "OK"


async def test_filtered_records_move_the_checkpoint() -> None:
    world = World(fine)
    world.put(1, 2, 3)
    async with polling(world, filters=('{"data": {"n": [2]}}',)):
        await world.clock.advance(1)
    assert batches(world) == [[2]]
    found = await CHECKPOINTS.get(world.store, (mapping().uuid, "0"))
    assert found is not None
    assert found.value.sequence == "3"


async def test_a_split_shards_children_are_read_after_it() -> None:
    world = World(fine)
    world.put(1, 2)
    async with polling(world):
        await world.clock.advance(1)
        world.put(3)
        world.shards["0"].closed = True
        world.shards |= {"1": FakeShard(("0",)), "2": FakeShard(("0",))}
        world.put(4, shard="1")
        world.put(5, shard="2")
        await world.clock.advance(2)
        assert batches(world)[:2] == [[1, 2], [3]]
        assert sorted(batches(world)[2:]) == [[4], [5]]
        world.shards["1"].closed = world.shards["2"].closed = True
        world.shards["3"] = FakeShard(("1", "2"))
        world.put(6, shard="3")
        await world.clock.advance(2)
        assert batches(world)[4:] == [[6]]
    found = await CHECKPOINTS.range(world.store, (mapping().uuid,))
    assert [each.key[1] for each in found if each.value.done] == ["0", "1", "2"]


async def test_closed_shards_from_before_are_not_read_from_the_newest() -> None:
    world = World(fine)
    world.put(1)
    world.shards["0"].closed = True
    world.shards["1"] = FakeShard(("0",))
    async with polling(world, starting_position="LATEST"):
        world.put(2, shard="1")
        await world.clock.advance(1)
    assert batches(world) == [[2]]


async def test_lanes_run_at_once_and_keep_the_order_of_each_key() -> None:
    running = most = 0

    async def slow(event: dict[str, Any]) -> InvocationResult:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await world.clock.sleep(1)
        running -= 1
        return answer()

    world = World(slow)
    for number in range(40):
        world.put(number, partition=f"k{number % 8}")
    async with polling(world, parallelisation=4, batch_size=2):
        await world.clock.advance(40)
    assert 2 <= most <= 4
    seen = [each for batch in batches(world) for each in batch]
    assert sorted(seen) == list(range(40))
    for key in range(8):
        mine = [each for each in seen if each % 8 == key]
        assert mine == sorted(mine)


async def test_tumbling_windows_carry_state_and_end() -> None:
    async def counts(event: dict[str, Any]) -> InvocationResult:
        return answer({"state": {"n": event["state"].get("n", 0) + len(event["Records"])}})

    world = World(counts)
    start = (int(world.clock.now()) // 30 + 1) * 30
    await world.clock.advance(start - world.clock.now())
    async with polling(world, tumbling_s=30, batch_size=2):
        world.put(1, 2, 3)
        await world.clock.advance(10)
        world.put(4)
        await world.clock.advance(10)
        assert [(numbers(each), each["state"], each["isFinalInvokeForWindow"]) for each in world.events] == [
            ([1, 2], {}, False),
            ([3], {"n": 2}, False),
            ([4], {"n": 3}, False),
        ]
        await world.clock.advance(12)
        final = world.events[-1]
        assert (final["Records"], final["state"], final["isFinalInvokeForWindow"]) == ([], {"n": 4}, True)
        world.put(5)
        await world.clock.advance(1)
        assert world.events[-1]["state"] == {}
        assert world.events[-1]["window"]["start"] == final["window"]["end"]
        assert (final["shardId"], final["eventSourceARN"], final["isWindowTerminatedEarly"]) == ("0", STREAM, False)


async def test_a_windows_state_survives_a_restart() -> None:
    async def counts(event: dict[str, Any]) -> InvocationResult:
        return answer({"state": {"n": event["state"].get("n", 0) + len(event["Records"])}})

    world = World(counts)
    world.put(1, 2)
    async with polling(world, tumbling_s=900):
        await world.clock.advance(1)
    world.put(3)
    async with polling(world, tumbling_s=900):
        await world.clock.advance(1)
    assert [each["state"] for each in world.events] == [{}, {"n": 2}]


async def test_a_state_that_is_too_large_ends_its_window_early() -> None:
    async def grows(event: dict[str, Any]) -> InvocationResult:
        return answer({"state": {"text": "x" * 1_100_000}})

    world = World(grows)
    world.put(1)
    async with polling(world, tumbling_s=900):
        await world.clock.advance(1)
    assert [(each["isFinalInvokeForWindow"], each["isWindowTerminatedEarly"]) for each in world.events] == [(False, False), (True, True)]


@pytest.mark.parametrize("code", ["ExpiredIteratorException", "ProvisionedThroughputExceededException", "InternalFailure"])
async def test_reading_that_fails_for_a_while_loses_and_repeats_nothing(code: str) -> None:
    world = World(fine)
    world.put(1, 2)
    async with polling(world):
        await world.clock.advance(1)
        world.failing = lambda operation: AwsError(code, "later") if operation == "GetRecords" else None
        await world.clock.advance(3)
        world.put(3)
        world.failing = lambda operation: None
        await world.clock.advance(70)
    assert batches(world) == [[1, 2], [3]]


async def test_a_stream_that_is_gone_is_told() -> None:
    world = World(fine)
    world.failing = lambda operation: AwsError("ResourceNotFoundException", "Stream s not found")
    async with polling(world):
        await world.clock.advance(1)
    assert world.results == ["PROBLEM: Stream s not found"]


async def test_a_stream_that_was_made_anew_under_its_name_is_read_from_its_start() -> None:
    world = World(fine)
    world.put(1, 2)
    async with polling(world):
        await world.clock.advance(1)
    world.shards["0"].records.clear()
    world.put(3, 4)
    async with polling(world):
        await world.clock.advance(1)
        world.put(5)
        await world.clock.advance(1)
    assert batches(world) == [[1, 2], [3, 4], [5]]

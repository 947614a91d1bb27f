"""Shipping of function logs: order, batches, retries, refusals and bounds."""

from __future__ import annotations

import asyncio

import pytest
from tests.unit.engine.fakes import FakeCloud, function

from lambent.base.clock import VirtualClock
from lambent.base.ids import SeededIds
from lambent.domain.call import Call, Result
from lambent.domain.errors import AwsError
from lambent.domain.functions import runtime_version
from lambent.engine.environments.loglines import Report, Start, stream_name
from lambent.engine.environments.output import FunctionLog
from lambent.engine.environments.shipping import (
    BATCH_EVENTS_MAX,
    EVENT_BYTES_MAX,
    PIECE_BYTES,
    SHIPPED_S_MAX,
    STEADY_FLUSH_S,
    LogShipper,
    LogStream,
    role_caller,
)


@pytest.fixture
def cloud() -> FakeCloud:
    return FakeCloud()


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


def puts(cloud: FakeCloud) -> list[int]:
    return [len(call.params["logEvents"]) for call in cloud.calls if call.operation == "PutLogEvents"]


async def test_lines_arrive_in_order_within_a_tenth_of_a_second(cloud: FakeCloud, clock: VirtualClock) -> None:
    shipper = LogShipper(cloud, clock, SeededIds())
    task = asyncio.create_task(shipper.run())
    stream = shipper.open(function(), "s")
    for number in range(100):
        shipper.write(stream, f"{number}\n".encode(), number)
    await clock.advance(0.1)
    assert cloud.logged() == "".join(f"{number}\n" for number in range(100))
    assert puts(cloud) == [100]
    shipper.write(stream, b"more\n", 101)
    await clock.advance(0.1)
    assert [call.operation for call in cloud.calls] == [
        "CreateLogStream",
        "CreateLogGroup",
        "CreateLogStream",
        "PutLogEvents",
        "PutLogEvents",
    ]
    task.cancel()


class BusyCloud(FakeCloud):
    """A line comes with every batch that is sent."""

    async def call(self, call: Call) -> Result:
        if call.operation == "PutLogEvents":
            self.stream.shipper.write(self.stream, b"again\n", 2)
        return await super().call(call)

    stream: LogStream


async def test_lines_that_keep_coming_gather_longer_unless_somebody_waits_for_them(clock: VirtualClock) -> None:
    cloud = BusyCloud()
    shipper = LogShipper(cloud, clock, SeededIds())
    cloud.stream = shipper.open(function(), "s")
    task = asyncio.create_task(shipper.run())
    shipper.write(cloud.stream, b"first\n", 1)
    await clock.advance(0.06)
    assert puts(cloud) == [1]
    await clock.advance(STEADY_FLUSH_S - 0.06)
    assert puts(cloud) == [1]
    await clock.advance(0.06)
    assert puts(cloud) == [1, 1]
    waiting = asyncio.create_task(shipper.wait_shipped(cloud.stream))
    await clock.advance(0.06)
    assert waiting.done()
    assert puts(cloud) == [1, 1, 1]
    task.cancel()


async def test_batches_keep_to_cloudwatchs_limits(cloud: FakeCloud, clock: VirtualClock) -> None:
    shipper = LogShipper(cloud, clock, SeededIds())
    stream = shipper.open(function(), "s")
    for _ in range(2 * BATCH_EVENTS_MAX + 1_000):
        shipper.write(stream, b"x\n", 1)
    await shipper.flush()
    assert puts(cloud) == [*[BATCH_EVENTS_MAX] * 2, 1_000]
    shipper.write(stream, b"y" * (EVENT_BYTES_MAX * 5), 1)
    await shipper.flush()
    assert puts(cloud)[3:] == [4, 1]


async def test_what_cannot_be_sent_now_is_sent_later_and_others_do_not_wait(cloud: FakeCloud, clock: VirtualClock) -> None:
    shipper = LogShipper(cloud, clock, SeededIds())
    task = asyncio.create_task(shipper.run())
    cloud.errors["PutLogEvents"] = [AwsError("ServiceUnavailableException", "later", 503)] * 3
    first, second = shipper.open(function(), "1"), shipper.open(function(), "2")
    shipper.write(first, b"a\n", 1)
    await clock.advance(0.06)
    shipper.write(first, b"b\n", 2)
    shipper.write(second, b"other\n", 3)
    await clock.advance(5)
    assert cloud.streams["/aws/lambda/f", "1"] == ["a\n", "b\n"]
    assert cloud.streams["/aws/lambda/f", "2"] == ["other\n"]
    task.cancel()


async def test_a_role_that_may_not_log_is_warned_of_once(cloud: FakeCloud, clock: VirtualClock, caplog: pytest.LogCaptureFixture) -> None:
    shipper = LogShipper(cloud, clock, SeededIds())
    cloud.errors["CreateLogStream"] = [AwsError("AccessDeniedException", "no", 400)] * 2
    stream = shipper.open(function(), "s")
    for _ in range(2):
        shipper.write(stream, b"a\n", 1)
        await shipper.flush()
    assert caplog.text.count("cannot be written") == 1


async def test_flushing_twice_at_once_sends_each_line_once(cloud: FakeCloud, clock: VirtualClock) -> None:
    shipper = LogShipper(cloud, clock, SeededIds())
    shipper.write(shipper.open(function(), "s"), b"a\n", 1)
    await asyncio.gather(shipper.flush(), shipper.flush())
    assert cloud.logged() == "a\n"


async def test_a_deleted_group_is_made_again(cloud: FakeCloud, clock: VirtualClock) -> None:
    shipper = LogShipper(cloud, clock, SeededIds())
    stream = shipper.open(function(), "s")
    shipper.write(stream, b"a\n", 1)
    await shipper.flush()
    cloud.groups.clear()
    cloud.streams.clear()
    shipper.write(stream, b"b\n", 2)
    await shipper.flush()
    assert cloud.logged() == "b\n"


async def test_memory_is_bounded_and_writers_are_held_back_first(cloud: FakeCloud, clock: VirtualClock) -> None:
    shipper = LogShipper(cloud, clock, SeededIds(), high_bytes=1_000, limit_bytes=40 * (100 + PIECE_BYTES))
    stream, quiet = shipper.open(function(), "s"), shipper.open(function(), "quiet")
    for _ in range(11):
        shipper.write(stream, b"z" * 100, 1)
    assert shipper.dropped == 1, "a stream gets a quarter"
    assert shipper.is_crowded(stream)
    assert not shipper.is_crowded(quiet)
    for number in range(3):
        other = shipper.open(function(), str(number))
        for _ in range(10):
            shipper.write(other, b"z" * 100, 1)
    assert shipper.dropped == 1
    shipper.write(quiet, b"z", 1)
    assert shipper.dropped == 2, "there is no room at all"
    waiting = asyncio.create_task(shipper.wait_room())
    await shipper.flush()
    await asyncio.wait_for(waiting, 1)
    assert not shipper.is_crowded(stream)


async def test_memory_is_counted_and_not_only_text(cloud: FakeCloud, clock: VirtualClock) -> None:
    shipper = LogShipper(cloud, clock, SeededIds(), limit_bytes=4 * 100 * (1 + PIECE_BYTES))
    stream = shipper.open(function(), "s")
    for _ in range(1_000):
        shipper.write(stream, b"\n", 1)
    assert shipper.dropped == 900


async def test_lines_are_worded_when_they_are_sent(cloud: FakeCloud) -> None:
    shipper = LogShipper(cloud, VirtualClock(), SeededIds())
    stream = shipper.open(function(), "s")
    shipper.write(stream, Start("id", "$LATEST"), 1)
    shipper.write(stream, b"said \xff\n", 2)
    shipper.write(stream, Report(request_id="id", duration_ms=1.234, billed_ms=2, memory_mb=128, memory_used_mb=40), 3)
    await shipper.flush()
    assert cloud.logged() == (
        "START RequestId: id Version: $LATEST\nsaid \N{REPLACEMENT CHARACTER}\nEND RequestId: id\n"
        "REPORT RequestId: id\tDuration: 1.23 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\tMax Memory Used: 40 MB\t\n"
    )
    assert puts(cloud) == [4]
    assert not stream.bytes
    assert stream.taken == stream.settled == 3


async def test_a_long_error_type_counts_for_what_it_is(cloud: FakeCloud) -> None:
    shipper = LogShipper(cloud, VirtualClock(), SeededIds())
    log = FunctionLog(function(), shipper.open(function(), "s"), VirtualClock())
    report = Report(request_id="id", duration_ms=1, billed_ms=2, memory_mb=128, memory_used_mb=40, status="error", error_type="E" * 9_999)
    log.end(report)
    assert log.stream.bytes > 9_999
    await shipper.flush()
    assert puts(cloud) == [2]
    assert cloud.logged() == "".join(report.texts())


async def test_what_is_no_text_takes_more_room_when_it_is_sent(cloud: FakeCloud) -> None:
    shipper = LogShipper(cloud, VirtualClock(), SeededIds())
    stream = shipper.open(function(), "s")
    for _ in range(6):
        shipper.write(stream, b"\xff" * 100_000, 1)  # three times as much as text
    await shipper.flush()
    assert puts(cloud) == [3, 3]


@pytest.mark.parametrize(
    ("runtime", "version"),
    [("python3.12", "python:3.12.v1"), ("nodejs20.x", "nodejs:20.v1"), ("provided.al2023", "provided:al2023.v1"), ("java21", "java:21.v1")],
)
def test_runtime_versions(runtime: str, version: str) -> None:
    assert runtime_version(runtime) == version


def test_stream_names() -> None:
    assert stream_name("7", 1_700_000_000.0, "ab") == "2023/11/14/[7]ab"


async def test_whoever_waits_for_a_stream_goes_on_when_its_lines_were_sent(cloud: FakeCloud, clock: VirtualClock) -> None:
    shipper = LogShipper(cloud, clock, SeededIds())
    stream, began = shipper.open(function(), "s"), clock.now()
    await shipper.wait_shipped(stream)  # nothing waits: at once
    task = asyncio.create_task(shipper.run())
    shipper.write(stream, b"a\n", 1)
    waiting = asyncio.create_task(shipper.wait_shipped(stream))
    await clock.advance(0.04)
    assert not waiting.done()
    await clock.advance(0.02)
    assert waiting.done()
    assert cloud.logged() == "a\n"
    assert clock.now() - began < 0.1
    task.cancel()


async def test_a_log_service_that_hangs_or_fails_or_refuses_holds_nobody_up_for_ever(cloud: FakeCloud, clock: VirtualClock) -> None:
    shipper = LogShipper(cloud, clock, SeededIds())
    stuck, failing, refused = (shipper.open(function(), name) for name in "123")
    shipper.write(stuck, b"a\n", 1)  # nobody sends
    waiting = asyncio.create_task(shipper.wait_shipped(stuck))
    await clock.advance(SHIPPED_S_MAX - 0.1)
    assert not waiting.done()
    await clock.advance(1.2)
    assert waiting.done()
    cloud.errors["PutLogEvents"] = [AwsError("ServiceUnavailableException", "later", 503), AwsError("AccessDeniedException", "no", 403)]
    await shipper.flush()
    shipper.write(failing, b"b\n", 1)
    failing.failures = 1
    await shipper.wait_shipped(failing)
    shipper.write(refused, b"c\n", 1)
    waiting = asyncio.create_task(shipper.wait_shipped(refused))
    await clock.settle()
    await shipper.flush()
    await clock.settle()
    assert waiting.done()


def test_a_session_is_named_after_its_function() -> None:
    role = "arn:aws:iam::123456789012:role/path/worker"
    sessions = [role_caller("123456789012", role, name).arn.rpartition("/")[2] for name in ("thumbnails", "f")]
    assert sessions == ["thumbnails", "f@lambda_function"]  # STS wants two characters

import asyncio
import random

import pytest
from tests.unit.services.logs.logs_kit import Kit, texts

HOUR = 3_600_000


async def test_events_are_put_and_read(kit: Kit) -> None:
    await kit.stream()
    response = await kit.put((-2, "a"), (-1, "b"))
    assert len(response["nextSequenceToken"]) == 56
    assert "rejectedLogEventsInfo" not in response
    page = await kit.get()
    assert page["events"][0] == {"timestamp": kit.now - 2, "message": "a", "ingestionTime": kit.now}
    assert texts(page) == ["a", "b"]


async def test_a_batch_has_limits(kit: Kit) -> None:
    await kit.stream()
    exact = "x" * (1_048_576 - 26)
    await kit.put((0, exact))
    for events, message in (
        ([(0, exact + "x")], "Log event too large: 1048577 bytes exceeds limit of 1048576"),
        ([(0, "x" * 600_000)] * 2, "Upload too large: 1200052 bytes exceeds limit of 1048576"),
        ([(0, "b"), (-1, "a")], "Log events in a single PutLogEvents request must be in chronological order."),
        ([(-25 * HOUR, "a"), (0, "b")], "The batch of log events in a single PutLogEvents request cannot span more than 24 hours."),
    ):
        with pytest.raises(Exception, match="InvalidParameterException") as caught:
            await kit.put(*events)
        assert caught.value.message == message  # type: ignore[attr-defined]
    for events in ([], [(0, "x")] * 10_001):
        with pytest.raises(Exception, match="1 validation error detected"):
            await kit.put(*events)
    assert len((await kit.get())["events"]) == 1


async def test_events_too_old_or_too_new_are_rejected_and_the_others_taken(kit: Kit) -> None:
    await kit.stream()
    response = await kit.put(
        (-15 * 24 * HOUR, "ancient"), (-14 * 24 * HOUR - 1, "old"), (0, "now"), (2 * HOUR, "soon"), (2 * HOUR + 1, "later")
    )
    assert response["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 2, "tooNewLogEventStartIndex": 4}
    assert texts(await kit.get()) == ["now", "soon"]
    await kit.call("PutRetentionPolicy", logGroupName="g", retentionInDays=1)
    response = await kit.put((-25 * HOUR, "expired"), (-1, "fresh"))
    assert response["rejectedLogEventsInfo"] == {"expiredLogEventEndIndex": 1}
    assert texts(await kit.get()) == ["fresh", "now", "soon"]


async def test_a_sequence_token_does_not_matter(kit: Kit) -> None:
    await kit.stream()
    event = {"timestamp": kit.now, "message": "a"}
    await kit.call("PutLogEvents", logGroupName="g", logStreamName="s", logEvents=[event], sequenceToken="nonsense")
    assert texts(await kit.get()) == ["a"]
    missing = await kit.fails("PutLogEvents", logGroupName="g", logStreamName="nobody", logEvents=[event])
    assert missing.message == "The specified log stream does not exist."


async def test_tokens_lead_forwards_and_back_and_stay_at_the_ends(kit: Kit) -> None:
    await kit.stream()
    await kit.put(*((number, str(number)) for number in range(5)))
    page = await kit.get(limit=2, startFromHead=True)
    assert texts(page) == ["0", "1"]
    assert page["nextForwardToken"].startswith("f/")
    assert page["nextBackwardToken"].startswith("b/")
    page = await kit.get(limit=2, nextToken=page["nextForwardToken"])
    assert texts(page) == ["2", "3"]
    assert texts(await kit.get(limit=2, nextToken=page["nextBackwardToken"])) == ["0", "1"]
    page = await kit.get(limit=2, nextToken=page["nextForwardToken"])
    assert texts(page) == ["4"]
    end = page["nextForwardToken"]
    page = await kit.get(limit=2, nextToken=end)
    assert (texts(page), page["nextForwardToken"]) == ([], end)
    await kit.put((5, "5"))
    assert texts(await kit.get(limit=2, nextToken=end)) == ["5"]
    page = await kit.get(limit=2)
    assert texts(page) == ["4", "5"]
    begin = (await kit.get(startFromHead=True))["nextBackwardToken"]
    page = await kit.get(nextToken=begin)
    assert (texts(page), page["nextBackwardToken"]) == ([], begin)
    assert (
        await kit.fails("GetLogEvents", logGroupName="g", logStreamName="s", nextToken="f/1")
    ).message == "The specified nextToken is invalid."


async def test_an_empty_stream_can_be_followed(kit: Kit) -> None:
    await kit.stream()
    page = await kit.get()
    await kit.put((0, "a"))
    assert texts(await kit.get(nextToken=page["nextForwardToken"])) == ["a"]


async def test_a_page_holds_a_megabyte(kit: Kit) -> None:
    await kit.stream()
    for number in range(3):
        await kit.put((number, str(number) * 500_000))
    page = await kit.get(startFromHead=True)
    assert [each["message"][0] for each in page["events"]] == ["0", "1"]
    assert [message[0] for message in await kit.filter()] == ["0", "1", "2"]


async def test_times_in_get_end_before_and_in_filter_with_the_last(kit: Kit) -> None:
    await kit.stream()
    await kit.put(*((number, str(number)) for number in range(6)))
    window = {"startTime": kit.now + 1, "endTime": kit.now + 3}
    assert texts(await kit.get(**window)) == ["1", "2"]
    assert await kit.filter(**window) == ["1", "2", "3"]


@pytest.mark.parametrize("seed", range(10))
async def test_events_that_arrive_in_any_order_are_read_in_order_of_time(kit: Kit, seed: int) -> None:
    chance = random.Random(seed)
    await kit.stream()
    expected: list[tuple[int, int]] = []
    for number in range(120):
        times = sorted(chance.randint(-3_000, 3_000) // chance.choice((1, 1_000)) for _ in range(chance.randint(1, 5)))
        await kit.put(*((time, str(time)) for time in times))
        expected += [(time, number) for time in times]
    wanted = [str(time) for time, _ in sorted(expected)]
    for limit in (7, 1_000):
        assert await all_pages(kit, limit, forwards=True) == wanted
        assert await all_pages(kit, limit, forwards=False) == wanted
        assert await kit.filter(limit=limit) == wanted
    low, high = sorted((chance.randint(-3_000, 3_000), chance.randint(-3_000, 3_000)))
    window = {"startTime": kit.now + low, "endTime": kit.now + high}
    assert texts(await kit.get(**window)) == [each for each in wanted if low <= int(each) < high]
    assert await kit.filter(**window) == [each for each in wanted if low <= int(each) <= high]


async def all_pages(kit: Kit, limit: int, *, forwards: bool) -> list[str]:
    seen: list[str] = []
    page = await kit.get(limit=limit, startFromHead=forwards)
    while page["events"]:
        seen = seen + texts(page) if forwards else texts(page) + seen
        page = await kit.get(limit=limit, nextToken=page["nextForwardToken" if forwards else "nextBackwardToken"])
    return seen


async def test_filtering_interleaves_streams(kit: Kit) -> None:
    await kit.call("CreateLogGroup", logGroupName="g")
    for index, name in enumerate(("b", "a", "c/1", "c/2")):
        await kit.call("CreateLogStream", logGroupName="g", logStreamName=name)
        await kit.put(*((10 * turn + index // 2, f"{name} {turn}") for turn in range(4)), stream=name)
    everything = [f"{name} {turn}" for turn in range(4) for name in ("a", "b", "c/1", "c/2")]
    for limit in (1, 3, 100):
        assert await kit.filter(limit=limit) == everything
    assert await kit.filter(logStreamNamePrefix="c/") == [each for each in everything if each.startswith("c/")]
    assert await kit.filter(logStreamNames=["a", "c/2"], limit=3) == [each for each in everything if each.startswith(("a", "c/2"))]
    assert await kit.filter(filterPattern='?" 2" ?" 3"', limit=3) == everything[8:]
    page = await kit.call("FilterLogEvents", logGroupName="g", filterPattern='"a 1"')
    (event,) = page["events"]
    assert (event["logStreamName"], event["timestamp"], len(event["eventId"])) == ("a", kit.now + 10, 56)
    ids = [each["eventId"] for each in (await kit.call("FilterLogEvents", logGroupName="g"))["events"]]
    assert len(set(ids)) == 16


async def test_filtering_newest_first() -> None:
    kit = Kit(start=1_800_000_000.0)
    await kit.call("CreateLogGroup", logGroupName="g")
    for name in ("a", "b"):
        await kit.call("CreateLogStream", logGroupName="g", logStreamName=name)
        await kit.put(*((turn, f"{name}{turn}") for turn in range(3)), stream=name)
    backwards = await kit.filter(startFromHead=False, startTime=kit.now - 1, limit=2)
    assert backwards == ["b2", "a2", "b1", "a1", "b0", "a0"]
    error = await kit.fails("FilterLogEvents", logGroupName="g", startFromHead=False)
    assert error.code == "InvalidParameterException"


async def test_what_filtering_refuses(kit: Kit) -> None:
    await kit.stream()
    for params, code in (
        ({"logStreamNames": ["s"], "logStreamNamePrefix": "s"}, "InvalidParameterException"),
        ({"logStreamNames": ["nobody"]}, "ResourceNotFoundException"),
        ({"filterPattern": "{ $.a = }"}, "InvalidParameterException"),
        ({"nextToken": "nonsense"}, "InvalidParameterException"),
    ):
        assert (await kit.fails("FilterLogEvents", logGroupName="g", **params)).code == code


async def test_many_writers_of_one_stream_lose_nothing(kit: Kit) -> None:
    await kit.stream()
    await asyncio.gather(*(kit.put((number % 7, str(number))) for number in range(50)))
    assert sorted(map(int, texts(await kit.get()))) == list(range(50))


async def test_a_live_tail_hears_what_arrives(kit: Kit) -> None:
    await kit.stream()
    session = (await kit.call("StartLiveTail", logGroupIdentifiers=["g"], logEventFilterPattern="ERROR"))["responseStream"]
    assert (await anext(session))["sessionStart"]["logGroupIdentifiers"] == ["g"]
    await kit.put((0, "ERROR one"), (1, "fine"))
    update = asyncio.ensure_future(anext(session))
    await kit.clock.advance(1)
    (event,) = (await update)["sessionUpdate"]["sessionResults"]
    assert (event["message"], event["logGroupIdentifier"]) == ("ERROR one", "123456789012:g")
    await session.aclose()
    await kit.put((0, "ERROR two"))


async def test_a_pattern_is_tried_on_messages(kit: Kit) -> None:
    response = await kit.call(
        "TestMetricFilter", filterPattern="[level = ERROR, ..., ms > 10]", logEventMessages=["INFO a 11", "ERROR b 11", "ERROR c 9"]
    )
    assert response["matches"] == [{"eventNumber": 2, "eventMessage": "ERROR b 11", "extractedValues": {"$level": "ERROR", "$ms": "11"}}]


async def test_a_long_search_comes_in_pages_that_may_be_empty(kit: Kit) -> None:
    await kit.stream()
    for _ in range(18):
        await kit.put((0, "x" * 1_000_000))
    await kit.put((1, "needle"))
    page = await kit.call("FilterLogEvents", logGroupName="g", filterPattern="needle")
    assert page["events"] == []
    assert await kit.filter(filterPattern="needle") == ["needle"]

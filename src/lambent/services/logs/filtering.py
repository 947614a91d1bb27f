"""``FilterLogEvents``: a group's events across its streams in order of time, those that match a pattern."""

from __future__ import annotations

import heapq
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, TypeAlias

from lambent.base.clock import Clock
from lambent.domain.call import Call
from lambent.domain.service import Operations
from lambent.domain.storage import Entry
from lambent.patterns.logs import InvalidPattern, Pattern, compile_pattern
from lambent.services.logs.errors import invalid
from lambent.services.logs.identifiers import group_name_of
from lambent.services.logs.reading import END_OF_TIME_MS, EVENTS_MAX, PAGE_BYTES_MAX, message_bytes
from lambent.services.logs.state import Event, Group, Logs, Stream, decode_event
from lambent.services.logs.timeline import Window, backwards, forwards
from lambent.services.logs.tokens import seal, unseal

if TYPE_CHECKING:
    from lambent.services.logs import _generated_shapes as shapes

operations: Operations[Logs] = Operations()

SCANNED_MAX = 50_000
SCANNED_BYTES_MAX = 16_777_216
"""Events and their bytes that one request looks at; a page may be empty and still have a next one, as AWS documents."""

TURN_BYTES = 131_072
"""After so many bytes others get their turn: matching is the server's own time, milliseconds here for a plain pattern."""

DESCENDING_FROM_MS = 1_704_067_200_000
"""2024-01-01: AWS reads newest first only from there on."""

_Mark: TypeAlias = tuple[int, str, int]
"""Where an event stands among a group's: timestamp, stream, sequence number."""


@operations.serves("TestMetricFilter")
async def test_metric_filter(logs: Logs, call: Call, request: shapes.TestMetricFilterRequest) -> shapes.TestMetricFilterResponse:
    """Return which of the messages match the pattern, and what it takes from each; nothing is stored or read."""
    pattern = pattern_of(request["filterPattern"])
    return {
        "matches": [
            {"eventNumber": number, "eventMessage": message, "extractedValues": pattern.extract(message)}
            for number, message in enumerate(request["logEventMessages"], start=1)
            if pattern.matches(message)
        ]
    }


@operations.serves("FilterLogEvents")
async def filter_log_events(logs: Logs, call: Call, request: shapes.FilterLogEventsRequest) -> shapes.FilterLogEventsResponse:
    """Return a page of the events that match, oldest first unless ``startFromHead`` is false."""
    group = (await logs.group(call, group_name_of(call, request))).value
    pattern = pattern_of(request.get("filterPattern", ""))
    streams = await _streams(logs, group, request)
    ascending, mark = _direction(request)
    start_ms = max(request.get("startTime", 0), group.expired_before_ms(logs.now_ms()))
    window = Window(start_ms, request.get("endTime", END_OF_TIME_MS - 1) + 1)
    merged = _merged(logs, streams, window, 1 if ascending else -1, mark)
    events, reached = await _page(logs.platform.clock, merged, pattern, request.get("limit", EVENTS_MAX))
    response: shapes.FilterLogEventsResponse = {"events": events, "searchedLogStreams": []}
    if reached is not None:
        response["nextToken"] = seal((ascending, reached))
    return response


def pattern_of(text: str) -> Pattern:
    """Return the compiled filter pattern; AWS's ``InvalidParameterException`` when it isn't one."""
    try:
        return compile_pattern(text)
    except InvalidPattern as error:
        raise invalid(str(error)) from None


def _direction(request: shapes.FilterLogEventsRequest) -> tuple[bool, _Mark | None]:
    if "nextToken" in request:
        return unseal(request["nextToken"], tuple[bool, _Mark])
    ascending = request.get("startFromHead", True)
    if not ascending and request.get("startTime", 0) < DESCENDING_FROM_MS:
        raise invalid("startFromHead can be set to false only when startTime is on or after Jan 1, 2024 00:00:00 UTC.")
    return ascending, None


async def _streams(logs: Logs, group: Group, request: shapes.FilterLogEventsRequest) -> list[Stream]:
    names, prefix = request.get("logStreamNames"), request.get("logStreamNamePrefix")
    if names is not None and prefix is not None:
        raise invalid("logStreamNames and logStreamNamePrefix are mutually exclusive parameters.")
    if names is not None:
        return [(await logs.stream(group, name)).value for name in dict.fromkeys(names)]
    return await logs.streams_of(group.id, prefix or "")


async def _merged(logs: Logs, streams: list[Stream], window: Window, sign: int, mark: _Mark | None) -> AsyncIterator[tuple[Stream, Entry]]:
    """Give the streams' events in order of time. A stream is first read when its first event's turn comes."""
    waiting: list[tuple[int, int, int, Entry | None]] = []
    ranks = {each.name: sign * rank for rank, each in enumerate(sorted(streams, key=lambda each: each.name))}
    readers: dict[int, tuple[Stream, AsyncIterator[Entry]]] = {}
    for stream in streams:
        first, last = stream.first_event_ms, stream.last_event_ms
        if first is None or last is None or last < window.from_ms or first >= window.until_ms:
            continue
        rank = ranks[stream.name]
        readers[rank] = (stream, _reader(logs, stream, window, sign, mark))
        # No event of the stream comes before this, seen in the direction of reading.
        heapq.heappush(waiting, (sign * (first if sign > 0 else last), rank, -(1 << 62), None))
    while waiting:
        _, rank, _, entry = heapq.heappop(waiting)
        stream, reader = readers[rank]
        if entry is not None:
            yield stream, entry
        following = await anext(reader, None)
        if following is not None:
            heapq.heappush(waiting, (sign * following.time_ms, rank, sign * following.sequence, following))


def _reader(logs: Logs, stream: Stream, window: Window, sign: int, mark: _Mark | None) -> AsyncIterator[Entry]:
    """Return the stream's events past the mark: of those at the mark's time, streams come in order of their names."""
    place = None
    if mark is not None:
        time_ms, name, sequence = mark
        if stream.name == name:
            place = (time_ms, sequence)
        else:
            passed = stream.name < name
            place = (time_ms, 1 << 62) if passed else (time_ms, 0)
    store = logs.platform.store
    return forwards(store, stream, window, place) if sign > 0 else backwards(store, stream, window, place)


async def _page(
    clock: Clock, merged: AsyncIterator[tuple[Stream, Entry]], pattern: Pattern, limit: int
) -> tuple[list[shapes.FilteredLogEvent], _Mark | None]:
    """Return the page, and the mark to go on from when there may be more."""
    events: list[shapes.FilteredLogEvent] = []
    scanned = scanned_bytes = size = turn = 0
    mark: _Mark | None = None
    async for stream, entry in merged:
        full = len(events) == limit or (events and size + message_bytes(entry) > PAGE_BYTES_MAX)
        if full or scanned == SCANNED_MAX or scanned_bytes > SCANNED_BYTES_MAX:
            return events, mark
        scanned += 1
        scanned_bytes += message_bytes(entry)
        if scanned_bytes // TURN_BYTES > turn:
            turn = scanned_bytes // TURN_BYTES
            await clock.sleep(0)
        mark = (entry.time_ms, stream.name, entry.sequence)
        event = decode_event(entry.data)
        if pattern.matches(event.message):
            size += message_bytes(entry)
            events.append(_filtered(stream, entry, event))
    return events, None


def _filtered(stream: Stream, entry: Entry, event: Event) -> shapes.FilteredLogEvent:
    return {
        "logStreamName": stream.name,
        "timestamp": entry.time_ms,
        "message": event.message,
        "ingestionTime": event.ingested_ms,
        "eventId": stream.event_id(entry.time_ms, entry.sequence),
    }

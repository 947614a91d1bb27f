"""``GetLogEvents``: one stream's events, page by page in both directions.

A token names a place between events: ``f/…`` goes on after it, ``b/…`` before it. At an end the token that was passed in comes back.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from lambent.base.regexes import Regex
from lambent.domain.call import Call
from lambent.domain.service import Operations
from lambent.domain.storage import Entry
from lambent.services.logs.errors import invalid
from lambent.services.logs.identifiers import group_name_of
from lambent.services.logs.state import Logs, decode_event
from lambent.services.logs.timeline import Place, Window, backwards, forwards

if TYPE_CHECKING:
    from lambent.services.logs import _generated_shapes as shapes

operations: Operations[Logs] = Operations()

EVENTS_MAX = 10_000
PAGE_BYTES_MAX = 1_048_576
END_OF_TIME_MS = 1 << 62
_TOKEN = Regex(r"([fb])/(\d{20})(\d{36})(?:/s)?")


@operations.serves("GetLogEvents")
async def get_log_events(logs: Logs, call: Call, request: shapes.GetLogEventsRequest) -> shapes.GetLogEventsResponse:
    """Return a page of a stream's events, oldest first within the page; by default the newest page."""
    group = (await logs.group(call, group_name_of(call, request))).value
    stream = (await logs.stream(group, request["logStreamName"])).value
    start_ms = max(request.get("startTime", 0), group.expired_before_ms(logs.now_ms()))
    window = Window(start_ms, request.get("endTime", END_OF_TIME_MS))
    limit = request.get("limit", EVENTS_MAX)
    ahead, place = _direction(request)
    store = logs.platform.store
    if ahead:
        page = await _page(forwards(store, stream, window, place), limit)
    else:
        page = (await _page(backwards(store, stream, window, place), limit))[::-1]
    first, last = _ends(page, place or (start_ms, 0))
    return {
        "events": [_event(each) for each in page],
        "nextForwardToken": _token("f", last),
        "nextBackwardToken": _token("b", first),
    }


def message_bytes(entry: Entry) -> int:
    """Return about how many bytes the event takes of a page."""
    return len(entry.data) + 26


def _direction(request: shapes.GetLogEventsRequest) -> tuple[bool, Place | None]:
    if "nextToken" not in request:
        return request.get("startFromHead", False), None
    match = _TOKEN.fullmatch(request["nextToken"])
    if match is None:
        raise invalid("The specified nextToken is invalid.")
    return match[1] == "f", (int(match[2]), int(match[3]))


async def _page(entries: AsyncIterator[Entry], limit: int) -> list[Entry]:
    page: list[Entry] = []
    size = 0
    async for entry in entries:
        size += message_bytes(entry)
        if page and size > PAGE_BYTES_MAX:
            break
        page.append(entry)
        if len(page) == limit:
            break
    return page


def _ends(page: list[Entry], place: Place) -> tuple[Place, Place]:
    if not page:
        return place, place
    return (page[0].time_ms, page[0].sequence), (page[-1].time_ms, page[-1].sequence)


def _token(direction: str, place: Place) -> str:
    return f"{direction}/{place[0]:020d}{place[1]:036d}/s"


def _event(entry: Entry) -> shapes.OutputLogEvent:
    event = decode_event(entry.data)
    return {"timestamp": entry.time_ms, "message": event.message, "ingestionTime": event.ingested_ms}

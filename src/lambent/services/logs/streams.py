"""Log streams: create, delete, describe."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from lambent.domain.arns import arn
from lambent.domain.call import Call
from lambent.domain.errors import Conflict
from lambent.domain.service import Operations
from lambent.domain.storage import ABSENT, Key, Trim
from lambent.services.logs.errors import invalid, stream_exists
from lambent.services.logs.identifiers import group_name_of
from lambent.services.logs.ingestion import sequence_token
from lambent.services.logs.state import Group, Logs, Stream, streams
from lambent.services.logs.tokens import seal, unseal

if TYPE_CHECKING:
    from lambent.services.logs import _generated_shapes as shapes

operations: Operations[Logs] = Operations()
_PAGE_MAX = 50
_LAST_CHARACTER = "\U0010ffff"


@operations.serves("CreateLogStream")
async def create_log_stream(logs: Logs, call: Call, request: shapes.CreateLogStreamRequest) -> None:
    """Create a stream in a group."""
    group = (await logs.group(call, request["logGroupName"])).value
    stream = Stream(id=logs.platform.ids.hex(24), group_id=group.id, name=request["logStreamName"], created_ms=logs.now_ms())
    try:
        await logs.platform.store.commit([streams.put(stream.key, stream, ABSENT)])
    except Conflict:
        raise stream_exists() from None


@operations.serves("DeleteLogStream")
async def delete_log_stream(logs: Logs, call: Call, request: shapes.DeleteLogStreamRequest) -> None:
    """Remove a stream and its events."""
    group = (await logs.group(call, request["logGroupName"])).value
    stream = (await logs.stream(group, request["logStreamName"])).value
    await logs.platform.store.commit([streams.delete(stream.key), Trim(stream.log)])


@operations.serves("DescribeLogStreams")
async def describe_log_streams(logs: Logs, call: Call, request: shapes.DescribeLogStreamsRequest) -> shapes.DescribeLogStreamsResponse:
    """Return a group's streams by name or by the time of their last event, a page at a time."""
    by_time = request.get("orderBy") == "LastEventTime"
    prefix = request.get("logStreamNamePrefix", "")
    if by_time and prefix:
        raise invalid("Cannot order by LastEventTime with a logStreamNamePrefix.")
    group = (await logs.group(call, group_name_of(call, request))).value

    limit = request.get("limit", _PAGE_MAX)
    listing = _Listing(group.id, prefix, request.get("descending", False), limit, request.get("nextToken"))
    page, token = await (_by_last_event if by_time else _by_name)(logs, listing)
    response: shapes.DescribeLogStreamsResponse = {"logStreams": [_described(group, each) for each in page]}
    if token is not None:
        response["nextToken"] = token
    return response


class _Listing(msgspec.Struct, frozen=True):
    """Which page of which streams is wanted."""

    group_id: str
    prefix: str
    descending: bool
    limit: int
    token: str | None


async def _by_name(logs: Logs, listing: _Listing) -> tuple[list[Stream], str | None]:
    within = (listing.group_id,)
    last = None if listing.token is None else (*within, unseal(listing.token, str))
    start: Key | None = None
    if last is None and listing.prefix:
        # Backwards from behind all names with the prefix: no name has a character after the last one.
        start = (*within, listing.prefix + (_LAST_CHARACTER if listing.descending else ""))
    found = await streams.range(logs.platform.store, within, start=start, after=last, limit=listing.limit + 1, reverse=listing.descending)
    named = [each.value for each in found if each.value.name.startswith(listing.prefix)]
    more = len(named) > listing.limit
    return named[: listing.limit], seal(named[listing.limit - 1].name) if more else None


async def _by_last_event(logs: Logs, listing: _Listing) -> tuple[list[Stream], str | None]:
    def place(stream: Stream) -> tuple[int, str]:
        return stream.last_event_ms or 0, stream.name

    ordered = sorted(await logs.streams_of(listing.group_id), key=place, reverse=listing.descending)
    if listing.token is not None:
        last = unseal(listing.token, tuple[int, str])
        ordered = [each for each in ordered if (place(each) < last if listing.descending else place(each) > last)]
    more = len(ordered) > listing.limit
    return ordered[: listing.limit], seal(place(ordered[listing.limit - 1])) if more else None


def _described(group: Group, stream: Stream) -> shapes.LogStream:
    described: shapes.LogStream = {
        "logStreamName": stream.name,
        "creationTime": stream.created_ms,
        "arn": arn("logs", group.region, group.account_id, f"log-group:{group.name}:log-stream:{stream.name}"),
        "storedBytes": 0,  # AWS has reported 0 for streams since 2019
    }
    if stream.first_event_ms is not None and stream.last_event_ms is not None and stream.last_ingestion_ms is not None:
        described["firstEventTimestamp"] = stream.first_event_ms
        described["lastEventTimestamp"] = stream.last_event_ms
        described["lastIngestionTime"] = stream.last_ingestion_ms
        described["uploadSequenceToken"] = sequence_token(stream.name, stream.last_sequence)
    return described

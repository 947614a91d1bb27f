"""Log streams: create, delete, describe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambent.domain.arns import arn
from lambent.domain.call import Call
from lambent.domain.errors import Conflict
from lambent.domain.service import Operations
from lambent.domain.storage import ABSENT, Trim
from lambent.services.logs.errors import invalid, stream_exists
from lambent.services.logs.identifiers import group_name_of
from lambent.services.logs.ingestion import sequence_token
from lambent.services.logs.state import Group, Logs, Stream, streams
from lambent.services.logs.tokens import seal, unseal

if TYPE_CHECKING:
    from lambent.services.logs import _generated_shapes as shapes

operations: Operations[Logs] = Operations()
_PAGE_MAX = 50


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

    def place(stream: Stream) -> tuple[int, str]:
        return ((stream.last_event_ms or 0) if by_time else 0, stream.name)

    descending = request.get("descending", False)
    ordered = sorted(await logs.streams_of(group.id, prefix), key=place, reverse=descending)
    if "nextToken" in request:
        last = unseal(request["nextToken"], tuple[int, str])
        ordered = [each for each in ordered if (place(each) < last if descending else place(each) > last)]
    limit = request.get("limit", _PAGE_MAX)
    response: shapes.DescribeLogStreamsResponse = {"logStreams": [_described(group, each) for each in ordered[:limit]]}
    if len(ordered) > limit:
        response["nextToken"] = seal(place(ordered[limit - 1]))
    return response


def _described(group: Group, stream: Stream) -> shapes.LogStream:
    described: shapes.LogStream = {
        "logStreamName": stream.name,
        "creationTime": stream.created_ms,
        "arn": arn("logs", group.region, group.account_id, f"log-group:{group.name}:log-stream:{stream.name}"),
        "uploadSequenceToken": sequence_token(stream.id, 0),
        "storedBytes": 0,  # AWS has reported 0 for streams since 2019
    }
    if stream.first_event_ms is not None and stream.last_event_ms is not None and stream.last_ingestion_ms is not None:
        described["firstEventTimestamp"] = stream.first_event_ms
        described["lastEventTimestamp"] = stream.last_event_ms
        described["lastIngestionTime"] = stream.last_ingestion_ms
    return described

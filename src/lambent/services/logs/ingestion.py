"""``PutLogEvents``: a batch is judged, appended and on disk before it is answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from lambent.domain.call import Call
from lambent.domain.documents import Found
from lambent.domain.errors import Conflict
from lambent.domain.service import Operations
from lambent.domain.storage import Append, Record
from lambent.services.logs.batches import Verdict, judge
from lambent.services.logs.errors import busy
from lambent.services.logs.forwarding import outgoing
from lambent.services.logs.state import Event, Group, Logs, Stream, encode_event, streams
from lambent.services.logs.tail import Arrival

if TYPE_CHECKING:
    from lambent.services.logs import _generated_shapes as shapes

operations: Operations[Logs] = Operations()
_ATTEMPTS = 200
"""Tries against others that write to the same stream; each round at least one of them gets through."""


@operations.serves("PutLogEvents")
async def put_log_events(logs: Logs, call: Call, request: shapes.PutLogEventsRequest) -> shapes.PutLogEventsResponse:
    """Append a batch to a stream. A sequence token is ignored, as AWS has done since 2023, and one is returned."""
    group = (await logs.group(call, request["logGroupName"])).value
    now_ms = logs.now_ms()
    found = await logs.stream(group, request["logStreamName"])
    verdict = judge(request["logEvents"], now_ms, group.expired_before_ms(now_ms))
    first = await _append(logs, group, found, verdict, now_ms) if verdict.accepted else 0
    response: shapes.PutLogEventsResponse = {"nextSequenceToken": sequence_token(request["logStreamName"], first + len(verdict.accepted))}
    if verdict.rejected is not None:
        response["rejectedLogEventsInfo"] = verdict.rejected
    return response


def sequence_token(text: str, sequence: int) -> str:
    """Return what looks like AWS's sequence token: 56 digits that nobody needs any more."""
    digits = str(int.from_bytes(text.encode()[:12].ljust(12, b"\0"), "big"))
    return f"496{digits:0>32.32}{sequence:021d}"


async def _append(logs: Logs, group: Group, found: Found[Stream], verdict: Verdict, now_ms: int) -> int:
    records = tuple([Record(each["timestamp"], encode_event(Event(now_ms, each["message"]))) for each in verdict.accepted])
    for _ in range(_ATTEMPTS):
        stream = _grown(found.value, verdict, now_ms)
        try:
            # The expected version keeps a stream that is being deleted from growing, and its summary true.
            passed_on = outgoing(logs, group, stream, verdict.accepted)
            numbers = await logs.platform.store.commit(
                [streams.put(found.key, stream, found.version), Append(stream.log, records), *passed_on]
            )
        except Conflict:
            found = await logs.stream(group, stream.name)
            continue
        if logs.audience:
            logs.audience.tell(_arrivals(group, stream.name, verdict.accepted, now_ms))
        return numbers[1]
    raise busy()


def _grown(stream: Stream, verdict: Verdict, now_ms: int) -> Stream:
    first, last = verdict.accepted[0]["timestamp"], verdict.accepted[-1]["timestamp"]
    known_first = first if stream.first_event_ms is None else stream.first_event_ms
    known_last = first if stream.last_event_ms is None else stream.last_event_ms
    return replace(
        stream,
        first_event_ms=min(first, known_first),
        last_event_ms=max(last, known_last),
        last_ingestion_ms=now_ms,
        disorder_ms=max(stream.disorder_ms, known_last - first),
        stored_bytes=stream.stored_bytes + verdict.bytes,
        last_sequence=stream.last_sequence + len(verdict.accepted),
    )


def _arrivals(group: Group, stream_name: str, events: Sequence[shapes.InputLogEvent], now_ms: int) -> list[Arrival]:
    return [
        Arrival(group.id, f"{group.account_id}:{group.name}", stream_name, each["timestamp"], now_ms, each["message"]) for each in events
    ]

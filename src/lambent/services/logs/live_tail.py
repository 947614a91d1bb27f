"""``StartLiveTail``: an event stream of what arrives, an update each second for up to three hours."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from lambent.domain.call import Call
from lambent.domain.service import Operations
from lambent.services.logs.errors import invalid
from lambent.services.logs.filtering import pattern_of
from lambent.services.logs.identifiers import named_by
from lambent.services.logs.state import Logs
from lambent.services.logs.tail import Arrival, Listener

if TYPE_CHECKING:
    from lambent.services.logs import _generated_shapes as shapes

operations: Operations[Logs] = Operations()

SESSION_S_MAX = 10_800.0
UPDATE_S = 1.0
UPDATE_EVENTS_MAX = 500
"""Events of one update; when more arrived the update holds the newest and says that it is sampled, as AWS's does."""


@operations.serves("StartLiveTail")
async def start_live_tail(logs: Logs, call: Call, request: shapes.StartLiveTailRequest) -> dict[str, Any]:
    """Return the session's event stream."""
    identifiers = request["logGroupIdentifiers"]
    group_ids = {(await logs.group(call, named_by(call, each))).value.id for each in identifiers}
    names, prefixes = request.get("logStreamNames"), request.get("logStreamNamePrefixes")
    if names is not None and prefixes is not None:
        raise invalid("logStreamNames and logStreamNamePrefixes are mutually exclusive parameters.")
    if (names or prefixes) and len(identifiers) > 1:
        raise invalid("Log streams can be given only when there is exactly one log group.")
    pattern = pattern_of(request.get("logEventFilterPattern", ""))

    def wants(arrival: Arrival) -> bool:
        return (
            arrival.group_id in group_ids
            and (names is None or arrival.stream_name in names)
            and (prefixes is None or arrival.stream_name.startswith(tuple(prefixes)))
            and pattern.matches(arrival.message)
        )

    start: shapes.LiveTailSessionStart = {
        "requestId": call.request_id,
        "sessionId": logs.platform.ids.uuid(),
        "logGroupIdentifiers": identifiers,
        "logStreamNames": names or [],
        "logStreamNamePrefixes": prefixes or [],
        "logEventFilterPattern": request.get("logEventFilterPattern", ""),
    }
    return {"responseStream": _session(logs, start, Listener(wants))}


async def _session(logs: Logs, start: shapes.LiveTailSessionStart, listener: Listener) -> AsyncIterator[dict[str, Any]]:
    clock = logs.platform.clock
    ends = clock.monotonic() + SESSION_S_MAX
    logs.audience.join(listener)
    try:
        yield {"sessionStart": start}
        while clock.monotonic() < ends:
            await clock.sleep(UPDATE_S)
            yield {"sessionUpdate": _update(*listener.take())}
        yield {"SessionTimeoutException": {"message": "The live tail session has timed out."}}
    finally:
        logs.audience.leave(listener)


def _update(arrivals: list[Arrival], missed: bool) -> shapes.LiveTailSessionUpdate:
    shown = arrivals[-UPDATE_EVENTS_MAX:]
    return {
        "sessionMetadata": {"sampled": missed or len(shown) < len(arrivals)},
        "sessionResults": [
            {
                "logStreamName": each.stream_name,
                "logGroupIdentifier": each.group_label,
                "message": each.message,
                "timestamp": each.timestamp_ms,
                "ingestionTime": each.ingested_ms,
            }
            for each in shown
        ],
    }

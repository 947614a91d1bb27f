"""Replays: an archive's events sent to rules of its bus once more. A message in a queue carries each on, a chunk per commit."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from lambent.domain.call import Call
from lambent.domain.service import Operations
from lambent.domain.storage import ABSENT, Acknowledge, Enqueue, Lease, Postpone, Write
from lambent.services.events import inputs
from lambent.services.events.context import ATTEMPTS_MAX, Events
from lambent.services.events.errors import already_exists, bus_not_found, busy, invalid, limit_exceeded, not_found
from lambent.services.events.names import BusRef, archive_of_arn, bus_of_arn
from lambent.services.events.paging import paged, read_all, read_page
from lambent.services.events.publishing import deliveries
from lambent.services.events.rulebook import Entry
from lambent.services.events.state import ARCHIVES, BUSES, REPLAYING, REPLAYS, Replay
from lambent.services.events.times import moment, seconds

if TYPE_CHECKING:
    from lambent.domain.documents import Found
    from lambent.domain.storage import Entry as LogEntry
    from lambent.services.events import _generated_shapes as shapes

operations: Operations[Events] = Operations()

CHUNK = 200
"""Archived events that one commit deals with."""


@operations.serves("StartReplay")
async def start_replay(events: Events, call: Call, request: shapes.StartReplayRequest) -> dict[str, Any]:
    """Begin to replay."""
    begin, end = seconds(request["EventStartTime"]), seconds(request["EventEndTime"])
    destination = bus_of_arn(request["Destination"]["Arn"], "Destination.Arn", "Must contain an event bus ARN.")
    if destination.name != "default" and await BUSES.get(events.platform.store, destination) is None:
        raise bus_not_found(destination.name)
    name = archive_of_arn(request["EventSourceArn"])
    archive = await ARCHIVES.get(events.platform.store, (call.account_id, call.region, name or ""))
    if archive is None:
        raise invalid(f"Parameter EventSourceArn is not valid. Reason: Archive {name} does not exist.")
    if destination != BusRef(call.account_id, call.region, archive.value.bus):
        raise invalid("Parameter Destination.Arn is not valid. Reason: Cross event bus replay is not permitted.")
    if begin >= end:
        raise invalid("Parameter EventEndTime is not valid. Reason: EventStartTime must be before EventEndTime.")
    replay = Replay(
        account_id=call.account_id,
        region=call.region,
        name=request["ReplayName"],
        archive_arn=archive.value.arn,
        log=archive.value.log,
        bus=archive.value.bus,
        filter_arns=list(request["Destination"].get("FilterArns", [])),
        description=request.get("Description", ""),
        begin=begin,
        end=end,
        started=events.now,
    )
    active = [each for each in await read_all(events.platform.store, REPLAYS, (call.account_id, call.region)) if each.is_active]
    if len(active) >= events.platform.quotas.replays_max:
        raise limit_exceeded()
    writes: list[Write] = [
        REPLAYS.put(replay.key, replay, ABSENT),
        Enqueue(REPLAYING, replay.arn, json.dumps(replay.key).encode(), events.now),
    ]
    if not await events.try_commit(writes):
        raise already_exists(f"Replay {replay.name}")
    return {"ReplayArn": replay.arn, "State": replay.state, "ReplayStartTime": moment(replay.started)}


@operations.serves("CancelReplay")
async def cancel_replay(events: Events, call: Call, request: shapes.CancelReplayRequest) -> dict[str, Any]:
    """Stop a replay that goes on."""
    for _ in range(ATTEMPTS_MAX):
        found = await _replay(events, call, request["ReplayName"])
        if found.value.state not in ("STARTING", "RUNNING"):
            raise invalid(f"Replay {found.value.name} is not in a valid state for this operation.")
        replay = replace(found.value, state="CANCELLING")
        if await events.try_commit([REPLAYS.put(found.key, replay, found.version)]):
            return {"ReplayArn": replay.arn, "State": replay.state}
    raise busy()


@operations.serves("DescribeReplay")
async def describe_replay(events: Events, call: Call, request: shapes.DescribeReplayRequest) -> dict[str, Any]:
    """Describe a replay and how far it has come."""
    replay = (await _replay(events, call, request["ReplayName"])).value
    bus = BusRef(replay.account_id, replay.region, replay.bus)
    destination: dict[str, Any] = {"Arn": bus.arn} | ({"FilterArns": replay.filter_arns} if replay.filter_arns else {})
    described = _summary(replay) | {"ReplayArn": replay.arn, "Destination": destination}
    return described | ({"Description": replay.description} if replay.description else {})


@operations.serves("ListReplays")
async def list_replays(events: Events, call: Call, request: shapes.ListReplaysRequest) -> dict[str, Any]:
    """List replays by name; of one archive, or in one state."""
    if sum(1 for member in ("NamePrefix", "State", "EventSourceArn") if request.get(member)) > 1:
        raise invalid("At most one filter is allowed for ListReplays. Use either : State, EventSourceArn, or NamePrefix.")
    source, state = request.get("EventSourceArn"), request.get("State")

    def wants(replay: Replay) -> bool:
        return (source is None or replay.archive_arn == source) and (state is None or replay.state == state)

    found, token = await read_page(events.platform.store, REPLAYS, (call.account_id, call.region), request, wants=wants)
    return paged("Replays", [_summary(each) for each in found], token)


class Replaying:
    """Handles the queue of active replays."""

    def __init__(self, events: Events) -> None:
        self._events = events

    async def handle(self, lease: Lease) -> Sequence[Write]:
        """Deal with the next chunk of a replay. Nothing is committed twice: the position is in the same commit as the deliveries."""
        found = await REPLAYS.get(self._events.platform.store, tuple(json.loads(lease.body)))
        if found is None or not found.value.is_active:
            return (Acknowledge(lease),)
        replay = found.value
        if replay.state == "CANCELLING":
            return (
                REPLAYS.put(found.key, replace(replay, state="CANCELLED", finished=self._events.now), found.version),
                Acknowledge(lease),
            )
        page = await self._events.platform.store.read(replay.log, after=replay.position, limit=CHUNK)
        writes, replay = await self._replay(replay, page)
        if len(page) < CHUNK:
            replay = replace(replay, state="COMPLETED", finished=self._events.now)
            return [*writes, REPLAYS.put(found.key, replay, found.version), Acknowledge(lease)]
        return [*writes, REPLAYS.put(found.key, replay, found.version), Postpone(lease, self._events.now)]

    async def _replay(self, replay: Replay, page: Sequence[LogEntry]) -> tuple[list[Write], Replay]:
        book = await self._events.book.of(BusRef(replay.account_id, replay.region, replay.bus))
        rules = [each for each in book.entries if _takes_part(each, replay)] if book else []
        writes: list[Write] = []
        for record in page:
            moved = record.time_ms / 1000
            if not replay.begin <= moved < replay.end:
                continue
            event = _marked(msgspec.json.decode(record.data), replay.name)
            text = inputs.dump(event).encode()
            for entry in rules:
                if entry.rule is not None and entry.wants(event):
                    writes += deliveries(self._events, entry.rule, text)
            replay = replace(replay, last_replayed=moved)
        position = page[-1].sequence if page else replay.position
        return writes, replace(replay, state="RUNNING", position=position)


def _takes_part(entry: Entry, replay: Replay) -> bool:
    return entry.rule is not None and (not replay.filter_arns or entry.rule.ref.arn in replay.filter_arns)


def _marked(event: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the event with the replay's name, where AWS puts it: behind the region."""
    found: dict[str, Any] = {}
    for key, value in event.items():
        found[key] = value
        if key == "region":
            found["replay-name"] = name
    return found


async def _replay(events: Events, call: Call, name: str) -> Found[Replay]:
    found = await REPLAYS.get(events.platform.store, (call.account_id, call.region, name))
    if found is None:
        raise not_found(f"Replay {name} does not exist.")
    return found


def _summary(replay: Replay) -> dict[str, Any]:
    summary = {
        "ReplayName": replay.name,
        "EventSourceArn": replay.archive_arn,
        "State": replay.state,
        "EventStartTime": moment(replay.begin),
        "EventEndTime": moment(replay.end),
        "ReplayStartTime": moment(replay.started),
    }
    if replay.last_replayed is not None:
        summary["EventLastReplayedTime"] = moment(replay.last_replayed)
    if replay.finished is not None:
        summary["ReplayEndTime"] = moment(replay.finished)
    return summary

"""Retention: how long a group's events are kept, and the worker that removes those that expired."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from lambent.domain.call import Call
from lambent.domain.errors import Conflict
from lambent.domain.service import Operations
from lambent.domain.storage import Trim
from lambent.services.logs.errors import invalid
from lambent.services.logs.groups import change_group, every_group
from lambent.services.logs.state import Group, Logs, Stream, decode_event, groups, streams
from lambent.services.logs.timeline import Window, forwards

if TYPE_CHECKING:
    from lambent.services.logs import _generated_shapes as shapes

operations: Operations[Logs] = Operations()

RETENTION_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
"""What AWS allows."""

HOUSEKEEPING_S = 3_600.0


@operations.serves("PutRetentionPolicy")
async def put_retention_policy(logs: Logs, call: Call, request: shapes.PutRetentionPolicyRequest) -> None:
    """Let a group's events expire after some days."""
    days = request["retentionInDays"]
    if days not in RETENTION_DAYS:
        allowed = ", ".join(map(str, RETENTION_DAYS))
        raise invalid(
            f"1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy constraint: "
            f"Member must satisfy enum value set: [{allowed}]"
        )
    await change_group(logs, call, request["logGroupName"], lambda group: replace(group, retention_days=days))


@operations.serves("DeleteRetentionPolicy")
async def delete_retention_policy(logs: Logs, call: Call, request: shapes.DeleteRetentionPolicyRequest) -> None:
    """Keep a group's events for ever."""
    await change_group(logs, call, request["logGroupName"], lambda group: replace(group, retention_days=None))


class Housekeeping:
    """Removes expired events every hour and counts what groups hold. Reading hides expired events at once, so nobody waits for it."""

    name = "logs housekeeping"

    def __init__(self, logs: Logs) -> None:
        self._logs = logs

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            await self.tidy()
            await self._logs.platform.clock.sleep(HOUSEKEEPING_S)

    async def tidy(self) -> None:
        """Go through all groups once."""
        async for group in every_group(self._logs, ()):
            await self._tidy(group)

    async def _tidy(self, group: Group) -> None:
        expired_before_ms = group.expired_before_ms(self._logs.now_ms())
        total = 0
        for stream in await self._logs.streams_of(group.id):
            if stream.first_event_ms is not None and stream.first_event_ms < expired_before_ms:
                total += await self._trim(stream, expired_before_ms)
            else:
                total += stream.stored_bytes
        if total == group.stored_bytes:
            return
        found = await groups.get(self._logs.platform.store, group.key)
        if found is None or found.value.id != group.id:
            return
        try:
            await self._logs.platform.store.commit([groups.put(found.key, replace(found.value, stored_bytes=total), found.version)])
        except Conflict:
            return  # the group was changed meanwhile: its figure waits for the next round

    async def _trim(self, stream: Stream, before_ms: int) -> int:
        """Remove what expired and return how many bytes stay; a stream that is being written to waits for the next round."""
        gone = 0
        async for entry in forwards(self._logs.platform.store, stream, Window(0, before_ms)):
            gone += len(decode_event(entry.data).message.encode()) + 26
        found = await streams.get(self._logs.platform.store, stream.key)
        if found is None or found.value != stream:
            return stream.stored_bytes
        left = max(0, stream.stored_bytes - gone)
        trimmed = replace(stream, stored_bytes=left, first_event_ms=min(before_ms, stream.last_event_ms or before_ms))
        try:
            await self._logs.platform.store.commit([streams.put(found.key, trimmed, found.version), Trim(stream.log, before_ms)])
        except Conflict:
            return stream.stored_bytes
        return left

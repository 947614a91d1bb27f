"""The audit log: every call that was made, by whom, and what came of it."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TypeAlias

import msgspec

from lambent.base.clock import Clock
from lambent.domain.call import Call
from lambent.domain.caller import Caller
from lambent.server.rotating import RotatingFile

_log = logging.getLogger(__name__)


class AuditRecord(msgspec.Struct, frozen=True):
    """One call, as the audit log keeps it."""

    time: float  #: seconds since 1970
    request_id: str
    service: str
    operation: str
    region: str
    caller: str  #: its ARN
    access_key_id: str
    source_ip: str
    user_agent: str
    error_code: str | None


_Noted: TypeAlias = "tuple[float, str, str, str, str, Caller, str, str, str | None]"
"""What a record is made of; it is made when somebody reads it, or it is written: off the path. The call itself would keep its payload."""

_POLLS = frozenset({("sqs", "ReceiveMessage"), ("kinesis", "GetRecords"), ("dynamodbstreams", "GetRecords")})


class AuditLog:
    """Keeps the latest calls in memory and, when a file is given, appends all of them to it as JSON lines, in batches off the path.

    Records that come faster than the file takes them are dropped beyond ``backlog_max``, as are those that the disk refuses, and counted
    in ``dropped``. Event source mappings' polls that went well are not noted: an idle shard would write 100 MB a day.
    """

    name = "audit"

    def __init__(
        self, clock: Clock, file: RotatingFile | None = None, *, kept: int = 1000, backlog_max: int = 100_000, every_s: float = 1.0
    ) -> None:
        self.dropped = 0
        self._latest: deque[_Noted] = deque(maxlen=kept)
        self._clock = clock
        self._file = file
        self._backlog: list[_Noted] = []
        self._backlog_max = backlog_max
        self._every_s = every_s

    @property
    def latest(self) -> list[AuditRecord]:
        """The latest calls, the last one at the end."""
        return [_worded(each) for each in self._latest]

    def record(self, call: Call, error_code: str | None) -> None:
        """Note a call that ended."""
        if error_code is None and not call.host and (call.service, call.operation) in _POLLS:
            return
        noted = (
            self._clock.now(),
            call.request_id,
            call.service,
            call.operation,
            call.region,
            call.caller,
            call.source_ip,
            call.user_agent,
            error_code,
        )
        self._latest.append(noted)
        if self._file is None:
            return
        if len(self._backlog) < self._backlog_max:
            self._backlog.append(noted)
        else:
            self.dropped += 1

    async def run(self) -> None:
        """Write batches until cancelled; what is left is written then."""
        try:
            while True:
                await self._clock.sleep(self._every_s)
                await asyncio.to_thread(self.flush)
        finally:
            self.flush()

    def flush(self) -> None:
        """Append what has gathered to the file."""
        if self._file is None or not self._backlog:
            return
        batch, self._backlog = self._backlog, []
        try:
            self._file.append([msgspec.json.encode(_worded(each)) + b"\n" for each in batch])
        except OSError as error:
            self.dropped += len(batch)
            _log.error("%d calls could not be written to the audit log: %s", len(batch), error)


def _worded(noted: _Noted) -> AuditRecord:
    time, request_id, service, operation, region, caller, source_ip, user_agent, error_code = noted
    return AuditRecord(time, request_id, service, operation, region, caller.arn, caller.access_key_id, source_ip, user_agent, error_code)

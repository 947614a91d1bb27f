"""The one way to call a service: authorise → audit → dispatch to a native service, an upstream, or the companion."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import msgspec

from lambent.base.clock import Clock
from lambent.domain.call import Call, Result
from lambent.domain.errors import AwsError, NotImplementedHere
from lambent.domain.ports import AuditSink, Authoriser, Cloud
from lambent.domain.service import Service

Observer: TypeAlias = Callable[[Call, Result], Awaitable[None]]
"""Is told of calls that went well, before the caller is answered."""

Override: TypeAlias = Callable[[Call], Awaitable[Result]]
"""Serves one operation in place of its service's upstream."""


class ServerCloud:
    """The ``Cloud`` of a server. A service is served by a native package, else by its upstream, else by ``fallback``."""

    def __init__(
        self,
        services: Iterable[Service],
        upstreams: Mapping[str, Cloud],
        authoriser: Authoriser,
        audit: AuditSink,
        *,
        fallback: Cloud | None = None,
        observers: Sequence[Observer] = (),
        overrides: Mapping[tuple[str, str], Override] | None = None,
    ) -> None:
        self._services = {service.name: service for service in services}
        self._upstreams = dict(upstreams)
        self._authoriser = authoriser
        self._audit = audit
        self._fallback = fallback
        self._observers = tuple(observers)
        self._overrides = dict(overrides or {})

    def add(self, service: Service) -> None:
        """Take a native service in: services need the cloud to be built, and the cloud needs the services to dispatch."""
        self._services[service.name] = service

    def guard(self, authoriser: Authoriser, observer: Observer) -> None:
        """Have an authoriser decide that asks the cloud itself, and be told what it must know of."""
        self._authoriser = authoriser
        self._observers = (*self._observers, observer)

    async def call(self, call: Call) -> Result:
        """Carry out the call. Raises ``AwsError``; whatever happens is in the audit log."""
        code: str | None = "InternalFailure"
        try:
            await self._authoriser.authorise(call)
            result = await self._dispatch(call)
            for observe in self._observers:
                await observe(call, result)
            code = None
        except AwsError as error:
            code = error.code
            raise
        finally:
            self._audit.record(call, code)
        return result

    async def _dispatch(self, call: Call) -> Result:
        upstream = self._upstreams.get(call.service)
        if upstream is not None:
            return await upstream.call(call)
        override = self._overrides.get((call.service, call.operation))
        if override is not None:
            return await override(call)
        service = self._services.get(call.service)
        if service is not None and not (service.partial and self._fallback is not None and call.operation not in service.operations):
            return await service.handle(call)
        if self._fallback is not None:
            return await self._fallback.call(call)
        raise NotImplementedHere(call.service, call.operation)


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


_POLLS = frozenset({("sqs", "ReceiveMessage"), ("kinesis", "GetRecords"), ("dynamodbstreams", "GetRecords")})


class AuditLog:
    """Keeps the latest calls in memory and, when a file is given, appends all of them to it as JSON lines, in batches off the path.

    Records that come faster than the file takes them are dropped beyond ``backlog_max``, and counted in ``dropped``. Event source
    mappings' polls that went well are not noted: an idle shard would write 100 MB a day.
    """

    name = "audit"

    def __init__(
        self, clock: Clock, file: Path | None = None, *, kept: int = 1000, backlog_max: int = 100_000, every_s: float = 1.0
    ) -> None:
        self.dropped = 0
        self.latest: deque[AuditRecord] = deque(maxlen=kept)
        self._clock = clock
        self._file = file
        self._backlog: list[AuditRecord] = []
        self._backlog_max = backlog_max
        self._every_s = every_s

    def record(self, call: Call, error_code: str | None) -> None:
        """Note a call that ended."""
        if error_code is None and not call.host and (call.service, call.operation) in _POLLS:
            return
        record = AuditRecord(
            time=self._clock.now(),
            request_id=call.request_id,
            service=call.service,
            operation=call.operation,
            region=call.region,
            caller=call.caller.arn,
            access_key_id=call.caller.access_key_id,
            source_ip=call.source_ip,
            user_agent=call.user_agent,
            error_code=error_code,
        )
        self.latest.append(record)
        if self._file is None:
            return
        if len(self._backlog) < self._backlog_max:
            self._backlog.append(record)
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
        lines = b"".join(msgspec.json.encode(each) + b"\n" for each in batch)
        with self._file.open("ab") as out:
            out.write(lines)

"""The one way to call a service: authorise → audit → dispatch to a native service, an upstream, or the companion."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

from lambent.domain.call import Call, Result
from lambent.domain.errors import AwsError, NotImplementedHere
from lambent.domain.ports import AuditSink, Authoriser, Cloud
from lambent.domain.service import Serve, Service

Observer: TypeAlias = Callable[[Call, Result], Awaitable[None]]
"""Is told of calls of a service, or of one of its operations, that went well, before the caller is answered."""

Observers: TypeAlias = "Mapping[str | tuple[str, str], Sequence[Observer]]"
"""By service, or by service and operation."""

Override: TypeAlias = Callable[[Call], Awaitable[Result]]
"""Serves one operation in place of its service's upstream."""

_Served: TypeAlias = "tuple[Serve, tuple[Observer, ...]]"


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
        observers: Observers | None = None,
        overrides: Mapping[tuple[str, str], Override] | None = None,
    ) -> None:
        self._services = {service.name: service for service in services}
        self._upstreams = dict(upstreams)
        self._authoriser = authoriser
        self._audit = audit
        self._fallback = fallback
        self._observers = {calls: tuple(those) for calls, those in (observers or {}).items()}
        self._overrides = dict(overrides or {})
        self._served: dict[tuple[str, str], _Served] = {}

    def add(self, service: Service) -> None:
        """Take a native service in: services need the cloud to be built, and the cloud needs the services to dispatch."""
        self._services[service.name] = service
        self._served.clear()

    def guard(self, authoriser: Authoriser, observer: Observer, services: Iterable[str]) -> None:
        """Have an authoriser decide that asks the cloud itself, and be told of the calls of these services."""
        self._authoriser = authoriser
        for service in services:
            self._observers[service] = (*self._observers.get(service, ()), observer)
        self._served.clear()

    async def call(self, call: Call) -> Result:
        """Carry out the call. Raises ``AwsError``; whatever happens is in the audit log."""
        code: str | None = "InternalFailure"
        try:
            deciding = self._authoriser.authorise(call)
            if deciding is not None:
                await deciding
            serve, observers = self._served.get((call.service, call.operation)) or self._find(call)
            result = await serve(call) or {}
            for observe in observers:
                await observe(call, result)
            code = None
        except AwsError as error:
            # Under the name that Python forgets: a frame that keeps what it raises is kept by it, and so is the call with its payload.
            error = await self._authoriser.seen(call, error)
            code = error.code
            raise error from None
        finally:
            self._audit.record(call, code)
        return result

    def _find(self, call: Call) -> _Served:
        """Return what serves an operation and who is told, and remember it; nobody can name more operations than there are."""
        handler = self._handler(call.service, call.operation)
        if handler is None:
            raise NotImplementedHere(call.service, call.operation)
        key = (call.service, call.operation)
        found = self._served[key] = (handler, (*self._observers.get(call.service, ()), *self._observers.get(key, ())))
        return found

    def _handler(self, name: str, operation: str) -> Serve | None:
        upstream = self._upstreams.get(name)
        if upstream is not None:
            return upstream.call
        override = self._overrides.get((name, operation))
        if override is not None:
            return override
        service = self._services.get(name)
        if service is not None and not (service.partial and self._fallback is not None and operation not in service.operations):
            return service.handler(operation)
        return None if self._fallback is None else self._fallback.call

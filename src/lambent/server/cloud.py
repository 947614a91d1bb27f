"""The one way to call a service: authorise → audit → dispatch to a native service, an upstream, or the companion."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

from lambent.domain.call import Call, Result
from lambent.domain.errors import AwsError, NotImplementedHere
from lambent.domain.ports import AuditSink, Authoriser, Cloud
from lambent.domain.service import Service

Observer: TypeAlias = Callable[[Call, Result], Awaitable[None]]
"""Is told of calls of a service that went well, before the caller is answered."""

Override: TypeAlias = Callable[[Call], Awaitable[Result]]
"""Serves one operation; given to the cloud, in place of its service's upstream."""


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
        observers: Mapping[str, Sequence[Observer]] | None = None,
        overrides: Mapping[tuple[str, str], Override] | None = None,
    ) -> None:
        self._services = {service.name: service for service in services}
        self._upstreams = dict(upstreams)
        self._authoriser = authoriser
        self._audit = audit
        self._fallback = fallback
        self._observers = {service: tuple(those) for service, those in (observers or {}).items()}
        self._overrides = dict(overrides or {})
        self._handlers: dict[tuple[str, str], Override] = {}

    def add(self, service: Service) -> None:
        """Take a native service in: services need the cloud to be built, and the cloud needs the services to dispatch."""
        self._services[service.name] = service
        self._handlers.clear()

    def guard(self, authoriser: Authoriser, observer: Observer, services: Iterable[str]) -> None:
        """Have an authoriser decide that asks the cloud itself, and be told of the calls of these services."""
        self._authoriser = authoriser
        for service in services:
            self._observers[service] = (*self._observers.get(service, ()), observer)

    async def call(self, call: Call) -> Result:
        """Carry out the call. Raises ``AwsError``; whatever happens is in the audit log."""
        code: str | None = "InternalFailure"
        try:
            await self._authoriser.authorise(call)
            handle = self._handlers.get((call.service, call.operation)) or self._handler(call)
            result = await handle(call)
            for observe in self._observers.get(call.service, ()):
                await observe(call, result)
            code = None
        except AwsError as error:
            seen = await self._authoriser.seen(call, error)
            code = seen.code
            if seen is error:
                raise
            raise seen from None
        finally:
            self._audit.record(call, code)
        return result

    def _handler(self, call: Call) -> Override:
        """Return what serves an operation, and remember it for the next call; nobody can name more operations than there are."""
        handler = self._server_of(call.service, call.operation)
        if handler is None:
            raise NotImplementedHere(call.service, call.operation)
        self._handlers[call.service, call.operation] = handler
        return handler

    def _server_of(self, name: str, operation: str) -> Override | None:
        upstream = self._upstreams.get(name)
        if upstream is not None:
            return upstream.call
        override = self._overrides.get((name, operation))
        if override is not None:
            return override
        service = self._services.get(name)
        if service is not None and not (service.partial and self._fallback is not None and operation not in service.operations):
            return service.handle
        return None if self._fallback is None else self._fallback.call

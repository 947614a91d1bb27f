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

    def add(self, service: Service) -> None:
        """Take a native service in: services need the cloud to be built, and the cloud needs the services to dispatch."""
        self._services[service.name] = service

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
            result = await self._dispatch(call)
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

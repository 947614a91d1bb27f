"""Who answers a request: a raw handler, or an operation of a service. What is found for one request serves the next like it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import msgspec

from lambent import wire
from lambent.domain.http import BytesStream, HttpRequest
from lambent.domain.ports import RawHandler
from lambent.gateway.names import path_style, service_of
from lambent.signing import Credential
from lambent.wire import models

_KEPT_MAX: Final = 4096
_KEPT_CHARACTERS_MAX: Final = 4096
"""Of a head that is remembered: nobody fills the memory with long ones."""


class Way(msgspec.Struct, frozen=True):
    """Where a request goes."""

    handler: RawHandler | None = None  #: takes the request as it is
    service: str = ""  #: botocore's name; empty: only the form in the body tells
    protocol: str = ""  #: empty: there is no such service
    operation: str | None = None  #: ``None``: it takes the whole request to tell
    bucket: str = ""  #: that the host names


class _Marks(msgspec.Struct, frozen=True):
    """What decides the way of a request."""

    method: str
    path: str
    query: str
    host: str
    content_type: str
    target: str | None
    smithy_protocol: str
    signing_name: str | None  #: what the signature is for, as far as that can be read
    is_signed: bool
    is_inside: bool

    def request(self) -> HttpRequest:
        """Return a request that has these marks and nothing else."""
        marks = {
            "host": self.host,
            "content-type": self.content_type,
            "x-amz-target": self.target,
            "smithy-protocol": self.smithy_protocol,
        }
        headers = {name: value for name, value in marks.items() if value is not None}
        if self.is_signed:
            headers["authorization"] = ""
        environment_key = "" if self.is_inside else None
        return HttpRequest(self.method, self.path, self.query, headers, BytesStream(b""), environment_key=environment_key)


class Ways:
    """Finds the way of each request."""

    def __init__(self, raw_handlers: Sequence[RawHandler]) -> None:
        self._raw_handlers = tuple(raw_handlers)
        self._known = lru_cache(maxsize=_KEPT_MAX)(self._find)

    def of(self, request: HttpRequest, credential: Credential | None) -> Way:
        """Return the way of a request as it came in."""
        headers, path, query = request.headers, request.raw_path, request.query
        host, content_type, target = headers.get("host", ""), headers.get("content-type", ""), headers.get("x-amz-target")
        smithy_protocol = headers.get("smithy-protocol", "")
        signing_name = None if credential is None else credential.terms.service
        marks = _Marks(
            request.method,
            path,
            query,
            host,
            content_type.partition(";")[0],  # boundaries are a request's own
            target,
            smithy_protocol,
            signing_name,
            "authorization" in headers,
            request.environment_key is not None,
        )
        characters = (
            len(path) + len(query) + len(host) + len(content_type) + len(target or "") + len(smithy_protocol) + len(signing_name or "")
        )
        return self._known(marks) if characters < _KEPT_CHARACTERS_MAX else self._find(marks)

    def _find(self, marks: _Marks) -> Way:
        """Return the way, which depends on nothing but the marks: whoever is asked sees nothing else."""
        asked, bucket = path_style(marks.request())
        for handler in self._raw_handlers:
            if handler.claims(asked):
                return Way(handler, bucket=bucket)
        service = service_of(asked, marks.signing_name)
        if service is None:
            return Way(bucket=bucket)
        if service not in models.names():
            return Way(service=service, bucket=bucket)
        protocol = wire.protocol_of(models.service(service), asked)
        return Way(None, service, protocol, wire.certain_route(service, asked), bucket)

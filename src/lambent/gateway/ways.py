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


class Ways:
    """Finds the way of each request."""

    def __init__(self, raw_handlers: Sequence[RawHandler]) -> None:
        self._raw_handlers = tuple(raw_handlers)
        self._known = lru_cache(maxsize=_KEPT_MAX)(self._find)

    def of(self, request: HttpRequest, credential: Credential | None) -> Way:
        """Return the way of a request as it came in."""
        headers, path, query = request.headers, request.raw_path, request.query
        host, target = headers.get("host", ""), headers.get("x-amz-target", "")
        content_type = headers.get("content-type", "").partition(";")[0]  # boundaries are a request's own
        signing_name = None if credential is None else credential.service
        kept = len(path) + len(query) + len(host) + len(content_type) + len(target) < _KEPT_CHARACTERS_MAX
        return (self._known if kept else self._find)(
            request.method,
            path,
            query,
            host,
            content_type,
            target,
            headers.get("smithy-protocol", ""),
            signing_name,
            "authorization" in headers,
            request.environment_key is not None,
        )

    def _find(  # noqa: PLR0917, RUF100 - what is remembered is told apart by these
        self,
        method: str,
        path: str,
        query: str,
        host: str,
        content_type: str,
        target: str,
        smithy_protocol: str,
        signing_name: str | None,
        is_signed: bool,
        is_inside: bool,
    ) -> Way:
        """Return the way, which depends on nothing but these: whoever is asked sees a request that has no more than they say."""
        given = {"host": host, "content-type": content_type, "x-amz-target": target, "smithy-protocol": smithy_protocol}
        headers = {name: value for name, value in given.items() if value} | ({"authorization": ""} if is_signed else {})
        asked = HttpRequest(method, path, query, headers, BytesStream(b""), environment_key="" if is_inside else None)
        asked, bucket = path_style(asked)
        for handler in self._raw_handlers:
            if handler.claims(asked):
                return Way(handler, bucket=bucket)
        service = service_of(asked, signing_name)
        if service is None:
            return Way(bucket=bucket)
        if service not in models.names():
            return Way(service=service, bucket=bucket)
        operation = wire.certain_route(service, asked)
        return Way(None, service, wire.protocol_of(models.service(service), asked), operation, bucket)

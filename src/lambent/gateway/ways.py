"""Who answers a request: a raw handler, or an operation of a service. What is found for one request serves the next like it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from lambent import wire
from lambent.domain.http import BytesStream, HttpRequest
from lambent.domain.ports import RawHandler
from lambent.gateway.names import path_style, region_of, service_of
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
    region: str = ""  #: that the request names; empty: none
    is_usual: bool = False  #: an operation of a service other than S3, by the head alone: no preflight, no form that must tell
    is_whole: bool = False  #: its body is read before it is parsed


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
    signing_region: str | None  #: where it is for
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
        self._known: dict[object, Way] = {}

    def of(self, request: HttpRequest, credential: Credential | None) -> Way:
        """Return the way of a request as it came in."""
        headers = request.headers
        find, terms = headers.get, None if credential is None else credential.terms
        content_type = find("content-type", "")
        marks = (
            request.method,
            request.raw_path,
            request.query,
            find("host", ""),
            content_type.partition(";")[0] if content_type else "",  # boundaries are a request's own
            find("x-amz-target"),
            find("smithy-protocol", ""),
            None if terms is None else terms.service,
            None if terms is None else terms.region,
            "authorization" in headers,
            request.environment_key is not None,
        )
        way = self._known.get(marks)
        if way is None:
            way = self._find(_Marks(*marks))
            if sum(len(each) for each in marks if isinstance(each, str)) < _KEPT_CHARACTERS_MAX:
                if len(self._known) >= _KEPT_MAX:
                    self._known.clear()
                self._known[marks] = way
        return way

    def _find(self, marks: _Marks) -> Way:
        """Return the way, which depends on nothing but the marks: whoever is asked sees nothing else."""
        asked, bucket = path_style(marks.request())
        for handler in self._raw_handlers:
            if handler.claims(asked):
                return Way(handler, bucket=bucket)
        region = region_of(marks.host, marks.signing_region)
        service = service_of(asked, marks.signing_name)
        if service is None:
            return Way(bucket=bucket, region=region)
        if service not in models.names():
            return Way(service=service, bucket=bucket, region=region)
        protocol = wire.protocol_of(models.service(service), asked)
        operation = wire.certain_route(service, asked)
        is_usual = operation is not None and service != "s3" and not bucket and marks.method != "OPTIONS"
        is_whole = operation is not None and not wire.is_streaming_input(service, operation)
        return Way(None, service, protocol, operation, bucket, region, is_usual, is_whole)

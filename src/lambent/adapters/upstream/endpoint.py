"""A service at another endpoint that speaks AWS's protocols: MinIO, ScyllaDB Alternator, ElasticMQ, real AWS."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final
from urllib.parse import unquote, urlsplit, urlunsplit

from lambent.adapters.upstream.http import HttpClient
from lambent.base.clock import Clock
from lambent.domain.call import Call, Result
from lambent.domain.errors import AwsError, Unreachable
from lambent.domain.http import BytesStream, HttpRequest
from lambent.signing import signed_headers
from lambent.wire import client as wire_client
from lambent.wire import models

_ANSWER_BYTES_MAX: Final = 134_217_728


class Endpoint:
    """The ``Cloud`` of one URL. ``http://key:secret@host`` names the credentials to sign with; else the account's id is the key."""

    def __init__(self, url: str, clock: Clock, client: HttpClient | None = None, *, headers: Mapping[str, str] | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"an upstream is an http:// or https:// URL, not {url!r}")
        self.url = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
        self._keys = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
        self._clock = clock
        self._client = client or HttpClient()
        self._headers = dict(headers or {})

    async def call(self, call: Call) -> Result:
        """Send the call on and return what came back. ``AwsError``: the upstream's own, or 502 when it can't be reached."""
        try:
            return await self.send(call)
        except Unreachable as error:
            raise AwsError("ServiceUnavailable", f"The upstream of {call.service}, {self.url}, gives no answer: {error}", 503) from None

    async def send(self, call: Call, headers: Mapping[str, str] | None = None) -> Result:
        """Send the call on; raises ``Unreachable`` where ``call`` says 503."""
        built = wire_client.build(call.service, call.operation, call.params, self.url)
        body: bytes | AsyncIterator[bytes]
        if built.body is None or isinstance(built.body, (bytes, bytearray)):
            body = bytes(built.body or b"")
            digest = hashlib.sha256(body).hexdigest()
        else:
            body, digest = built.body.__aiter__(), "UNSIGNED-PAYLOAD"
        found = {name.lower(): value for name, value in built.headers.items()} | self._headers | dict(headers or {})
        parts = urlsplit(built.url)
        found.setdefault("host", parts.netloc)
        found = _framed(found, built.body, body)
        bare = HttpRequest(built.method, parts.path or "/", parts.query, found, BytesStream(b""))
        key, secret = self._keys or (call.account_id or "000000000000", "lambent")
        name = _signing_name(call.service)
        signed = signed_headers(
            bare, access_key_id=key, secret=secret, region=call.region, service=name, now=self._clock.now(), body_sha256=digest
        )
        answer = await self._client.send(built.method, built.url, signed, body)
        if answer.status < 300 and wire_client.is_streaming_output(call.service, call.operation):
            return wire_client.parse(call.service, call.operation, answer.status, answer.headers, answer.body)
        whole = await answer.read(_ANSWER_BYTES_MAX)
        return wire_client.parse(call.service, call.operation, answer.status, answer.headers, whole)


def _framed(headers: dict[str, str], given: Any, body: bytes | AsyncIterator[bytes]) -> dict[str, str]:
    """Return the headers with the body's length, or with ``transfer-encoding`` where it isn't known."""
    kept = {name: value for name, value in headers.items() if name not in {"content-length", "transfer-encoding"}}
    length = len(body) if isinstance(body, bytes) else getattr(given, "length", None)
    return kept | ({"transfer-encoding": "chunked"} if length is None else {"content-length": str(length)})


def _signing_name(service: str) -> str:
    metadata = models.service(service).metadata
    return str(metadata.get("signingName") or metadata["endpointPrefix"])

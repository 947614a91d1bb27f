"""Requests to hosts of the users' choosing: webhooks. They carry what the caller gives them, and no credentials of the server's."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from lambent.adapters.upstream.http import HttpClient
from lambent.domain.errors import Unreachable
from lambent.domain.http import HttpResponse

_ANSWER_BYTES_MAX: Final = 1_048_576


class HttpOutside:
    """The ``Outside`` of a real network. Redirects are not followed."""

    def __init__(self, client: HttpClient | None = None) -> None:
        self._client = client or HttpClient()

    async def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes, *, timeout_s: float) -> HttpResponse:
        """Send the request and return its answer; ``Unreachable`` when there is none in time, or the URL is no HTTP URL."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise Unreachable(f"{url!r} is not a URL: {error}", sent=False) from None
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise Unreachable(f"{url!r} is not an http:// or https:// URL", sent=False)
        host = parts.hostname if port is None else f"{parts.hostname}:{port}"
        framed = {"host": host, **headers, "content-length": str(len(body))}
        try:
            async with asyncio.timeout(timeout_s):
                answer = await self._client.send(method, url, framed, body)
                return HttpResponse(answer.status, dict(answer.headers), await answer.read(_ANSWER_BYTES_MAX))
        except TimeoutError:
            raise Unreachable(f"{host} gave no answer within {timeout_s:g} s", sent=True) from None

    def close(self) -> None:
        """Close the idle connections."""
        self._client.close()

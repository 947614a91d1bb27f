"""``/_lambent/health``: that the server is up, and what it serves."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from lambent.domain.http import HttpRequest, HttpResponse

PATH = "/_lambent/health"


class Health:
    """A raw handler; ``report`` gives what to say beside the status, such as ``{"services": {"lambda": "native"}}``."""

    def __init__(self, report: Callable[[], Mapping[str, object]]) -> None:
        self._report = report

    def claims(self, request: HttpRequest) -> bool:
        """Return whether the health page is asked for; functions don't get to see it."""
        return request.raw_path == PATH and request.environment_key is None

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer with JSON."""
        if request.method not in {"GET", "HEAD"}:
            return HttpResponse(405, {"allow": "GET, HEAD"})
        body = msgspec.json.encode({"status": "ok", **self._report()})
        return HttpResponse(200, {"content-type": "application/json"}, body)

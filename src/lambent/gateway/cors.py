"""Browsers: preflights are answered and any origin may read answers, as with AWS's API endpoints. S3 has its own rules, per bucket."""

from __future__ import annotations

from typing import Final, Protocol, runtime_checkable

from lambent.domain.http import HttpRequest, HttpResponse

_METHODS: Final = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"
_EXPOSED: Final = (
    "x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,x-amz-request-id,x-amz-id-2,x-amz-crc32,Date,ETag,"
    "x-amz-function-error,x-amz-log-result,x-amz-executed-version,x-amz-version-id"
)


@runtime_checkable
class OriginRules(Protocol):
    """A raw handler may also know what its service's answers allow browsers (S3's bucket CORS)."""

    async def preflight(self, request: HttpRequest, *, certain: bool) -> HttpResponse | None:
        """Answer an OPTIONS request by the service's own rules, or ``None`` for one that means something else.

        ``certain`` says that the host names the service; else the request may be for any.
        """
        ...

    async def cors_headers(self, request: HttpRequest) -> dict[str, str]:
        """Return the headers for an answer to this request, which has an ``Origin``; lower-case names."""
        ...


def is_preflight(request: HttpRequest) -> bool:
    """Return whether a browser asks beforehand whether it may send a request."""
    return request.method == "OPTIONS" and "origin" in request.headers and "access-control-request-method" in request.headers


def preflight(request: HttpRequest) -> HttpResponse:
    """Answer a preflight: yes."""
    return HttpResponse(
        200,
        {
            "access-control-allow-origin": "*",
            "access-control-allow-methods": _METHODS,
            "access-control-allow-headers": request.headers.get("access-control-request-headers", "*"),
            "access-control-expose-headers": _EXPOSED,
            "access-control-max-age": "172800",
        },
    )


def allow_any_origin(response: HttpResponse) -> None:
    """Let scripts of any origin read the answer."""
    response.headers.setdefault("access-control-allow-origin", "*")
    response.headers.setdefault("access-control-expose-headers", _EXPOSED)

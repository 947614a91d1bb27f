"""A function URL's rules for browsers of other origins: its ``Cors`` configuration. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lambent.domain.http import HttpRequest, HttpResponse


def is_preflight(request: HttpRequest) -> bool:
    """Return whether a browser asks beforehand whether it may send a request."""
    return request.method == "OPTIONS" and "origin" in request.headers and "access-control-request-method" in request.headers


def preflight(rules: Mapping[str, Any], request: HttpRequest) -> HttpResponse:
    """Answer a preflight; the function doesn't hear of it."""
    headers = origin_headers(rules, request)
    method = request.headers["access-control-request-method"]
    methods = rules.get("AllowMethods") or []
    if headers and ("*" in methods or method in methods):
        headers["access-control-allow-methods"] = ",".join(methods)
        wanted = request.headers.get("access-control-request-headers")
        allowed = rules.get("AllowHeaders") or []
        if wanted and allowed:
            headers["access-control-allow-headers"] = wanted if "*" in allowed else ",".join(allowed)
        if rules.get("MaxAge"):
            headers["access-control-max-age"] = str(rules["MaxAge"])
    return HttpResponse(200, headers)


def origin_headers(rules: Mapping[str, Any], request: HttpRequest) -> dict[str, str]:
    """Return the headers that let the request's origin read an answer; none when it may not."""
    origin = request.headers.get("origin", "")
    allowed = rules.get("AllowOrigins") or []
    if not origin or not ("*" in allowed or origin in allowed):
        return {}
    headers = {"access-control-allow-origin": origin if rules.get("AllowCredentials") or "*" not in allowed else "*", "vary": "Origin"}
    if rules.get("AllowCredentials"):
        headers["access-control-allow-credentials"] = "true"
    if rules.get("ExposeHeaders"):
        headers["access-control-expose-headers"] = ",".join(rules["ExposeHeaders"])
    return headers

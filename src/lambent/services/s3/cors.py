"""A bucket's CORS rules: which of them a browser's request meets, and the headers that it gives. Pure.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from lambent.domain.errors import AwsError

_VARY: Final = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"
_REFUSED: Final = (
    "This CORS request is not allowed. This is usually because the evalution of Origin, request method / Access-Control-Request-Method "
    "or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec."
)


def answer(rules: Sequence[Mapping[str, Any]], headers: Mapping[str, str], method: str) -> dict[str, str] | None:
    """Return the headers of the first rule that takes the request (its headers by lower-case name) in; ``None`` when none does."""
    origin = headers.get("origin", "")
    wanted = [each.strip().lower() for each in headers.get("access-control-request-headers", "").split(",") if each.strip()]
    for rule in rules:
        pattern = next((each for each in rule.get("AllowedOrigins", []) if _fits(each, origin)), None)
        if pattern is None or method not in rule.get("AllowedMethods", []):
            continue
        allowed = [each.lower() for each in rule.get("AllowedHeaders", [])]
        if all(any(_fits(each, name) for each in allowed) for name in wanted):
            return _headers(rule, "*" if pattern == "*" else origin, wanted)
    return None


def _headers(rule: Mapping[str, Any], origin: str, wanted: Sequence[str]) -> dict[str, str]:
    headers = {"access-control-allow-origin": origin, "access-control-allow-methods": ", ".join(rule["AllowedMethods"])}
    if wanted:
        headers["access-control-allow-headers"] = ", ".join(wanted)
    if rule.get("ExposeHeaders"):
        headers["access-control-expose-headers"] = ", ".join(rule["ExposeHeaders"])
    if rule.get("MaxAgeSeconds") is not None:
        headers["access-control-max-age"] = str(rule["MaxAgeSeconds"])
    if origin != "*":
        headers["access-control-allow-credentials"] = "true"
    return {**headers, "vary": _VARY}


def _fits(pattern: str, text: str) -> bool:
    """Return whether the text fits a pattern with at most one ``*``."""
    head, star, tail = pattern.partition("*")
    if not star:
        return pattern == text
    return len(text) >= len(head) + len(tail) and text.startswith(head) and text.endswith(tail)


def no_origin() -> AwsError:
    """Somebody asks beforehand without saying for whom."""
    return AwsError("BadRequest", "Insufficient information. Origin request header needed.", 400)


def no_method(text: str) -> AwsError:
    """Somebody asks beforehand without saying for what."""
    return AwsError("BadRequest", f"Invalid Access-Control-Request-Method: {text or 'null'}", 400)


def refused(method: str, *, has_key: bool, why: str = _REFUSED) -> AwsError:
    """No rule takes the request in, or there are no rules, or there is no bucket."""
    members = {"Method": method, "ResourceType": "OBJECT" if has_key else "BUCKET"}
    return AwsError("AccessForbidden", f"CORSResponse: {why}", 403, members=members)

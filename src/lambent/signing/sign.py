"""Signs a request of our own, for an upstream that checks signatures."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from msgspec.structs import replace

from lambent.domain.http import HttpRequest
from lambent.signing.canonical import signature
from lambent.signing.credential import ALGORITHM, Credential, Terms


def signed_headers(
    request: HttpRequest,
    *,
    access_key_id: str,
    secret: str,
    region: str,
    service: str,
    now: float,
    body_sha256: str,
    session_token: str = "",
) -> Mapping[str, str]:
    """Return the request's headers with ``Authorization`` and what it needs; ``service`` is the signing name."""
    timestamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    headers = {name: value for name, value in request.headers.items() if name != "authorization"}
    headers |= {"x-amz-date": timestamp, "x-amz-content-sha256": body_sha256}
    if session_token:
        headers["x-amz-security-token"] = session_token
    names = tuple(sorted(name for name in headers if name in {"host", "content-type"} or name.startswith("x-amz-")))
    terms = Terms(access_key_id, timestamp[:8], region, service, names)
    credential = Credential(terms, signature="", timestamp=timestamp, signed_at=now)
    found = signature(replace(request, headers=headers), credential, secret, body_sha256)
    headers["authorization"] = f"{ALGORITHM} Credential={access_key_id}/{terms.scope}, SignedHeaders={';'.join(names)}, Signature={found}"
    return headers

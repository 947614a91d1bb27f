"""The canonical request, the string to sign and the signing key of Signature Version 4; and version 2's string for S3."""

from __future__ import annotations

import hashlib
import hmac
import posixpath
from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import quote, unquote

from lambent.base.memory import remembered
from lambent.domain.http import HttpRequest
from lambent.signing.credential import ALGORITHM, Credential, query_pairs

EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()
_BLOCK_BYTES = hashlib.sha256().block_size
_UNSIGNED_IN_QUERY = {"X-Amz-Signature"}
# The sub-resources that version 2 signs as part of the path ("RESTAuthentication" of the S3 manual).
_V2_SUBRESOURCES = frozenset(
    [
        "accelerate",
        "acl",
        "analytics",
        "cors",
        "defaultObjectAcl",
        "delete",
        "encryption",
        "intelligent-tiering",
        "inventory",
        "lifecycle",
        "location",
        "logging",
        "metrics",
        "notification",
        "object-lock",
        "legal-hold",
        "retention",
        "partNumber",
        "policy",
        "policyStatus",
        "publicAccessBlock",
        "replication",
        "requestPayment",
        "response-cache-control",
        "response-content-disposition",
        "response-content-encoding",
        "response-content-language",
        "response-content-type",
        "response-expires",
        "restore",
        "select",
        "select-type",
        "storageClass",
        "tagging",
        "torrent",
        "uploadId",
        "uploads",
        "versionId",
        "versioning",
        "versions",
        "website",
        "ownershipControls",
        "attributes",
    ]
)


@remembered(4096)
def canonical_path(raw_path: str, service: str) -> str:
    """Return the path as it is signed: S3's encoded once and as it is, every other service's normalised and encoded twice."""
    if service in {"s3", "s3-object-lambda", "s3-outposts", "s3express"}:
        return quote(unquote(raw_path), safe="/-_.~") or "/"
    path = raw_path or "/"
    if "//" in path or "/." in path:
        path = "/" + posixpath.normpath(path).lstrip("/") + ("/" if path.endswith("/") and posixpath.normpath(path) != "/" else "")
    return quote(path, safe="/-_.~")


def canonical_query(query: str) -> str:
    """Return the query as it is signed: sorted, strictly encoded, without the signature itself."""
    pairs = [(quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in query_pairs(query) if name not in _UNSIGNED_IN_QUERY]
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def canonical_request(request: HttpRequest, signed_headers: Sequence[str], body_sha256: str, service: str) -> str:
    """Return the canonical request."""
    found, headers = request.headers, ""
    for name in signed_headers:
        headers += f"{name}:{' '.join(found.get(name, '').split())}\n"
    path = canonical_path(request.raw_path, service)
    query = canonical_query(request.query) if request.query else ""
    return f"{request.method}\n{path}\n{query}\n{headers}\n{';'.join(signed_headers)}\n{body_sha256}"


def string_to_sign(timestamp: str, scope: str, canonical: str) -> str:
    """Return what the signing key signs."""
    return f"{ALGORITHM}\n{timestamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"


@lru_cache(maxsize=1024)
def signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    """Return the key of a day, region and service."""
    key = ("AWS4" + secret).encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


@lru_cache(maxsize=1024)
def _keyed(secret: str, date: str, region: str, service: str) -> tuple[hashlib._Hash, hashlib._Hash]:
    """Return the beginnings of the inner and the outer hash of every signature with a key (RFC 2104), to be copied.

    ``hmac.digest`` takes four times as long: it begins anew each time.
    """
    block = signing_key(secret, date, region, service).ljust(_BLOCK_BYTES, b"\0")
    return hashlib.sha256(bytes(each ^ 0x36 for each in block)), hashlib.sha256(bytes(each ^ 0x5C for each in block))


def signature(request: HttpRequest, credential: Credential, secret: str, body_sha256: str) -> str:
    """Return the version 4 signature that the request should carry, in hexadecimal."""
    canonical = canonical_request(request, credential.signed_headers, body_sha256, credential.service)
    text = string_to_sign(credential.timestamp, credential.scope, canonical)
    begun, ended = _keyed(secret, credential.date, credential.region, credential.service)
    inner, outer = begun.copy(), ended.copy()
    inner.update(text.encode())
    outer.update(inner.digest())
    return outer.hexdigest()


def string_to_sign_v2(request: HttpRequest, bucket: str, date: str) -> str:
    """Return what version 2 signs; ``bucket`` is what the host named (empty in path style), ``date`` the date or the expiry."""
    headers = request.headers
    amz = {name: " ".join(value.split()) for name, value in headers.items() if name.startswith("x-amz-")}
    pairs = query_pairs(request.query)
    amz |= {name: value for name, value in pairs if name.lower().startswith("x-amz-")}
    parts = sorted((name, value) for name, value in pairs if name in _V2_SUBRESOURCES)
    resource = (f"/{bucket}" if bucket else "") + quote(unquote(request.raw_path), safe="/-_.~")
    if parts:
        resource += "?" + "&".join(f"{name}={value}" if value else name for name, value in parts)
    lines = [request.method, headers.get("content-md5", ""), headers.get("content-type", ""), "" if "x-amz-date" in amz else date]
    return "\n".join([*lines, *(f"{name}:{amz[name]}" for name in sorted(amz)), resource])

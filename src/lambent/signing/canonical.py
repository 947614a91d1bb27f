"""The canonical request, the string to sign and the signing key of Signature Version 4; and version 2's string for S3."""

from __future__ import annotations

import hashlib
import hmac
import posixpath
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import quote, unquote

from lambent.base.memory import KEPT_CHARACTERS_MAX, remembered
from lambent.domain.http import HttpRequest
from lambent.signing.credential import ALGORITHM, Credential, Terms, query_pairs

_BEGUN_MAX: Final = 512
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


def canonical_head(request: HttpRequest, terms: Terms) -> str:
    """Return the canonical request up to where the body's hash follows."""
    found, headers = request.headers, ""
    for name in terms.signed_headers:
        headers += f"{name}:{' '.join(found.get(name, '').split())}\n"
    path = canonical_path(request.raw_path, terms.service)
    query = canonical_query(request.query) if request.query else ""
    return f"{request.method}\n{path}\n{query}\n{headers}\n{';'.join(terms.signed_headers)}\n"


def signed_head(timestamp: str, terms: Terms) -> str:
    """Return what the signing key signs, up to where the canonical request's hash follows."""
    return f"{ALGORITHM}\n{timestamp}\n{terms.scope}\n"


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


class _Begun(NamedTuple):
    """A signature but for the body; each hash is to be copied."""

    canonical: hashlib._Hash  #: of the canonical request
    inner: hashlib._Hash  #: of the HMAC
    outer: hashlib._Hash


def _begin(request: HttpRequest, credential: Credential, secret: str) -> _Begun:
    terms = credential.terms
    begun, ended = _keyed(secret, terms.date, terms.region, terms.service)
    inner = begun.copy()
    inner.update(signed_head(credential.timestamp, terms).encode())
    return _Begun(hashlib.sha256(canonical_head(request, terms).encode()), inner, ended)


def _end(begun: _Begun, body_sha256: str) -> str:
    canonical, inner, outer = begun
    canonical, inner, outer = canonical.copy(), inner.copy(), outer.copy()
    canonical.update(body_sha256.encode())
    inner.update(canonical.hexdigest().encode())
    outer.update(inner.digest())
    return outer.hexdigest()


def signature(request: HttpRequest, credential: Credential, secret: str, body_sha256: str) -> str:
    """Return the version 4 signature that the request should carry, in hexadecimal."""
    return _end(_begin(request, credential, secret), body_sha256)


class Signatures:
    """Knows the signatures that requests should carry.

    What a client sends within a second to one place differs in the body only, so all but that is remembered, by everything that goes into
    it: a signature that begins anew takes twice as long. S3's places are too many for it.
    """

    def __init__(self) -> None:
        self._begun: dict[object, _Begun] = {}

    def of(self, request: HttpRequest, credential: Credential, secret: str, body_sha256: str) -> str:
        """Return the same as ``signature``."""
        terms, path, query = credential.terms, request.raw_path, request.query
        if terms.service == "s3":
            return signature(request, credential, secret, body_sha256)
        values = tuple(map(request.headers.get, terms.signed_headers))
        key = (terms, secret, credential.timestamp, request.method, path, query, values)
        begun = self._begun.get(key)
        if begun is None:
            begun = _begin(request, credential, secret)
            texts = (path, query, terms.region, terms.service, *terms.signed_headers, *values)
            if sum(len(each) for each in texts if each is not None) <= KEPT_CHARACTERS_MAX:
                if len(self._begun) >= _BEGUN_MAX:
                    self._begun.clear()
                self._begun[key] = begun
        return _end(begun, body_sha256)


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

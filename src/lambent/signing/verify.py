"""Whether a signature holds. Pure: the secret, the time and the body's hash are given."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime

from lambent.domain.http import HttpRequest
from lambent.signing.canonical import EMPTY_SHA256, Signatures, canonical_head, signed_head, string_to_sign_v2
from lambent.signing.credential import Credential
from lambent.signing.faults import Fault, SignatureRefused

SKEW_S_MAX = 900.0
"""AWS allows five minutes, S3 fifteen; fifteen here for all."""

UNSIGNED = "UNSIGNED-PAYLOAD"
_SIGNATURES = Signatures()


def signed_body_sha256(request: HttpRequest, credential: Credential) -> str | None:
    """Return the body's hash as the signature covers it, or ``None`` when it must be computed from the body."""
    if credential.version == 2:
        return ""
    declared = request.headers.get("x-amz-content-sha256")
    if declared:
        return declared
    if credential.expires_s is not None and credential.terms.service == "s3":
        return UNSIGNED
    return EMPTY_SHA256 if request.body.length == 0 else None


def check_time(credential: Credential, now: float) -> None:
    """Raise ``SignatureRefused`` when the request was signed too long ago, or in the future, or its URL has expired."""
    if credential.expires_s is not None:
        if now > credential.signed_at + credential.expires_s:
            until = _iso(credential.signed_at + credential.expires_s)
            facts = {"X-Amz-Expires": str(credential.expires_s)} if credential.version == 4 else {}
            raise SignatureRefused(Fault.EXPIRED, until, in_query=True, facts={**facts, "Expires": until, "ServerTime": _iso(now)})
        if credential.version == 4 and credential.signed_at > now + SKEW_S_MAX:
            raise SignatureRefused(Fault.SKEWED, f"Signature not yet current: {credential.timestamp} is still later than {_basic(now)}")
    elif now > credential.signed_at + SKEW_S_MAX:
        limit = _basic(now - SKEW_S_MAX)
        text = f"Signature expired: {credential.timestamp} is now earlier than {limit} ({_basic(now)} - 15 min.)"
        raise SignatureRefused(Fault.SKEWED, text)
    elif credential.signed_at > now + SKEW_S_MAX:
        limit = _basic(now + SKEW_S_MAX)
        text = f"Signature not yet current: {credential.timestamp} is still later than {limit} ({_basic(now)} + 15 min.)"
        raise SignatureRefused(Fault.SKEWED, text)
    if credential.version == 4 and not credential.timestamp.startswith(credential.terms.date):
        dates = f"'{credential.terms.date}' != '{credential.timestamp[:8]}'"
        raise SignatureRefused(
            Fault.MISMATCH, f"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: {dates}"
        )


def verify(request: HttpRequest, credential: Credential, secret: str, *, now: float, body_sha256: str, bucket: str = "") -> None:
    """Return when the signature holds; raise ``SignatureRefused`` when it doesn't.

    ``request`` is as the client sent it, before any rewriting; ``bucket`` is what an S3 host named, for version 2.
    """
    terms = credential.terms
    if credential.expires_s is not None or abs(now - credential.signed_at) > SKEW_S_MAX or credential.timestamp[:8] != terms.date:
        check_time(credential, now)
    if credential.version == 2:
        expected = _signature_v2(request, credential, secret, bucket)
    else:
        if terms.service == "s3" or "host" not in terms.signed_headers:
            _check_covered(request, credential)
        expected = _SIGNATURES.of(request, credential, secret, body_sha256)
    if not hmac.compare_digest(expected.encode(), credential.signature.encode()):
        raise SignatureRefused(Fault.MISMATCH, facts=_compared(request, credential, body_sha256, bucket))


def _compared(request: HttpRequest, credential: Credential, body_sha256: str, bucket: str) -> dict[str, str]:
    """Return what was signed here, so that the client can see where it signed something else."""
    terms = credential.terms
    facts = {"AWSAccessKeyId": terms.access_key_id}
    if credential.version == 2:
        text = string_to_sign_v2(request, bucket, credential.timestamp)
    else:
        canonical = canonical_head(request, terms) + body_sha256
        text = signed_head(credential.timestamp, terms) + hashlib.sha256(canonical.encode()).hexdigest()
    facts |= {"StringToSign": text, "SignatureProvided": credential.signature, "StringToSignBytes": text.encode().hex(" ")}
    if credential.version == 4:
        facts |= {"CanonicalRequest": canonical, "CanonicalRequestBytes": canonical.encode().hex(" ")}
    return facts


def _signature_v2(request: HttpRequest, credential: Credential, secret: str, bucket: str) -> str:
    text = string_to_sign_v2(request, bucket, credential.timestamp)
    return base64.b64encode(hmac.digest(secret.encode(), text.encode(), "sha1")).decode()


def _check_covered(request: HttpRequest, credential: Credential) -> None:
    """A signature must cover the host and, for S3, every ``x-amz-`` header: nobody on the way may add a header that means something."""
    signed_headers = credential.terms.signed_headers
    if "host" not in signed_headers:
        raise SignatureRefused(Fault.MALFORMED, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
    if credential.terms.service != "s3":
        return
    covered = set(signed_headers)
    free = sorted(name for name in request.headers if name.startswith("x-amz-") and name not in covered)
    if credential.presigned and "x-amz-content-sha256" in free:
        free.remove("x-amz-content-sha256")  # it is part of the canonical request in its own right
    if free:
        raise SignatureRefused(Fault.UNSIGNED_HEADERS, ", ".join(free))


def _basic(instant: float) -> str:
    return datetime.fromtimestamp(instant, UTC).strftime("%Y%m%dT%H%M%SZ")


def _iso(instant: float) -> str:
    return datetime.fromtimestamp(instant, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

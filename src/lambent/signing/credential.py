"""What a request says of its signer: read from the ``Authorization`` header or from the query of a presigned URL.

Follows "Authenticating Requests (AWS Signature Version 4)" and version 2 for S3's older presigned URLs, which boto3 still makes by default.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import NoReturn
from urllib.parse import unquote_plus

import msgspec

from lambent.base.dates import parse_http_date
from lambent.base.memory import Remembered
from lambent.base.regexes import Regex
from lambent.domain.http import HttpRequest
from lambent.signing.faults import Fault, SignatureRefused

ALGORITHM = "AWS4-HMAC-SHA256"
_FIELD = Regex(r"\s*(Credential|SignedHeaders|Signature)=([^,\s]+)\s*")
_PRESIGNED_SECONDS_MAX = 604_800


class Terms(msgspec.Struct, frozen=True, eq=False):
    """What the signatures of a client have in common for a day. Two are the same only when they are one object."""

    access_key_id: str
    date: str = ""  #: ``20250131``, of the scope; empty with version 2
    region: str = ""  #: empty with version 2
    service: str = "s3"  #: the signing name, not always the model's: ``s3``, ``dynamodb``, ``ses``
    signed_headers: tuple[str, ...] = ()

    @property
    def scope(self) -> str:
        """The credential scope, as it is signed."""
        return f"{self.date}/{self.region}/{self.service}/aws4_request"


class Credential(msgspec.Struct, frozen=True):
    """The signer and the terms of a signature; nothing of it is checked yet."""

    terms: Terms
    signature: str
    timestamp: str  #: as signed, ``20250131T120000Z``
    signed_at: float  #: the same, in seconds since 1970
    session_token: str = ""
    expires_s: int | None = None  #: of a presigned URL: how long it is valid after ``signed_at``
    version: int = 4

    @property
    def presigned(self) -> bool:
        """Whether the signature came in the query."""
        return self.expires_s is not None


def query_pairs(query: str) -> list[tuple[str, str]]:
    """Return the query's names and values, decoded, in order; a name without ``=`` has an empty value, and ``+`` is a space, as at AWS."""
    pairs = [part.partition("=") for part in query.split("&") if part]
    return [(unquote_plus(name), unquote_plus(value)) for name, _, value in pairs]


def credential_of(request: HttpRequest) -> Credential | None:
    """Return what the request says of its signer, ``None`` when it isn't signed. Raises ``SignatureRefused`` (malformed)."""
    authorization = request.headers.get("authorization", "")
    if authorization.startswith("AWS4-"):
        return _from_header(request, authorization)
    if authorization.startswith("AWS "):
        return _from_old_header(request, authorization)
    if "X-Amz-Signature=" in request.query or "X-Amz-Algorithm=" in request.query:
        return _from_query(dict(query_pairs(request.query)))
    if "AWSAccessKeyId=" in request.query or ("Signature=" in request.query and "Expires=" in request.query):
        return _from_old_query(dict(query_pairs(request.query)))
    return None


def _from_header(request: HttpRequest, authorization: str) -> Credential:
    # SDKs say the signature last; what is before it is the same for all requests of a client and day.
    headers = request.headers
    before, marker, signature = authorization.rpartition("Signature=")
    if marker and signature.isalnum():
        terms = _TERMS[before]
    else:
        terms, signature = _read(authorization)
    timestamp = headers.get("x-amz-date")
    try:
        signed_at = _INSTANTS[timestamp or headers.get("date", "")]
    except ValueError:
        _refuse_date(in_query=False)
    if not timestamp:
        timestamp = datetime.fromtimestamp(signed_at, UTC).strftime("%Y%m%dT%H%M%SZ")
    return Credential(terms, signature, timestamp, signed_at, headers.get("x-amz-security-token", ""))


def _read(text: str, signature: str = "") -> tuple[Terms, str]:
    """Return what an ``Authorization`` header says; the signature is given when it was split off before."""
    algorithm, _, rest = text.partition(" ")
    if algorithm != ALGORITHM:
        raise SignatureRefused(Fault.MALFORMED, f"Unsupported AWS 'algorithm': '{algorithm}'.")
    found = {match[1]: match[2] for match in map(_FIELD.fullmatch, rest.split(",")) if match}
    if signature:
        found["Signature"] = signature
    for name in ("Credential", "Signature", "SignedHeaders"):
        if name not in found:
            raise SignatureRefused(Fault.MALFORMED, f"Authorization header requires '{name}' parameter.")
    return _terms(found["Credential"], found["SignedHeaders"], in_query=False), found["Signature"]


_TERMS = Remembered(lambda text: _read(text, "0")[0], 1024)
"""Of ``Authorization`` headers, by all that is before the signature."""


def _from_query(query: dict[str, str]) -> Credential:
    if query.get("X-Amz-Algorithm") != ALGORITHM:
        raise SignatureRefused(
            Fault.MALFORMED, 'X-Amz-Algorithm only supports "AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256"', in_query=True
        )
    needed = ["X-Amz-Credential", "X-Amz-Signature", "X-Amz-Date", "X-Amz-SignedHeaders"]
    # STS and others accept presigned requests without X-Amz-Expires; then they are valid for the usual clock skew of five minutes.
    if query.get("X-Amz-Credential", "").endswith("/s3/aws4_request"):
        needed.append("X-Amz-Expires")
    if any(not query.get(name) for name in needed):
        text = (
            "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, "
            "X-Amz-SignedHeaders, and X-Amz-Expires parameters."
        )
        raise SignatureRefused(Fault.MALFORMED, text, in_query=True)
    expires = query.get("X-Amz-Expires", "300")
    if not expires.isdecimal():
        raise SignatureRefused(Fault.MALFORMED, "X-Amz-Expires should be a number", in_query=True)
    if int(expires) > _PRESIGNED_SECONDS_MAX:
        text = "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds"
        raise SignatureRefused(Fault.MALFORMED, text, in_query=True)
    return Credential(
        terms=_terms(query["X-Amz-Credential"], query["X-Amz-SignedHeaders"], in_query=True),
        signature=query["X-Amz-Signature"],
        timestamp=query["X-Amz-Date"],
        signed_at=_instant(query["X-Amz-Date"], in_query=True),
        session_token=query.get("X-Amz-Security-Token", ""),
        expires_s=int(expires),
    )


def _from_old_header(request: HttpRequest, authorization: str) -> Credential:
    access_key_id, _, signature = authorization[4:].partition(":")
    date = request.headers.get("x-amz-date") or request.headers.get("date", "")
    return Credential(
        terms=Terms(access_key_id),
        signature=signature,
        timestamp=date,
        signed_at=_instant(date, in_query=False),
        session_token=request.headers.get("x-amz-security-token", ""),
        version=2,
    )


def _from_old_query(query: dict[str, str]) -> Credential:
    expires = query.get("Expires", "")
    if not (expires.isdecimal() and query.get("Signature") and query.get("AWSAccessKeyId")):
        raise SignatureRefused(
            Fault.INCOMPLETE, "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters", in_query=True
        )
    return Credential(
        terms=Terms(query["AWSAccessKeyId"]),
        signature=query.get("Signature", ""),
        timestamp=expires,
        signed_at=0.0,
        session_token=query.get("x-amz-security-token", ""),
        expires_s=int(expires),
        version=2,
    )


def _terms(text: str, signed_headers: str, *, in_query: bool) -> Terms:
    parts = text.rsplit("/", 4)
    if len(parts) != 5 or parts[4] != "aws4_request" or not parts[0] or not re.fullmatch(r"\d{8}", parts[1]):
        where = "Error parsing the X-Amz-Credential parameter; the" if in_query else "The authorization header is malformed; the"
        text = f'{where} Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".'
        raise SignatureRefused(Fault.MALFORMED, text, in_query=in_query)
    return Terms(parts[0], parts[1], parts[2], parts[3], tuple(signed_headers.lower().split(";")))


def _instant(text: str, *, in_query: bool) -> float:
    try:
        return _INSTANTS[text]
    except ValueError:
        _refuse_date(in_query=in_query)


def _refuse_date(*, in_query: bool) -> NoReturn:
    raise SignatureRefused(Fault.MALFORMED, "AWS authentication requires a valid Date or x-amz-date header", in_query=in_query) from None


def _seconds(text: str) -> float:
    """Return the seconds since 1970 of ``20250131T120000Z`` or of an HTTP date; ``ValueError`` when it is neither."""
    try:
        if len(text) == 16 and text[8] == "T":
            return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
        return parse_http_date(text).timestamp()
    except (TypeError, IndexError):
        raise ValueError(text) from None


_INSTANTS = Remembered(_seconds, 256)

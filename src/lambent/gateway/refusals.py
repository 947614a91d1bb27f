"""How each family of services says that it doesn't believe who is calling: AWS's codes, words and statuses. Pure."""

from __future__ import annotations

from enum import Enum
from typing import Final

from lambent.domain.errors import AwsError
from lambent.signing import Fault, SignatureRefused


class Doubt(Enum):
    """What is wrong with the caller, beside the signature."""

    UNSIGNED = "unsigned"
    UNKNOWN_KEY = "unknown key"
    WRONG_TOKEN = "wrong session token"  # noqa: S105
    EXPIRED_TOKEN = "expired session token"  # noqa: S105
    FOREIGN_PAGE = "a foreign web page"


_S3_MISMATCH: Final = "The request signature we calculated does not match the signature you provided. Check your key and signing method."
_MISMATCH: Final = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. "
    "Consult the service documentation for details."
)
_INVALID_TOKEN: Final = "The security token included in the request is invalid."  # noqa: S105
_EXPIRED_TOKEN: Final = "The security token included in the request is expired"  # noqa: S105

_FOREIGN_PAGE: Final = (
    "A web page from elsewhere may not use a key that is taken on trust. Use a key that IAM issued, or name the page's origin in the "
    "setting browser_origins."
)

_S3: Final = {
    Doubt.FOREIGN_PAGE: ("AccessDenied", _FOREIGN_PAGE, 403),
    Doubt.UNKNOWN_KEY: ("InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.", 403),
    Doubt.WRONG_TOKEN: ("InvalidToken", "The provided token is malformed or otherwise invalid.", 400),
    Doubt.EXPIRED_TOKEN: ("ExpiredToken", "The provided token has expired.", 400),
    Doubt.UNSIGNED: ("AccessDenied", "Access Denied", 403),
    Fault.MISMATCH: ("SignatureDoesNotMatch", _S3_MISMATCH, 403),
    Fault.SKEWED: ("RequestTimeTooSkewed", "The difference between the request time and the current time is too large.", 403),
    Fault.EXPIRED: ("AccessDenied", "Request has expired", 403),
    Fault.UNSIGNED_HEADERS: ("AccessDenied", "There were headers present in the request which were not signed", 403),
    Fault.MALFORMED: ("AuthorizationHeaderMalformed", "", 400),
    Fault.INCOMPLETE: ("AccessDenied", "", 403),
}
_QUERY: Final = {
    Doubt.FOREIGN_PAGE: ("AccessDenied", _FOREIGN_PAGE, 403),
    Doubt.UNKNOWN_KEY: ("InvalidClientTokenId", _INVALID_TOKEN, 403),
    Doubt.WRONG_TOKEN: ("InvalidClientTokenId", _INVALID_TOKEN, 403),
    Doubt.EXPIRED_TOKEN: ("ExpiredToken", _EXPIRED_TOKEN, 403),
    Doubt.UNSIGNED: ("MissingAuthenticationToken", "Request is missing Authentication Token", 403),
    Fault.MISMATCH: ("SignatureDoesNotMatch", _MISMATCH, 403),
    Fault.SKEWED: ("SignatureDoesNotMatch", "", 403),
    Fault.EXPIRED: ("SignatureDoesNotMatch", "Signature expired", 403),
    Fault.UNSIGNED_HEADERS: ("SignatureDoesNotMatch", _MISMATCH, 403),
    Fault.MALFORMED: ("IncompleteSignature", "", 400),
    Fault.INCOMPLETE: ("IncompleteSignature", "", 400),
}
_JSON: Final = {
    Doubt.FOREIGN_PAGE: ("AccessDeniedException", _FOREIGN_PAGE, 403),
    Doubt.UNKNOWN_KEY: ("UnrecognizedClientException", _INVALID_TOKEN, 400),
    Doubt.WRONG_TOKEN: ("UnrecognizedClientException", _INVALID_TOKEN, 400),
    Doubt.EXPIRED_TOKEN: ("ExpiredTokenException", _EXPIRED_TOKEN, 400),
    Doubt.UNSIGNED: ("MissingAuthenticationTokenException", "Missing Authentication Token", 400),
    Fault.MISMATCH: ("InvalidSignatureException", _MISMATCH, 400),
    Fault.SKEWED: ("InvalidSignatureException", "", 400),
    Fault.EXPIRED: ("InvalidSignatureException", "Signature expired", 400),
    Fault.UNSIGNED_HEADERS: ("InvalidSignatureException", _MISMATCH, 400),
    Fault.MALFORMED: ("IncompleteSignatureException", "", 400),
    Fault.INCOMPLETE: ("IncompleteSignatureException", "", 400),
}
# REST services of JSON stand behind another front than the RPC ones, with the same codes and HTTP's own status.
_REST_JSON: Final = {doubt: (code, text, 403) for doubt, (code, text, _) in _JSON.items()}


def refusal(doubt: Doubt | SignatureRefused, service: str, protocol: str) -> AwsError:
    """Return the error by which the service turns the caller away."""
    if service == "s3":
        table = _S3
    elif protocol == "rest-json":
        table = _REST_JSON
    elif protocol in {"json", "smithy-rpc-v2-cbor"}:
        table = _JSON
    else:
        table = _QUERY
    if isinstance(doubt, Doubt):
        return AwsError(*table[doubt])
    code, text, status = table[doubt.fault]
    if doubt.fault is Fault.MALFORMED and doubt.in_query and service == "s3":
        code = "AuthorizationQueryParametersError"
    members = dict(doubt.facts) if service == "s3" else {}
    if service == "s3" and doubt.fault is Fault.UNSIGNED_HEADERS:
        members["HeadersNotSigned"] = doubt.detail
    return AwsError(code, text or doubt.detail, status, members=members)

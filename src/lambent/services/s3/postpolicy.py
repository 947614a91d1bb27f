"""The policy that goes with a form: who signed it, until when it holds, what the fields may say. Pure.

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from lambent.domain.errors import AwsError
from lambent.services.s3 import errors
from lambent.signing import signing_key

_FREE: Final = frozenset({"x-amz-signature", "signature", "awsaccesskeyid", "file", "policy", "bucket"})
"""Fields that a policy needn't name."""
_V4: Final = ("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Signature")


class SizeRange(msgspec.Struct, frozen=True):
    """How large the file may be, in bytes."""

    least: int
    most: int

    def check(self, size: int) -> None:
        """Raise ``EntityTooSmall`` or ``EntityTooLarge`` for a file of another size."""
        if size < self.least:
            members = {"ProposedSize": str(size), "MinSizeAllowed": str(self.least)}
            raise AwsError("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size", 400, members=members)
        if size > self.most:
            raise errors.too_large(size, self.most)


def signer_of(fields: Mapping[str, str]) -> str:
    """Return the access key id that signed the form; empty for a form without a signature. ``InvalidArgument`` for half a signature."""
    if "policy" not in fields:
        if "awsaccesskeyid" in fields or "x-amz-credential" in fields:
            raise _missing("policy")
        return ""
    if any(name.lower() in fields for name in _V4):
        for name in _V4:
            if name.lower() not in fields:
                raise _missing(name)
        return fields["x-amz-credential"].rsplit("/", 4)[0]
    for name in ("AWSAccessKeyId", "Signature"):
        if name.lower() not in fields:
            raise _missing(name)
    return fields["awsaccesskeyid"]


def _missing(name: str) -> AwsError:
    text = f"Bucket POST must contain a field named '{name}'.  If it is specified, please check the order of the fields."
    return AwsError("InvalidArgument", text, 400, members={"ArgumentName": name, "ArgumentValue": ""})


def check_key_given(fields: Mapping[str, str]) -> None:
    """Raise ``InvalidArgument`` unless the form says under which key."""
    if not fields.get("key"):
        raise _missing("key")


def check_signature(fields: Mapping[str, str], secret: str) -> None:
    """Raise ``SignatureDoesNotMatch`` unless the policy was signed with the secret."""
    policy = fields["policy"].encode()
    if "x-amz-signature" in fields:
        parts = fields["x-amz-credential"].rsplit("/", 4)
        if len(parts) != 5:
            raise errors.invalid_argument("Invalid Credential", "X-Amz-Credential", fields["x-amz-credential"])
        expected = hmac.digest(signing_key(secret, parts[1], parts[2], parts[3]), policy, "sha256").hex()
        given = fields["x-amz-signature"]
    else:
        expected = base64.b64encode(hmac.digest(secret.encode(), policy, "sha1")).decode()
        given = fields["signature"]
    if not hmac.compare_digest(expected.encode(), given.encode()):
        text = "The request signature we calculated does not match the signature you provided. Check your key and signing method."
        members = {"AWSAccessKeyId": signer_of(fields), "StringToSign": fields["policy"], "SignatureProvided": given}
        raise AwsError("SignatureDoesNotMatch", text, 403, members=members)


def check(fields: Mapping[str, str], bucket: str, now: float) -> SizeRange | None:
    """Check the fields against the form's policy; return how large the file may be, when the policy says it.

    Raises ``InvalidPolicyDocument`` or ``AccessDenied``.
    """
    policy = _document(fields["policy"])
    if now >= _expiration(policy):
        raise errors.access_denied("Invalid according to Policy: Policy expired.")
    conditions = policy.get("conditions")
    if not isinstance(conditions, list):
        raise _invalid("Policy missing conditions.")
    named: set[str] = set()
    size: SizeRange | None = None
    values = {**fields, "bucket": bucket}
    for each in conditions:
        operator, name, wanted = _condition(each)
        if operator == "content-length-range":
            size = _size_range(name, wanted)
            continue
        field = str(name).removeprefix("$").lower()
        named.add(field)
        have = values.get(field, "")
        if not (have.startswith(str(wanted)) if operator == "starts-with" else have == str(wanted)):
            shown = json.dumps([operator, f"${field}", wanted])
            raise errors.access_denied(f"Invalid according to Policy: Policy Condition failed: {shown}")
    extra = sorted(name for name in fields if name not in named | _FREE and not name.startswith("x-ignore-"))
    if extra:
        raise errors.access_denied(f"Invalid according to Policy: Extra input fields: {', '.join(extra)}")
    return size


def _document(text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError, RecursionError):
        raise _invalid("Invalid JSON.") from None
    if not isinstance(found, dict):
        raise _invalid("Invalid JSON.")
    return found


def _expiration(policy: Mapping[str, Any]) -> float:
    text = policy.get("expiration")
    if text is None:
        raise _invalid("Policy missing expiration.")
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        raise _invalid(f"Invalid 'expiration' value: '{text}'") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _condition(each: Any) -> tuple[str, Any, Any]:
    if isinstance(each, dict) and len(each) == 1:
        name, wanted = next(iter(each.items()))
        return "eq", name, wanted
    if isinstance(each, list) and len(each) == 3 and str(each[0]).lower() in {"eq", "starts-with", "content-length-range"}:
        return str(each[0]).lower(), each[1], each[2]
    if isinstance(each, list) and each and str(each[0]).lower() in {"eq", "starts-with", "content-length-range"}:
        raise _invalid(f"Invalid '{each[0]}' condition: wrong number of arguments.")
    raise _invalid("Invalid Condition.")


def _size_range(least: Any, most: Any) -> SizeRange:
    try:
        found = SizeRange(int(least), int(most))
    except (TypeError, ValueError, OverflowError):
        raise _invalid("Invalid content-length-range.") from None
    if not 0 <= found.least <= found.most:
        raise _invalid("Invalid content-length-range.")
    return found


def _invalid(why: str) -> AwsError:
    return AwsError("InvalidPolicyDocument", f"Invalid Policy: {why}", 400)

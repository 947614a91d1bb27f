"""What a request says about the object to be: headers, metadata, tags, encryption. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from lambent.domain.call import Call
from lambent.domain.errors import AwsError
from lambent.services.s3 import errors
from lambent.services.s3.state import Version

HEADERS = ("CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage", "ContentType", "Expires", "WebsiteRedirectLocation")
_ENCRYPTION = ("ServerSideEncryption", "SSEKMSKeyId", "BucketKeyEnabled", "SSECustomerAlgorithm", "SSECustomerKeyMD5")
STORAGE_CLASSES = frozenset(
    (
        "STANDARD",
        "REDUCED_REDUNDANCY",
        "STANDARD_IA",
        "ONEZONE_IA",
        "INTELLIGENT_TIERING",
        "GLACIER",
        "DEEP_ARCHIVE",
        "GLACIER_IR",
        "EXPRESS_ONEZONE",
    )
)


def draft_of(call: Call, metadata_bytes_max: int) -> Version:
    """Return the version that a put, a copy or an upload describes, without its bytes."""
    params = call.params
    storage_class = params.get("StorageClass") or "STANDARD"
    if storage_class not in STORAGE_CLASSES:
        raise AwsError(
            "InvalidStorageClass", "The storage class you specified is not valid", 400, members={"StorageClassRequested": storage_class}
        )
    retention = {}
    if params.get("ObjectLockMode"):
        retention = {"Mode": params["ObjectLockMode"], "RetainUntilDate": params.get("ObjectLockRetainUntilDate")}
    return Version(
        owner=call.caller.account_id,
        headers=headers_of(params),
        metadata=metadata_of(params, metadata_bytes_max),
        tags=tags_of_header(params.get("Tagging", "")),
        storage_class=storage_class,
        encryption=encryption_of(params),
        acl={"canned": params["ACL"]} if params.get("ACL", "private") != "private" else None,
        retention=retention,
        legal_hold=params.get("ObjectLockLegalHoldStatus", ""),
    )


def headers_of(params: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers that are kept with the object, ``aws-chunked`` taken out of the encoding."""
    found = {each: _text(params[each]) for each in HEADERS if params.get(each) not in (None, "")}
    codings = [each.strip() for each in found.pop("ContentEncoding", "").split(",")]
    kept = ",".join(each for each in codings if each and each != "aws-chunked")
    return {**found, "ContentEncoding": kept} if kept else found


def _text(value: object) -> str:
    return value.strftime("%a, %d %b %Y %H:%M:%S GMT") if isinstance(value, datetime) else str(value)


def metadata_of(params: Mapping[str, Any], bytes_max: int) -> dict[str, str]:
    """Return the user's metadata with lower-case names; ``MetadataTooLarge`` above 2 KB."""
    metadata = {name.lower(): value for name, value in (params.get("Metadata") or {}).items()}
    size = sum(len(name.encode()) + len(value.encode("utf-8", "surrogatepass")) for name, value in metadata.items())
    if size > bytes_max:
        members = {"Size": str(size), "MaxSizeAllowed": str(bytes_max)}
        raise AwsError("MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size", 400, members=members)
    return metadata


def tags_of_header(text: str) -> dict[str, str]:
    """Return the tags of an ``x-amz-tagging`` header, which is written like a query."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text))
    except ValueError as error:
        text = "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates."
        raise errors.invalid_argument(text) from error
    return checked_tags(pairs, 10)


def tags_of_set(tag_set: list[Mapping[str, str]], count_max: int) -> dict[str, str]:
    """Return the tags of a ``TagSet``."""
    return checked_tags([(each["Key"], each.get("Value", "")) for each in tag_set], count_max)


def checked_tags(pairs: list[tuple[str, str]], count_max: int) -> dict[str, str]:
    """Return the tags by key. Raises ``BadRequest`` for too many and ``InvalidTag`` for what S3 doesn't take."""
    if len(pairs) > count_max:
        if count_max == 10:
            raise AwsError("BadRequest", "Object tags cannot be greater than 10", 400)
        raise AwsError("BadRequest", f"Bucket tag count cannot be greater than {count_max}", 400)
    for key, value in pairs:
        if not 0 < len(key) <= 128:
            raise AwsError("InvalidTag", "The TagKey you have provided is invalid", 400, members={"TagKey": key})
        if len(value) > 256:
            raise AwsError("InvalidTag", "The TagValue you have provided is invalid", 400, members={"TagKey": key, "TagValue": value})
        if key.lower().startswith("aws:"):
            raise AwsError("InvalidTag", "System tags cannot be added/updated by requester", 400, members={"TagKey": key})
    tags = dict(pairs)
    if len(tags) < len(pairs):
        raise AwsError("InvalidTag", "Cannot provide multiple Tags with the same key", 400)
    return tags


def encryption_of(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return how the object is said to be encrypted. Kept and given back; the disk's own encryption is the operator's."""
    found = {each: params[each] for each in _ENCRYPTION if params.get(each) not in (None, "")}
    if "SSECustomerAlgorithm" not in found:
        found.setdefault("ServerSideEncryption", "AES256")
    return found


def check_customer_key(params: Mapping[str, Any], version: Version, prefix: str = "") -> None:
    """Raise unless a read brings the customer's key with which the object was written."""
    wanted = version.encryption.get("SSECustomerKeyMD5")
    given = params.get(f"{prefix}SSECustomerKeyMD5")
    if wanted and not given:
        text = (
            "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object."
        )
        raise errors.invalid_request(text)
    if wanted != given:
        if wanted is None:
            raise errors.invalid_request("The encryption parameters are not applicable to this object.")
        raise errors.access_denied()

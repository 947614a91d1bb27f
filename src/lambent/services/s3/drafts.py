"""What a request says about the object to be: headers, metadata, tags, encryption. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from lambent.domain.call import Call
from lambent.domain.errors import AwsError
from lambent.services.s3 import encrypting, locking, ownership, tagsets
from lambent.services.s3.state import Bucket, Version

HEADERS = ("CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage", "ContentType", "Expires", "WebsiteRedirectLocation")
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


def draft_of(bucket: Bucket, call: Call, metadata_bytes_max: int, now: float) -> Version:
    """Return the version that a put, a copy or an upload describes, without its bytes."""
    params = call.params
    storage_class = params.get("StorageClass") or "STANDARD"
    if storage_class not in STORAGE_CLASSES:
        raise AwsError(
            "InvalidStorageClass", "The storage class you specified is not valid", 400, members={"StorageClassRequested": storage_class}
        )
    retention, legal_hold = locking.of_request(bucket, params, now)
    return Version(
        owner=ownership.owner_of(bucket, call),
        headers=headers_of(params),
        metadata=metadata_of(params, metadata_bytes_max),
        tags=tagsets.of_header(params.get("Tagging", "")),
        storage_class=storage_class,
        encryption=encrypting.of_request(bucket, params),
        acl=ownership.object_acl(bucket, call),
        retention=retention,
        legal_hold=legal_hold,
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

"""Events as EventBridge gets them. Pure.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from lambent.domain.call import Call
from lambent.services.s3.happenings import Happening
from lambent.services.s3.state import NULL_VERSION, Bucket

_TYPES: Final = {
    "ObjectCreated": "Object Created",
    "ObjectRemoved": "Object Deleted",
    "ObjectTagging:Put": "Object Tags Added",
    "ObjectTagging:Delete": "Object Tags Deleted",
    "ObjectAcl:Put": "Object ACL Updated",
    "ObjectRestore:Post": "Object Restore Initiated",
    "ObjectRestore:Completed": "Object Restore Completed",
}
_REASONS: Final = {
    "ObjectCreated:Put": "PutObject",
    "ObjectCreated:Post": "POST Object",
    "ObjectCreated:Copy": "CopyObject",
    "ObjectCreated:CompleteMultipartUpload": "CompleteMultipartUpload",
    "ObjectRemoved:Delete": "DeleteObject",
    "ObjectRemoved:DeleteMarkerCreated": "DeleteObject",
}
_DELETIONS: Final = {
    "ObjectRemoved:Delete": "Permanently Deleted",
    "ObjectRemoved:DeleteMarkerCreated": "Delete Marker Created",
}


def entry(bucket: Bucket, happening: Happening, call: Call, now: float) -> dict[str, Any] | None:
    """Return the entry for PutEvents, its detail as a mapping; ``None`` for what EventBridge isn't told."""
    family = happening.name.partition(":")[0]
    detail_type = _TYPES.get(happening.name) or _TYPES.get(family)
    if detail_type is None:
        return None
    detail: dict[str, Any] = {
        "version": "0",
        "bucket": {"name": bucket.name},
        "object": _item(happening, family),
        "request-id": call.request_id.replace("-", "")[:16].upper(),
        "requester": call.caller.account_id or "anonymous",
        **_more(happening),
    }
    if happening.name != "ObjectRestore:Completed":  # that is S3's own doing
        detail["source-ip-address"] = call.source_ip
    return {"Source": "aws.s3", "DetailType": detail_type, "Resources": [bucket.arn], "Time": now, "Detail": detail}


def _item(happening: Happening, family: str) -> dict[str, Any]:
    version = happening.version
    item: dict[str, Any] = {"key": happening.key}
    if family in {"ObjectCreated", "ObjectRestore"}:
        item["size"] = version.size
    if family != "ObjectRemoved":
        item["etag"] = version.etag
    elif happening.name.endswith("DeleteMarkerCreated"):
        item["etag"] = "d41d8cd98f00b204e9800998ecf8427e"
    if version.version_id != NULL_VERSION:
        item["version-id"] = version.version_id
    if family in {"ObjectCreated", "ObjectRemoved"}:
        item["sequencer"] = happening.sequencer
    return item


def _more(happening: Happening) -> Mapping[str, str]:
    found = {}
    if happening.name in _REASONS:
        found["reason"] = _REASONS[happening.name]
    if happening.name in _DELETIONS:
        found["deletion-type"] = _DELETIONS[happening.name]
    if happening.name.startswith("ObjectRestore"):
        found["source-storage-class"] = happening.version.storage_class
    if happening.name == "ObjectRestore:Completed":
        found["restore-expiry-time"] = happening.until
    return found

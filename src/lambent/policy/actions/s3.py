"""Amazon S3.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final
from urllib.parse import unquote

from lambent.base.regexes import Regex
from lambent.policy.actions.tables import Params, Part, Table

_ACTIONS: Final = {
    "HeadObject": "GetObject",
    "SelectObjectContent": "GetObject",
    "CopyObject": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "UploadPartCopy": "PutObject",
    "CompleteMultipartUpload": "PutObject",
    "RenameObject": "PutObject",
    "DeleteObjects": "DeleteObject",
    "HeadBucket": "ListBucket",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "ListObjectVersions": "ListBucketVersions",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "ListParts": "ListMultipartUploadParts",
    "ListBuckets": "ListAllMyBuckets",
    "DeleteBucketCors": "PutBucketCORS",
    "DeleteBucketTagging": "PutBucketTagging",
    "DeleteBucketLifecycle": "PutLifecycleConfiguration",
    "DeleteBucketOwnershipControls": "PutBucketOwnershipControls",
    "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
    "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
    "PutObjectLockConfiguration": "PutBucketObjectLockConfiguration",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "PutBucketNotificationConfiguration": "PutBucketNotification",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
}
_CONFIGURATIONS: Final = Regex(
    r"(Get|Put|Delete|List)Bucket(Lifecycle|Encryption|Replication|Accelerate|Analytics|Inventory|Metrics|IntelligentTiering)"
    r"(Configurations?)?"
)
_WITH_VERSIONS: Final = Regex(r"(Get|Delete|Put)Object(Acl|Tagging|Attributes|Retention|LegalHold)?")


def action_of(operation: str, params: Mapping[str, Any]) -> str:
    """Return the IAM action, without ``s3:``, that guards an operation; versions have actions of their own."""
    configuration = _CONFIGURATIONS.fullmatch(operation)
    if configuration is not None and operation not in _ACTIONS:
        verb = {"Delete": "Put", "List": "Get"}.get(configuration[1], configuration[1])
        return f"{verb}{configuration[2]}Configuration"
    action = _ACTIONS.get(operation, operation)
    if params.get("VersionId") and _WITH_VERSIONS.fullmatch(action) and not action.endswith(("Retention", "LegalHold")):
        return action.replace("Object", "ObjectVersion", 1)
    return action


def _deletes(params: Params) -> Sequence[Part]:
    objects = (params.get("Delete") or {}).get("Objects") or ()
    return [("DeleteObject", {"Bucket": params.get("Bucket"), **each}) for each in objects]


_SUBRESOURCES: Final = {"ACL": "PutObjectAcl", "Tagging": "PutObjectTagging", "ObjectLockLegalHoldStatus": "PutObjectLegalHold"} | {
    "ObjectLockMode": "PutObjectRetention"
}
"""What a request that makes an object says of it beside, and the action that it then takes too."""


def _writing(operation: str, params: Params) -> Sequence[Part]:
    """Return the write itself, and what else it does to the object; a copy also reads its source."""
    where = {"Bucket": params.get("Bucket"), "Key": params.get("Key")}
    beside = [(name, where) for member, name in _SUBRESOURCES.items() if params.get(member)]
    return [(operation, params), *beside, *_source(params.get("CopySource"))]


def _source(given: Any) -> list[Part]:
    if isinstance(given, dict):
        source = dict(given)
    elif isinstance(given, str):
        path, _, query = given.partition("?versionId=")
        bucket, _, key = unquote(path).lstrip("/").partition("/")
        source = {"Bucket": bucket, "Key": key} | ({"VersionId": query} if query else {})
    else:
        return []
    return [("GetObject", source)]


CONDITION_KEYS: Final = {
    "Prefix": "s3:prefix",
    "Delimiter": "s3:delimiter",
    "MaxKeys": "s3:max-keys",
    "ACL": "s3:x-amz-acl",
    "GrantRead": "s3:x-amz-grant-read",
    "GrantWrite": "s3:x-amz-grant-write",
    "GrantFullControl": "s3:x-amz-grant-full-control",
    "ServerSideEncryption": "s3:x-amz-server-side-encryption",
    "SSEKMSKeyId": "s3:x-amz-server-side-encryption-aws-kms-key-id",
    "SSECustomerAlgorithm": "s3:x-amz-server-side-encryption-customer-algorithm",
    "CopySource": "s3:x-amz-copy-source",
    "MetadataDirective": "s3:x-amz-metadata-directive",
    "StorageClass": "s3:x-amz-storage-class",
    "VersionId": "s3:versionid",
    "ObjectLockMode": "s3:object-lock-mode",
    "ObjectLockLegalHoldStatus": "s3:object-lock-legal-hold",
    "IfMatch": "s3:if-match",
    "IfNoneMatch": "s3:if-none-match",
}
"""By parameter."""

TABLE: Final = Table(
    prefix="s3",
    resources=("{Bucket}/{Key}", "{Bucket}"),
    home="arn:{partition}:s3:::",
    action_of=action_of,
    unscoped=frozenset({"ListBuckets", "ListDirectoryBuckets"}),
    parts={
        **{name: partial(_writing, name) for name in ("PutObject", "CopyObject", "CreateMultipartUpload", "UploadPartCopy")},
        "DeleteObjects": _deletes,
    },
    keys=CONDITION_KEYS,
    roles={"PutBucketReplication": ("ReplicationConfiguration.Role",)},
    passed_to="s3.amazonaws.com",
)

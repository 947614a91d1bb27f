"""The ACLs of buckets and objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from lambent.domain.call import Call
from lambent.domain.errors import AwsError
from lambent.domain.service import Operations
from lambent.services.s3 import access, acl, ownership, writing
from lambent.services.s3.context import S3
from lambent.services.s3.state import Bucket

if TYPE_CHECKING:
    from lambent.services.s3._generated_shapes import (
        GetBucketAclRequest,
        GetObjectAclRequest,
        PutBucketAclRequest,
        PutObjectAclRequest,
    )

operations: Operations[S3] = Operations()


def _wanted(bucket: Bucket, call: Call, account_id: str) -> list[acl.Grant]:
    """Return the grants that a put of an ACL means, whichever way it says them."""
    document = call.params.get("AccessControlPolicy")
    grants = acl.given(call.params, account_id, bucket.account_id)
    if grants is not None and document is not None:
        raise AwsError("UnexpectedContent", "This request does not support content", 400)
    if grants is None and document is None:
        members = {"MissingHeaderName": "x-amz-acl"}
        raise AwsError("MissingSecurityHeader", "Your request was missing a required header", 400, members=members)
    if grants is None:
        grants = acl.of_document(document or {})
        if document and document["Owner"]["ID"] != acl.canonical_id(account_id):
            raise AwsError("AccessDenied", "Access Denied", 403)
    if ownership.owner_enforced(bucket):
        raise ownership.not_supported()
    ownership.check_public(bucket, call, grants, call.operation)
    return grants


@operations.serves("GetBucketAcl")
async def get_bucket_acl(s3: S3, call: Call, request: GetBucketAclRequest) -> Mapping[str, Any]:
    """Give the bucket's owner and grants."""
    bucket = (await s3.bucket(call)).value
    return {"Owner": acl.owner(bucket.account_id), "Grants": access.bucket_grants(bucket)}


@operations.serves("PutBucketAcl")
async def put_bucket_acl(s3: S3, call: Call, request: PutBucketAclRequest) -> None:
    """Replace the bucket's grants."""

    def change(bucket: Bucket) -> Bucket:
        grants = _wanted(bucket, call, bucket.account_id)
        return msgspec.structs.replace(bucket, configurations={**bucket.configurations, "acl": grants})

    await s3.change_bucket(call, change)


@operations.serves("GetObjectAcl")
async def get_object_acl(s3: S3, call: Call, request: GetObjectAclRequest) -> Mapping[str, Any]:
    """Give a version's owner and grants."""
    bucket = (await s3.bucket(call)).value
    found, _ = await writing.readable(s3, bucket.name, request["Key"], request.get("VersionId", ""))
    return {"Owner": acl.owner(found.value.owner), "Grants": access.grants_of(found.value, bucket)}


@operations.serves("PutObjectAcl")
async def put_object_acl(s3: S3, call: Call, request: PutObjectAclRequest) -> None:
    """Replace a version's grants."""
    bucket = (await s3.bucket(call)).value
    found, _ = await writing.readable(s3, bucket.name, request["Key"], request.get("VersionId", ""), "PUT")
    grants = _wanted(bucket, call, found.value.owner)
    await writing.change_version(s3, call, bucket, {"acl": {"Grants": grants}}, "ObjectAcl:Put")

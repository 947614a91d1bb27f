"""Objects' tags."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lambent.domain.call import Call
from lambent.domain.service import Operations
from lambent.services.s3 import tagsets, writing
from lambent.services.s3.context import S3
from lambent.services.s3.state import Bucket, Version

if TYPE_CHECKING:
    from lambent.services.s3._generated_shapes import DeleteObjectTaggingRequest, GetObjectTaggingRequest, PutObjectTaggingRequest

operations: Operations[S3] = Operations()


@operations.serves("GetObjectTagging")
async def get_object_tagging(s3: S3, call: Call, request: GetObjectTaggingRequest) -> Mapping[str, Any]:
    """Give a version's tags."""
    bucket = (await s3.bucket(call)).value
    found, _ = await writing.readable(s3, bucket.name, request["Key"], request.get("VersionId", ""), hidden=False)
    tags = [{"Key": key, "Value": value} for key, value in found.value.tags.items()]
    return {"TagSet": tags, **_version_member(bucket, found.value)}


@operations.serves("PutObjectTagging")
async def put_object_tagging(s3: S3, call: Call, request: PutObjectTaggingRequest) -> Mapping[str, Any]:
    """Replace a version's tags."""
    bucket = (await s3.bucket(call)).value
    tags = tagsets.of_object(call.params["Tagging"].get("TagSet", []))
    change = await writing.change_version(s3, call, bucket, {"tags": tags}, "ObjectTagging:Put", "PUT")
    return _version_member(bucket, change)


@operations.serves("DeleteObjectTagging")
async def delete_object_tagging(s3: S3, call: Call, request: DeleteObjectTaggingRequest) -> Mapping[str, Any]:
    """Remove a version's tags."""
    bucket = (await s3.bucket(call)).value
    change = await writing.change_version(s3, call, bucket, {"tags": {}}, "ObjectTagging:Delete", "DELETE")
    return _version_member(bucket, change)


def _version_member(bucket: Bucket, version: Version) -> dict[str, str]:
    return {"VersionId": version.version_id} if bucket.versioning else {}

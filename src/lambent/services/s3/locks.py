"""Object lock's operations: a bucket's configuration, versions' retention and legal hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from lambent.domain.call import Call
from lambent.domain.errors import AwsError
from lambent.domain.service import Operations
from lambent.services.s3 import errors, locking, writing
from lambent.services.s3.context import S3
from lambent.services.s3.state import Bucket, Version

if TYPE_CHECKING:
    from lambent.services.s3._generated_shapes import (
        GetObjectLegalHoldRequest,
        GetObjectLockConfigurationRequest,
        GetObjectRetentionRequest,
        PutObjectLegalHoldRequest,
        PutObjectLockConfigurationRequest,
        PutObjectRetentionRequest,
    )

operations: Operations[S3] = Operations()


@operations.serves("PutObjectLockConfiguration")
async def put_object_lock_configuration(s3: S3, call: Call, request: PutObjectLockConfigurationRequest) -> None:
    """Switch object lock on, for good, and set or clear the default retention."""
    configuration = _said(call, "ObjectLockConfiguration")

    def change(bucket: Bucket) -> Bucket:
        if bucket.versioning != "Enabled":
            text = "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration"
            raise AwsError("InvalidBucketState", text, 409)
        locking.check_configuration(configuration)
        configurations = {**bucket.configurations, "object_lock": configuration}
        return msgspec.structs.replace(bucket, object_lock=True, configurations=configurations)

    await s3.change_bucket(call, change)


@operations.serves("GetObjectLockConfiguration")
async def get_object_lock_configuration(s3: S3, call: Call, request: GetObjectLockConfigurationRequest) -> Mapping[str, Any]:
    """Give the bucket's object lock configuration."""
    bucket = (await s3.bucket(call)).value
    if not bucket.object_lock:
        text = "Object Lock configuration does not exist for this bucket"
        raise AwsError("ObjectLockConfigurationNotFoundError", text, 404, members={"BucketName": bucket.name})
    return {"ObjectLockConfiguration": bucket.configurations.get("object_lock", {"ObjectLockEnabled": "Enabled"})}


def _said(call: Call, member: str) -> Mapping[str, Any]:
    """Return the request's body. ``MissingRequestBodyError`` when there is none."""
    if member not in call.params:
        raise AwsError("MissingRequestBodyError", "Request Body is empty", 400)
    body: Mapping[str, Any] = call.params[member]
    return body


async def _locked(s3: S3, call: Call, method: str) -> tuple[Bucket, Version]:
    """Return the bucket, which has object lock, and the version that the call names."""
    bucket = (await s3.bucket(call)).value
    found, _ = await writing.readable(s3, bucket.name, call.params["Key"], call.params.get("VersionId", ""), method)
    if not bucket.object_lock:
        raise locking.no_configuration()
    return bucket, found.value


def _none_there() -> AwsError:
    text = "The specified object does not have a ObjectLock configuration"
    return AwsError("NoSuchObjectLockConfiguration", text, 404)


@operations.serves("PutObjectRetention")
async def put_object_retention(s3: S3, call: Call, request: PutObjectRetentionRequest) -> None:
    """Set how long a version is kept; what is in force may only grow, unless governance is bypassed."""
    bucket, version = await _locked(s3, call, "PUT")
    bypass = bool(request.get("BypassGovernanceRetention"))
    wanted = _said(call, "Retention")
    retention = locking.check_retention(version, wanted, s3.platform.clock.now(), bypass=bypass)
    await writing.change_version(s3, call, bucket, {"retention": retention})


@operations.serves("GetObjectRetention")
async def get_object_retention(s3: S3, call: Call, request: GetObjectRetentionRequest) -> Mapping[str, Any]:
    """Give a version's retention."""
    _, version = await _locked(s3, call, "GET")
    if not version.retention:
        raise _none_there()
    return {"Retention": version.retention}


@operations.serves("PutObjectLegalHold")
async def put_object_legal_hold(s3: S3, call: Call, request: PutObjectLegalHoldRequest) -> None:
    """Put a legal hold on a version, or lift it."""
    bucket, _ = await _locked(s3, call, "PUT")
    status = _said(call, "LegalHold").get("Status")
    if status not in ("ON", "OFF"):
        raise errors.malformed_xml()
    await writing.change_version(s3, call, bucket, {"legal_hold": status})


@operations.serves("GetObjectLegalHold")
async def get_object_legal_hold(s3: S3, call: Call, request: GetObjectLegalHoldRequest) -> Mapping[str, Any]:
    """Give a version's legal hold."""
    _, version = await _locked(s3, call, "GET")
    if not version.legal_hold:
        raise _none_there()
    return {"LegalHold": {"Status": version.legal_hold}}

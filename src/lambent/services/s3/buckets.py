"""Buckets: create, find, list, delete."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lambent.domain.call import Call
from lambent.domain.documents import Found
from lambent.domain.errors import AwsError, Conflict
from lambent.domain.service import Operations
from lambent.domain.storage import ABSENT
from lambent.services.s3 import acl, errors, multipart, names
from lambent.services.s3.context import ATTEMPTS_MAX, S3, instant
from lambent.services.s3.state import BUCKETS, CURRENT, OLDER, OWNED, UPLOADS, Bucket

if TYPE_CHECKING:
    from lambent.domain.storage import Write
    from lambent.services.s3._generated_shapes import (
        CreateBucketOutput,
        CreateBucketRequest,
        DeleteBucketRequest,
        GetBucketLocationOutput,
        GetBucketLocationRequest,
        HeadBucketRequest,
        ListBucketsOutput,
        ListBucketsRequest,
    )

operations: Operations[S3] = Operations()

_BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


@operations.serves("CreateBucket")
async def create_bucket(s3: S3, call: Call, request: CreateBucketRequest) -> CreateBucketOutput:
    """Create a bucket, unless anybody has one of that name."""
    name = request["Bucket"]
    names.check_bucket_name(name)
    if not call.caller.account_id:
        raise errors.access_denied()
    constraint = request.get("CreateBucketConfiguration", {}).get("LocationConstraint", "")
    region = names.region_of(call.region, constraint)
    names.check_namespace(name, request.get("BucketNamespace", ""), call.caller.account_id, region)
    bucket = _new_bucket(s3, region, call, request)
    account_id = bucket.account_id
    owned = len(await OWNED.range(s3.platform.store, (account_id,), limit=s3.platform.quotas.buckets_max))
    if owned >= s3.platform.quotas.buckets_max:
        raise AwsError("TooManyBuckets", "You have attempted to create more buckets than allowed", 400)
    location = f"/{name}" if region == "us-east-1" else f"http://{name}.s3.{s3.platform.public_host}/"
    try:
        await s3.platform.store.commit([BUCKETS.put((name,), bucket, expect=ABSENT), OWNED.put((account_id, name), region)])
    except Conflict:
        _refuse_existing((await s3.named_bucket(name)).value, call)
    return {"Location": location, "BucketArn": bucket.arn}


def _new_bucket(s3: S3, region: str, call: Call, request: CreateBucketRequest) -> Bucket:
    account_id, chosen = call.caller.account_id, request.get("ObjectOwnership")
    if chosen not in (None, "BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"):
        text = f"Invalid x-amz-object-ownership header: {chosen}"
        raise AwsError("InvalidArgument", text, 400, members={"ArgumentName": "x-amz-object-ownership"})
    configurations: dict[str, Any] = {}
    if not s3.classic:
        configurations["public_access_block"] = dict.fromkeys(_BLOCKS, True)
    wanted = chosen or ("" if s3.classic else "BucketOwnerEnforced")
    if wanted:
        configurations["ownership"] = {"Rules": [{"ObjectOwnership": wanted}]}
    grants = acl.given(call.params, account_id, account_id)
    if grants is not None and grants != acl.canned("private", account_id, account_id):
        if wanted == "BucketOwnerEnforced":
            text = "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting"
            raise AwsError("InvalidBucketAclWithObjectOwnership", text, 400)
        if acl.is_public(grants) and not s3.classic:
            raise AwsError(
                "InvalidBucketAclWithBlockPublicAccessError", "Bucket cannot have public ACLs set with BlockPublicAccess enabled", 400
            )
        configurations["acl"] = grants
    if request.get("ObjectLockEnabledForBucket"):
        configurations["object_lock"] = {"ObjectLockEnabled": "Enabled"}
    tags = request.get("CreateBucketConfiguration", {}).get("Tags")
    if tags:
        configurations["tagging"] = {"TagSet": tags}
    return Bucket(
        name=request["Bucket"],
        account_id=account_id,
        region=region,
        created=s3.platform.clock.now(),
        versioning="Enabled" if request.get("ObjectLockEnabledForBucket") else "",
        object_lock=bool(request.get("ObjectLockEnabledForBucket")),
        configurations=configurations,
    )


def _refuse_existing(bucket: Bucket, call: Call) -> None:
    """Say whose the bucket is; in us-east-1 its owner may create it again, which changes nothing."""
    members = {"BucketName": bucket.name}
    if bucket.account_id != call.caller.account_id:
        text = (
            "The requested bucket name is not available. The bucket namespace is shared by all users of the system. "
            "Please select a different name and try again."
        )
        raise AwsError("BucketAlreadyExists", text, 409, members=members)
    if bucket.region != "us-east-1" or call.region != "us-east-1":
        text = "Your previous request to create the named bucket succeeded and you already own it."
        raise AwsError("BucketAlreadyOwnedByYou", text, 409, members=members)


@operations.serves("HeadBucket")
async def head_bucket(s3: S3, call: Call, request: HeadBucketRequest) -> Mapping[str, Any]:
    """Say whether the bucket is there and may be used, and its region."""
    bucket = (await s3.bucket(call)).value
    headers = {"content-type": "application/xml"}
    return {"BucketRegion": bucket.region, "BucketArn": bucket.arn, "AccessPointAlias": False, "$headers": headers}


@operations.serves("GetBucketLocation")
async def get_bucket_location(s3: S3, call: Call, request: GetBucketLocationRequest) -> GetBucketLocationOutput:
    """Give the bucket's region; nothing for us-east-1."""
    bucket = (await s3.bucket(call)).value
    return {} if bucket.region == "us-east-1" else {"LocationConstraint": bucket.region}


@operations.serves("DeleteBucket")
async def delete_bucket(s3: S3, call: Call, request: DeleteBucketRequest) -> None:
    """Delete a bucket that holds no version of anything; what was being uploaded to it goes too."""
    for _ in range(ATTEMPTS_MAX):
        found = await s3.bucket(call)
        try:
            await s3.platform.store.commit(await _writes_for_deletion(s3, found))
        except Conflict:
            continue
        return
    raise errors.conditional_conflict()


async def _writes_for_deletion(s3: S3, found: Found[Bucket]) -> list[Write]:
    """Return the writes that delete a bucket and what was being uploaded to it. ``BucketNotEmpty`` when it holds anything."""
    store, name = s3.platform.store, found.value.name
    if await CURRENT.range(store, (name,), limit=1) or await OLDER.range(store, (name,), limit=1):
        text = "The bucket you tried to delete is not empty"
        text += ". You must delete all versions in the bucket." if found.value.versioning else ""
        raise AwsError("BucketNotEmpty", text, 409, members={"BucketName": name})
    writes: list[Write] = [BUCKETS.delete((name,), expect=found.version), OWNED.delete((found.value.account_id, name))]
    uploads = await UPLOADS.range(store, (name,))
    while uploads:
        for upload in uploads:
            writes += await multipart.writes_for_abort(s3, upload)
        uploads = await UPLOADS.range(store, (name,), after=uploads[-1].key)
    return writes


@operations.serves("ListBuckets")
async def list_buckets(s3: S3, call: Call, request: ListBucketsRequest) -> ListBucketsOutput:
    """List the caller's buckets by name."""
    account_id = call.caller.account_id
    if not account_id:
        raise errors.access_denied()
    prefix, limit = request.get("Prefix", ""), request.get("MaxBuckets", 10_000)
    token = request.get("ContinuationToken", "")
    after = (account_id, _token_name(token)) if token else None
    owned = await OWNED.range(s3.platform.store, (account_id,), after=after, limit=100_000)
    wanted = [each for each in owned if str(each.key[1]).startswith(prefix) and request.get("BucketRegion", each.value) == each.value]
    listed: list[Any] = [await _listed(s3, each) for each in wanted[:limit]]
    answer: ListBucketsOutput = {"Buckets": [each for each in listed if each], "Owner": acl.owner(account_id)}  # type: ignore[typeddict-item]
    if len(wanted) > limit:
        answer["ContinuationToken"] = base64.urlsafe_b64encode(str(wanted[limit - 1].key[1]).encode()).decode()
    if prefix:
        answer["Prefix"] = prefix
    return answer


async def _listed(s3: S3, owned: Found[str]) -> dict[str, Any] | None:
    found = await BUCKETS.get(s3.platform.store, (owned.key[1],))
    if found is None:
        return None
    bucket = found.value
    return {"Name": bucket.name, "CreationDate": instant(bucket.created), "BucketRegion": bucket.region, "BucketArn": bucket.arn}


def _token_name(token: str) -> str:
    try:
        return base64.urlsafe_b64decode(token).decode()
    except ValueError as error:
        raise errors.invalid_argument("The continuation token provided is incorrect", "continuation-token", token) from error

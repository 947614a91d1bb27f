"""The bucket policy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lambent.domain.call import Call
from lambent.domain.errors import AwsError
from lambent.domain.service import Operations
from lambent.services.s3 import access, ownership, policy_checks
from lambent.services.s3.context import S3
from lambent.services.s3.state import Bucket

if TYPE_CHECKING:
    from lambent.services.s3._generated_shapes import (
        DeleteBucketPolicyRequest,
        GetBucketPolicyRequest,
        GetBucketPolicyStatusRequest,
        PutBucketPolicyRequest,
    )

operations: Operations[S3] = Operations()

POLICY_BYTES_MAX = 20_480


def _malformed(text: str) -> AwsError:
    return AwsError("MalformedPolicy", text, 400)


def _missing(bucket: Bucket) -> AwsError:
    return AwsError("NoSuchBucketPolicy", "The bucket policy does not exist", 404, members={"BucketName": bucket.name})


@operations.serves("PutBucketPolicy")
async def put_bucket_policy(s3: S3, call: Call, request: PutBucketPolicyRequest) -> Mapping[str, Any]:
    """Keep a bucket policy that is one."""
    bucket = (await s3.bucket(call)).value
    text = request["Policy"]
    if len(text.encode()) > POLICY_BYTES_MAX:
        raise _malformed("Normalized policy document exceeds the maximum allowed size of 20480 bytes.")
    try:
        policy = json.loads(text)
    except (ValueError, RecursionError):
        policy = None
    if not isinstance(policy, dict):
        raise _malformed("Policies must be valid JSON and the first byte must be '{'")
    problem = policy_checks.policy_problem(policy, bucket.arn)
    if problem:
        raise _malformed(problem)
    if ownership.blocks(bucket, "BlockPublicPolicy") and access.policy_is_public(policy):
        why = (
            f'User: {call.caller.arn} is not authorized to perform: s3:PutBucketPolicy on resource: "{bucket.arn}" because public policies '
            "are prevented by the BlockPublicPolicy setting in S3 Block Public Access."
        )
        raise AwsError("AccessDenied", why, 403)
    await s3.configure(call, "policy", text)
    return {"$status": 204}


@operations.serves("GetBucketPolicy")
async def get_bucket_policy(s3: S3, call: Call, request: GetBucketPolicyRequest) -> Mapping[str, Any]:
    """Give the policy's text as it was put."""
    bucket = (await s3.bucket(call)).value
    if "policy" not in bucket.configurations:
        raise _missing(bucket)
    return {"Policy": bucket.configurations["policy"]}


@operations.serves("DeleteBucketPolicy")
async def delete_bucket_policy(s3: S3, call: Call, request: DeleteBucketPolicyRequest) -> None:
    """Forget the policy."""
    await s3.configure(call, "policy", None)


@operations.serves("GetBucketPolicyStatus")
async def get_bucket_policy_status(s3: S3, call: Call, request: GetBucketPolicyStatusRequest) -> Mapping[str, Any]:
    """Say whether the policy lets everybody in."""
    bucket = (await s3.bucket(call)).value
    if "policy" not in bucket.configurations:
        raise _missing(bucket)
    return {"PolicyStatus": {"IsPublic": access.is_public(bucket)}}

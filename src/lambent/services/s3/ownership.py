"""Who owns what is written to a bucket, whether ACLs mean anything there, and what is kept from the public. Pure.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lambent.domain.call import Call
from lambent.domain.errors import AwsError
from lambent.services.s3 import acl
from lambent.services.s3.state import Bucket


def owner_enforced(bucket: Bucket) -> bool:
    """Return whether ACLs are switched off: the bucket's owner owns everything in it."""
    return ownership(bucket) == "BucketOwnerEnforced"


def ownership(bucket: Bucket) -> str:
    """Return who owns what others write: ``BucketOwnerEnforced``, ``BucketOwnerPreferred`` or ``ObjectWriter``."""
    rules = bucket.configurations.get("ownership", {}).get("Rules", [])
    return str(rules[0]["ObjectOwnership"]) if rules else "ObjectWriter"


def blocks(bucket: Bucket, what: str) -> bool:
    """Return whether the bucket's block of public access has that part switched on."""
    return bool(bucket.configurations.get("public_access_block", {}).get(what))


def not_supported() -> AwsError:
    """The bucket's owner owns everything in it, so lists of others mean nothing."""
    return AwsError("AccessControlListNotSupported", "The bucket does not allow ACLs", 400)


def check_public(bucket: Bucket, call: Call, grants: list[acl.Grant], action: str) -> None:
    """Raise ``AccessDenied`` for grants to everybody where they are blocked."""
    if acl.is_public(grants) and blocks(bucket, "BlockPublicAcls"):
        resource = bucket.arn + (f"/{call.params['Key']}" if "Key" in call.params else "")
        text = (
            f'User: {call.caller.arn or "anonymous"} is not authorized to perform: s3:{action} on resource: "{resource}" because public '
            "access control lists (ACLs) are prevented by the BlockPublicAcls setting in S3 Block Public Access."
        )
        raise AwsError("AccessDenied", text, 403)


def object_acl(bucket: Bucket, call: Call) -> dict[str, Any] | None:
    """Return the ACL that a write of an object asks for; ``None`` when it asks for none or for what is so anyway."""
    if owner_enforced(bucket):
        if call.params.get("ACL", "bucket-owner-full-control") != "bucket-owner-full-control" or _any_grant(call.params):
            raise not_supported()
        return None
    grants = acl.given(call.params, call.caller.account_id, bucket.account_id)
    if grants is None:
        return None
    check_public(bucket, call, grants, "PutObject")
    return {"Grants": grants}


def owner_of(bucket: Bucket, call: Call) -> str:
    """Return the account that will own what the call writes."""
    mine = owner_enforced(bucket)
    preferred = ownership(bucket) == "BucketOwnerPreferred" and call.params.get("ACL") == "bucket-owner-full-control"
    return bucket.account_id if mine or preferred else call.caller.account_id


def _any_grant(params: Mapping[str, Any]) -> bool:
    return any(params.get(name) for name in ("GrantFullControl", "GrantRead", "GrantReadACP", "GrantWrite", "GrantWriteACP"))

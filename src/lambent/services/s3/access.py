"""Whether a caller may do an operation on a bucket, beyond what IAM says: its policy, its ACL, and the block of public access. Pure.

What identity policies allow is decided before a call gets here; of the bucket's own account everybody who gets here may, unless the
bucket's policy denies it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final
from urllib.parse import parse_qsl

from lambent.domain.call import Call
from lambent.domain.caller import CallerKind
from lambent.domain.errors import AwsError
from lambent.policy.actions.s3 import CONDITION_KEYS, action_of
from lambent.policy.callers import principal_of, secure_transport
from lambent.policy.evaluation import Decision, Request, evaluate, role_of
from lambent.services.s3 import acl
from lambent.services.s3.ownership import blocks, owner_enforced
from lambent.services.s3.state import Bucket, Version

POLICY_OPERATIONS: Final = frozenset({"GetBucketPolicy", "PutBucketPolicy", "DeleteBucketPolicy"})
"""What an account's root may do whatever the policy says, so that nobody locks a bucket for ever."""

_ON_BUCKETS: Final = {
    "ListBucket": "READ",
    "ListBucketVersions": "READ",
    "ListBucketMultipartUploads": "READ",
    "PutObject": "WRITE",
    "DeleteObject": "WRITE",
    "AbortMultipartUpload": "WRITE",
    "ListMultipartUploadParts": "WRITE",
    "GetBucketAcl": "READ_ACP",
    "PutBucketAcl": "WRITE_ACP",
}
_ON_OBJECTS: Final = {
    "GetObject": "READ",
    "GetObjectVersion": "READ",
    "GetObjectAcl": "READ_ACP",
    "GetObjectVersionAcl": "READ_ACP",
    "PutObjectAcl": "WRITE_ACP",
    "PutObjectVersionAcl": "WRITE_ACP",
}


@lru_cache(maxsize=256)
def _statements(policy: str) -> tuple[Mapping[str, Any], ...]:
    return tuple(listed(json.loads(policy).get("Statement", [])))


def asks_for_tags(bucket: Bucket, call: Call) -> bool:
    """Return whether the bucket's policy depends on the tags that the call's object has."""
    return "Key" in call.params and "existingobjecttag" in bucket.configurations.get("policy", "").lower()


def verdict(bucket: Bucket, call: Call, now: float, existing_tags: Mapping[str, str]) -> Decision:
    """Return what the bucket's policy says of the call; with everybody kept out, a public statement says nothing."""
    text = bucket.configurations.get("policy")
    if not text:
        return Decision.SILENT
    key = call.params.get("Key")
    asked = Request(
        principal_of(call.caller),
        f"s3:{action_of(call.operation, call.params)}",
        bucket.arn + (f"/{key}" if key is not None else ""),
        _context(call, now, existing_tags),
    )
    said = evaluate(_statements(text), asked)
    if said is Decision.ALLOW and blocks(bucket, "RestrictPublicBuckets") and is_public(bucket) and outside(bucket, call):
        return Decision.SILENT
    return said


def denied(bucket: Bucket, call: Call) -> AwsError:
    """Return what somebody of the bucket's own account hears when the bucket's policy denies the call."""
    resource = bucket.arn + (f"/{call.params['Key']}" if "Key" in call.params else "")
    action = action_of(call.operation, call.params)
    text = (
        f'User: {call.caller.arn} is not authorized to perform: s3:{action} on resource: "{resource}" with an explicit deny in a '
        "resource-based policy"
    )
    return AwsError("AccessDenied", text, 403)


def outside(bucket: Bucket, call: Call) -> bool:
    """Return whether the caller is neither of the bucket's account nor a service that acts for it."""
    return call.caller.account_id != bucket.account_id


def _context(call: Call, now: float, existing_tags: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    caller, params = call.caller, call.params
    context: dict[str, tuple[str, ...]] = {
        "aws:sourceip": (call.source_ip,),
        "aws:useragent": (call.user_agent,),
        "aws:securetransport": secure_transport(call.source_ip),
        "aws:currenttime": (datetime.fromtimestamp(now, UTC).isoformat(),),
        "aws:epochtime": (str(int(now)),),
        "aws:requestedregion": (call.region,),
    }
    about_caller = {
        "aws:principalarn": role_of(caller.arn) if caller.kind is not CallerKind.SERVICE else "",
        "aws:principalaccount": caller.account_id if caller.kind is not CallerKind.SERVICE else "",
        "aws:principaltype": {CallerKind.ROOT: "Account", CallerKind.USER: "User", CallerKind.ROLE: "AssumedRole"}.get(caller.kind, ""),
        "aws:sourcearn": caller.source_arn,
        "aws:sourceaccount": caller.source_account,
    }
    context |= {name: (value,) for name, value in about_caller.items() if value}
    context |= {name: (str(params[member]),) for member, name in CONDITION_KEYS.items() if params.get(member) is not None}
    context |= {f"s3:existingobjecttag/{name}".lower(): (value,) for name, value in existing_tags.items()}
    requested = dict(parse_qsl(params.get("Tagging", ""))) if isinstance(params.get("Tagging"), str) else {}
    context |= {f"s3:requestobjecttag/{name}".lower(): (value,) for name, value in requested.items()}
    return context


def bucket_acl_allows(bucket: Bucket, call: Call) -> bool:
    """Return whether the bucket's ACL gives the caller what the operation needs."""
    permission = _ON_BUCKETS.get(action_of(call.operation, call.params))
    return permission is not None and _acl_allows(bucket, bucket_grants(bucket), call, permission)


def object_permission(call: Call) -> str | None:
    """Return the permission on the object itself that the operation needs, where an object's ACL can give it."""
    return _ON_OBJECTS.get(action_of(call.operation, call.params))


def object_acl_allows(bucket: Bucket, version: Version, call: Call, permission: str) -> bool:
    """Return whether the object's ACL gives the caller the permission; its owner may always see to the ACL itself."""
    if version.owner == call.caller.account_id != "" and permission.endswith("ACP"):
        return True
    return _acl_allows(bucket, grants_of(version, bucket), call, permission)


def _acl_allows(bucket: Bucket, grants: list[acl.Grant], call: Call, permission: str) -> bool:
    if owner_enforced(bucket):
        return False
    return acl.allows(grants, call.caller, permission, ignore_public=blocks(bucket, "IgnorePublicAcls"))


def bucket_grants(bucket: Bucket) -> list[acl.Grant]:
    """Return the bucket's ACL."""
    found: list[acl.Grant] | None = bucket.configurations.get("acl")
    return acl.canned("private", bucket.account_id, bucket.account_id) if found is None else found


def grants_of(version: Version, bucket: Bucket) -> list[acl.Grant]:
    """Return an object's ACL."""
    if version.acl is None:
        return acl.canned("private", version.owner, bucket.account_id)
    found: list[acl.Grant] = version.acl["Grants"]
    return found


def is_public(bucket: Bucket) -> bool:
    """Return whether the bucket's policy lets everybody do something."""
    text = bucket.configurations.get("policy")
    return text is not None and policy_is_public(json.loads(text))


def policy_is_public(policy: Mapping[str, Any]) -> bool:
    """Return whether the policy has a statement that lets everybody do something, whatever the circumstances."""
    statements = listed(policy.get("Statement", []))
    return any(each.get("Effect") == "Allow" and not each.get("Condition") and _everybody(each.get("Principal")) for each in statements)


def _everybody(principal: object) -> bool:
    return principal == "*" or (isinstance(principal, dict) and "*" in listed(principal.get("AWS", [])))


def listed(value: Any) -> list[Any]:
    """Return a policy's element, which may be one or a list, as a list."""
    return value if isinstance(value, list) else [value]

"""Whether a caller may do an operation on a bucket, beyond what IAM says: the owner may, others need the bucket's policy or a public ACL.

Pure. What identity policies allow is decided before a call gets here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from lambent.domain.call import Call
from lambent.domain.caller import Caller
from lambent.services.s3.state import Bucket

_ACTIONS = {
    "HeadObject": "GetObject",
    "GetObjectAttributes": "GetObject",
    "CopyObject": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "UploadPartCopy": "PutObject",
    "CompleteMultipartUpload": "PutObject",
    "DeleteObjects": "DeleteObject",
    "HeadBucket": "ListBucket",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "ListObjectVersions": "ListBucketVersions",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "ListParts": "ListMultipartUploadParts",
}
_ACL_READS = {"ListBucket"}
_ACL_WRITES = {"PutObject", "DeleteObject"}


def action_of(operation: str) -> str:
    """Return the IAM action, without ``s3:``, that guards an operation."""
    return _ACTIONS.get(operation, operation)


def allows(bucket: Bucket, call: Call) -> bool:
    """Return whether the caller may do the call's operation on the bucket."""
    action = action_of(call.operation)
    resource = bucket.arn + (f"/{call.params['Key']}" if "Key" in call.params else "")
    verdict = policy_verdict(bucket, call.caller, action, resource)
    if call.caller.account_id == bucket.account_id:
        return verdict is not False or call.caller.kind.value == "root"
    if verdict is not None:
        return verdict
    return _public(bucket, action)


def policy_verdict(bucket: Bucket, caller: Caller, action: str, resource: str) -> bool | None:
    """Return what the bucket's policy says: ``True`` allowed, ``False`` denied, ``None`` nothing. A statement with conditions
    says nothing here."""
    text = bucket.configurations.get("policy")
    if not text:
        return None
    verdict: bool | None = None
    for statement in _listed(json.loads(text).get("Statement", [])):
        if statement.get("Condition") or not _concerns(statement, caller, action, resource):
            continue
        if statement.get("Effect") == "Deny":
            return False
        verdict = True
    return verdict


def policy_problem(policy: Mapping[str, Any], bucket_arn: str) -> str:
    """Return what is wrong with a policy for the bucket, in AWS's words; nothing when it is fine."""
    statements = _listed(policy.get("Statement", []))
    if not statements:
        return "Missing required field Statement"
    for each in statements:
        if not isinstance(each, dict) or each.get("Effect") not in ("Allow", "Deny"):
            return "Missing required field Effect"
        if "Principal" not in each and "NotPrincipal" not in each:
            return "Missing required field Principal"
        if "Action" not in each and "NotAction" not in each:
            return "Missing required field Action"
        if "Resource" not in each and "NotResource" not in each:
            return "Missing required field Resource"
        resources = [str(one) for one in _listed(each.get("Resource", []))]
        if any(one != "*" and one != bucket_arn and not one.startswith((bucket_arn + "/", bucket_arn + "*")) for one in resources):
            return "Policy has invalid resource"
    return ""


def is_public(bucket: Bucket) -> bool:
    """Return whether the bucket's policy lets everybody do something."""
    text = bucket.configurations.get("policy")
    if not text:
        return False
    statements = _listed(json.loads(text).get("Statement", []))
    return any(each.get("Effect") == "Allow" and not each.get("Condition") and _everybody(each.get("Principal")) for each in statements)


def _concerns(statement: Mapping[str, Any], caller: Caller, action: str, resource: str) -> bool:
    return (
        _names(statement.get("Principal"), caller)
        and _matches(statement.get("Action", []), f"s3:{action}", fold=True)
        and _matches(statement.get("Resource", []), resource)
    )


def _everybody(principal: object) -> bool:
    return principal == "*" or (isinstance(principal, dict) and "*" in _listed(principal.get("AWS", [])))


def _names(principal: object, caller: Caller) -> bool:
    if _everybody(principal):
        return True
    if not isinstance(principal, dict):
        return False
    if caller.kind.value == "service":
        return caller.arn in _listed(principal.get("Service", []))
    root = f"arn:aws:iam::{caller.account_id}:root"
    return bool(caller.account_id) and any(each in (caller.account_id, root, caller.arn) for each in _listed(principal.get("AWS", [])))


def _matches(patterns: object, text: str, *, fold: bool = False) -> bool:
    given: Iterable[str] = _listed(patterns)
    if fold:
        return any(fnmatchcase(text.lower(), str(each).lower().replace("[", "[[]")) for each in given)
    return any(fnmatchcase(text, str(each).replace("[", "[[]")) for each in given)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _public(bucket: Bucket, action: str) -> bool:
    canned = bucket.configurations.get("canned_acl", "")
    reads = canned in ("public-read", "public-read-write") and action in _ACL_READS
    return reads or (canned == "public-read-write" and action in _ACL_WRITES)

"""What is wrong with a bucket policy. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from lambent.base.regexes import Regex
from lambent.policy.wildcards import matches

_ON_OBJECTS: Final = Regex(r"(?!.*Bucket).*Object.*|AbortMultipartUpload|ListMultipartUploadParts|BypassGovernanceRetention")


def policy_problem(policy: Mapping[str, Any], bucket_arn: str) -> str:
    """Return what is wrong with a policy for the bucket, in AWS's words; nothing when it is fine."""
    if "Statement" not in policy:
        return "Missing required field Statement"
    statements = policy["Statement"] if isinstance(policy["Statement"], list) else [policy["Statement"]]
    if not statements:
        return "Could not parse the policy: Statement is empty!"
    for each in statements:
        problem = _statement_problem(each, bucket_arn)
        if problem:
            return problem
    return ""


def _statement_problem(statement: Any, bucket_arn: str) -> str:
    if not isinstance(statement, dict):
        return "Policies must be valid JSON and the first byte must be '{'"
    if "Effect" not in statement:
        return "Missing required field Effect"
    if statement["Effect"] not in ("Allow", "Deny"):
        return f"Invalid effect: {statement['Effect']}"
    for name in ("Principal", "Action", "Resource"):
        if name not in statement and f"Not{name}" not in statement:
            return f"Missing required field {name}"
    if isinstance(statement.get("Principal"), str) and statement["Principal"] != "*":
        return "Invalid principal in policy"
    conditions = statement.get("Condition", {})
    if not isinstance(conditions, dict) or not all(isinstance(each, dict) for each in conditions.values()):
        return "Invalid Condition type"
    resources, actions = _texts(statement.get("Resource", [])), _texts(statement.get("Action", []))
    if any(not _of_bucket(each, bucket_arn) for each in resources):
        return "Policy has invalid resource"
    if any(each != "*" and not each.lower().startswith("s3:") for each in actions):
        return "Policy has invalid action"
    if resources and any(not _applies(each.partition(":")[2], resources, bucket_arn) for each in actions if each != "*"):
        return "Action does not apply to any resource(s) in statement"
    return ""


def _texts(value: Any) -> list[str]:
    return [str(each) for each in (value if isinstance(value, list) else [value])]


def _of_bucket(resource: str, bucket_arn: str) -> bool:
    home, _, name = bucket_arn.rpartition(":")
    pattern = resource.removeprefix(f"{home}:").partition("/")[0]
    return resource == "*" or (resource.startswith(f"{home}:") and matches(pattern, name))


def _applies(action: str, resources: list[str], bucket_arn: str) -> bool:
    """Return whether an action (which may have wildcards) can be done with any of the resources."""
    if "*" in action or "?" in action:
        return True
    if _ON_OBJECTS.fullmatch(action):
        return any("/" in each or each.endswith("*") for each in resources)
    return any(matches(each, bucket_arn) for each in resources)

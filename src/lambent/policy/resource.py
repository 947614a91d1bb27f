"""Evaluates a resource policy: may a principal carry out an action on a resource, as far as this policy says?

Follows "IAM JSON policy elements" and "Policy evaluation logic": an explicit ``Deny``
wins, then any ``Allow``; otherwise the policy says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from lambent.policy.conditions import Context, hold, texts
from lambent.policy.wildcards import action_matches, matches


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks. All empty: an anonymous caller, whom only ``*`` means."""

    account_id: str = ""
    arn: str = ""  #: of a user, role session or root
    service: str = ""  #: ``s3.amazonaws.com``


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for."""

    principal: Principal
    action: str  #: ``lambda:InvokeFunction``
    resource: str  #: ARN
    context: Context


class Decision(Enum):
    """What a policy says of a request."""

    ALLOW = "allow"
    DENY = "deny"
    SILENT = "silent"  #: no statement applies


def evaluate(statements: Iterable[Mapping[str, Any]], request: Request) -> Decision:
    """Return what the statements say."""
    decision = Decision.SILENT
    for statement in statements:
        if applies(statement, request):
            if statement.get("Effect") == "Deny":
                return Decision.DENY
            if statement.get("Effect") == "Allow":
                decision = Decision.ALLOW
    return decision


def applies(statement: Mapping[str, Any], request: Request) -> bool:
    """Return whether a statement is about the request."""
    return (
        _about_principal(statement, request.principal)
        and _about(statement, "Action", lambda pattern: action_matches(pattern, request.action))
        and _about(statement, "Resource", lambda pattern: matches(pattern, request.resource), default=True)
        and hold(statement.get("Condition") or {}, request.context)
    )


def _about(statement: Mapping[str, Any], element: str, test: Any, *, default: bool = False) -> bool:
    """Return whether an element, or its ``Not…`` form, takes the request in."""
    if element in statement:
        return any(test(pattern) for pattern in texts(statement[element]))
    if f"Not{element}" in statement:
        return not any(test(pattern) for pattern in texts(statement[f"Not{element}"]))
    return default


def _about_principal(statement: Mapping[str, Any], principal: Principal) -> bool:
    if "Principal" in statement:
        return _is_one_of(statement["Principal"], principal)
    if "NotPrincipal" in statement:
        return not _is_one_of(statement["NotPrincipal"], principal)
    return False


def _is_one_of(element: Any, principal: Principal) -> bool:
    if element == "*":
        return True
    if not isinstance(element, Mapping):
        return False
    if principal.service and any(matches(name, principal.service) for name in texts(element.get("Service", ()))):
        return True
    return any(_is_account_principal(name, principal) for name in texts(element.get("AWS", ())))


def _is_account_principal(name: str, principal: Principal) -> bool:
    """Return whether ``Principal.AWS`` means the caller: by ``*``, account id, the account's root (all of it), or its own ARN."""
    if name == "*":
        return True
    if not principal.account_id:
        return False
    if name == principal.account_id or (name.startswith("arn:") and name.endswith(f":iam::{principal.account_id}:root")):
        return True
    return name in {principal.arn, _role_of(principal.arn)}


def _role_of(arn: str) -> str:
    """Return the role's ARN of a role session's (without its path, which a session doesn't know)."""
    prefix, found, rest = arn.partition(":assumed-role/")
    if not found:
        return arn
    return f"{prefix.replace(':sts:', ':iam:')}:role/{rest.partition('/')[0]}"

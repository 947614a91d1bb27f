"""Evaluates statements: may a principal carry out an action on a resource, as far as these policies say?

The one evaluator, of resource policies and of identity policies alike. Follows "IAM JSON policy elements" and "Policy evaluation
logic": an explicit ``Deny`` wins, then any ``Allow``; otherwise the policy says nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Any

import msgspec

from lambent.policy.conditions import Context, hold, texts
from lambent.policy.variables import Unresolved, resolved
from lambent.policy.wildcards import action_matches, matches


class Principal(msgspec.Struct, frozen=True):
    """Who asks. All empty: an anonymous caller, whom only ``*`` means."""

    account_id: str = ""  #: empty for somebody whom an account's own number, or its root, doesn't mean
    arn: str = ""  #: of a user, role session or root
    service: str = ""  #: ``s3.amazonaws.com``


class Request(msgspec.Struct, frozen=True):
    """What is asked for."""

    principal: Principal
    action: str  #: ``lambda:InvokeFunction``
    resource: str  #: ARN, or ``*`` for an action that isn't on a resource
    context: Context
    certain: bool = True
    """Whether ``resource`` is known to be the one. If not, it is the beginning of its ARN: an ``Allow`` must take in whatever comes after
    that, and a ``Deny`` counts for any resource."""
    is_pattern: bool = False  #: ``resource`` has a ``?`` for each character of its name that isn't known


class Decision(Enum):
    """What a policy says of a request."""

    ALLOW = "allow"
    DENY = "deny"
    SILENT = "silent"  #: no statement applies


def evaluate(
    statements: Iterable[Mapping[str, Any]], request: Request, *, of_identity: bool = False, has_variables: bool = False
) -> Decision:
    """Return what the statements say.

    ``of_identity``: they are attached to who asks, and name no principal. ``has_variables``: their policy is of version 2012-10-17, in
    which ``${aws:…}`` stands for the request's value.
    """
    decision = Decision.SILENT
    for statement in statements:
        if (of_identity or _about_principal(statement, request.principal)) and applies(statement, request, has_variables=has_variables):
            if statement.get("Effect") == "Deny":
                return Decision.DENY
            if statement.get("Effect") == "Allow":
                decision = Decision.ALLOW
    return decision


def applies(statement: Mapping[str, Any], request: Request, *, has_variables: bool = False) -> bool:
    """Return whether a statement is about the request, whoever makes it."""
    return (
        _about(statement, "Action", lambda pattern: action_matches(pattern, request.action))
        and _about_resource(statement, request, has_variables=has_variables)
        and hold(statement.get("Condition") or {}, request.context, has_variables=has_variables)
    )


def _about(statement: Mapping[str, Any], element: str, test: Callable[[str], bool], *, default: bool = False) -> bool:
    """Return whether an element, or its ``Not…`` form, takes the request in."""
    if element in statement:
        return any(test(pattern) for pattern in texts(statement[element]))
    if f"Not{element}" in statement:
        return not any(test(pattern) for pattern in texts(statement[f"Not{element}"]))
    return default


def _about_resource(statement: Mapping[str, Any], request: Request, *, has_variables: bool) -> bool:
    if not request.certain:
        if statement.get("Effect") == "Deny":
            return True
        if "NotResource" in statement:
            return False

    def test(pattern: str) -> bool:
        try:
            wanted = _resolved(pattern, request.context) if has_variables and "${" in pattern else pattern
        except Unresolved:
            return False
        if not request.certain:
            return matches(wanted, request.resource + _WHATEVER)
        return matches(wanted, request.resource) or (request.is_pattern and matches(request.resource, wanted))

    return _about(statement, "Resource", test, default=True)


def _resolved(pattern: str, context: Context) -> str:
    return resolved(pattern, {key.lower(): values for key, values in context.items()}, for_wildcards=True)


_WHATEVER = "\uffff\uffff/\uffff:\uffff"
"""The rest of an ARN that isn't known: no pattern takes it in but one that takes in everything."""


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
    account_id = principal.account_id
    if account_id and (name == account_id or (name.startswith("arn:") and name.endswith(f":iam::{account_id}:root"))):
        return True
    return bool(principal.arn) and (name == principal.arn or _without_path(name) == role_of(principal.arn))


def role_of(arn: str) -> str:
    """Return the role's ARN of a role session's (without its path, which a session doesn't know)."""
    prefix, found, rest = arn.partition(":assumed-role/")
    if not found:
        return arn
    return f"{prefix.replace(':sts:', ':iam:')}:role/{rest.partition('/')[0]}"


def _without_path(arn: str) -> str:
    prefix, found, rest = arn.partition(":role/")
    return f"{prefix}:role/{rest.rpartition('/')[2]}" if found else arn

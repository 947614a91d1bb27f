"""What a principal may do by the policies attached to it, and how IAM says why not.

Follows "Policy evaluation logic" for one account: an explicit deny anywhere ends it; then the identity's own policies, its permissions
boundary and its session's policies must each allow. A resource's policy may stand in for the identity's own, but not for a boundary or a
session's policy, unless it names the very session.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from lambent.policy.evaluation import Decision, Principal, Request, evaluate

IDENTITY: Final = "identity-based policy"
BOUNDARY: Final = "permissions boundary"
SESSION: Final = "session policy"
RESOURCE: Final = "resource-based policy"


class Policy(msgspec.Struct, frozen=True):
    """A policy document."""

    statements: tuple[Mapping[str, Any], ...]
    has_variables: bool  #: its version is one in which ``${aws:…}`` means something

    @classmethod
    def parse(cls, text: str) -> Policy:
        """Return the policy in a JSON text. ``ValueError`` when it isn't one."""
        document = json.loads(text)
        if not isinstance(document, dict):
            raise ValueError("a policy is a JSON object")
        found = document.get("Statement", [])
        statements = found if isinstance(found, list) else [found]
        if not all(isinstance(each, dict) for each in statements):
            raise ValueError("a policy's statements are JSON objects")
        return cls(tuple(statements), document.get("Version") == "2012-10-17")

    def says(self, request: Request, *, of_identity: bool = False) -> Decision:
        """Return what the policy says of a request; ``of_identity``: it is attached to who asks."""
        return evaluate(self.statements, request, of_identity=of_identity, has_variables=self.has_variables)


class Permissions(msgspec.Struct, frozen=True):
    """The policies that bear on a principal."""

    identity: tuple[Policy, ...] = ()
    boundary: tuple[Policy, ...] | None = None  #: ``None``: it has no permissions boundary
    session: tuple[Policy, ...] | None = None  #: ``None``: it is no session, or one without policies of its own

    @property
    def is_plain(self) -> bool:
        """Whether action and resource alone decide: no statement has a condition or a variable."""
        statements = [each for _, policies in self.layers() for policy in policies for each in policy.statements]
        return not any("Condition" in each or "${" in json.dumps(each) for each in statements)

    def layers(self) -> Iterable[tuple[str, tuple[Policy, ...]]]:
        """Return what must each allow, in the order in which AWS names them."""
        yield IDENTITY, self.identity
        if self.boundary is not None:
            yield BOUNDARY, self.boundary
        if self.session is not None:
            yield SESSION, self.session


class Verdict(msgspec.Struct, frozen=True):
    """What became of a request."""

    denied_by: str = ""  #: the kind of policy that has an explicit deny
    missing: tuple[str, ...] = ()  #: the kinds of policies that should have allowed it and don't

    @property
    def allowed(self) -> bool:
        """Whether it may be carried out."""
        return not self.denied_by and not self.missing

    def why_not(self, action: str) -> str:
        """Return the end of AWS's message, as "Access denied error message examples" gives it."""
        if self.denied_by:
            return f"with an explicit deny in {'an' if self.denied_by == IDENTITY else 'a'} {self.denied_by}"
        return f"because no {self.missing[0]} allows the {action} action"


ALLOWED: Final = Verdict()


def judge(permissions: Permissions, request: Request) -> Verdict:
    """Return what the principal's own policies say."""
    missing = []
    for kind, policies in permissions.layers():
        said = [policy.says(request, of_identity=True) for policy in policies]
        if Decision.DENY in said:
            return Verdict(denied_by=kind)
        if Decision.ALLOW not in said:
            missing.append(kind)
    return Verdict(missing=tuple(missing)) if missing else ALLOWED


def with_resource_policy(verdict: Verdict, policies: Sequence[Policy], request: Request) -> Verdict:
    """Return the verdict on a request within one account, given that the policies of the resource have a say too.

    A statement for the account, by number or root, hands the decision on to the account's own policies, and grants nothing here.
    """
    said = [policy.says(request) for policy in policies]
    if Decision.DENY in said:
        return Verdict(denied_by=RESOURCE)
    if verdict.denied_by or not verdict.missing:
        return verdict
    named = replace(request, principal=Principal(arn=request.principal.arn))
    if verdict.missing == (IDENTITY,) and any(policy.says(named) is Decision.ALLOW for policy in policies):
        return ALLOWED
    session = [_naming(policy, request.principal.arn) for policy in policies]
    if any(policy.says(named) is Decision.ALLOW for policy in session):
        return ALLOWED
    return verdict


def _naming(policy: Policy, arn: str) -> Policy:
    """Return the policy with the statements only that name the principal itself."""
    return replace(policy, statements=tuple(each for each in policy.statements if arn in _names(each.get("Principal"))))


def _names(principal: object) -> Sequence[str]:
    named = principal.get("AWS", ()) if isinstance(principal, Mapping) else ()
    return (named,) if isinstance(named, str) else tuple(named)

"""A caller as resource policies see it."""

from __future__ import annotations

from lambent.domain.caller import Caller, CallerKind
from lambent.policy.evaluation import Principal, role_of


def principal_of(caller: Caller) -> Principal:
    """Return the principal that a policy's ``Principal`` is compared with."""
    if caller.kind is CallerKind.SERVICE:
        return Principal(service=caller.arn)
    if caller.kind is CallerKind.ANONYMOUS:
        return Principal()
    return Principal(account_id=caller.account_id, arn=caller.arn)


def secure_transport(source_ip: str) -> tuple[str, ...]:
    """Return the condition key ``aws:SecureTransport``: on its way from this machine itself nobody listens to a request; from elsewhere it
    comes in the clear, unless something in front of us, on this machine, ends its TLS."""
    return ("true" if source_ip == "::1" or source_ip.removeprefix("::ffff:").startswith("127.") else "false",)


def conditions_of(caller: Caller) -> dict[str, tuple[str, ...]]:
    """Return the condition keys that a caller brings along."""
    context: dict[str, tuple[str, ...]] = {}
    if caller.source_arn:
        context["aws:SourceArn"] = (caller.source_arn,)
    if caller.source_account:
        context["aws:SourceAccount"] = (caller.source_account,)
    if caller.kind not in {CallerKind.SERVICE, CallerKind.ANONYMOUS}:
        context["aws:PrincipalArn"] = (role_of(caller.arn),)
        context["aws:PrincipalAccount"] = (caller.account_id,)
    return context

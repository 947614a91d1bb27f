"""Whether a role may make a call: its policies, boundary and session's policies, and the resource's policy where those are silent.

Roles only: an account's root, and users, may do everything (``docs/security.md``).
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Collection
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, Protocol

from msgspec.structs import replace

from lambent.base.clock import Clock
from lambent.domain.arns import Arn
from lambent.domain.call import Call
from lambent.domain.caller import Caller, CallerKind
from lambent.domain.errors import AwsError
from lambent.policy.actions import Need, needs_of
from lambent.policy.callers import conditions_of, principal_of, secure_transport
from lambent.policy.evaluation import Decision, Principal, Request, role_of
from lambent.policy.permissions import ALLOWED, IDENTITY, Policy, Verdict, judge, with_resource_policy
from lambent.server.denials import denial
from lambent.server.identities import SessionPolicies
from lambent.server.resource_policies import ResourcePolicies
from lambent.server.role_book import Key, Role, RoleBook, parsed
from lambent.server.role_documents import RoleDocument

_log = logging.getLogger(__name__)

MODES: Final = ("known", "enforce", "off")
_ROLE: Final = CallerKind.ROLE  #: an ``Enum`` takes its time to find a member
_NOT_FOR_SESSIONS: Final = frozenset({"GetSessionToken", "GetFederationToken"})
_NOTHING: Final = Verdict(missing=(IDENTITY,))
_SESSIONS_MAX: Final = 10_000
_DECISIONS_MAX: Final = 1_000


class Sessions(Protocol):
    """Knows sessions by their access keys."""

    def session_policies(self, access_key_id: str) -> SessionPolicies | None:
        """Return the policies that a session was begun with; ``None`` for one that was begun without."""
        ...


class RoleAuthoriser:
    """The authoriser of a server, and what Lambda asks of execution roles. With ``strict``, a role that isn't known may do nothing."""

    def __init__(
        self,
        book: RoleBook,
        resource_policies: ResourcePolicies,
        clock: Clock,
        *,
        strict: bool,
        sessions: Sessions,
        in_parts: Collection[tuple[str, str]] = (),
    ) -> None:
        self._book = book
        self._resource_policies = resource_policies
        self._clock = clock
        self._strict = strict
        self._sessions = sessions
        self._session_policies: dict[str, tuple[Policy, ...] | None] = {}
        self._in_parts = frozenset(in_parts)  # operations whose services ask for each part by itself
        self._told: set[Key] = set()  #: the roles of which it was said that nobody knows them

    def authorise(self, call: Call) -> Awaitable[None] | None:
        """Return when the caller may make the call; raise its service's way of saying no."""
        caller = call.caller
        if caller.kind is not _ROLE:
            return None
        key = (caller.account_id, _role_name(caller.arn))
        if key in self._told and not self._strict and call.service != "sts":
            known, role = self._book.at_hand(key)
            if known and role is None:
                return None
        return self._decide(call)

    async def _decide(self, call: Call) -> None:
        refused = await self._refusal(call)
        if refused is not None:
            raise refused

    async def seen(self, call: Call, error: AwsError) -> AwsError:
        """Return the error; whether an object is there is for those to know who may list its bucket."""
        if call.caller.kind is not CallerKind.ROLE or call.service != "s3" or error.code != "NoSuchKey" or "Bucket" not in call.params:
            return error
        listing = Call("s3", "ListObjectsV2", {"Bucket": call.params["Bucket"]}, call.caller, call.region, call.account_id, call.request_id)
        return await self._refusal(listing) or error

    async def permits(self, call: Call) -> bool:
        """Return whether the caller might make the call, which nobody makes now."""
        return call.caller.kind is not CallerKind.ROLE or await self._refusal(call) is None

    async def is_assumable(self, role_arn: str, service: str, source_arn: str) -> bool:
        """Return whether a service may act as the role, by the role's trust policy, for the resource ``source_arn``."""
        arn = Arn.parse(role_arn)
        name = arn.resource.rpartition("/")[2]
        role = await self._find(arn.account_id, name)
        if role is None:
            return not self._strict
        if role.document.deleted or role.document.arn != role_arn:
            return False
        context = {"aws:SourceArn": (source_arn,), "aws:SourceAccount": (Arn.parse(source_arn).account_id,)}
        asked = Request(Principal(service=service), "sts:AssumeRole", role_arn, context)
        return role.trust.says(asked) is Decision.ALLOW

    async def _find(self, account_id: str, name: str) -> Role | None:
        known, role = self._book.at_hand((account_id, name))
        return role if known else await self._book.find(account_id, name)

    async def _refusal(self, call: Call) -> AwsError | None:
        caller = call.caller
        name = _role_name(caller.arn)
        known, role = self._book.at_hand((caller.account_id, name))
        if not known:
            role = await self._book.find(caller.account_id, name)
        if role is None and not self._strict:
            self._tell(caller.account_id, name)
            return await self._unknown(call)
        if (call.service, call.operation) in self._in_parts:
            return None
        if call.service == "sts" and call.operation in _NOT_FOR_SESSIONS:
            return AwsError("AccessDenied", f"Cannot call {call.operation} with session credentials", 403)
        for need in needs_of(call):
            verdict = await self._verdict(call, role, need)
            if not verdict.allowed:
                return denial(call.service, caller.arn, need.spoken, need.shown, verdict.why_not(need.spoken))
            if need.action in {"iam:PassRole", "sts:AssumeRole"} and not await self._may_use(call, need, role):
                return denial(call.service, caller.arn, need.spoken, need.shown, "")
        return None

    async def _unknown(self, call: Call) -> AwsError | None:
        """Return why a role that nobody knows may not make the call. It may do everything in its account, but it is nobody else: it assumes
        roles that are known as they trust it, and others only in its account."""
        if call.service != "sts" or call.operation != "AssumeRole":
            return None
        for need in needs_of(call):
            arn, other = await self._assumed(call)
            if other is None:
                may = arn is not None and arn.account_id == call.caller.account_id
            else:
                asked = self._request(call, RoleDocument(role_of(call.caller.arn)), need)
                may = not other.document.deleted and other.trust.says(asked) is Decision.ALLOW
            if not may:
                return denial(call.service, call.caller.arn, need.spoken, need.shown, "")
        return None

    async def _verdict(self, call: Call, role: Role | None, need: Need) -> Verdict:
        if role is None or role.document.deleted:
            return _NOTHING
        plain = (need.action, need.resource)
        if role.allowed is not None and plain in role.allowed and not self._has_own_policies(call.caller):
            return ALLOWED
        permissions = role.permissions
        if call.caller.access_key_id:
            session = await self._of_session(call.caller)
            permissions = permissions if session is None else replace(permissions, session=session)
        request = self._request(call, role.document, need)
        verdict = judge(permissions, request)
        if verdict.allowed and role.allowed is not None and permissions is role.permissions and need.certain:
            if len(role.allowed) >= _DECISIONS_MAX:
                role.allowed.clear()
            role.allowed.add(plain)
        if verdict.allowed or verdict.denied_by:
            return verdict
        if need.action == "sts:AssumeRole":
            arn, other = await self._assumed(call)
            is_near = arn is not None and arn.account_id == call.caller.account_id  # elsewhere both have to allow it
            return with_resource_policy(verdict, (other.trust,), request) if other is not None and is_near else verdict
        return with_resource_policy(verdict, await self._resource_policies.of(need, call), request)

    def _has_own_policies(self, caller: Caller) -> bool:
        """Return whether more than the role's policies bears on a session, as far as is known at once."""
        return bool(caller.access_key_id) and self._session_policies.get(caller.access_key_id, ()) is not None

    async def _of_session(self, caller: Caller) -> tuple[Policy, ...] | None:
        """Return the policies with which a session was begun; they stay as they are for all its life."""
        key = caller.access_key_id
        if key not in self._session_policies:
            begun = self._sessions.session_policies(key)
            found = None
            if begun is not None:
                texts = [*begun.inline, *[await self._book.managed_policy(caller.account_id, arn) for arn in begun.arns]]
                found = tuple(parsed(text, f"the session {caller.arn}") for text in texts)
            if len(self._session_policies) >= _SESSIONS_MAX:
                self._session_policies.clear()
            self._session_policies[key] = found
        return self._session_policies[key]

    async def _may_use(self, call: Call, need: Need, role: Role | None) -> bool:
        """Return whether another role may be handed over, or assumed: one that nobody knows might do everything, so it may not."""
        _, other = await (self._named(need.resource) if need.action == "iam:PassRole" else self._assumed(call))
        if other is None or other.document.deleted or role is None:
            return False
        if need.action == "iam:PassRole":
            return True
        return other.trust.says(self._request(call, role.document, need)) is Decision.ALLOW

    async def _assumed(self, call: Call) -> tuple[Arn | None, Role | None]:
        """Return the ARN of the role that a call assumes, if it is one, and the role, if it is known by that very ARN.

        The session is of whatever the ARN says: an ARN that only resembles a known role's would make a session of one that nobody knows.
        """
        given = str(call.params.get("RoleArn"))
        arn, other = await self._named(given)
        is_exact = other is not None and other.document.arn == given
        return (arn, other) if other is None or is_exact else (None, None)

    async def _named(self, text: str) -> tuple[Arn | None, Role | None]:
        try:
            arn = Arn.parse(text)
        except ValueError:
            return None, None
        return arn, await self._find(arn.account_id, arn.resource.rpartition("/")[2])

    def _request(self, call: Call, document: RoleDocument, need: Need) -> Request:
        """Return what is asked, with the global condition keys and the call's own."""
        caller, now = call.caller, self._clock.now()
        session = caller.arn.rpartition("/")[2]
        context: dict[str, tuple[str, ...]] = {
            **conditions_of(caller),
            "aws:PrincipalArn": (document.arn,),
            "aws:PrincipalType": ("AssumedRole",),
            "aws:PrincipalIsAWSService": ("false",),
            "aws:ViaAWSService": ("false",),
            "aws:userid": (f"{document.id}:{session}",),
            "aws:SourceIp": (call.source_ip,),
            "aws:SecureTransport": secure_transport(call.source_ip),
            "aws:CurrentTime": (datetime.fromtimestamp(now, UTC).isoformat(),),
            "aws:EpochTime": (str(int(now)),),
            "aws:RequestedRegion": (call.region,),
            "aws:ResourceAccount": (need.account_id or call.account_id,),
            **({"aws:UserAgent": (call.user_agent,)} if call.user_agent else {}),
            **{f"aws:PrincipalTag/{name}": (value,) for name, value in document.tags.items()},
            **_tags(call.params),
            **need.conditions,
        }
        return Request(principal_of(caller), need.action, need.resource, context, need.certain, need.is_pattern)

    def _tell(self, account_id: str, name: str) -> None:
        key = (account_id, name)
        if key not in self._told and len(self._told) < 10_000:
            self._told.add(key)
            _log.warning(
                "IAM does not know the role %s of account %s: it may do everything (create the role, or start with --iam enforce)",
                name,
                account_id,
            )


@lru_cache(maxsize=4096)
def _role_name(arn: str) -> str:
    """Return the role of a session's ARN."""
    return arn.partition(":assumed-role/")[2].partition("/")[0]


def _tags(params: Any) -> dict[str, tuple[str, ...]]:
    """Return the condition keys of the tags that a request brings along, in whichever of AWS's two forms."""
    given = params.get("Tags") or params.get("tags")
    if isinstance(given, dict):
        tags = {str(name): str(value) for name, value in given.items()}
    elif isinstance(given, (list, tuple)) and all(isinstance(each, dict) for each in given):
        tags = {str(each.get("Key") or each.get("key")): str(each.get("Value") or each.get("value") or "") for each in given}
    else:
        return {}
    return {f"aws:RequestTag/{name}": (value,) for name, value in tags.items()} | {"aws:TagKeys": tuple(tags)}


class AllowAll:
    """The authoriser that lets every caller do everything, and every service act as every role."""

    def authorise(self, call: Call) -> Awaitable[None] | None:
        """Return ``None``: it may."""

    async def seen(self, call: Call, error: AwsError) -> AwsError:
        """Return the error: it may be known."""
        return error

    async def permits(self, call: Call) -> bool:
        """Return that it might."""
        return True

    async def is_assumable(self, role_arn: str, service: str, source_arn: str) -> bool:
        """Return that it is."""
        return True


def check_mode(mode: str) -> str:
    """Return what is wrong with the setting ``iam``; nothing when it is one of its values."""
    return "" if mode in MODES else f"iam = {mode}: there are {', '.join(MODES)}."

"""Which caller an access key stands for.

A key that was issued here (by IAM, STS, or to a function for its role) is checked: signature, session token, expiry; so is the root key
of the settings. On loopback, where the caller is the user of this machine, a 12-digit access key id is that account's root, and any other
key the default account's, both believed without proof; where strangers can connect, both are unknown. Issued keys are in the table
``identity.credentials``; all of them are mirrored in memory, so that no request reads the disk.

From inside an environment only the key of its role counts, and the sessions that were begun by it: with AssumeRole, by that key or by
such a session. Of them each function's key has so many; the oldest is forgotten.
"""

from __future__ import annotations

import asyncio
import string
from collections import deque
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from lambent.base.clock import Clock
from lambent.base.ids import Ids
from lambent.domain.arns import Arn, partition_of
from lambent.domain.call import Call, Result
from lambent.domain.caller import Caller, CallerKind
from lambent.domain.documents import Table
from lambent.domain.errors import AwsError
from lambent.domain.functions import FunctionVersion, session_name
from lambent.domain.http import HttpRequest
from lambent.domain.storage import Store
from lambent.engine.environments.variables import RoleSession
from lambent.gateway.authentication import Identity
from lambent.gateway.pages import is_foreign

_KEY_ALPHABET: Final = string.ascii_uppercase + "234567"
_SECRET_ALPHABET: Final = string.ascii_letters + string.digits + "+/"
ROLE_SESSION_S: Final = 43_200
"""How long a function's role credentials are valid: twelve hours, as AWS's are at least as long as an environment lives."""
EXPIRED_S: Final = 3_600
"""How long it is told that a key has expired; then it isn't known any more. So often, too, it is looked for such."""
_FORGOTTEN_AT_ONCE: Final = 1_000
BEGUN_MAX: Final = 2_000
"""Sessions that one key of a function's may have begun: they are our memory, and a function could begin them without end."""


class SessionPolicies(msgspec.Struct, frozen=True, omit_defaults=True):
    """Policies that a session was begun with: none of its permissions goes beyond them."""

    inline: tuple[str, ...] = ()  #: JSON
    arns: tuple[str, ...] = ()  #: of managed policies


class StoredCredential(msgspec.Struct, frozen=True, omit_defaults=True):
    """An issued access key, as it is kept."""

    access_key_id: str
    secret: str
    kind: str  #: a ``CallerKind``'s value
    account_id: str
    arn: str
    session_token: str = ""
    expires: float | None = None  #: seconds since 1970
    active: bool = True  #: an IAM user may switch a key off
    policies: SessionPolicies | None = None  #: of the session, beside those of its role
    begun_by: str | None = None  #: as in ``Identity``
    role_arn: str = ""  #: of a function's session: its execution role

    def identity(self) -> Identity:
        """Return what the gateway checks."""
        caller = Caller(CallerKind(self.kind), self.account_id, self.arn, self.access_key_id)
        return Identity(caller, self.secret, self.session_token, self.expires, self.begun_by)


class _Session(msgspec.Struct, frozen=True):
    """An execution role's session, and the writing of it to disk."""

    credential: StoredCredential
    keeping: asyncio.Task[None] | None = None  #: ``None``: it was found there

    def is_to_be_replaced(self, now: float) -> bool:
        """Whether the next environment needs another one: half of its life is over, or it could not be kept."""
        keeping = self.keeping
        if keeping is not None and keeping.done() and (keeping.cancelled() or keeping.exception() is not None):
            return True
        return (self.credential.expires or 0.0) - now < ROLE_SESSION_S / 2

    async def wait_kept(self) -> None:
        """Return when it is on disk. Raises what kept it from that."""
        if self.keeping is not None:
            await asyncio.shield(self.keeping)  # one that gives up waiting must not take it from the others


_TABLE: Final = Table("identity.credentials", StoredCredential)


class Identities:
    """The identity rules over ``Store``."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        ids: Ids,
        *,
        trusting: bool = True,
        root_keys: tuple[str, str] | None = None,
        origins: Collection[str] = (),
    ) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._trusting = trusting
        self._origins = origins
        self._root = None
        if root_keys is not None:
            self._root = Identity(Caller.root(access_key_id=root_keys[0]), root_keys[1])
        self._issued: dict[str, StoredCredential] = {}
        self._identities: dict[str, Identity] = {}  #: of the issued keys, those that are active
        self._sessions: dict[tuple[str, str], _Session] = {}
        self._begun: dict[str, deque[str]] = {}  #: by a function's key: sessions that it began, oldest first
        self._looked_at = clock.now()  #: for keys that have expired

    async def load(self) -> None:
        """Read what was issued before; keys that have expired are removed. Called once, before the first request."""
        stale = []
        after = None
        while page := await _TABLE.range(self._store, after=after):
            after = page[-1].key
            for found in page:
                if found.value.expires is not None and found.value.expires <= self._clock.now():
                    stale.append(_TABLE.delete(found.key))
                else:
                    self._mirror(found.value)
                    self._go_on_with(found.value)
        for credential in sorted(self._issued.values(), key=lambda each: each.expires or 0.0):
            self._surplus(credential)
        if stale:
            await self._store.commit(stale)

    def find(self, access_key_id: str) -> Identity | None:
        """Return what is known of the key; ``None`` when nobody may use it."""
        found = self._identities.get(access_key_id)
        if found is not None:
            return found
        if access_key_id in self._issued:
            return None  # switched off
        if self._root is not None and access_key_id == self._root.caller.access_key_id:
            return self._root
        if not self._trusting or access_key_id.startswith("ASIA"):
            return None
        if len(access_key_id) == 12 and access_key_id.isascii() and access_key_id.isdecimal():
            return Identity(Caller.root(access_key_id, access_key_id))
        return Identity(Caller.root(access_key_id=access_key_id))

    def trusts(self, request: HttpRequest) -> bool:
        """Return whether a key is believed without proof: not when a web page from elsewhere sends it."""
        return not is_foreign(request, self._origins)

    def session_policies(self, access_key_id: str) -> SessionPolicies | None:
        """Return the policies that a session was begun with; ``None`` for one that was begun without."""
        found = self._issued.get(access_key_id)
        return None if found is None else found.policies

    def role_session(self, role_arn: str, function: FunctionVersion) -> RoleSession:
        """Return credentials for a function's environment, which are being written to disk.

        Environments of one function share a session until half of its life is over, restarts included.
        """
        found = self._session(role_arn, session_name(function.name))
        credential = found.credential
        return RoleSession(credential.access_key_id, credential.secret, credential.session_token, found.wait_kept)

    async def observe_function(self, call: Call, result: Result) -> None:
        """Begin the session of a function's role when that is set, so that its first environment finds it on disk. An observer."""
        self._session(result["Role"], session_name(result["FunctionName"]))

    def _session(self, role_arn: str, name: str) -> _Session:
        found = self._sessions.get((role_arn, name))
        if found is None or found.is_to_be_replaced(self._clock.now()):
            found = self._sessions[role_arn, name] = self._begin(role_arn, name)
        return found

    def _go_on_with(self, credential: StoredCredential) -> None:
        """Let the next environments of a function have its session of before the restart, if no later one was found."""
        name = (credential.role_arn, credential.arn.rpartition("/")[2])
        known = self._sessions.get(name)
        if credential.role_arn and (known is None or (known.credential.expires or 0.0) < (credential.expires or 0.0)):
            self._sessions[name] = _Session(credential)

    def _begin(self, role_arn: str, name: str) -> _Session:
        caller = assumed_role(role_arn, name)
        access_key_id = "ASIA" + self._ids.text(16, _KEY_ALPHABET)
        credential = StoredCredential(
            access_key_id=access_key_id,
            secret=self._ids.text(40, _SECRET_ALPHABET),
            kind=caller.kind.value,
            account_id=caller.account_id,
            arn=caller.arn,
            session_token=self._ids.text(356, _SECRET_ALPHABET),
            expires=self._clock.now() + ROLE_SESSION_S,
            begun_by=access_key_id,
            role_arn=role_arn,
        )
        self._mirror(credential)
        return _Session(credential, asyncio.ensure_future(self._keep(credential)))

    async def observe(self, call: Call, result: Result) -> None:
        """Record keys that IAM and STS hand out, and what becomes of them. An observer of ``ServerCloud``."""
        if call.service == "sts":
            await self._observe_sts(call, result)
        elif call.service == "iam" and call.operation in {"CreateAccessKey", "UpdateAccessKey", "DeleteAccessKey"}:
            await self._observe_iam(call, result)

    async def caller_identity(self, call: Call) -> Result:
        """Serve ``sts:GetCallerIdentity``: the caller as the gateway knows it."""
        caller = call.caller
        resource = caller.arn.rpartition(":")[2]
        if caller.kind is CallerKind.ROOT:
            user_id = caller.account_id
        elif caller.kind is CallerKind.ROLE:
            user_id = f"{_unique_id('AROA', resource.split('/')[1])}:{resource.rpartition('/')[2]}"
        else:
            user_id = _unique_id("AIDA", resource)
        return {"UserId": user_id, "Account": caller.account_id, "Arn": caller.arn}

    async def _observe_sts(self, call: Call, result: Result) -> None:
        handed: Mapping[str, Any] | None = result.get("Credentials")
        if not handed or "SecretAccessKey" not in handed:
            return
        caller, begun_by = call.caller, None
        if call.operation == "AssumeRole":
            caller = assumed_role(call.params["RoleArn"], call.params["RoleSessionName"])  # as it was authorised
            parent = self._issued.get(call.caller.access_key_id)
            begun_by = None if parent is None else parent.begun_by
        elif "AssumedRoleUser" in result:
            caller = _caller(CallerKind.ROLE, result["AssumedRoleUser"]["Arn"])
        elif "FederatedUser" in result:
            caller = _caller(CallerKind.USER, result["FederatedUser"]["Arn"])
        await self._keep(
            StoredCredential(
                access_key_id=handed["AccessKeyId"],
                secret=handed["SecretAccessKey"],
                kind=caller.kind.value,
                account_id=caller.account_id,
                arn=caller.arn,
                session_token=handed.get("SessionToken", ""),
                expires=_seconds(handed.get("Expiration")),
                policies=_begun_with(call.params),
                begun_by=begun_by,
            )
        )

    async def _observe_iam(self, call: Call, result: Result) -> None:
        if call.operation == "CreateAccessKey":
            key = result["AccessKey"]
            arn = f"arn:{partition_of(call.region)}:iam::{call.account_id}:user/{key['UserName']}"
            await self._keep(
                StoredCredential(
                    access_key_id=key["AccessKeyId"],
                    secret=key["SecretAccessKey"],
                    kind=CallerKind.USER.value,
                    account_id=call.account_id,
                    arn=arn,
                )
            )
            return
        found = self._issued.get(call.params["AccessKeyId"])
        if found is None or found.account_id != call.account_id:
            return
        # A deleted key is kept as switched off: it must not become an unknown one, which loopback trusts.
        active = call.operation == "UpdateAccessKey" and call.params["Status"] == "Active"
        await self._keep(msgspec.structs.replace(found, active=active))

    async def _keep(self, credential: StoredCredential) -> None:
        key, gone = credential.access_key_id, [*self._expired(), *self._surplus(credential)]
        await self._store.commit([_TABLE.put((key,), credential), *[_TABLE.delete((each,)) for each in gone]])
        self._mirror(credential)
        for each in gone:
            self._issued.pop(each, None)
            self._identities.pop(each, None)
            self._begun.pop(each, None)

    def _surplus(self, credential: StoredCredential) -> list[str]:
        """Note a session that a function's key began, and return which one is to be forgotten for it."""
        if credential.begun_by in {None, credential.access_key_id}:
            return []
        begun = self._begun.setdefault(credential.begun_by, deque())
        begun.append(credential.access_key_id)
        return [begun.popleft()] if len(begun) > BEGUN_MAX else []

    def _expired(self) -> list[str]:
        """Return keys that have long expired, some at a time."""
        end = self._clock.now() - EXPIRED_S
        if end < self._looked_at:
            return []
        found = [key for key, each in self._issued.items() if each.expires is not None and each.expires <= end][:_FORGOTTEN_AT_ONCE]
        if len(found) < _FORGOTTEN_AT_ONCE:
            self._looked_at = self._clock.now()
            self._sessions = {name: each for name, each in self._sessions.items() if (each.credential.expires or 0.0) > end}
        return found

    def _mirror(self, credential: StoredCredential) -> None:
        self._issued[credential.access_key_id] = credential
        if credential.active:
            self._identities[credential.access_key_id] = credential.identity()
        else:
            self._identities.pop(credential.access_key_id, None)


def assumed_role(role_arn: str, session_name: str) -> Caller:
    """Return the caller that a role's session is. ``AwsError`` when the ARN isn't a role's."""
    try:
        role = Arn.parse(role_arn)
    except ValueError:
        raise AwsError("InvalidParameterValueException", f"{role_arn!r} is not a role's ARN.") from None
    name = role.resource.rpartition("/")[2]
    arn = f"arn:{role.partition}:sts::{role.account_id}:assumed-role/{name}/{session_name}"
    return Caller(CallerKind.ROLE, role.account_id, arn)


def _caller(kind: CallerKind, arn: str) -> Caller:
    return Caller(kind, Arn.parse(arn).account_id, arn)


def _begun_with(params: Mapping[str, Any]) -> SessionPolicies | None:
    """Return the policies that STS was given for a session."""
    inline, arns = params.get("Policy"), params.get("PolicyArns") or ()
    return SessionPolicies((inline,) if inline else (), tuple(each["arn"] for each in arns)) if inline or arns else None


def _seconds(moment: object) -> float | None:
    if isinstance(moment, datetime):
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return None


def _unique_id(prefix: str, name: str) -> str:
    """Return an id of AWS's form that is always the same for a name."""
    alphabet = _KEY_ALPHABET
    number = int.from_bytes(name.encode()[:64].ljust(64, b"\0")[::-1], "big")
    text = ""
    for _ in range(17):
        number, digit = divmod(number * 2654435761 + 1, len(alphabet))
        text += alphabet[digit]
    return prefix + text

"""What is known of roles: as IAM says, else as they were last seen.

What is read from IAM is kept in the table ``iam.roles`` and mirrored in memory. An IAM write that passes through the gateway has its role
read anew before the writer is answered, so that what was acknowledged holds at once, and after a restart. IAM itself may forget (the
companion keeps its state in memory): a role that it had once goes on with the policies that it had last, until it is deleted or created
again through the gateway. A role that was deleted stays known as deleted: it must not become one that nobody knows, and that may do all.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Final
from weakref import WeakValueDictionary

import msgspec

from lambent.base.clock import Clock
from lambent.domain.call import Call, Result
from lambent.domain.errors import AwsError
from lambent.domain.storage import Store
from lambent.policy.permissions import Permissions, Policy
from lambent.server.role_documents import ROLES, IamReader, RoleDocument

_log = logging.getLogger(__name__)

LIFE_S: Final = 60.0
"""How long what IAM said is believed without asking again. Writes through the gateway count at once."""
_ENTRIES_MAX: Final = 10_000
_READS: Final = ("Get", "List", "Describe", "Simulate", "Generate")
_ON_POLICIES: Final = frozenset({"CreatePolicyVersion", "SetDefaultPolicyVersion", "DeletePolicyVersion", "DeletePolicy"})
_BEHIND_US: Final = frozenset({"cloudformation", "cloudcontrol"})
"""Services of the companion that write to its IAM themselves."""

OBSERVED: Final = ("iam", *sorted(_BEHIND_US))
"""The services whose calls a book must be told of."""

Key = tuple[str, str]
"""A role's account and name."""


class Role(msgspec.Struct, frozen=True):
    """A role, ready to be asked."""

    document: RoleDocument
    permissions: Permissions
    trust: Policy
    allowed: set[tuple[str, str]] | None = None
    """Actions with the resources on which they were found to be allowed; ``None`` where more decides than these."""


class _Entry(msgspec.Struct, frozen=True):
    role: Role | None
    until: float  #: monotonic seconds


class RoleBook:
    """Finds roles."""

    def __init__(self, store: Store, clock: Clock, reader: IamReader, *, may_know: Callable[[], bool]) -> None:
        self._store = store
        self._clock = clock
        self._reader = reader
        self._may_know = may_know  # whether IAM can know anything; a companion that doesn't run has nothing, and isn't started for this
        self._entries: dict[Key, _Entry] = {}
        self._locks: WeakValueDictionary[Key, asyncio.Lock] = WeakValueDictionary()
        self._told: set[Key] = set()

    def at_hand(self, key: Key) -> tuple[bool, Role | None]:
        """Return whether it is known at once what there is to know of the role, and that."""
        entry = self._entries.get(key)
        if entry is None or self._clock.monotonic() > entry.until:
            return False, None
        return True, entry.role

    async def find(self, account_id: str, name: str) -> Role | None:
        """Return the role, also one that was deleted; ``None`` when it was never seen. Raises ``AwsError`` when IAM gives no answer."""
        key = (account_id, name)
        known, role = self.at_hand(key)
        if known:
            return role
        async with self._lock(key):
            known, role = self.at_hand(key)
            return role if known else await self._read(key)

    async def managed_policy(self, account_id: str, arn: str) -> str:
        """Return a managed policy's text. Raises ``AwsError`` when IAM gives no answer."""
        return await self._reader.managed_policy(account_id, arn)

    async def observe(self, call: Call, result: Result) -> None:
        """Read anew what a write to IAM has changed. An observer of ``ServerCloud``."""
        if call.service in _BEHIND_US and not call.operation.startswith(_READS):
            self._entries.clear()
        if call.service != "iam" or call.operation.startswith(_READS):
            return
        params: Mapping[str, object] = call.params
        name = params.get("RoleName")
        if call.operation == "CreateServiceLinkedRole":
            name = result["Role"]["RoleName"]
        if isinstance(name, str):
            await self._changed((call.account_id, name), deleted=call.operation == "DeleteRole")
        elif call.operation in _ON_POLICIES:
            await self._policy_changed(call.account_id, str(params.get("PolicyArn")))

    async def _changed(self, key: Key, *, deleted: bool) -> None:
        async with self._lock(key):
            self._entries.pop(key, None)
            if not deleted:
                await self._read(key)
                return
            kept = await ROLES.get(self._store, key)
            last = RoleDocument(f"arn:aws:iam::{key[0]}:role/{key[1]}") if kept is None else kept.value
            await self._keep(key, msgspec.structs.replace(last, deleted=True))

    async def _policy_changed(self, account_id: str, policy_arn: str) -> None:
        after = None
        while page := await ROLES.range(self._store, (account_id,), after=after):
            after = page[-1].key
            for found in page:
                if found.value.depends_on(policy_arn) and not found.value.deleted:
                    await self._changed((account_id, str(found.key[1])), deleted=False)

    def _lock(self, key: Key) -> asyncio.Lock:
        """Return what keeps an older answer from being taken for a newer one."""
        return self._locks.setdefault(key, asyncio.Lock())

    async def _read(self, key: Key) -> Role | None:
        """Read the role from IAM, and keep it when it is another than before; without IAM's word what was kept counts."""
        kept = await ROLES.get(self._store, key)
        before = None if kept is None else kept.value
        try:
            said = await self._reader.role(*key) if self._may_know() else None
        except AwsError as error:
            if before is None:
                raise
            _log.warning("IAM says nothing of %s (%s): its policies as they were last seen count", before.arn, error)
            return self._enter(key, before)
        if said is not None:
            if said != before:
                return await self._keep(key, said)
        elif before is not None and not before.deleted and key not in self._told:
            self._told.add(key)
            _log.warning("IAM does not know %s any more: it goes on with the policies that it had last", before.arn)
        return self._enter(key, said or before)

    async def _keep(self, key: Key, document: RoleDocument) -> Role | None:
        await self._store.commit([ROLES.put(key, document)])
        self._told.discard(key)
        return self._enter(key, document)

    def _enter(self, key: Key, document: RoleDocument | None) -> Role | None:
        if len(self._entries) >= _ENTRIES_MAX:
            self._entries.clear()
        role = None if document is None else _ready(document)
        self._entries[key] = _Entry(role, self._clock.monotonic() + LIFE_S)
        return role


def _ready(document: RoleDocument) -> Role:
    policies = tuple(parsed(text, document.arn) for text in (*document.inline.values(), *document.attached.values()))
    boundary = (parsed(document.boundary, document.arn),) if document.boundary_arn else None
    permissions = Permissions(policies, boundary)
    return Role(document, permissions, parsed(document.trust, document.arn), set() if permissions.is_plain else None)


_DENIES_ALL: Final = Policy(({"Effect": "Deny", "Action": "*", "Resource": "*"},), has_variables=False)


def parsed(text: str, whose: str) -> Policy:
    """Return a policy; one that can't be read denies everything, as it may have had a denial."""
    try:
        return Policy.parse(text)
    except ValueError as error:
        _log.error("a policy of %s can't be read, so it may do nothing: %s", whose, error)
        return _DENIES_ALL

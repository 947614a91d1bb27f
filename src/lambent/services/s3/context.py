"""What S3's operations share: the platform, and how a bucket is found and its caller let in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

from lambent.domain.call import Call
from lambent.domain.caller import CallerKind
from lambent.domain.documents import Found
from lambent.domain.errors import Conflict
from lambent.domain.ports import Authoriser, Platform
from lambent.policy.evaluation import Decision
from lambent.services.s3 import access, errors, ownership
from lambent.services.s3.state import BUCKETS, CURRENT, OLDER, Bucket, Version

ATTEMPTS_MAX = 64
"""How often a decision is taken anew when other writers keep changing what it was based on."""


class S3(msgspec.Struct, frozen=True):
    """The context of S3's operations."""

    platform: Platform
    classic: bool = False  #: new buckets begin as before April 2023: with ACLs and open to the public, for whoever tests such
    authoriser: Authoriser | None = None  #: decides about each of the keys that one request deletes

    async def bucket(self, call: Call, name: str | None = None) -> Found[Bucket]:
        """Return the bucket that the call names, when its caller may do the operation there."""
        found = await (self.named_bucket(name) if name is not None else self.owned_bucket(call))
        await self.admit(found.value, call)
        return found

    async def owned_bucket(self, call: Call) -> Found[Bucket]:
        """Return the bucket that the call names, when it has the owner that the call expects; whether the caller may is yet to be seen."""
        found = await self.named_bucket(call.params["Bucket"])
        expected = call.params.get("ExpectedBucketOwner")
        if expected and expected != found.value.account_id:
            raise errors.access_denied()
        return found

    async def admit(self, bucket: Bucket, call: Call) -> None:
        """Return when the caller may do the call's operation on the bucket, or on the object in it that the call names.

        Raises ``AccessDenied``.
        """
        tagged = await self._version(bucket, call) if access.asks_for_tags(bucket, call) else None
        said = access.verdict(bucket, call, self.platform.clock.now(), {} if tagged is None else tagged.tags)
        mine = not access.outside(bucket, call)
        if said is Decision.DENY:
            if mine and call.caller.kind is CallerKind.ROOT and call.operation in access.POLICY_OPERATIONS:
                return
            raise access.denied(bucket, call) if mine else errors.access_denied()
        if said is Decision.ALLOW or (mine and ownership.owner_enforced(bucket)):
            return
        permission = access.object_permission(call)
        version = await self._version(bucket, call) if permission is not None else None
        if mine and (version is None or version.owner == bucket.account_id):
            return
        if version is not None and permission is not None:
            if access.object_acl_allows(bucket, version, call, permission):
                return
        elif access.bucket_acl_allows(bucket, call):
            return
        raise errors.access_denied()

    async def _version(self, bucket: Bucket, call: Call) -> Version | None:
        """Return the version that the call means; ``None`` when there is none."""
        key = (bucket.name, call.params.get("Key", ""))
        wanted = call.params.get("VersionId")
        current = await CURRENT.get(self.platform.store, key)
        if current is None or not wanted or current.value.version_id == wanted:
            return None if current is None else current.value
        older = await OLDER.range(self.platform.store, key)
        return next((each.value for each in older if each.value.version_id == wanted), None)

    async def named_bucket(self, name: str) -> Found[Bucket]:
        """Return the bucket, whoever asks."""
        found = await BUCKETS.get(self.platform.store, (name,))
        if found is None:
            raise errors.no_such_bucket(name)
        return found

    async def change_bucket(self, call: Call, change: Callable[[Bucket], Bucket]) -> Bucket:
        """Replace the bucket's document by what ``change`` makes of it, taking the decision anew when another writer was faster."""
        for _ in range(ATTEMPTS_MAX):
            found = await self.bucket(call)
            changed = change(found.value)
            try:
                await self.platform.store.commit([BUCKETS.put(found.key, changed, expect=found.version)])
            except Conflict:
                continue
            return changed
        raise errors.conditional_conflict()

    async def configure(self, call: Call, kind: str, value: object | None) -> Bucket:
        """Set one of the bucket's configurations, or remove it with ``None``."""

        def change(bucket: Bucket) -> Bucket:
            others = {name: each for name, each in bucket.configurations.items() if name != kind}
            return msgspec.structs.replace(bucket, configurations=others if value is None else {**others, kind: value})

        return await self.change_bucket(call, change)


def instant(seconds: float) -> datetime:
    """Return S3's time of an object or bucket: whole seconds, UTC."""
    return datetime.fromtimestamp(int(seconds), UTC)

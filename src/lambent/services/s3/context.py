"""What S3's operations share: the platform, and how a bucket is found and its caller let in."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from lambent.domain.call import Call
from lambent.domain.documents import Found
from lambent.domain.errors import Conflict
from lambent.domain.ports import Platform
from lambent.services.s3 import access, errors
from lambent.services.s3.state import BUCKETS, Bucket

ATTEMPTS_MAX = 64
"""How often a decision is taken anew when other writers keep changing what it was based on."""


@dataclass(frozen=True, slots=True)
class S3:
    """The context of S3's operations."""

    platform: Platform

    async def bucket(self, call: Call, name: str | None = None) -> Found[Bucket]:
        """Return the bucket that the call names, when its caller may do the operation there."""
        found = await self.named_bucket(name if name is not None else call.params["Bucket"])
        expected = call.params.get("ExpectedBucketOwner")
        if name is None and expected and expected != found.value.account_id:
            raise errors.access_denied()
        if not access.allows(found.value, call):
            raise errors.access_denied()
        return found

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


def canonical_id(account_id: str) -> str:
    """Return the account's canonical user id: 64 hexadecimal digits."""
    return hashlib.sha256(f"canonical-user:{account_id}".encode()).hexdigest()


def owner(account_id: str) -> dict[str, str]:
    """Return the account as an ``Owner`` shape."""
    return {"ID": canonical_id(account_id), "DisplayName": account_id}

"""The one way in which objects come to be and go: decide, and commit the version, its blobs and its notifications together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from lambent.domain.call import Call
from lambent.domain.documents import Found
from lambent.domain.errors import AwsError, Conflict
from lambent.services.s3 import conditions, errors, locking, versions
from lambent.services.s3.context import ATTEMPTS_MAX, S3
from lambent.services.s3.events import notifications
from lambent.services.s3.happenings import Happening
from lambent.services.s3.state import CURRENT, NULL_VERSION, OLDER, Bucket, Version

if TYPE_CHECKING:
    from lambent.domain.storage import Write


async def put_version(
    s3: S3, call: Call, place: tuple[Bucket, str], draft: Version, event: str, also: tuple[Write, ...] = (), *, base: int | None = None
) -> Version:
    """Make the draft the current version at the place, if the call's ``IfMatch`` and ``IfNoneMatch`` hold; durable on return.

    ``event`` is what is told to functions (``ObjectCreated:Put``); ``also`` are writes of the same commit, which keep the draft's blobs;
    ``base`` is the sequence that was current when the write began, where that took several requests. ``Conflict`` when one of ``also`` is.
    """
    bucket, key = place
    platform = s3.platform
    await s3.named_bucket(bucket.name)  # it may have been deleted while a long body came in
    for _ in range(ATTEMPTS_MAX):
        current = await CURRENT.get(platform.store, (bucket.name, key))
        conditions.check_write(call.params, key, None if current is None else current.value, base=base, delete=draft.delete_marker)
        now = platform.clock.now()
        new = versions.stamped(draft, bucket, None if current is None else current.value, now, platform.ids)
        writes = versions.writes_for_put(bucket, key, current, await _hidden_null(s3, bucket, key, current, new), new)
        writes += notifications(bucket, Happening(event, key, new), call, now, platform.ids)
        try:
            await platform.store.commit([*also, *writes])
        except Conflict as conflict:
            if conflict.table not in {CURRENT.name, OLDER.name}:
                raise
            continue
        return new
    raise errors.conditional_conflict()


async def _hidden_null(s3: S3, bucket: Bucket, key: str, current: Found[Version] | None, new: Version) -> Found[Version] | None:
    """Return the older version ``null`` that a new ``null`` replaces; only a bucket whose versioning is suspended can have one."""
    if bucket.versioning != "Suspended" or new.version_id != NULL_VERSION or current is None or current.value.version_id == NULL_VERSION:
        return None
    return await versions.find_null(s3.platform.store, bucket.name, key)


def no_bypass() -> AwsError:
    """A delete would bypass a retention that the bucket can't have."""
    text = "x-amz-bypass-governance-retention is only applicable to Object Lock enabled buckets."
    return AwsError("InvalidArgument", text, 400, members={"ArgumentName": "x-amz-bypass-governance-retention"})


async def delete_object(s3: S3, call: Call, bucket: Bucket, key: str, version_id: str = "") -> dict[str, Any]:
    """Delete an object as the bucket's versioning wants it, or one version for good; return the answer's members."""
    if call.params.get("BypassGovernanceRetention") is not None and not bucket.object_lock:
        raise no_bypass()
    if version_id:
        return await _delete_version(s3, call, bucket, key, version_id)
    if not bucket.versioning:
        return await _delete_current(s3, call, bucket, key)
    marker = Version(delete_marker=True, owner=call.caller.account_id)
    placed = await put_version(s3, call, (bucket, key), marker, "ObjectRemoved:DeleteMarkerCreated")
    return {"DeleteMarker": True, "VersionId": placed.version_id}


async def _delete_current(s3: S3, call: Call, bucket: Bucket, key: str) -> dict[str, Any]:
    for _ in range(ATTEMPTS_MAX):
        found = await CURRENT.get(s3.platform.store, (bucket.name, key))
        if "IfMatch" in call.params:
            conditions.check_write(call.params, key, None if found is None else found.value, delete=True)
        if found is None:
            await _tell_nothing_removed(s3, call, bucket, key)
            return {}
        if await _removed(s3, call, bucket, key, found, is_current=True):
            return {}
    raise errors.conditional_conflict()


async def _tell_nothing_removed(s3: S3, call: Call, bucket: Bucket, key: str) -> None:
    """Tell of a delete of what isn't there: AWS's answer is a success, and its notification is sent."""
    now = s3.platform.clock.now()
    nothing = Version(sequence=versions.next_sequence(None, now))
    if writes := notifications(bucket, Happening("ObjectRemoved:Delete", key, nothing), call, now, s3.platform.ids):
        await s3.platform.store.commit(writes)


async def _delete_version(s3: S3, call: Call, bucket: Bucket, key: str, version_id: str) -> dict[str, Any]:
    for _ in range(ATTEMPTS_MAX):
        try:
            found, is_current = await versions.find(s3.platform.store, bucket.name, key, version_id)
        except AwsError as error:
            if error.code != "NoSuchVersion":
                raise
            return {"VersionId": version_id}
        bypass = bool(call.params.get("BypassGovernanceRetention"))
        locking.check_removal(found.value, s3.platform.clock.now(), bypass=bypass)
        if await _removed(s3, call, bucket, key, found, is_current=is_current):
            answer: dict[str, Any] = {"VersionId": version_id}
            return {**answer, "DeleteMarker": True} if found.value.delete_marker else answer
    raise errors.conditional_conflict()


async def _removed(s3: S3, call: Call, bucket: Bucket, key: str, found: Found[Version], *, is_current: bool) -> bool:
    """Remove a version for good; ``False`` when another writer was faster."""
    platform = s3.platform
    older = await OLDER.range(platform.store, (bucket.name, key), limit=1) if is_current else []
    writes = versions.writes_for_removal(bucket.name, key, found, older[0] if older else None, is_current=is_current)
    now = platform.clock.now()
    gone = msgspec.structs.replace(found.value, sequence=versions.next_sequence(found.value, now))
    writes += notifications(bucket, Happening("ObjectRemoved:Delete", key, gone), call, now, platform.ids)
    try:
        await platform.store.commit(writes)
    except Conflict:
        return False
    return True


async def change_version(
    s3: S3, call: Call, bucket: Bucket, changes: Mapping[str, Any], event: str = "", method: str = "PUT", *, until: str = ""
) -> Version:
    """Change what may change in the version that the call names: tags, ACL, retention. ``NoSuchKey`` when there is none.

    ``event`` are the happenings that are told, ``until`` is what a completed restoration says; ``method`` is for refusals.
    """
    platform, key = s3.platform, call.params["Key"]
    for _ in range(ATTEMPTS_MAX):
        found, is_current = await readable(s3, bucket.name, key, call.params.get("VersionId", ""), method, hidden=False)
        changed = msgspec.structs.replace(found.value, **changes)
        table = CURRENT if is_current else OLDER
        writes: list[Write] = [table.put(found.key, changed, expect=found.version)]
        now = platform.clock.now()
        for each in event.split():
            writes += notifications(bucket, Happening(each, key, changed, until), call, now, platform.ids)
        try:
            await platform.store.commit(writes)
        except Conflict:
            continue
        return changed
    raise errors.conditional_conflict()


async def readable(
    s3: S3, bucket: str, key: str, version_id: str = "", method: str = "GET", *, hidden: bool = True
) -> tuple[Found[Version], bool]:
    """Return the version that is meant, and whether it is current. A delete marker isn't readable: 404, or 405 when it was named.

    ``method`` is what the 405 says; without ``hidden`` a current delete marker is refused as a named one is.
    """
    if version_id:
        found, is_current = await versions.find(s3.platform.store, bucket, key, version_id)
    else:
        current = await CURRENT.get(s3.platform.store, (bucket, key))
        if current is None:
            raise errors.no_such_key(key)
        found, is_current = current, True
    if found.value.delete_marker:
        headers = {"x-amz-delete-marker": "true", "x-amz-version-id": found.value.version_id}
        if version_id or not hidden:
            raise errors.method_not_allowed(method, headers)
        raise errors.no_such_key(key, headers)
    return found, is_current

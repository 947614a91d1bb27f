"""How versions of a key follow one another: which documents a put or a delete writes. Pure, but for reading in ``find``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from lambent.base.ids import Ids
from lambent.domain.documents import Found, drop, keep
from lambent.domain.storage import ABSENT, Store
from lambent.services.s3 import errors
from lambent.services.s3.state import CURRENT, NULL_VERSION, OLDER, Bucket, Piece, Version

if TYPE_CHECKING:
    from lambent.domain.storage import Write

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._"
_DIGITS = "0123456789abcdefghijklmnopqrstuv"
_SEQUENCE_LENGTH = 12  #: characters of a version id that tell its sequence


def version_id_of(sequence: int, ids: Ids) -> str:
    """Return a fresh version id, 32 characters, from which ``sequence_of`` reads the sequence."""
    digits = "".join(_DIGITS[sequence >> shift & 31] for shift in range(5 * (_SEQUENCE_LENGTH - 1), -1, -5))
    return digits + ids.text(32 - _SEQUENCE_LENGTH, _ALPHABET)


def sequence_of(version_id: str) -> int:
    """Return the sequence in a version id; ``InvalidArgument`` for what never was one."""
    digits = version_id[:_SEQUENCE_LENGTH]
    if len(version_id) != 32 or any(each not in _DIGITS for each in digits):
        raise errors.invalid_argument("Invalid version id specified", "versionId", version_id)
    return int(digits, 32)


def next_sequence(current: Version | None, now: float) -> int:
    """Return the sequence of a key's next version: microseconds since 1970, and always above the current one's."""
    return max(int(now * 1_000_000), 0 if current is None else current.sequence + 1)


async def find(store: Store, bucket: str, key: str, version_id: str) -> tuple[Found[Version], bool]:
    """Return a version of a key, and whether it is the current one. ``NoSuchVersion`` when there is none."""
    current = await CURRENT.get(store, (bucket, key))
    if current is not None and current.value.version_id == version_id:
        return current, True
    if version_id == NULL_VERSION:
        older = await find_null(store, bucket, key)
    else:
        older = await OLDER.get(store, (bucket, key, -sequence_of(version_id)))
    if older is None or older.value.version_id != version_id:
        raise errors.no_such_version(key, version_id)
    return older, False


async def find_null(store: Store, bucket: str, key: str) -> Found[Version] | None:
    """Return the key's older version ``null``, if it has one."""
    after: tuple[str | int, ...] | None = None
    while page := await OLDER.range(store, (bucket, key), after=after, limit=200):
        for each in page:
            if each.value.version_id == NULL_VERSION:
                return each
        after = page[-1].key
    return None


def kept(version: Version) -> list[Write]:
    """Return the writes that keep a version's blobs."""
    return [keep(each.digest, each.keeper) for each in version.pieces]


def dropped(pieces: tuple[Piece, ...]) -> list[Write]:
    """Return the writes that let go of blobs."""
    return [drop(each.digest, each.keeper) for each in pieces]


def writes_for_put(
    bucket: Bucket, key: str, current: Found[Version] | None, older_null: Found[Version] | None, new: Version
) -> list[Write]:
    """Return the writes that make ``new`` the key's current version, by the bucket's versioning."""
    writes: list[Write] = [CURRENT.put((bucket.name, key), new, expect=ABSENT if current is None else current.version)]
    if current is None:
        return writes
    if new.version_id == NULL_VERSION:
        if current.value.version_id == NULL_VERSION:
            return writes + dropped(current.value.pieces)
        if older_null is not None:
            writes += [OLDER.delete(older_null.key, expect=older_null.version), *dropped(older_null.value.pieces)]
    return [*writes, OLDER.put((bucket.name, key, -current.value.sequence), current.value)]


def writes_for_removal(bucket: str, key: str, found: Found[Version], successor: Found[Version] | None, *, is_current: bool) -> list[Write]:
    """Return the writes that remove a version for good; after the current one, ``successor`` becomes current."""
    writes = dropped(found.value.pieces)
    if not is_current:
        return [OLDER.delete(found.key, expect=found.version), *writes]
    if successor is None:
        return [CURRENT.delete((bucket, key), expect=found.version), *writes]
    promoted = CURRENT.put((bucket, key), successor.value, expect=found.version)
    return [promoted, OLDER.delete(successor.key, expect=successor.version), *writes]


def stamped(draft: Version, bucket: Bucket, current: Version | None, now: float, ids: Ids) -> Version:
    """Return the draft with its sequence, time and version id."""
    sequence = next_sequence(current, now)
    version_id = version_id_of(sequence, ids) if bucket.versioning == "Enabled" else NULL_VERSION
    return msgspec.structs.replace(draft, sequence=sequence, version_id=version_id, modified=now)

"""Typed documents over ``Store``: a service names its table and its frozen ``msgspec.Struct`` once and reads and writes values."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Generic, TypeVar

import msgspec

from lambent.domain.storage import Delete, Key, Put, Store

T = TypeVar("T")
_BLOB_KEEPERS = "blobs.keepers"


class Found(msgspec.Struct, Generic[T], frozen=True):
    """A document as it was read; pass ``version`` as ``expect`` to change it only if nobody else did."""

    key: Key
    value: T
    version: int


class Reader(Generic[T]):
    """Reads what is stored of one type, in MessagePack. What does it is made for the first: for all types together it takes a while."""

    def __init__(self, kind: type[T]) -> None:
        self._kind = kind

    @cached_property
    def decode(self) -> Callable[[bytes], T]:
        """Return what was stored."""
        return msgspec.msgpack.Decoder(self._kind).decode


class Table(Generic[T]):
    """A table whose documents are all of one type, stored as MessagePack.

    New optional fields with a default need no migration; other changes do (``adapters/sqlite/migrations``).
    """

    def __init__(self, name: str, kind: type[T]) -> None:
        self.name = name
        self._reader = Reader(kind)
        self._encode = msgspec.msgpack.Encoder().encode

    def put(self, key: Key, value: T, expect: int | None = None) -> Put:
        """Return the write that stores ``value``."""
        return Put(self.name, key, self._encode(value), expect)

    def delete(self, key: Key, expect: int | None = None) -> Delete:
        """Return the write that removes the document."""
        return Delete(self.name, key, expect)

    async def get(self, store: Store, key: Key) -> Found[T] | None:
        """Return the document, or ``None``."""
        found = await store.get(self.name, key)
        return None if found is None else Found(found.key, self._reader.decode(found.value), found.version)

    async def range(
        self,
        store: Store,
        within: Key = (),
        *,
        start: Key | None = None,
        after: Key | None = None,
        limit: int = 1000,
        reverse: bool = False,
    ) -> list[Found[T]]:
        """Return documents in key order; see ``Store.range``."""
        found = await store.range(self.name, within, start=start, after=after, limit=limit, reverse=reverse)
        return [Found(each.key, self._reader.decode(each.value), each.version) for each in found]


def keep(digest: str, owner: str) -> Put:
    """Return the write by which ``owner`` (any text that is unique) keeps a blob."""
    return Put(_BLOB_KEEPERS, (digest, owner), b"")


def drop(digest: str, owner: str) -> Delete:
    """Return the write by which ``owner`` lets go of a blob."""
    return Delete(_BLOB_KEEPERS, (digest, owner))


async def is_kept(store: Store, digest: str) -> bool:
    """Return whether any document keeps the blob."""
    return bool(await store.range(_BLOB_KEEPERS, (digest,), limit=1))

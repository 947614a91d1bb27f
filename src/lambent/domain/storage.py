"""The four storage primitives: every service's state is made of these, so that no service ever sees SQL.

``Table`` (documents under ordered composite keys), ``Queue`` (messages with a due time, leased and acknowledged), ``Log`` (append-only
records with a sequence number) and ``Blobs`` (large bytes by content hash). The first three change together:
``await store.commit([Put(...), Enqueue(...), Append(...)])`` writes all or nothing and is durable when it returns.
Adapters: ``adapters/memory``, ``adapters/sqlite``, ``adapters/blobs``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Protocol, TypeAlias

import msgspec

from lambent.domain.http import ByteStream

Key: TypeAlias = "tuple[str | int, ...]"
"""A composite key. Parts are compared in order; texts by code point, integers (64 bit, signed) by value, integers before texts.
A key that is a prefix of another sorts first."""

ABSENT = 0
"""As ``expect``: the document must not exist yet."""


class Put(msgspec.Struct, frozen=True):
    """Write a document. ``expect`` is the version it must have now (``ABSENT``: none), or ``None`` for whatever there is."""

    table: str
    key: Key
    value: bytes
    expect: int | None = None


class Delete(msgspec.Struct, frozen=True):
    """Remove a document; nothing happens when there is none and ``expect`` is ``None``."""

    table: str
    key: Key
    expect: int | None = None


class Enqueue(msgspec.Struct, frozen=True):
    """Put a message into a queue, to be leased from ``due`` (seconds since 1970) on.

    ``message_id`` is unique in its queue: enqueueing one that is there replaces its body and due time and takes it from its lease.
    Where no message is ever replaced, ``Ids.ordered`` names it: a commit of 64 takes half as long as with random names.
    """

    queue: str
    message_id: str
    body: bytes
    due: float


class Lease(msgspec.Struct, frozen=True):
    """A message that is somebody's to handle until ``expires``."""

    queue: str
    message_id: str
    body: bytes
    enqueued: float  #: seconds since 1970
    receives: int  #: how often it was leased, this time included
    token: str  #: proves the lease: a lease that expired and went to another no longer acknowledges
    expires: float


class Acknowledge(msgspec.Struct, frozen=True):
    """Remove a leased message: it was handled. Nothing happens when the lease is no longer held."""

    lease: Lease


class Postpone(msgspec.Struct, frozen=True):
    """Give a leased message back, to be leased again from ``due`` on, with another body when one is given."""

    lease: Lease
    due: float
    body: bytes | None = None


class Record(msgspec.Struct, frozen=True, gc=False):
    """A record to append; ``time_ms`` is its own time (milliseconds since 1970), by which logs are trimmed."""

    time_ms: int
    data: bytes


class Append(msgspec.Struct, frozen=True):
    """Append records to a log, in this order; sequence numbers of a log start at 1 and leave no gaps."""

    log: str
    records: tuple[Record, ...]


class Trim(msgspec.Struct, frozen=True):
    """Remove a log's records whose ``time_ms`` is below ``before_ms``; ``None`` removes them all. Sequence numbers go on, not back."""

    log: str
    before_ms: int | None = None


class Purge(msgspec.Struct, frozen=True):
    """Remove every message of a queue, leased or not."""

    queue: str


Write: TypeAlias = "Put | Delete | Enqueue | Acknowledge | Postpone | Append | Trim | Purge"


class Document(msgspec.Struct, frozen=True):
    """A stored document; ``version`` is positive and grows with each write of any document of the store."""

    key: Key
    value: bytes
    version: int


class Entry(msgspec.Struct, frozen=True, gc=False):
    """A stored record of a log."""

    sequence: int
    time_ms: int
    data: bytes


class Store(Protocol):
    """Tables, queues and logs with one atomic, durable ``commit``. Names of tables, queues and logs are free; unknown ones are empty."""

    async def commit(self, writes: Sequence[Write], *, durable: bool = True) -> tuple[int, ...]:
        """Write all or nothing; durable on return. One number per write: the document's version, the first sequence number, or 0.

        Raises ``Conflict`` when an ``expect`` doesn't hold; then nothing was written. With ``durable=False`` nobody waits for the
        disk: what was written outlives the process, however it ends, but perhaps not the machine's crash. Such a commit may come
        before durable ones that were asked for earlier and have not returned.
        """
        ...

    async def get(self, table: str, key: Key) -> Document | None:
        """Return the document, or ``None``."""
        ...

    async def range(
        self,
        table: str,
        within: Key = (),
        *,
        start: Key | None = None,
        after: Key | None = None,
        limit: int = 1000,
        reverse: bool = False,
    ) -> list[Document]:
        """Return documents whose keys begin with the parts ``within``, in order, at most ``limit``.

        ``start`` is the first key allowed (inclusive), ``after`` the last key not allowed (exclusive); with ``reverse`` the order
        and the meaning of both turn round. Both are whole keys, ``within`` included.
        """
        ...

    async def lease(self, queue: str, *, now: float, seconds: float, limit: int = 1) -> list[Lease]:
        """Lease messages that are due (or whose lease ran out) at ``now``, the longest due first. The lease itself is not synced to
        disk: after a crash the messages are simply due again."""
        ...

    async def next_due(self, queue: str) -> float | None:
        """Return when the queue's next message is or becomes due (leased ones: when the lease ends); ``None`` when it is empty."""
        ...

    async def wait_enqueued(self, queue: str) -> None:
        """Return when a commit has touched the queue since this call began."""
        ...

    async def depth(self, queue: str) -> int:
        """Return how many messages the queue holds, due or not, leased or not."""
        ...

    async def queues(self, prefix: str) -> list[str]:
        """Return the names, in order, of the queues that begin with ``prefix`` and hold messages; costs one look-up for each."""
        ...

    async def read(self, log: str, *, after: int = 0, limit: int = 1000, reverse: bool = False, before: int | None = None) -> list[Entry]:
        """Return records with ``after`` < sequence < ``before``, in order (newest first with ``reverse``), at most ``limit``."""
        ...

    async def close(self) -> None:
        """Let go of files and threads. Not needed for durability."""
        ...


class Blob(msgspec.Struct, frozen=True):
    """Large bytes that were stored."""

    digest: str  #: SHA-256, 64 hexadecimal digits
    size: int  #: bytes


class Blobs(Protocol):
    """Large bytes by content hash, streamed at constant memory.

    A blob lives as long as a document keeps it: write ``keep(digest, owner)`` in the same commit as the document that names it and
    ``drop(digest, owner)`` with the document's removal (both in ``domain/documents.py``); what nobody keeps is swept an hour later.
    """

    async def put(self, chunks: AsyncIterator[bytes] | ByteStream) -> Blob:
        """Store the bytes; durable on return. An error while iterating leaves nothing behind and is raised on."""
        ...

    def read(self, digest: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """Give the bytes from ``start`` up to, not including, ``end``. ``KeyError`` when there is no such blob."""
        ...

    async def path(self, digest: str) -> Path:
        """Return a file that holds the blob, for reading only; valid while the blob is kept."""
        ...

    async def sweep(self, store: Store, *, older_than: float) -> int:
        """Remove blobs that no document keeps and that were last put before ``older_than`` (seconds since 1970); return how many."""
        ...

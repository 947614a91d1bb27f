"""``SqliteStore``: tables, queues and logs in one SQLite file."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import Any, Final

from lambent.adapters.sqlite import database, keys, runs, statements
from lambent.adapters.sqlite.writer import Writer
from lambent.adapters.sqlite.writes import Session
from lambent.base.clock import Clock
from lambent.domain.errors import StartupError
from lambent.domain.storage import Acknowledge, Delete, Document, Enqueue, Entry, Key, Lease, Postpone, Purge, Put, Write

_AT_ONCE: Final = 64
"""Answers of fewer rows, or of no more records of a log, are read in the event loop's thread: a hop to another and back costs more."""
_SEQUENCE_MAX: Final = (1 << 63) - 1
_LAST_CHARACTER: Final = "\U0010ffff"


class SqliteStore:
    """A ``Store`` on disk: what ``commit`` acknowledged is there after a crash of the process or of the machine.

    Readers see the newest committed state, and never what isn't durable yet: SQLite publishes a transaction after its fsync.
    """

    def __init__(self, path: Path, lock: database.DirectoryLock, clock: Clock) -> None:
        """Use ``open``; this takes a directory that is locked and a file that is prepared."""
        self._lock = lock
        self._write_connection = database.connect(path)
        self._writer = Writer(self._write_connection, Session(self._write_connection, clock), self._touch)
        self._near = database.connect_reader(path)  #: used by the event loop's thread only
        self._far = database.connect_reader(path)  #: used by the thread of ``_reader`` only
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="store-reader")
        self._touched: dict[str, asyncio.Event] = {}

    @classmethod
    def open(cls, directory: Path, clock: Clock, lock: database.DirectoryLock | None = None) -> SqliteStore:
        """Open the store in a directory, which is created when missing; ``lock`` is the directory's, if the caller has it already.

        ``StartupError`` says what to do when another server uses the directory, or when the file there is damaged, another
        program's or a newer version's; such a file is left as it is.
        """
        lock = lock or database.DirectoryLock(directory)
        try:
            return cls(database.prepare(directory), lock, clock)
        except sqlite3.Error as error:
            lock.release()
            raise StartupError(f"The database in {directory} can't be opened: {error}.") from error
        except BaseException:
            lock.release()
            raise

    async def commit(self, writes: Sequence[Write], *, durable: bool = True) -> tuple[int, ...]:
        """Write all or nothing, durable on return unless told otherwise; see ``Store.commit``. ``LambentError`` when the disk refuses."""
        writes = tuple(writes)
        result: tuple[int, ...] = await self._writer.run(
            lambda session: session.apply_all(writes),
            durable=durable,
            savepoint=len(writes) > 1 and any(isinstance(write, Put | Delete) and write.expect is not None for write in writes[1:]),
            writes=writes,
        )
        return result

    async def get(self, table: str, key: Key) -> Document | None:
        """Return the document, or ``None``."""
        row = self._near.execute(statements.GET, (keys.encode((table, *key)),)).fetchone()
        return None if row is None else Document(key, row[0], row[1])

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
        """Return documents in key order; see ``Store.range``."""
        low, high = keys.span(within, start=start, after=after, reverse=reverse, prefix=(table,))
        rows = await self._rows(statements.RANGE_REVERSE if reverse else statements.RANGE, (low, high, max(0, limit)))
        return [Document(keys.decode(key)[1:], value, version) for key, value, version in rows]

    async def lease(self, queue: str, *, now: float, seconds: float, limit: int = 1) -> list[Lease]:
        """Lease due messages, the longest due first. An empty queue is told by a read, without troubling the writer."""
        due = self._next_due(queue)
        if due is None or due > now:
            return []
        leases: list[Lease] = await self._writer.run(lambda session: session.lease(queue, now, seconds, max(0, limit)), durable=False)
        return leases

    async def next_due(self, queue: str) -> float | None:
        """Return when the queue's next message may be leased."""
        return self._next_due(queue)

    def _next_due(self, queue: str) -> float | None:
        due: float | None = self._near.execute(statements.NEXT_DUE, (queue,)).fetchone()[0]
        return due

    def wait_enqueued(self, queue: str) -> Coroutine[Any, Any, None]:
        """Return when a commit has touched the queue since this call began (not only since it was first awaited)."""
        return _wait(self._touched.setdefault(queue, asyncio.Event()))

    async def depth(self, queue: str) -> int:
        """Return how many messages the queue holds."""
        return int((await self._rows_far(statements.DEPTH, (queue,)))[0][0])

    async def queues(self, prefix: str) -> list[str]:
        """Return the names of the queues with this prefix that hold messages."""
        return [row[0] for row in await self._rows_far(statements.QUEUES, {"low": prefix, "high": prefix + _LAST_CHARACTER})]

    async def read(self, log: str, *, after: int = 0, limit: int = 1000, reverse: bool = False, before: int | None = None) -> list[Entry]:
        """Return a log's records; see ``Store.read``."""
        wanted = (log, after, _SEQUENCE_MAX if before is None else before)
        few = min(limit, _AT_ONCE)
        found = runs.read(self._near, *wanted, limit=few, reverse=reverse)
        if len(found) < few or few == limit:
            return found
        read = partial(runs.read, self._far, *wanted, limit=limit, reverse=reverse)
        return await asyncio.get_running_loop().run_in_executor(self._reader, read)

    async def close(self) -> None:
        """Finish pending commits, fold the write-ahead log into the file, and let go of files, threads and the lock."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._writer.close()
        self._reader.shutdown()
        for connection in (self._near, self._far, self._write_connection):
            connection.close()
        self._lock.release()

    async def _rows(self, statement: str, parameters: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        """Return all rows: few are read here and now; when there are many the reader's thread fetches them."""
        cursor = self._near.execute(statement, parameters)
        rows = cursor.fetchmany(_AT_ONCE)
        cursor.close()
        return rows if len(rows) < _AT_ONCE else await self._rows_far(statement, parameters)

    async def _rows_far(self, statement: str, parameters: tuple[Any, ...] | dict[str, Any]) -> list[tuple[Any, ...]]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._reader, lambda: self._far.execute(statement, parameters).fetchall())

    def _touch(self, commits: list[Sequence[Write]]) -> None:
        for writes in commits:
            for write in writes:
                queue_of = _QUEUE_OF.get(write.__class__)
                event = None if queue_of is None else self._touched.pop(queue_of(write), None)
                if event is not None:
                    event.set()


_QUEUE_OF: Final[dict[type, Callable[[Any], str]]] = {
    Enqueue: attrgetter("queue"),
    Purge: attrgetter("queue"),
    Acknowledge: attrgetter("lease.queue"),
    Postpone: attrgetter("lease.queue"),
}


async def _wait(event: asyncio.Event) -> None:
    await event.wait()

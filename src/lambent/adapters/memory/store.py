"""``MemoryStore``: tables, queues and logs in dictionaries."""

from __future__ import annotations

import asyncio
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Coroutine, Sequence
from typing import Any

from lambent.adapters.memory.queues import MemoryQueue
from lambent.adapters.memory.tables import MemoryTable, ordered
from lambent.base.clock import Clock
from lambent.domain.errors import Conflict
from lambent.domain.storage import (
    Acknowledge,
    Append,
    Delete,
    Document,
    Enqueue,
    Entry,
    Key,
    Lease,
    Postpone,
    Purge,
    Put,
    Trim,
    Write,
)


class _Log:
    def __init__(self) -> None:
        self.last = 0  #: the highest sequence number ever given
        self.entries: list[Entry] = []


class MemoryStore:
    """A ``Store`` that keeps everything in memory: the reference for what the others do."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tables: defaultdict[str, MemoryTable] = defaultdict(MemoryTable)
        self._queues: defaultdict[str, MemoryQueue] = defaultdict(MemoryQueue)
        self._logs: defaultdict[str, _Log] = defaultdict(_Log)
        self._touched: dict[str, asyncio.Event] = {}
        self._version = 0
        self._order = 0

    async def commit(self, writes: Sequence[Write], *, durable: bool = True) -> tuple[int, ...]:
        """Write all or nothing; see ``Store.commit``."""
        del durable
        self._check(writes)
        numbers = tuple([self._apply(write) for write in writes])
        for queue in {_queue_of(write) for write in writes} - {""}:
            self._touch(queue)
        return numbers

    def _check(self, writes: Sequence[Write]) -> None:
        """Raise what ``commit`` raises before anything is written: nothing after this can fail."""
        written: dict[tuple[str, Key], int] = {}
        coming = self._version
        for write in writes:
            if not isinstance(write, Put | Delete):
                continue
            ordered(write.key)
            place = (write.table, write.key)
            found = written[place] if place in written else self._table(write.table).version(write.key)
            if write.expect is not None and write.expect != found:
                raise Conflict(write.table, write.key, write.expect, found)
            coming += isinstance(write, Put)
            written[place] = coming if isinstance(write, Put) else 0

    def _apply(self, write: Write) -> int:
        match write:
            case Put(table, key, value):
                self._version += 1
                self._tables[table].put(Document(key, value, self._version))
                return self._version
            case Delete(table, key):
                self._table(table).delete(key)
            case Enqueue():
                self._order += 1
                self._queues[write.queue].enqueue(write, self._clock.now(), self._order)
            case Acknowledge(lease):
                self._acknowledge(lease)
            case Postpone(lease):
                self._queue(lease.queue).postpone(write)
            case Purge(queue):
                self._queues.pop(queue, None)
            case Append(log, records):
                return self._append(self._logs[log], records)
            case Trim(log, before_ms):
                kept = self._logs[log]
                kept.entries = [] if before_ms is None else [entry for entry in kept.entries if entry.time_ms >= before_ms]
        return 0

    def _acknowledge(self, lease: Lease) -> None:
        """Remove the message, and the queue with its last one: names of queues come and go."""
        queue = self._queue(lease.queue)
        queue.acknowledge(lease)
        if not len(queue):
            self._queues.pop(lease.queue, None)

    @staticmethod
    def _append(log: _Log, records: Sequence[Any]) -> int:
        first = log.last + 1
        log.entries.extend(Entry(first + index, record.time_ms, record.data) for index, record in enumerate(records))
        log.last += len(records)
        return first

    async def get(self, table: str, key: Key) -> Document | None:
        """Return the document, or ``None``."""
        return self._table(table).get(key)

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
        return self._table(table).range(within, start=start, after=after, limit=limit, reverse=reverse)

    async def lease(self, queue: str, *, now: float, seconds: float, limit: int = 1) -> list[Lease]:
        """Lease due messages, the longest due first."""
        leases: list[Lease] = []
        while len(leases) < limit:
            self._order += 1
            lease = self._queue(queue).lease(queue, str(self._order), now, now + seconds)
            if lease is None:
                break
            leases.append(lease)
        return leases

    async def next_due(self, queue: str) -> float | None:
        """Return when the queue's next message may be leased."""
        return self._queue(queue).next_due()

    def wait_enqueued(self, queue: str) -> Coroutine[Any, Any, None]:
        """Return when a commit has touched the queue since this call began (not only since it was first awaited)."""
        return _wait(self._touched.setdefault(queue, asyncio.Event()))

    async def depth(self, queue: str) -> int:
        """Return how many messages the queue holds."""
        return len(self._queue(queue))

    async def queues(self, prefix: str) -> list[str]:
        """Return the names of the queues with this prefix that hold messages."""
        return sorted(name for name, queue in self._queues.items() if name.startswith(prefix) and len(queue))

    async def read(self, log: str, *, after: int = 0, limit: int = 1000, reverse: bool = False, before: int | None = None) -> list[Entry]:
        """Return a log's records; see ``Store.read``."""
        entries = self._logs[log].entries if log in self._logs else []
        first = bisect_right(entries, after, key=_sequence)
        last = len(entries) if before is None else bisect_left(entries, before, key=_sequence)
        chosen = range(last - 1, first - 1, -1) if reverse else range(first, last)
        return [entries[index] for index in chosen[: max(0, limit)]]

    async def close(self) -> None:
        """Do nothing: there is nothing to let go of."""

    def _table(self, name: str) -> MemoryTable:
        return self._tables[name] if name in self._tables else MemoryTable()

    def _queue(self, name: str) -> MemoryQueue:
        return self._queues[name] if name in self._queues else MemoryQueue()

    def _touch(self, queue: str) -> None:
        event = self._touched.pop(queue, None)
        if event is not None:
            event.set()


def _sequence(entry: Entry) -> int:
    return entry.sequence


def _queue_of(write: Write) -> str:
    match write:
        case Enqueue(queue) | Purge(queue):
            return queue
        case Acknowledge(lease) | Postpone(lease):
            return lease.queue
        case _:
            return ""


async def _wait(event: asyncio.Event) -> None:
    await event.wait()

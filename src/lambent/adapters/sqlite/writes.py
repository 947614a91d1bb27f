"""Carrying out writes inside an open transaction; the order of things and what they mean, but nothing of when they become durable."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, Final

from lambent.adapters.sqlite import keys, runs, statements
from lambent.base.clock import Clock
from lambent.domain.errors import Conflict
from lambent.domain.storage import (
    Acknowledge,
    Append,
    Delete,
    Enqueue,
    Lease,
    Postpone,
    Purge,
    Put,
    Record,
    Trim,
    Write,
)

_SIZE_MAX: Final = max(statements.SIZES)


class Session:
    """The writer's connection, with the numbers that only grow.

    Messages that are added, or acknowledged, are one statement for many, and so are runs of records: they lie in ``_enqueued``,
    ``_acknowledged`` and ``_appended`` until something else is done with messages or logs, or ``flush``. Which of them comes first makes no
    difference: a message that is added while its lease is acknowledged is there afterwards.
    """

    def __init__(self, connection: sqlite3.Connection, clock: Clock) -> None:
        """Begin a session: what the one before held is released, and tokens are of this session alone."""
        self._execute = connection.execute
        self._clock = clock
        self._version = self._stored_version = self._counter("version")
        self._opened = self._counter("opened") + 1
        self._tokens = 0
        self._enqueued: list[tuple[Any, ...]] = []
        self._acknowledged: list[tuple[str]] = []
        self._appended: list[runs.Row] = []
        self._execute("BEGIN IMMEDIATE")
        self._execute(statements.WRITE_COUNTER, (self._opened, "opened"))
        self._execute(statements.RELEASE_LEASES)
        self._execute("COMMIT")

    def _counter(self, name: str) -> int:
        return int(self._execute(statements.READ_COUNTER, (name,)).fetchone()[0])

    def flush(self) -> None:
        """Carry out what was put off; before a savepoint, a commit, or anything else that must find it done."""
        if self._enqueued:
            rows, self._enqueued = self._enqueued, []
            self._execute_many(statements.ENQUEUE, rows)
        if self._acknowledged:
            tokens, self._acknowledged = self._acknowledged, []
            self._execute_many(statements.ACKNOWLEDGE, tokens)
        if self._appended:
            rows, self._appended = self._appended, []
            self._execute_many(statements.APPEND, rows)

    def forget(self) -> None:
        """Forget what was put off: its transaction is taken back."""
        self._enqueued, self._acknowledged, self._appended = [], [], []

    def _execute_many(self, by_size: Mapping[int, str], rows: Sequence[tuple[Any, ...]], *first: object) -> None:
        """Carry out a statement for all rows, as many at once as its largest size; ``first`` are parameters before theirs."""
        for start in range(0, len(rows), _SIZE_MAX):
            some = rows[start : start + _SIZE_MAX]
            size = next(each for each in statements.SIZES if each >= len(some))
            beyond = (None,) * ((size - len(some)) * len(some[0]))
            self._execute(by_size[size], [*first, *chain.from_iterable(some), *beyond])

    def store_version(self) -> None:
        """Write down the newest document version, once for a whole group of commits."""
        if self._version != self._stored_version:
            self._execute(statements.WRITE_COUNTER, (self._version, "version"))

    def version_stored(self) -> None:
        """Note that the transaction of ``store_version`` was committed."""
        self._stored_version = self._version

    def apply_all(self, writes: Sequence[Write]) -> tuple[int, ...]:
        """Carry out the writes of one commit in order; ``Conflict`` leaves it to the caller to roll back."""
        return tuple([self._apply(write) for write in writes])

    def _apply(self, write: Write) -> int:
        match write:
            case Enqueue(queue, message_id, body, due):
                self._enqueued.append((queue, message_id, due, due, self._clock.now(), body))
                return 0
            case Acknowledge(lease):
                self._acknowledged.append((lease.token,))
                return 0
            case Put():
                return self._put(write)
            case Delete():
                self._delete(write)
            case Postpone(lease, due, replaced):
                self.flush()
                self._execute(statements.POSTPONE, (due, due, replaced, lease.queue, lease.message_id, lease.token))
            case Purge(queue):
                self.flush()
                self._execute(statements.PURGE, (queue,))
            case Append(log, records):
                return self._append(log, records)
            case Trim(log, before_ms):
                self._trim(log, before_ms)
        return 0

    def _put(self, write: Put) -> int:
        key = keys.encode((write.table, *write.key))
        self._expect(write, key)
        self._version += 1
        self._execute(statements.PUT, (key, write.value, self._version))
        return self._version

    def _delete(self, write: Delete) -> None:
        key = keys.encode((write.table, *write.key))
        self._expect(write, key)
        self._execute(statements.DELETE, (key,))

    def _expect(self, write: Put | Delete, key: bytes) -> None:
        if write.expect is None:
            return
        row = self._execute(statements.VERSION, (key,)).fetchone()
        found = 0 if row is None else int(row[0])
        if found != write.expect:
            raise Conflict(write.table, write.key, write.expect, found)

    def _append(self, log: str, records: Sequence[Record]) -> int:
        number, last = self._execute(statements.ADVANCE_LOG, (log, len(records))).fetchone()
        first = int(last) - len(records) + 1
        self._appended += runs.rows(number, first, records)
        if len(self._appended) >= _SIZE_MAX:
            self.flush()
        return first

    def _trim(self, log: str, before_ms: int | None) -> None:
        """Remove all runs, or those that end before the time; of each that goes on after it, what stays becomes runs of one."""
        self.flush()
        if before_ms is None:
            self._execute(statements.TRIM_ALL, (log,))
            return
        self._execute(statements.TRIM, (log, before_ms))
        while (row := self._execute(statements.STRADDLING, (log, before_ms)).fetchone()) is not None:
            number, last, count, data = row
            first = last - count + 1
            self._execute(statements.REMOVE, (number, last))
            left = [each for each in runs.entries(first, data, first, last + 1) if each.time_ms >= before_ms]
            self._execute_many(statements.APPEND, [(number, each.sequence, 1, each.time_ms, each.time_ms, each.data) for each in left])

    def lease(self, queue: str, now: float, seconds: float, limit: int) -> list[Lease]:
        """Lease due messages, the longest due first."""
        self.flush()
        rows = self._execute(statements.DUE, (queue, now, limit)).fetchall()
        if not rows:
            return []
        self._tokens += 1
        token, expires = f"{self._opened}-{self._tokens}-", now + seconds
        self._execute_many(statements.LEASE, [row[:1] for row in rows], expires, token)
        return [
            Lease(queue, message_id, body, enqueued, receives + 1, f"{token}{number}", expires)
            for number, message_id, body, enqueued, receives in rows
        ]

"""Runs: records that follow each other in a log, in one row, because a row costs far more than a record in it.

A run has the sequence number of its last record. A run of one holds the record's own data; a longer one two packed columns, the times
and the data of its records.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

import msgspec

from lambent.adapters.sqlite import statements
from lambent.domain.storage import Entry, Record

RECORDS_MAX: Final = 64
BYTES_MAX: Final = 32_768
"""What a run holds at most, but for a record that is larger alone: longer runs are hardly cheaper to write, and to read one record is to
unpack them all."""

Row: TypeAlias = tuple[int, int, int, int, int, bytes]
"""Log, number of the last record, how many, earliest and latest time, data."""

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(tuple[list[int], list[bytes]]).decode


def rows(log: int, first: int, records: Sequence[Record]) -> list[Row]:
    """Return the rows of records whose sequence numbers begin with ``first``."""
    made: list[Row] = []
    for run in _runs(records, RECORDS_MAX):
        last = first + len(run) - 1
        times = [each.time_ms for each in run]
        data = run[0].data if len(run) == 1 else _pack((times, [each.data for each in run]))
        made.append((log, last, len(run), min(times), max(times), data))
        first = last + 1
    return made


def _runs(records: Sequence[Record], most: int) -> Iterator[Sequence[Record]]:
    """Give the records in runs of at most ``most``, halved while they are too many bytes."""
    for start in range(0, len(records), most):
        run = records[start : start + most]
        if len(run) > 1 and sum([len(each.data) for each in run]) > BYTES_MAX:
            yield from _runs(run, (len(run) + 1) // 2)
        else:
            yield run


def entries(first: int, data: bytes, begin: int, end: int) -> list[Entry]:
    """Return the records ``begin`` to ``end`` (exclusive) of a run of several whose first number is ``first``."""
    times, contents = _unpack(data)
    part = slice(begin - first, end - first)
    return list(map(Entry, range(begin, end), times[part], contents[part]))


def read(connection: sqlite3.Connection, log: str, after: int, before: int, *, limit: int, reverse: bool) -> list[Entry]:
    """Return a log's records as ``Store.read`` does; rows are fetched until there are enough."""
    found: list[Entry] = []
    cursor = connection.execute(*(statements.READ_REVERSE, (log, after, before)) if reverse else (statements.READ, (log, after)))
    for last, count, time_ms, data in cursor:
        missing = limit - len(found)
        if missing <= 0:
            break
        if count == 1 and last < before:
            found.append(Entry(last, time_ms, data))
            continue
        begin, end = max(last - count, after) + 1, min(last + 1, before)
        if begin < end and reverse:
            found += reversed(entries(last - count + 1, data, max(begin, end - missing), end))
        elif begin < end:
            found += entries(last - count + 1, data, begin, min(end, begin + missing))
        elif not reverse:
            break  # backwards only the first row may lie beyond
    cursor.close()
    return found

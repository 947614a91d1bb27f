"""Every statement that runs after the schema is there, named."""

from __future__ import annotations

from typing import Final

READ_COUNTER: Final = "SELECT value FROM counters WHERE name = ?"
WRITE_COUNTER: Final = "UPDATE counters SET value = ? WHERE name = ?"

# Documents.
GET: Final = "SELECT value, version FROM documents WHERE key = ?"
PUT: Final = (
    "INSERT INTO documents (key, value, version) VALUES (?, ?, ?) "
    "ON CONFLICT (key) DO UPDATE SET value = excluded.value, version = excluded.version"
)
DELETE: Final = "DELETE FROM documents WHERE key = ?"
VERSION: Final = "SELECT version FROM documents WHERE key = ?"
RANGE: Final = "SELECT key, value, version FROM documents WHERE key >= ? AND key < ? ORDER BY key LIMIT ?"
RANGE_REVERSE: Final = "SELECT key, value, version FROM documents WHERE key >= ? AND key < ? ORDER BY key DESC LIMIT ?"

# Messages. A token that doesn't match says that the lease was lost: then nothing happens.
_ENQUEUE: Final = (
    "INSERT INTO messages (queue, message_id, due, visible, enqueued, body) SELECT * FROM (VALUES {}) WHERE column1 IS NOT NULL "
    "ON CONFLICT (queue, message_id) DO UPDATE SET due = excluded.due, visible = excluded.visible, body = excluded.body, token = ''"
)
#: The token alone finds a message (``token <> ''`` is what its index asks for); one isn't given twice.
_ACKNOWLEDGE: Final = "DELETE FROM messages WHERE token <> '' AND token IN ({})"
#: Each statement lets go of the interpreter's lock and waits until the event loop does: many rows are one statement. They come in a few
#: sizes, so that each is compiled once; what a size has beyond the rows is NULL, which adds and matches nothing.
SIZES: Final = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
ENQUEUE: Final = {size: _ENQUEUE.format(", ".join(["(?, ?, ?, ?, ?, ?)"] * size)) for size in SIZES}
ACKNOWLEDGE: Final = {size: _ACKNOWLEDGE.format(", ".join("?" * size)) for size in SIZES}
POSTPONE: Final = (
    "UPDATE messages SET due = ?, visible = ?, token = '', body = coalesce(?, body) WHERE queue = ? AND message_id = ? AND token = ?"
)
PURGE: Final = "DELETE FROM messages WHERE queue = ?"
DUE: Final = "SELECT id, message_id, body, enqueued, receives FROM messages WHERE queue = ? AND visible <= ? ORDER BY visible, id LIMIT ?"
_LEASE: Final = "UPDATE messages SET visible = ?, receives = receives + 1, token = ? || id WHERE id IN ({})"
LEASE: Final = {size: _LEASE.format(", ".join("?" * size)) for size in SIZES}
#: After a start nobody holds the leases of before: their messages are due as they were.
RELEASE_LEASES: Final = "UPDATE messages SET visible = due, token = '' WHERE token <> ''"
NEXT_DUE: Final = "SELECT min(visible) FROM messages WHERE queue = ?"
DEPTH: Final = "SELECT count(*) FROM messages WHERE queue = ?"
#: One step down the index for each name, however many messages a queue holds.
QUEUES: Final = (
    "WITH RECURSIVE found (queue) AS (SELECT min(queue) FROM messages WHERE queue >= :low AND queue < :high UNION ALL "
    "SELECT (SELECT min(queue) FROM messages WHERE queue > found.queue AND queue < :high) FROM found WHERE found.queue IS NOT NULL) "
    "SELECT queue FROM found WHERE queue IS NOT NULL"
)

# Logs.
ADVANCE_LOG: Final = (
    "INSERT INTO logs (name, last) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET last = last + excluded.last RETURNING id, last"
)
_APPEND: Final = "INSERT INTO runs (log, sequence, count, earliest_ms, latest_ms, data) SELECT * FROM (VALUES {}) WHERE column1 IS NOT NULL"
APPEND: Final = {size: _APPEND.format(", ".join(["(?, ?, ?, ?, ?, ?)"] * size)) for size in SIZES}
_OF_LOG: Final = "FROM runs WHERE log = (SELECT id FROM logs WHERE name = ?1)"
TRIM: Final = f"DELETE {_OF_LOG} AND earliest_ms < ?2 AND latest_ms < ?2"
TRIM_ALL: Final = f"DELETE {_OF_LOG}"
#: After ``TRIM``: a run that begins before the time and goes on after it.
STRADDLING: Final = f"SELECT log, sequence, count, data {_OF_LOG} AND earliest_ms < ?2 LIMIT 1"
REMOVE: Final = "DELETE FROM runs WHERE log = ? AND sequence = ?"
#: Both give rows until the reader has enough. A run is found by its last number: going back from ``before`` begins with the first run
#: that reaches the number below it.
READ: Final = f"SELECT sequence, count, earliest_ms, data {_OF_LOG} AND sequence > ?2 ORDER BY sequence"
READ_REVERSE: Final = (
    f"SELECT sequence, count, earliest_ms, data {_OF_LOG} AND sequence > ?2 AND "
    f"sequence <= (SELECT coalesce(min(sequence), ?3) {_OF_LOG} AND sequence >= ?3 - 1) ORDER BY sequence DESC"
)

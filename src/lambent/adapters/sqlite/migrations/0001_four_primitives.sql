-- Tables, queues and logs.

PRAGMA application_id = 1279348034;

-- Numbers that only grow: 'version' is the last document version given, 'opened' how often the store was opened.
CREATE TABLE counters (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO counters (name, value) VALUES ('version', 0), ('opened', 0);

-- Every table's documents in one tree: the key's first part is the table's name (adapters/sqlite/keys.py).
CREATE TABLE documents (
    key     BLOB PRIMARY KEY,
    value   BLOB NOT NULL,
    version INTEGER NOT NULL
) WITHOUT ROWID;

-- 'visible' is when a message may be leased: its due time, or the end of its lease. 'token' is empty when no lease holds it.
CREATE TABLE messages (
    id         INTEGER PRIMARY KEY,
    queue      TEXT NOT NULL,
    message_id TEXT NOT NULL,
    due        REAL NOT NULL,
    visible    REAL NOT NULL,
    enqueued   REAL NOT NULL,
    receives   INTEGER NOT NULL DEFAULT 0,
    token      TEXT NOT NULL DEFAULT '',
    body       BLOB NOT NULL,
    UNIQUE (queue, message_id)
);
CREATE INDEX messages_by_time ON messages (queue, visible);
CREATE INDEX messages_leased ON messages (token) WHERE token <> '';

-- A log's row stays when its records are trimmed, so that sequence numbers go on.
CREATE TABLE logs (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    last INTEGER NOT NULL
);
CREATE TABLE records (
    log      INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    time_ms  INTEGER NOT NULL,
    data     BLOB NOT NULL,
    PRIMARY KEY (log, sequence)
) WITHOUT ROWID;
CREATE INDEX records_by_time ON records (log, time_ms);

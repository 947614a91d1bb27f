-- A row holds a run of a log's records (adapters/sqlite/runs.py): 'count' of them, the last of which has the number 'sequence'.
-- Rows lie in the order of their arrival, so that a commit writes those of all logs into the same pages, and an index finds a log's.
CREATE TABLE runs (
    log         INTEGER NOT NULL,
    sequence    INTEGER NOT NULL,
    count       INTEGER NOT NULL,
    earliest_ms INTEGER NOT NULL,
    latest_ms   INTEGER NOT NULL,
    data        BLOB NOT NULL
);
INSERT INTO runs SELECT log, sequence, 1, time_ms, time_ms, data FROM records ORDER BY log, sequence;
DROP TABLE records;
CREATE UNIQUE INDEX runs_by_sequence ON runs (log, sequence);
CREATE INDEX runs_by_time ON runs (log, earliest_ms);

"""Asynchronous invocations that were accepted durably, against SQLite's group commit alone on the same disk."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from pathlib import Path

from benchmarks import load, server
from benchmarks.report import Row
from benchmarks.sqs import commit_alone

ROUNDS = 7
CLIENTS = 64
_SECONDS = 0.5


def rows() -> list[Row]:
    """Event invokes per second."""
    accepted, alone, store = [], [], []
    with server.running() as ours:
        key = ours.role_key()
        ours.deploy("echo")
        load.throughput(ours.port, load.invocations(ours.port, "echo", 200, key, x_amz_invocation_type="Event"), CLIENTS)
        for number in range(ROUNDS):
            alone.append(_group_commits(ours.data_dir.parent / f"alone-{number}.sqlite"))
            store.append(asyncio.run(commit_alone(_SECONDS, CLIENTS)))
            requests = load.invocations(ours.port, "echo", 1500, key, x_amz_invocation_type="Event")
            accepted.append(load.throughput(ours.port, requests, CLIENTS))
            time.sleep(1.0)  # what was accepted is also run
    ratios = [a / b for a, b in zip(accepted, alone, strict=True)]
    of_store = load.median([a / b for a, b in zip(accepted, store, strict=True)])
    figures = f"{load.median(accepted):,.0f}/s, SQLite alone {load.median(alone):,.0f} rows/s"
    return [
        Row(
            f"event invokes accepted durably, {CLIENTS} clients",
            f"rows/s of SQLite in groups of {CLIENTS}, synced",
            "≥ 0.25 ×",
            ratios,
            figures,
            0.25,
            at_least=True,
            notes=[
                f"of {load.median(store):,.0f} commits/s of the store alone, {CLIENTS} at once: {of_store:.3f}",
                "run meanwhile by the same server",
            ],
        )
    ]


def _group_commits(path: Path) -> float:
    """Return the rows per second of commits of ``CLIENTS`` rows each, with the server's settings."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE messages (id INTEGER PRIMARY KEY, queue TEXT, message_id TEXT, due REAL, body BLOB)")
    connection.execute("CREATE UNIQUE INDEX names ON messages (queue, message_id)")
    began, count, body = time.perf_counter(), 0, b"x" * 300
    while time.perf_counter() - began < _SECONDS:
        connection.execute("BEGIN IMMEDIATE")
        rows = [("events", f"{count + each:032x}", 0.0, body) for each in range(CLIENTS)]
        connection.executemany("INSERT INTO messages (queue, message_id, due, body) VALUES (?, ?, ?, ?)", rows)
        connection.execute("COMMIT")
        count += CLIENTS
    rate = count / (time.perf_counter() - began)
    connection.close()
    return rate

"""Opening the file: locked against a second server, checked before anything is changed, migrated step by step."""

from __future__ import annotations

import fcntl
import logging
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from lambent.adapters.sqlite import migrations
from lambent.domain.errors import StartupError

_log = logging.getLogger(__name__)

_FILE: Final = "lambent.db"
_LOCK: Final = "lock"
_APPLICATION_ID: Final = 1279348034  #: "LAMB"; as in the first migration
_CHECKED_BYTES_MAX: Final = 32 << 20
"""Files up to this size are checked whole at the start (about 0.1 s); of larger ones only what opening them reads."""
_BUSY_TIMEOUT_S: Final = 5.0
_CHECKPOINT_PAGES: Final = 4000  #: 16 MB of write-ahead log; fewer checkpoints than SQLite's 1,000 pages, as each costs two fsyncs


class DirectoryLock:
    """A data directory that is this process's alone until ``release``, or until the process is gone."""

    def __init__(self, directory: Path) -> None:
        """Take the lock; ``StartupError`` when another process holds it or the directory can't be written."""
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._descriptor = os.open(directory / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StartupError(
                f"The data directory {directory} can't be used: {error.strerror}. Make it writable, or choose another with --data-dir."
            ) from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(self._descriptor, 20, 0).decode("ascii", "replace").strip()
            os.close(self._descriptor)
            raise StartupError(
                f"The data directory {directory} is in use by another server{f' (process {holder})' if holder else ''}. "
                "Stop it first, or choose another directory with --data-dir."
            ) from error
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, b"%d\n" % os.getpid(), 0)

    def release(self) -> None:
        """Let another server have the directory; safe to call twice."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def prepare(directory: Path) -> Path:
    """Return the database file of a locked directory, in the newest format; ``StartupError`` leaves it as it was."""
    path = directory / _FILE
    steps = migrations.steps()
    try:
        known = _inspect(path, len(steps))
        with closing(connect(path)) as connection:
            if known == 0:
                connection.execute("PRAGMA journal_mode = WAL")
            elif known < len(steps):
                _log.warning("%s is brought from format %d to %d, which may take a while", path, known, len(steps))
            for number, sql in enumerate(steps[known:], known + 1):
                connection.executescript(f"BEGIN IMMEDIATE; {sql}; PRAGMA user_version = {number}; COMMIT;")
            mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    except sqlite3.Error as error:
        raise _unreadable(path, str(error)) from error
    if mode != "wal":
        raise StartupError(f"{path} is on a file system without shared memory for SQLite's write-ahead log. Choose a local directory.")
    _sync_directory(directory)
    return path


def connect(path: Path) -> sqlite3.Connection:
    """Return a connection in autocommit mode that syncs each commit; usable by one thread at a time, whichever."""
    connection = sqlite3.connect(path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
    connection.execute("PRAGMA foreign_keys = OFF")
    return connection


def connect_reader(path: Path) -> sqlite3.Connection:
    """Return a connection that can't write."""
    connection = connect(path)
    connection.execute("PRAGMA query_only = ON")
    return connection


def _inspect(path: Path, newest: int) -> int:
    """Return the file's format (0: there is none yet) without changing it; ``StartupError`` when it isn't ours to open."""
    if not path.exists():
        return 0
    size = path.stat().st_size
    if size == 0:
        log = path.with_name(path.name + "-wal")
        if log.exists() and log.stat().st_size:
            raise _unreadable(path, "the file is empty, but its write-ahead log is not")
        return 0
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_BUSY_TIMEOUT_S)) as connection:
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        owner = connection.execute("PRAGMA application_id").fetchone()[0]
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if owner != _APPLICATION_ID and tables:
            raise _unreadable(path, "it is another program's database")
        if version > newest:
            raise StartupError(
                f"{path} was written by a newer version of Lambent (format {version}; this one knows up to {newest}). "
                "It was left as it is. Start the newer version, or choose another directory with --data-dir."
            )
        if size <= _CHECKED_BYTES_MAX:
            verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if verdict != "ok":
                raise _unreadable(path, str(verdict).replace("\n", " "))
    return version


def _unreadable(path: Path, why: str) -> StartupError:
    return StartupError(
        f"{path} can't be read as Lambent's database: {why}. It was left as it is. "
        "Restore it from a copy, move it away to start empty, or choose another directory with --data-dir."
    )


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

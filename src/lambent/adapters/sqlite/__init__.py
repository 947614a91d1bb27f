"""The store in SQLite: durable, with group commit. The only place with SQL.

``keys`` is the pure encoding of keys; ``statements`` holds every statement; ``database`` opens, checks and migrates the file;
``runs`` lays out a log's records in rows; ``writes`` carries out one write; ``writer`` is the thread that groups commits; ``store`` plugs
them together.
"""

from lambent.adapters.sqlite.database import DirectoryLock
from lambent.adapters.sqlite.store import SqliteStore

__all__ = ["DirectoryLock", "SqliteStore"]

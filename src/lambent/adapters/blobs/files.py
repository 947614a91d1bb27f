"""``FileBlobs``: each blob is a file named by its SHA-256, whole or not there at all.

::

    <directory>/incoming/<number>             being written; emptied at the start
    <directory>/<first two digits>/<digest>   complete and synced; its modification time says when it was last put
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import os
import shutil
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from io import FileIO
from pathlib import Path
from typing import Final, ParamSpec, TypeVar

from lambent.base.clock import Clock
from lambent.base.regexes import Regex
from lambent.domain.documents import is_kept
from lambent.domain.errors import StartupError
from lambent.domain.http import ByteStream
from lambent.domain.storage import Blob, Store

P = ParamSpec("P")
T = TypeVar("T")

_PIECE_BYTES: Final = 1 << 20
"""Bytes gathered before a thread hashes and writes them, and bytes read at once: a hop to a thread costs 0.1 ms, 1 MB 1 to 3."""
_THREADS: Final = 8  #: uploads and downloads that wait for the disk at once; others wait their turn
_DIGEST: Final = Regex(r"[0-9a-f]{64}")


class FileBlobs:
    """``Blobs`` in a directory that is this process's alone (``SqliteStore``'s lock on the data directory sees to that)."""

    def __init__(self, directory: Path, clock: Clock) -> None:
        """Make the directory and remove what unfinished uploads left; ``StartupError`` when it can't be written."""
        self._directory = directory
        self._incoming = directory / "incoming"
        self._clock = clock
        self._numbers = itertools.count(1)
        self._publishing = threading.Lock()  #: a sweep must not remove what was put again since it looked
        self._synced: set[Path] = set()  #: directories whose own names are on disk for sure
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="blobs")
        try:
            shutil.rmtree(self._incoming, ignore_errors=True)
            self._incoming.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StartupError(
                f"The directory {directory} can't be used: {error.strerror}. Make it writable, or choose another."
            ) from error

    async def put(self, chunks: AsyncIterator[bytes] | ByteStream) -> Blob:
        """Store the bytes at constant memory; durable on return. An error while iterating leaves nothing behind and is raised on."""
        upload = _Upload(self._incoming / str(next(self._numbers)))
        try:
            gathered: list[bytes] = []
            gathered_bytes = 0
            async for chunk in chunks:
                gathered.append(chunk)
                gathered_bytes += len(chunk)
                if gathered_bytes >= _PIECE_BYTES:
                    await self._in_thread(upload.write, gathered)
                    gathered, gathered_bytes = [], 0
            return await self._in_thread(self._finish, upload, gathered)
        except BaseException:
            await asyncio.shield(self._in_thread(upload.discard))
            raise

    def _finish(self, upload: _Upload, rest: list[bytes]) -> Blob:
        """Write the rest, sync, and move the file to its name. An equal blob is replaced: cheaper than to prove that it is whole."""
        upload.write(rest)
        now = self._clock.now()
        blob = upload.complete(now)
        target = self._path(blob.digest)
        target.parent.mkdir(mode=0o700, exist_ok=True)
        with self._publishing:
            upload.path.rename(target)
        _sync_directory(target.parent)
        if target.parent not in self._synced:
            _sync_directory(self._directory)
            self._synced.add(target.parent)
        return blob

    def read(self, digest: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """Give the bytes from ``start`` up to, not including, ``end``; ``KeyError``, here already, when there is no such blob."""
        path = self._existing(digest)
        return self._pieces(path, start, end)

    async def _pieces(self, path: Path, start: int, end: int | None) -> AsyncIterator[bytes]:
        try:
            file = await self._in_thread(_open, path)
        except FileNotFoundError:
            raise KeyError(path.name) from None
        try:
            position = start
            while end is None or position < end:
                wanted = _PIECE_BYTES if end is None else min(_PIECE_BYTES, end - position)
                piece = await self._in_thread(os.pread, file.fileno(), wanted, position)
                if not piece:
                    return
                position += len(piece)
                yield piece
        finally:
            file.close()

    async def path(self, digest: str) -> Path:
        """Return the blob's own file; ``KeyError`` when there is no such blob."""
        return self._existing(digest)

    async def sweep(self, store: Store, *, older_than: float) -> int:
        """Remove blobs that no document keeps and that were last put before ``older_than``; return how many."""
        swept = 0
        for path in await self._in_thread(self._old, older_than):
            if not await is_kept(store, path.name):
                swept += await self._in_thread(self._remove, path, older_than)
        return swept

    def _old(self, older_than: float) -> list[Path]:
        files = (path for path in self._directory.glob("??/*") if _DIGEST.fullmatch(path.name))
        return [path for path in files if path.stat().st_mtime < older_than]

    def _remove(self, path: Path, older_than: float) -> bool:
        with self._publishing:
            if not path.exists() or path.stat().st_mtime >= older_than:
                return False
            path.unlink()
            return True

    def _path(self, digest: str) -> Path:
        return self._directory / digest[:2] / digest

    def _existing(self, digest: str) -> Path:
        path = self._path(digest)
        if not _DIGEST.fullmatch(digest) or not path.exists():
            raise KeyError(digest)
        return path

    async def _in_thread(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, partial(work, *args, **kwargs))


class _Upload:
    """A file that is being written. Its methods block; one at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: FileIO | None = None
        self._hash = hashlib.sha256()
        self._size = 0
        self._lock = threading.Lock()  #: a cancelled upload is discarded while its last write may still run
        self._discarded = False

    def write(self, pieces: list[bytes]) -> None:
        """Hash and write the pieces."""
        with self._lock:
            if self._discarded:
                return
            if self._file is None:
                self._file = FileIO(self.path, "x")
            for piece in pieces:
                self._hash.update(piece)
                self._size += len(piece)
                _write_all(self._file, piece)

    def complete(self, now: float) -> Blob:
        """Sync the file with its time of storing and close it; nobody writes to it again."""
        with self._lock:
            if self._file is None:
                raise FileNotFoundError(self.path)
            descriptor = self._file.fileno()
            os.fchmod(descriptor, 0o400)
            os.utime(descriptor, (now, now))
            os.fsync(descriptor)
            self._file.close()
            return Blob(self._hash.hexdigest(), self._size)

    def discard(self) -> None:
        """Close and remove the file, if it still has the name that it was written under."""
        with self._lock:
            self._discarded = True
            if self._file is not None:
                self._file.close()
            self._file = None
            self.path.unlink(missing_ok=True)


def _open(path: Path) -> FileIO:
    return FileIO(path)


def _write_all(file: FileIO, piece: bytes) -> None:
    view = memoryview(piece)
    while view:
        view = view[file.write(view) :]


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""Unpacked function code and layers, by the digest of their zip: unpacked once, atomically, then only read."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
import tempfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import Final

from lambent.domain.errors import AwsError
from lambent.domain.storage import Blobs

_COPY_BYTES: Final = 1 << 20
_ENTRIES_MAX: Final = 200_000  # of one zip: directories and files
_UNFINISHED: Final = ".unfinished-"
_BAD_ARCHIVE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    ValueError,
    EOFError,
    RuntimeError,  # encrypted; or a method that this Python cannot unpack (NotImplementedError)
    FileExistsError,  # a file where another entry has a folder
    NotADirectoryError,
    IsADirectoryError,
)


class CodeCache:
    """A folder of unpacked zips, one per digest, read-only.

    A zip that isn't one, that points outside of its folder or that unpacks to more than ``bytes_max`` raises ``AwsError``
    (``InvalidZipFileException``, status 502 as AWS answers an invocation that meets it) and leaves nothing behind.
    """

    def __init__(self, directory: Path, blobs: Blobs, *, bytes_max: int = 262_144_000) -> None:
        self._directory = directory
        self._blobs = blobs
        self._bytes_max = bytes_max
        self._ready: dict[str, Path] = {}
        self._unpacking: dict[str, asyncio.Task[Path]] = {}
        self._tidied = False

    async def unpacked(self, digest: str) -> Path:
        """Return the folder that holds the unpacked zip; those who ask at once wait for one unpacking."""
        ready = self._ready.get(digest)
        if ready is not None:
            return ready
        task = self._unpacking.get(digest)
        if task is None:
            task = asyncio.create_task(self._unpack(digest), name=f"unpack {digest[:12]}")
            self._unpacking[digest] = task
            task.add_done_callback(lambda _: self._unpacking.pop(digest, None))
        return await asyncio.shield(task)

    async def _unpack(self, digest: str) -> Path:
        if not self._tidied:
            self._tidied = True
            self.tidy()
        try:
            archive = await self._blobs.path(digest)
        except KeyError:
            raise AwsError(
                "InvalidZipFileException", "Lambda could not find the function's code.", 502, members={"Type": "Server"}
            ) from None
        target = await asyncio.to_thread(self._prepare, archive, digest)
        self._ready[digest] = target
        return target

    def _prepare(self, archive: Path, digest: str) -> Path:
        target = self._directory / digest
        if target.is_dir():
            return target
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o755)
        unfinished = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=self._directory))
        try:
            _extract(archive, unfinished, self._bytes_max)
            _lock(unfinished)
            unfinished.chmod(0o755)  # a folder can be renamed only while its owner may write it
            unfinished.rename(target)
            target.chmod(0o555)
        except _BAD_ARCHIVE as error:
            _remove(unfinished)
            why = error.strerror if isinstance(error, OSError) else str(error)  # without the path: it is of no use to a caller
            message = f"Lambda could not unzip the file. {why or ''}".strip()
            raise AwsError("InvalidZipFileException", message, 502, members={"Type": "Server"}) from error
        except BaseException:
            _remove(unfinished)
            raise
        return target

    def tidy(self) -> None:
        """Remove what an earlier process left half unpacked; done once, before the first unpacking."""
        if self._directory.is_dir():
            for each in self._directory.glob(f"{_UNFINISHED}*"):
                _remove(each)

    async def forget(self, digest: str) -> None:
        """Remove an unpacked zip that no environment uses any more."""
        self._ready.pop(digest, None)
        await asyncio.to_thread(_remove, self._directory / digest)


def _inside(root: Path, name: str) -> Path:
    """Return where an entry goes; ``ValueError`` when that is outside of ``root``."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or "\0" in name:
        raise ValueError(f"The entry {name!r} points outside of the archive.")
    return root.joinpath(*path.parts)


def _extract(archive: Path, root: Path, bytes_max: int) -> None:
    left = bytes_max
    links: list[tuple[Path, str]] = []
    with zipfile.ZipFile(archive) as source:
        entries = source.infolist()
        if len(entries) > _ENTRIES_MAX:
            raise ValueError(f"The archive has more than {_ENTRIES_MAX} entries.")
        for entry in entries:
            path = _inside(root, entry.filename)
            mode = entry.external_attr >> 16
            if entry.is_dir():
                path.mkdir(parents=True, exist_ok=True)
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            if stat.S_ISLNK(mode):
                links.append((path, source.read(entry).decode("utf-8")))
                continue
            path.unlink(missing_ok=True)  # an entry that appears twice: the last counts
            with source.open(entry) as data, path.open("wb") as out:
                while chunk := data.read(_COPY_BYTES):
                    left -= len(chunk)
                    if left < 0:
                        raise ValueError(f"Unzipped size must be smaller than {bytes_max} bytes.")
                    out.write(chunk)
            path.chmod(0o555 if mode & 0o111 else 0o444)
    _link(root, links)


def _link(root: Path, links: list[tuple[Path, str]]) -> None:
    """Make symbolic links last, so that no file was written through one, and only such that stay inside."""
    real_root = root.resolve()
    for path, target in links:
        if path.exists() or path.is_symlink():
            raise ValueError(f"The entry {path.name!r} appears twice.")
        path.symlink_to(target)
    for path, target in links:
        if target.startswith("/") or not path.resolve().is_relative_to(real_root):
            raise ValueError(f"The link {path.name!r} points outside of the archive.")


def _lock(root: Path) -> None:
    for folder, _, _ in os.walk(root):
        Path(folder).chmod(0o555)


def _remove(root: Path) -> None:
    for folder, _, _ in os.walk(root):
        Path(folder).chmod(0o755)
    shutil.rmtree(root, ignore_errors=True)

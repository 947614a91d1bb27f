"""Checks a deployment package before anything is unpacked: pure, over an open file, at constant memory.

Refused: what is no zip or is damaged; names that are absolute, climb (``..``) or are too long; entries below a file; symlinks whose target
is outside, seen through every other symlink; entries below a symlink; devices and pipes; encrypted entries; more bytes than allowed,
whether the directory of the zip says so (a declared bomb) or the data do (a lying one). Nothing is written anywhere.
"""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Mapping, Sequence, Set
from typing import BinaryIO

from lambent.services.lambda_.errors import invalid

BAD_ZIP = "Could not unzip uploaded file. Please check your file, then try to upload again."
EMPTY_ZIP = "Uploaded file must be a non-empty zip"
ENTRIES_MAX = 200_000  #: folders that only entries below them name included
DEPTH_MAX = 128  #: of folders in each other
PATH_BYTES_MAX = 1_024  #: of an entry, so that it can be unpacked below any folder
NAME_BYTES_MAX = 255  #: of each of its parts, as file systems have it
_CHUNK_BYTES = 1 << 18
_LINK_STEPS_MAX = 64
_LINK_BYTES_MAX = 4_096


def unpacked_size(file: BinaryIO, limit: int) -> int:
    """Return how many bytes the package unpacks to, fewer than ``limit``; raises ``InvalidParameterValueException``."""
    try:
        with zipfile.ZipFile(file) as package:
            return _check(package, limit)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, NotImplementedError, EOFError, ValueError, OSError, RuntimeError):
        raise invalid(BAD_ZIP) from None


def _check(package: zipfile.ZipFile, limit: int) -> int:
    entries = package.infolist()
    if not entries:
        raise invalid(EMPTY_ZIP)
    if len(entries) > ENTRIES_MAX:
        raise _too_many()
    if sum(each.file_size for each in entries) >= limit:
        raise _too_large(limit)
    links: dict[tuple[str, ...], str] = {}
    total = 0
    for entry in entries:
        path = _path_of(entry)
        total += _real_size(package, entry)
        if _is_link(entry):
            links[path] = _target_of(package, entry)
    paths = [_path_of(each) for each in entries]
    _check_files({path for path, each in zip(paths, entries, strict=True) if not each.is_dir()}, paths)
    _check_links(links, paths)
    return total


def _check_files(files: Set[tuple[str, ...]], paths: Sequence[tuple[str, ...]]) -> None:
    """Refuse entries below a file, and folders that are files as well."""
    folders: set[tuple[str, ...]] = set()
    for path in paths:
        folder = path[:-1]
        while folder and folder not in folders:
            folders.add(folder)
            folder = folder[:-1]
        if len(folders) > ENTRIES_MAX:
            raise _too_many()
    if files & folders:
        raise invalid(BAD_ZIP)


def _too_many() -> Exception:
    return invalid(f"The zip holds more than {ENTRIES_MAX} entries.")


def _too_large(limit: int) -> Exception:
    return invalid(f"Unzipped size must be smaller than {limit} bytes")


def _path_of(entry: zipfile.ZipInfo) -> tuple[str, ...]:
    """Return the entry's path by parts, when it is one below the folder that it will be unpacked into."""
    name = entry.orig_filename
    kind = stat.S_IFMT(entry.external_attr >> 16)
    parts = tuple(part for part in name.split("/") if part not in {"", "."})
    unsafe = not name or name.startswith("/") or "\\" in name or "\0" in name or ".." in parts or name[1:2] == ":"
    unsafe = (
        unsafe
        or len(parts) > DEPTH_MAX
        or len(name.encode("utf-8", "replace")) > PATH_BYTES_MAX
        or any(len(part.encode()) > NAME_BYTES_MAX for part in parts)
    )
    if unsafe or kind not in {0, stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK} or entry.flag_bits & 0x1:
        raise invalid(BAD_ZIP)
    return parts


def _is_link(entry: zipfile.ZipInfo) -> bool:
    return stat.S_ISLNK(entry.external_attr >> 16)


def _target_of(package: zipfile.ZipFile, entry: zipfile.ZipInfo) -> str:
    if entry.file_size > _LINK_BYTES_MAX:
        raise invalid(BAD_ZIP)
    return package.read(entry).decode("utf-8")


def _real_size(package: zipfile.ZipFile, entry: zipfile.ZipInfo) -> int:
    """Unpack an entry to nowhere and return its size.

    ``zipfile`` never gives more than the declared size and checks the CRC at its end, so an entry that lies is a damaged one.
    """
    size = 0
    with package.open(entry) as data:
        while chunk := data.read(_CHUNK_BYTES):
            size += len(chunk)
    if size != entry.file_size:
        raise invalid(BAD_ZIP)
    return size


def _check_links(links: Mapping[tuple[str, ...], str], paths: Sequence[tuple[str, ...]]) -> None:
    """Refuse links that lead out and entries that lie below a link."""
    if not links:
        return
    for path in paths:
        if any(path[:length] in links for length in range(1, len(path))):
            raise invalid(BAD_ZIP)
    for path, target in links.items():
        if target.startswith("/") or "\0" in target or not _stays_inside(path[:-1], target, links):
            raise invalid(BAD_ZIP)


def _stays_inside(folder: tuple[str, ...], target: str, links: Mapping[tuple[str, ...], str]) -> bool:
    """Return whether walking ``target`` from ``folder``, through other links, never leaves the root."""
    here = list(folder)
    ahead = target.split("/")[::-1]
    for _ in range(_LINK_STEPS_MAX * 4):
        if not ahead:
            return True
        part = ahead.pop()
        if part in {"", "."}:
            continue
        if part == "..":
            if not here:
                return False
            here.pop()
            continue
        here.append(part)
        further = links.get(tuple(here))
        if further is not None:
            if further.startswith("/"):
                return False
            here.pop()
            ahead.extend(further.split("/")[::-1])
    return False

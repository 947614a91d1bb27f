"""A file of lines that is set aside when it is full; so many of those are kept. A kill at any moment leaves whole files."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from pathlib import Path


class RotatingFile:
    """Appends to ``path``; full ones are ``<path>.1`` (the newest), ``<path>.2`` …: ``files_max`` of them all together.

    A file has at most ``bytes_max``, or one line. What a kill cut off in the middle of a line stays as it is: the next line begins anew.
    """

    def __init__(self, path: Path, *, bytes_max: int, files_max: int) -> None:
        self._path = path
        self._bytes_max = bytes_max
        self._files_max = files_max
        self._lock = threading.Lock()
        self._is_whole: bool | None = None  #: whether the file ends with a whole line; ``None``: not looked at yet

    def append(self, lines: Iterable[bytes]) -> None:
        """Append lines, each with its end. ``OSError`` when the disk refuses; some may be there then."""
        with self._lock:
            try:
                self._append(list(lines))
                self._is_whole = True
            except BaseException:
                self._is_whole = None
                raise

    def _append(self, lines: list[bytes]) -> None:
        while lines:
            with self._path.open("ab") as out:
                size = out.tell()
                if self._is_whole is None and size and not _ends_with_a_line(self._path):
                    size += out.write(b"\n")
                count = self._fitting(lines, size)
                out.write(b"".join(lines[:count]))
            lines = lines[count:]
            self._is_whole = True
            if lines:
                self._set_aside()

    def _fitting(self, lines: list[bytes], size: int) -> int:
        """Return how many lines fit into a file of this size; one, at least, into an empty one."""
        count = 0
        for line in lines:
            size += len(line)
            if size > self._bytes_max and (count or size > len(line)):
                break
            count += 1
        return count

    def _set_aside(self) -> None:
        """Move each file on by one. From the last to the first: a kill in between leaves a number out, which is filled the next time."""
        names = [self._path, *map(self._numbered, range(1, self._files_max))]
        gap = next((number for number, each in enumerate(names) if not each.exists()), len(names))
        if gap == len(names):
            names[-1].unlink()
            gap -= 1
        for number in range(gap, 0, -1):
            names[number - 1].replace(names[number])
        number = self._files_max
        while (surplus := self._numbered(number)).exists():  # more were to be kept before
            surplus.unlink()
            number += 1

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")


def _ends_with_a_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"

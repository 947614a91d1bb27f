"""The schema as numbered steps: ``0001_….sql`` makes format 1 of an empty file, ``0002_….sql`` format 2 of format 1, and so on."""

from __future__ import annotations

from importlib.resources import files


def steps() -> list[str]:
    """Return the steps' SQL in order; the number of steps is the newest format."""
    found = sorted((file.name, file.read_text("utf-8")) for file in files(__name__).iterdir() if file.name.endswith(".sql"))
    return [sql for _, sql in found]

"""The schema as numbered steps: ``0001_….sql`` makes format 1 of an empty file, ``0002_….sql`` format 2 of format 1, and so on."""

from __future__ import annotations

from pathlib import Path


def steps() -> list[str]:
    """Return the steps' SQL in order; the number of steps is the newest format."""
    return [each.read_text("utf-8") for each in sorted(Path(__file__).parent.glob("*.sql"))]

"""What a filter pattern that isn't one raises."""

from __future__ import annotations


class InvalidPattern(ValueError):
    """The text isn't a filter pattern; the message is for the caller."""

    def __init__(self, why: str = "") -> None:
        super().__init__(f"Invalid filter pattern. {why}".rstrip())

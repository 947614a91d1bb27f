"""Regular expressions that are compiled when they are first asked for.

A server has a hundred of them, and few requests meet more than some: to compile all would take a twentieth of its start.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, Protocol, TypeAlias

Match: TypeAlias = "re.Match[str]"


class Find(Protocol):
    """Looks into a text, or a part of it, for what the expression describes."""

    def __call__(self, string: str, pos: int = 0, endpos: int = sys.maxsize) -> Match | None:
        """Return what was found."""
        ...


class Replace(Protocol):
    """Replaces what the expression describes."""

    def __call__(self, repl: str | Callable[[Match], str], string: str, count: int = 0) -> str:
        """Return the text with replacements."""
        ...


class Regex:
    """What ``re.compile`` returns, as far as it is used here. From its second use on a method is the compiled one's own."""

    def __init__(self, pattern: str, flags: int = 0) -> None:
        self._pattern = pattern
        self._flags = flags

    @cached_property
    def match(self) -> Find:
        """Look at the beginning."""
        return self._compiled.match

    @cached_property
    def fullmatch(self) -> Find:
        """Look whether all of it is described."""
        return self._compiled.fullmatch

    @cached_property
    def search(self) -> Find:
        """Look everywhere."""
        return self._compiled.search

    @cached_property
    def sub(self) -> Replace:
        """Replace all that is found."""
        return self._compiled.sub

    @cached_property
    def findall(self) -> Callable[[str], list[Any]]:
        """Return the texts of all that is found; with several groups, tuples."""
        return self._compiled.findall

    @cached_property
    def finditer(self) -> Callable[[str], Iterator[Match]]:
        """Return all that is found, one after the other."""
        return self._compiled.finditer

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self._pattern, self._flags)

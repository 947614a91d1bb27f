"""Patterns of terms: ``ERROR``, ``"exact phrase"``, ``?either ?or``, ``-without`` (or ``- "without"``), ``%regular expression%``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import msgspec

from lambent.base.regexes import Regex
from lambent.patterns.logs.errors import InvalidPattern
from lambent.patterns.logs.expressions import compile_expression
from lambent.patterns.logs.tokens import Reader

_TERM = Regex(r"[^\s\"%]+")
_PLAIN = Regex(r"\w+")
_GAP = Regex(r'\s+(?=")')  # the user guide has the example "ERROR" - "Exiting"

Test: TypeAlias = Callable[[str], bool]


class Terms(msgspec.Struct, frozen=True):
    """A pattern of terms, compiled."""

    included: tuple[Test, ...]
    excluded: tuple[Test, ...]
    either: tuple[Test, ...]  #: AWS ignores these beside terms of the other kinds

    def matches(self, message: str) -> bool:
        """Return whether the message has all the included terms and none of the excluded; or, without those, one of the either-ors."""
        if not self.included and not self.excluded:
            return not self.either or any(test(message) for test in self.either)
        return all(test(message) for test in self.included) and not any(test(message) for test in self.excluded)

    def extract(self, message: str) -> dict[str, str]:
        """Return nothing: terms have no names."""
        return {}


def compile_terms(text: str) -> Terms:
    """Return the compiled pattern; ``InvalidPattern`` for characters that AWS wants quoted."""
    kinds: dict[str, list[Test]] = {"": [], "-": [], "?": []}
    reader = Reader(text)
    while not reader.done():
        kind = reader.peek() if reader.peek() in ("-", "?") else ""
        reader.at += len(kind)
        if kind == "-" and (gap := _GAP.match(text, reader.at)):
            reader.at = gap.end()
        kinds[kind].append(_test(reader))
    return Terms(tuple(kinds[""]), tuple(kinds["-"]), tuple(kinds["?"]))


def _test(reader: Reader) -> Test:
    if reader.peek() in ("", " ", "\t", "\n"):
        raise InvalidPattern("A term is missing.")
    expression = reader.regex()
    if expression is not None:
        return compile_expression(expression)
    phrase = reader.quoted()
    if phrase is None:
        match = reader.take_match(_TERM)
        phrase = match[0] if match else ""
        if not _PLAIN.fullmatch(phrase):
            raise InvalidPattern(f"Invalid character(s) in term '{phrase}'")
    wanted = phrase
    return lambda message: wanted in message

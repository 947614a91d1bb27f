"""Reading a pattern's text piece by piece."""

from __future__ import annotations

import re

from lambent.base.regexes import Regex
from lambent.patterns.logs.errors import InvalidPattern

_QUOTED = Regex(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPED = Regex(r"\\(.)", re.DOTALL)
_REGEX = Regex(r"%((?:[^%\\]|\\.)*)%", re.DOTALL)
_SPACES = Regex(r"\s*")


class Reader:
    """A text and how far it was read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def skip_spaces(self) -> None:
        """Go on to the next character that isn't white space."""
        match = _SPACES.match(self.text, self.at)
        self.at = match.end() if match else self.at

    def done(self) -> bool:
        """Return whether nothing but white space is left."""
        self.skip_spaces()
        return self.at == len(self.text)

    def peek(self) -> str:
        """Return the next character, or an empty text at the end."""
        return self.text[self.at : self.at + 1]

    def take(self, literal: str) -> bool:
        """Go past ``literal`` if it comes next (after white space), and return whether it did."""
        self.skip_spaces()
        if not self.text.startswith(literal, self.at):
            return False
        self.at += len(literal)
        return True

    def take_match(self, expression: Regex) -> re.Match[str] | None:
        """Go past what matches next (after white space), and return it."""
        self.skip_spaces()
        match = expression.match(self.text, self.at)
        if match is not None:
            self.at = match.end()
        return match

    def expect(self, literal: str) -> None:
        """Go past ``literal``; ``InvalidPattern`` when something else comes."""
        if not self.take(literal):
            raise InvalidPattern(f"Expected {literal!r} at character {self.at + 1}.")

    def quoted(self) -> str | None:
        """Return the quoted text that comes next, without quotes and escapes, or ``None``."""
        self.skip_spaces()
        if self.peek() != '"':
            return None
        match = self.take_match(_QUOTED)
        if match is None:
            raise InvalidPattern("A quote is not closed.")
        return _ESCAPED.sub(r"\1", match[1])

    def regex(self) -> str | None:
        """Return the expression between percent signs that comes next, or ``None``."""
        self.skip_spaces()
        if self.peek() != "%":
            return None
        match = self.take_match(_REGEX)
        if match is None:
            raise InvalidPattern("A regular expression is not closed by %.")
        return match[1]

"""JSON, token by token, with AWS's messages and columns.

AWS reads patterns with Jackson (https://github.com/FasterXML/jackson-core), and callers see its messages: where a token was found, how
far it had been read, and what was expected. Two habits of Jackson show in the columns: with a field's name the start of its value is
read too, and a text is only read to its end when somebody asks for it.
"""

from __future__ import annotations

import re
from enum import Enum

from lambent.base.regexes import Regex
from lambent.patterns.events.errors import PatternError

_SPACE = Regex(r"[ \t\r\n]*")
_WORD = Regex(r"[\w$]*")
_NUMBER = Regex(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_PLAIN = Regex(r'[^"\\\x00-\x1f]*')
_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_SOURCE_CHARACTERS_MAX = 500
_VALUES = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"


class Token(Enum):
    """What stands in the text."""

    START_OBJECT = "{"
    END_OBJECT = "}"
    START_ARRAY = "["
    END_ARRAY = "]"
    FIELD_NAME = "name"
    STRING = "string"
    NUMBER = "number"
    CONSTANT = "constant"  #: ``true``, ``false`` or ``null``
    END = "end"


class Tokens:
    """A reader of one JSON text."""

    def __init__(self, source: str, refused: frozenset[str] = frozenset()) -> None:
        self.refused = refused  #: operators that the caller's service doesn't have
        self._source = source
        self._at = 0
        self._open: list[tuple[str, int]] = []  #: brackets that are open, and where
        self._first = True  #: nothing of the innermost bracket was read yet
        self._ahead: Token | None = None
        self._unread = False  #: a text's opening quote was read, the text itself was not
        self._text = ""
        self._name = ""

    def next(self) -> Token:
        """Return the next token. Raises ``PatternError`` when the text is not JSON."""
        if self._ahead is not None:
            token, self._ahead = self._ahead, None
            return token
        if self._unread:
            self.text()
        character = self._skip_spaces()
        if not self._open:
            return self._value(character) if character and not self._at else Token.END
        if not character:
            self._fail_end()
        bracket = self._open[-1][0]
        if character == {"{": "}", "[": "]"}[bracket]:
            return self._close(character)
        if not self._first:
            if character != ",":
                self._fail_at(f"was expecting comma to separate {'Object' if bracket == '{' else 'Array'} entries")
            self._at += 1
            character = self._skip_spaces()
        self._first = False
        return self._field(character) if bracket == "{" else self._value(character)

    def text(self) -> str:
        """Return the token's text: a string unescaped, a name, a number or a constant as it is written."""
        if self._unread:
            self._unread = False
            self._text = self._string("a string value")
        return self._text

    @property
    def name(self) -> str:
        """The last field's name, read with its token."""
        return self._name

    def fail(self, reason: str, where: str = "") -> PatternError:
        """Return the error that something is wrong here; ``where`` is put before the place."""
        return PatternError(reason, where + self._where(self._at))

    def _field(self, character: str) -> Token:
        if character != '"':
            if not character:
                self._fail_end()
            self._fail_at("was expecting double-quote to start field name")
        self._at += 1
        self._name = self._string("a field name")
        if self._skip_spaces() != ":":
            self._fail_at("was expecting a colon to separate field name and value")
        self._at += 1
        self._ahead = self._value(self._skip_spaces())
        return Token.FIELD_NAME

    def _value(self, character: str) -> Token:
        if character in ("{", "["):
            self._open.append((character, self._at))
            self._first = True
            self._at += 1
            return Token(character)
        if character == '"':
            self._at += 1
            self._unread = True
            return Token.STRING
        match = _NUMBER.match(self._source, self._at)
        if match is not None:
            self._at = match.end()
            self._text = match[0]
            return Token.NUMBER
        word = _WORD.match(self._source, self._at)
        if word is not None and word[0]:
            self._at = word.end()
            self._text = word[0]
            if word[0] in ("true", "false", "null"):
                return Token.CONSTANT
            raise self.fail(f"Unrecognized token '{word[0]}': was expecting {_VALUES}")
        if not character:
            self._fail_end()
        raise self._unexpected(f"expected a valid value {_VALUES}")

    def _close(self, character: str) -> Token:
        self._open.pop()
        self._first = False
        self._at += 1
        return Token(character)

    def _string(self, what: str) -> str:
        parts = []
        while True:
            match = _PLAIN.match(self._source, self._at)
            assert match is not None  # it matches nothing at all, if need be
            parts.append(match[0])
            self._at = match.end()
            stop = self._source[self._at : self._at + 1]
            if stop == '"':
                self._at += 1
                return "".join(parts)
            if not stop:
                raise self.fail(f"Unexpected end-of-input: was expecting closing quote for {what}")
            if stop != "\\":
                code = f"(CTRL-CHAR, code {ord(stop)})"
                raise self.fail(f"Illegal unquoted character ({code}): has to be escaped using backslash to be included in {what}")
            parts.append(self._escape())

    def _escape(self) -> str:
        letter = self._source[self._at + 1 : self._at + 2]
        if letter in _ESCAPES and letter:
            self._at += 2
            return _ESCAPES[letter]
        digits = self._source[self._at + 2 : self._at + 6]
        if letter == "u" and re.fullmatch(r"[0-9a-fA-F]{4}", digits):
            self._at += 6
            return chr(int(digits, 16))
        self._at += 2
        if not letter:
            raise self.fail("Unexpected end-of-input in character escape sequence")
        raise self.fail(f"Unrecognized character escape '{letter}' (code {ord(letter)})")

    def _skip_spaces(self) -> str:
        match = _SPACE.match(self._source, self._at)
        assert match is not None  # it matches nothing at all, if need be
        self._at = match.end()
        return self._source[self._at : self._at + 1]

    def _unexpected(self, expected: str) -> PatternError:
        character = self._source[self._at]
        return self.fail(f"Unexpected character ('{character}' (code {ord(character)})): {expected}")

    def _fail_at(self, expected: str) -> None:
        if self._at >= len(self._source):
            self._fail_end()
        raise self._unexpected(expected)

    def _fail_end(self) -> None:
        bracket, at = self._open[-1]
        kind = "Object" if bracket == "{" else "Array"
        start = self._where(at).removeprefix("\n at ")
        raise self.fail(f"Unexpected end-of-input: expected close marker for {kind} (start marker at {start})")

    def _where(self, at: int) -> str:
        shown = self._source[:_SOURCE_CHARACTERS_MAX]
        rest = len(self._source) - len(shown)
        cut = f"[truncated {rest} chars]" if rest else ""
        line = self._source.count("\n", 0, at) + 1
        column = at - (self._source.rfind("\n", 0, at) + 1) + 1
        return f'\n at [Source: (String)"{shown}"{cut}; line: {line}, column: {column}]'

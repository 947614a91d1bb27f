"""What is wrong with a payload that is no JSON, in the words of the parser that Lambda uses. Pure; only asked when parsing has failed."""

from __future__ import annotations

import msgspec

_VALUES = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
_SPACE = b" \t\r\n"
_LITERALS = {ord("n"): b"null", ord("t"): b"true", ord("f"): b"false"}
_DEPTH_MAX = 1000


class _Fault(Exception):
    """The first thing that is wrong; ``at`` is where the parser stands then, in bytes."""

    def __init__(self, text: str, at: int) -> None:
        super().__init__(text)
        self.text = text
        self.at = at


def fault_of(data: bytes) -> str:
    """Return the message for bytes that are no JSON value."""
    try:
        _Scanner(data).value(0)
    except RecursionError:
        return f"Document nesting depth ({_DEPTH_MAX + 1}) exceeds the maximum allowed ({_DEPTH_MAX})"
    except _Fault as fault:
        line = data.count(b"\n", 0, fault.at) + 1
        column = fault.at - (data.rfind(b"\n", 0, fault.at) + 1) + 1
        return f"{fault.text}\n at {_source(line, column)}"
    return f"Unexpected content after the value\n at {_source(1, len(data) + 1)}"


def _source(line: int, column: int) -> str:
    return f"[Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: {line}, column: {column}]"


class _Scanner(msgspec.Struct, frozen=True):
    data: bytes

    def _skip(self, at: int) -> int:
        while at < len(self.data) and self.data[at] in _SPACE:
            at += 1
        return at

    def value(self, at: int) -> int:
        """Return where the value that begins at ``at`` ends."""
        at = self._skip(at)
        if at >= len(self.data):
            raise _Fault("Unexpected end-of-input", at)
        first = self.data[at]
        if first == ord("{"):
            return self._members(at)
        if first == ord("["):
            return self._items(at)
        if first == ord('"'):
            return self._string(at)
        if first in _LITERALS:
            return self._literal(at, _LITERALS[first])
        if first == ord("-") or chr(first).isdigit():
            return self._number(at)
        raise self._unexpected_value(at)

    def _members(self, start: int) -> int:
        at = self._skip(start + 1)
        if self._peek(at, start, "Object") == ord("}"):
            return at + 1
        while True:
            if self._peek(at, start, "Object") != ord('"'):
                raise self._unexpected(at, "was expecting double-quote to start field name")
            at = self._skip(self._string(at))
            if self._peek(at, start, "Object") != ord(":"):
                raise self._unexpected(at, "was expecting a colon to separate field name and value")
            at = self._skip(self.value(at + 1))
            if self._peek(at, start, "Object") == ord("}"):
                return at + 1
            if self.data[at] != ord(","):
                raise self._unexpected(at, "was expecting comma to separate Object entries")
            at = self._skip(at + 1)

    def _items(self, start: int) -> int:
        at = self._skip(start + 1)
        if self._peek(at, start, "Array") == ord("]"):
            return at + 1
        while True:
            at = self._skip(self.value(at))
            if self._peek(at, start, "Array") == ord("]"):
                return at + 1
            if self.data[at] != ord(","):
                raise self._unexpected(at, "was expecting comma to separate Array entries")
            at = self._skip(at + 1)

    def _peek(self, at: int, start: int, what: str) -> int:
        if at < len(self.data):
            return self.data[at]
        line = self.data.count(b"\n", 0, start) + 1
        begun = _source(line, start - (self.data.rfind(b"\n", 0, start) + 1) + 1)
        raise _Fault(f"Unexpected end-of-input: expected close marker for {what} (start marker at {begun})", at)

    def _string(self, at: int) -> int:
        at += 1
        while at < len(self.data):
            byte = self.data[at]
            if byte == ord('"'):
                return at + 1
            if byte < 0x20:
                said = "has to be escaped using backslash to be included in string value"
                raise _Fault(f"Illegal unquoted character ((CTRL-CHAR, code {byte})): {said}", at + 1)
            if byte == ord("\\"):
                at += 1
            elif byte >= 0x80:
                self._character(at)
            at += 1
        raise _Fault("Unexpected end-of-input in VALUE_STRING", len(self.data))

    def _literal(self, at: int, word: bytes) -> int:
        end = at + len(word)
        if self.data[at:end] == word and not self._continues(end):
            return end
        raise self._unknown_token(at)

    def _continues(self, at: int) -> bool:
        return at < len(self.data) and (chr(self.data[at]).isalnum() or self.data[at] in b"_$")

    def _number(self, at: int) -> int:
        begin = at
        at += self.data[at] == ord("-")
        if at >= len(self.data) or not chr(self.data[at]).isdigit():
            if at >= len(self.data):
                raise _Fault("Unexpected end-of-input: No digit following minus sign", at)
            raise self._unexpected(at, "in numeric value: expected digit (0-9) to follow minus sign, for valid numeric value")
        while at < len(self.data) and (chr(self.data[at]).isdigit() or self.data[at] in b".eE+-"):
            at += 1
        if self._continues(at) and at > begin:
            raise self._unexpected(at, "Expected space separating root-level values")
        return at

    def _unexpected_value(self, at: int) -> _Fault:
        letter = chr(self.data[at])
        if self.data[at] < 0x80 and (letter.isalpha() or letter in "_$"):
            return self._unknown_token(at)
        return self._unexpected(at, f"expected a valid value {_VALUES}")

    def _unknown_token(self, at: int) -> _Fault:
        """Return the fault of a word that is none; the parser reads it to its end first, and stumbles over what is no UTF-8."""
        end = at
        while end < len(self.data):
            if self.data[end] >= 0x80:
                self._character(end)
            if not self._continues(end):
                break
            end += 1
        token = self.data[at:end].decode("utf-8", "replace")
        return _Fault(f"Unrecognized token '{token}': was expecting {_VALUES}", end + (end < len(self.data)))

    def _character(self, at: int) -> None:
        """Raise for a byte that can't begin a character."""
        if 0x80 <= self.data[at] < 0xC0 or self.data[at] >= 0xF8:
            raise _Fault(f"Invalid UTF-8 start byte 0x{self.data[at]:x}", at + 1)

    def _unexpected(self, at: int, said: str) -> _Fault:
        code = self.data[at]
        shown = f"(CTRL-CHAR, code {code})" if code < 0x20 or 0x7F <= code < 0xA0 else f"'{chr(code)}' (code {code})"
        return _Fault(f"Unexpected character ({shown}): {said}", at)

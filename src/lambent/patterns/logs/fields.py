"""Patterns of space-delimited fields: ``[ip, user, ..., status = 4* || status = 5*, bytes > 1000]``.

A message's fields are separated by white space; what stands in square brackets or double quotes is one field. Their number must be
the pattern's, unless its ``...`` stands for any number of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import msgspec

from lambent.base.regexes import Regex
from lambent.patterns.logs.conditions import read_conditions
from lambent.patterns.logs.errors import InvalidPattern
from lambent.patterns.logs.tokens import Reader
from lambent.patterns.logs.values import read_comparison, read_operator

Row: TypeAlias = Mapping[str, str]
Test: TypeAlias = Callable[[Row], bool]

_FIELD = Regex(r'"([^"]*)"|\[([^\]]*)\]|(\S+)')
_NAME = Regex(r"[A-Za-z_$][\w\-$.]*")


class FieldsPattern(msgspec.Struct, frozen=True):
    """A pattern of fields, compiled."""

    before: tuple[str, ...]  #: names of the fields up to the ellipsis, or of all
    after: tuple[str, ...] | None  #: names of the fields past the ellipsis; ``None`` without one
    tests: tuple[Test, ...]

    def matches(self, message: str) -> bool:
        """Return whether the message has the right number of fields and they fulfil the conditions."""
        row = self._row(message)
        return row is not None and all(test(row) for test in self.tests)

    def extract(self, message: str) -> dict[str, str]:
        """Return the fields by ``$name``."""
        row = self._row(message)
        if row is None or not all(test(row) for test in self.tests):
            return {}
        return {f"${name}": value for name, value in row.items()}

    def _row(self, message: str) -> dict[str, str] | None:
        values = [next(part for part in match.groups() if part is not None) for match in _FIELD.finditer(message)]
        if self.after is None:
            return dict(zip(self.before, values, strict=True)) if len(values) == len(self.before) else None
        if len(values) < len(self.before) + len(self.after):
            return None
        tail = values[len(values) - len(self.after) :]
        return {**dict(zip(self.before, values, strict=False)), **dict(zip(self.after, tail, strict=True))}


def compile_fields(text: str) -> FieldsPattern:
    """Return the compiled pattern. Raises ``InvalidPattern``."""
    reader = Reader(text)
    reader.expect("[")
    sides: list[list[str]] = [[]]
    tests: list[Test] = []
    while not reader.take("]"):
        if len(sides[0]) or len(sides) > 1:
            reader.expect(",")
        if reader.take("..."):
            sides.append([])
            continue
        sides[-1].append(_field(reader, tests, len(sides[0]) + sum(map(len, sides[1:]))))
    if not reader.done() or len(sides) > 2:
        raise InvalidPattern("The list of fields is malformed.")
    if sides == [[]]:
        sides.append([])  # AWS takes [] for any fields at all
    return FieldsPattern(tuple(sides[0]), tuple(sides[1]) if len(sides) == 2 else None, tuple(tests))


def _field(reader: Reader, tests: list[Test], position: int) -> str:
    """Read one field and its conditions, add their test, and return the field's name."""
    reader.skip_spaces()
    if reader.peek() in (",", "]"):
        return f"{position + 1}"  # a field without a name
    names: list[str] = []

    def leaf(reader: Reader) -> Test:
        match = reader.take_match(_NAME)
        if match is None:
            raise InvalidPattern(f"Expected a field's name at character {reader.at + 1}.")
        name = match[0]
        names.append(name)
        reader.skip_spaces()
        if reader.peek() in (",", "]", ""):
            return lambda row: True
        compare = read_comparison(reader, read_operator(reader))
        return lambda row: compare(row.get(name))

    test: Test = read_conditions(reader, leaf)
    if len(set(names)) != 1:
        raise InvalidPattern("The conditions of a field must name that field.")
    tests.append(test)
    return names[0]

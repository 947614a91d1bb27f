"""JSON patterns: ``{ $.user.id = 1 && ($.tags[0] = "a*" || $.error NOT EXISTS) }``."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec

from lambent.base.regexes import Regex
from lambent.patterns.logs.conditions import read_conditions
from lambent.patterns.logs.errors import InvalidPattern
from lambent.patterns.logs.tokens import Reader
from lambent.patterns.logs.values import is_scalar, read_comparison, read_operator, text_of

Path: TypeAlias = "tuple[str | int | None, ...]"
"""Members by name, elements by index; ``None`` is any of them (``*``)."""

_MEMBER = Regex(r"\.([\w\-]+|\*)")
_INDEX = Regex(r"\[\s*(\d{1,9}|\*)\s*\]")
_NAMED = Regex(r"""\.?\[\s*(?:'([^']*)'|"([^"]*)")\s*\]""")
_KEYWORDS = Regex(r"(NOT\s+EXISTS|IS\s+NULL|IS\s+TRUE|IS\s+FALSE|EXISTS)\b", re.IGNORECASE)
_CONSTANTS: dict[str, object] = {"IS NULL": None, "IS TRUE": True, "IS FALSE": False}


class ObjectPattern(msgspec.Struct, frozen=True):
    """A JSON pattern, compiled."""

    test: Callable[[Any], bool]
    selectors: dict[str, Path]

    def matches(self, message: str) -> bool:
        """Return whether the message is a JSON object or array that fulfils the conditions."""
        document = _document(message)
        return document is not None and self.test(document)

    def extract(self, message: str) -> dict[str, str]:
        """Return what the selectors select, by their text."""
        document = _document(message)
        if document is None or not self.test(document):
            return {}
        found = {selector: select(document, path) for selector, path in self.selectors.items()}
        return {selector: _shown(values[0]) for selector, values in found.items() if values}


def compile_object(text: str) -> ObjectPattern:
    """Return the compiled pattern. Raises ``InvalidPattern``."""
    reader = Reader(text)
    selectors: dict[str, Path] = {}
    reader.expect("{")
    test: Callable[[Any], bool] = read_conditions(reader, lambda each: _condition(each, selectors))
    reader.expect("}")
    if not reader.done():
        raise InvalidPattern(f"Unexpected text at character {reader.at + 1}.")
    return ObjectPattern(test, selectors)


def select(document: object, path: Path) -> list[object]:
    """Return the values at the path; none when it leads nowhere, several only with ``*``."""
    found = [document]
    for step in path:
        found = [inner for each in found for inner in _within(each, step)]
    return found


def _within(value: object, step: str | int | None) -> list[object]:
    if isinstance(value, dict):
        return list(value.values()) if step is None else [value[step]] if step in value else []
    if isinstance(value, list):
        if step is None:
            return value
        return [value[step]] if isinstance(step, int) and step < len(value) else []
    return []


def _condition(reader: Reader, selectors: dict[str, Path]) -> Callable[[Any], bool]:
    reader.skip_spaces()
    begin = reader.at
    path = _path(reader)
    selectors[reader.text[begin : reader.at]] = path
    keywords = reader.take_match(_KEYWORDS)
    if keywords is not None:
        return _by_keywords(" ".join(keywords[1].upper().split()), path)
    compare = read_comparison(reader, read_operator(reader))
    return lambda document: any(is_scalar(each) and compare(each) for each in select(document, path))


def _by_keywords(keywords: str, path: Path) -> Callable[[Any], bool]:
    if keywords == "NOT EXISTS":
        return lambda document: not select(document, path)
    if keywords == "EXISTS":
        return lambda document: bool(select(document, path))
    wanted = _CONSTANTS[keywords]
    return lambda document: any(each is wanted for each in select(document, path))


def _path(reader: Reader) -> Path:
    reader.expect("$")
    steps: list[str | int | None] = []
    while True:
        if reader.peek() not in (".", "["):
            break
        named = reader.take_match(_NAMED)
        if named is not None:
            steps.append(named[1] if named[1] is not None else named[2])
            continue
        if reader.text.startswith(".[", reader.at):
            reader.at += 1
        step = reader.take_match(_MEMBER) or reader.take_match(_INDEX)
        if step is None:
            raise InvalidPattern(f"A selector is malformed at character {reader.at + 1}.")
        steps.append(None if step[1] == "*" else int(step[1]) if step[0].startswith("[") else step[1])
    if not steps:
        raise InvalidPattern("A selector names nothing.")
    return tuple(steps)


def _document(message: str) -> object | None:
    text = message.strip()
    if text[:1] not in ("{", "["):
        return None
    try:
        document: object = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None
    return document


def _shown(value: object) -> str:
    if is_scalar(value):
        return text_of(value)
    return msgspec.json.encode(value).decode()

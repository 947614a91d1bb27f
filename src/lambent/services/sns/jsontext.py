"""JSON that comes as an attribute's text, and what AWS says of it when it isn't JSON; pure."""

from __future__ import annotations

import json
from typing import Any, Final

from lambent.base.regexes import Regex
from lambent.services.sns.errors import invalid

_SOURCE_MAX: Final = 500  #: characters that are quoted
_TOKEN: Final = Regex(r"[A-Za-z_$][A-Za-z0-9_$]*")


def compact(value: object) -> str:
    """Return JSON as AWS writes it: without spaces."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def parse_object(text: str, name: str) -> dict[str, Any]:
    """Return the object that an attribute's text holds; ``InvalidParameter`` as SNS's parser words it."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise invalid(f"{name}: failed to parse JSON. {complaint(text, error)}") from None
    if not isinstance(found, dict):
        raise invalid(f"{name}: {name} must be a JSON object")
    return found


def complaint(text: str, error: ValueError) -> str:
    """Return what SNS's parser says of a text that isn't JSON."""
    at = error.pos if isinstance(error, json.JSONDecodeError) else 0
    rest = text[at:]
    source = text if len(text) <= _SOURCE_MAX else f"{text[:_SOURCE_MAX]}[truncated {len(text) - _SOURCE_MAX} chars]"
    line, column = text.count("\n", 0, at) + 1, at - (text.rfind("\n", 0, at) + 1) + 1
    if not rest.strip():
        return "Unexpected end-of-input" + _where(source, line, column)
    token = _TOKEN.match(rest)
    if "property name" in str(error):
        said = f"Unexpected character ('{rest[0]}' (code {ord(rest[0])})): was expecting double-quote to start field name"
        column += 1
    elif token is not None:
        said = f"Unrecognized token '{token[0]}': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
        column += len(token[0])
    else:
        said = f"Unexpected character ('{rest[0]}' (code {ord(rest[0])}))"
        column += 1
    return said + _where(source, line, column)


def _where(source: str, line: int, column: int) -> str:
    """Return the place: the parser is behind the character that it can't have."""
    return f'\n at [Source: (String)"{source}"; line: {line}, column: {column}]'

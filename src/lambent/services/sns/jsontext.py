"""JSON that comes as an attribute's text, and what AWS says of it when it isn't JSON; pure."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from lambent.services.sns.errors import invalid

_WHERE: Final = "\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: {line}, column: {column}]"
_TOKEN: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")


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
    line, column = text.count("\n", 0, at) + 1, at - (text.rfind("\n", 0, at) + 1) + 1
    if not rest.strip():
        return "Unexpected end-of-input" + _WHERE.format(line=line, column=column)
    token = _TOKEN.match(rest)
    if "property name" in str(error):
        said = f"Unexpected character ('{rest[0]}' (code {ord(rest[0])})): was expecting double-quote to start field name"
    elif token is not None:
        said = f"Unrecognized token '{token[0]}': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
        column += len(token[0])
    else:
        said = f"Unexpected character ('{rest[0]}' (code {ord(rest[0])}))"
    return said + _WHERE.format(line=line, column=column)

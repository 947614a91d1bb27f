"""Filter criteria: which records are handed to the function; pure. Follows "Control which events Lambda sends to your function".

A record passes when one of the patterns matches. What is decoded for the pattern: the body of a message and the data of a Kinesis
record, if they are JSON; a pattern on fields of a body that isn't JSON matches nothing, a pattern on the text itself nothing that is JSON.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from lambent.patterns.events import Pattern, compile_pattern

Filter: TypeAlias = Callable[[Mapping[str, Any]], bool]
"""Takes a record as the function would see it, and says whether it passes."""


def filter_of(service: str, patterns: Sequence[str] | None) -> Filter:
    """Return the filter for records of a service; without patterns everything passes."""
    if not patterns:
        return lambda record: True
    compiled = [compile_pattern(each) for each in patterns]
    decode = {"sqs": _message, "kinesis": _kinesis}.get(service, _as_it_is)
    return lambda record: _matches(compiled, decode(record))


def _matches(patterns: Sequence[Pattern], record: Mapping[str, Any]) -> bool:
    return any(pattern.matches(record) for pattern in patterns)


def _as_it_is(record: Mapping[str, Any]) -> Mapping[str, Any]:
    return record


def _message(record: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**record, "body": _decoded(record["body"])}


def _kinesis(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the record as patterns address it: ``data`` and ``partitionKey`` are at the top."""
    kinesis = record["kinesis"]
    try:
        data = _decoded(base64.b64decode(kinesis["data"]).decode())
    except (binascii.Error, UnicodeDecodeError):
        data = kinesis["data"]
    return {**record, **kinesis, "data": data, "kinesis": {**kinesis, "data": data}}


def _decoded(text: str) -> Any:
    """Return the JSON object in a text, or the text."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, dict | list) else text

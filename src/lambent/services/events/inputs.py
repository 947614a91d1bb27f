"""What a target is sent: the event, a constant, a part of the event, or a template filled from it. Pure.

Follows "Transform Amazon EventBridge target input" of the user guide.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec

from lambent.base.regexes import Regex
from lambent.services.events.names import RuleRef

_STEP = Regex(r"\.(?:(\w[\w\-$]*)|(\*))|\[(?:(\d+)|(\*)|'([^']*)'|\"([^\"]*)\")\]")
_PLACEHOLDER = Regex(r"<([^<>\s\"]+)>")
_MISSING = object()

PREDEFINED = frozenset(
    (
        "aws.events.rule-arn",
        "aws.events.rule-name",
        "aws.events.event",
        "aws.events.event.json",
        "aws.events.event.ingestion-time",
    )
)


class InvalidPath(ValueError):
    """The text isn't a JSON path of the kind that EventBridge takes."""


class Occasion(msgspec.Struct, frozen=True):
    """What a template's predefined variables say."""

    rule: RuleRef
    event: Mapping[str, Any]
    ingested: float  #: seconds since 1970


def dump(value: Any) -> str:
    """Return the value as compact JSON, as AWS writes events."""
    return msgspec.json.encode(value).decode()


def payload(target: Mapping[str, Any], occasion: Occasion) -> str:
    """Return the JSON text (or what a template made of it) that a target is sent."""
    if target.get("Input") is not None:
        return str(target["Input"])
    if target.get("InputPath") is not None:
        found = compile_path(target["InputPath"])(occasion.event)
        return "{}" if found is _MISSING else dump(found)
    transformer = target.get("InputTransformer")
    if transformer is not None:
        return _fill(transformer, occasion)
    return dump(occasion.event)


def value_at(path: str, event: Any) -> Any:
    """Return what stands at a path, ``None`` when there is nothing. Raises ``InvalidPath``."""
    found = compile_path(path)(event)
    return None if found is _MISSING else found


def placeholders(template: str) -> set[str]:
    """Return the variables that a template names."""
    return set(_PLACEHOLDER.findall(template))


@lru_cache(maxsize=1024)
def compile_path(path: str) -> Callable[[Any], Any]:
    """Return the look-up of ``$.detail.items[0].name``; ``*`` gathers a list. Raises ``InvalidPath``."""
    if not path.startswith("$"):
        raise InvalidPath(path)
    steps: list[str | int | None] = []
    at = 1
    while at < len(path):
        match = _STEP.match(path, at)
        if match is None:
            raise InvalidPath(path)
        name, dot_star, index, star, single, double = match.groups()
        steps.append(None if dot_star or star else int(index) if index else name or single or double or "")
        at = match.end()
    return lambda value: _follow(value, steps)


def _follow(value: Any, steps: list[str | int | None]) -> Any:
    for number, step in enumerate(steps):
        if step is None:
            inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
            found = [_follow(each, steps[number + 1 :]) for each in inner]
            return [each for each in found if each is not _MISSING]
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) and step < len(value) else _MISSING
        else:
            value = value.get(step, _MISSING) if isinstance(value, dict) else _MISSING
        if value is _MISSING:
            return _MISSING
    return value


def _fill(transformer: Mapping[str, Any], occasion: Occasion) -> str:
    template = str(transformer["InputTemplate"])
    variables = {name: compile_path(path)(occasion.event) for name, path in transformer.get("InputPathsMap", {}).items()}
    quoted = _quoted_places(template)

    def replace(match: re.Match[str]) -> str:
        name = match[1]
        if name in variables:
            value = variables[name]
        elif name in PREDEFINED:
            value = _predefined(name, occasion)
        else:
            return match[0]
        return _within_text(value) if quoted[match.start()] else _by_itself(value)

    return _PLACEHOLDER.sub(replace, template)


def _quoted_places(template: str) -> list[bool]:
    """Return for each character whether it stands within a JSON string."""
    places, inside, escaped = [], False, False
    for character in template:
        places.append(inside)
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = inside
        elif character == '"':
            inside = not inside
    return places


def _within_text(value: Any) -> str:
    if value is _MISSING:
        return ""
    text = value if isinstance(value, str) else dump(value)
    return dump(text)[1:-1]


def _by_itself(value: Any) -> str:
    return '""' if value is _MISSING else dump(value)


def _predefined(name: str, occasion: Occasion) -> Any:
    if name == "aws.events.rule-arn":
        return occasion.rule.arn
    if name == "aws.events.rule-name":
        return occasion.rule.name
    if name == "aws.events.event.ingestion-time":
        return instant(occasion.ingested)
    if name == "aws.events.event.json":
        return occasion.event
    rest = {key: value for key, value in occasion.event.items() if key not in ("detail", "detail-type")}
    return {**rest, "detailType": occasion.event.get("detail-type")}


def instant(seconds: float) -> str:
    """Return a time with milliseconds: ``2026-01-01T00:00:00.000Z``."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def whole_seconds(seconds: float) -> str:
    """Return a time as events have it: ``2026-01-01T00:00:00Z``."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

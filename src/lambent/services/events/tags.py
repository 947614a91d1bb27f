"""Tags between the wire's list of pairs and a document's mapping."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lambent.services.events.errors import invalid, limit_exceeded

TAGS_MAX = 50


def from_list(tags: Iterable[Any]) -> dict[str, str]:
    """Return a request's tags by key."""
    found = {each["Key"]: each["Value"] for each in tags}
    if any(key.lower().startswith("aws:") for key in found):
        raise invalid("System tags cannot be added/updated by requester.")
    if len(found) > TAGS_MAX:
        raise limit_exceeded()
    return found


def to_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return a document's tags as an answer's."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def merged(old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str]:
    """Return the tags with the new ones among them."""
    found = {**old, **new}
    if len(found) > TAGS_MAX:
        raise limit_exceeded()
    return found

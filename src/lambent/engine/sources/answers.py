"""What a function's answer says of the batch that it was given; pure. Follows "Handling errors … ReportBatchItemFailures"."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any, Final

import msgspec

NOTHING: Final[frozenset[str]] = frozenset()


class WholeBatch(msgspec.Struct, frozen=True):
    """The answer can't be understood: everything failed."""


def failed_items(payload: bytes, known: Collection[str]) -> frozenset[str] | WholeBatch:
    """Return the identifiers that failed. Nothing, ``null`` and what is empty mean success; an answer that can't be read, an
    identifier that is empty or wasn't in the batch, that everything failed."""
    try:
        document = json.loads(payload or b"null")
    except (ValueError, RecursionError):
        return WholeBatch()
    if document in (None, "", []):
        return NOTHING
    if not isinstance(document, dict):
        return WholeBatch()
    items = document.get("batchItemFailures")
    if items is None:
        return NOTHING
    if not isinstance(items, list):
        return WholeBatch()
    found: set[str] = set()
    for item in items:
        identifier = item.get("itemIdentifier") if isinstance(item, dict) else None
        if not isinstance(identifier, str) or identifier not in known:
            return WholeBatch()
        found.add(identifier)
    return frozenset(found)


def window_state(payload: bytes) -> Any:
    """Return the state that a tumbling window's answer carries on; an answer without one begins anew."""
    try:
        document = json.loads(payload or b"null")
    except (ValueError, RecursionError):
        return {}
    state = document.get("state") if isinstance(document, dict) else None
    return {} if state is None else state

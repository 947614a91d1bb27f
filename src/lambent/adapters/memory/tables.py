"""Ordered documents in memory: a dictionary, and its keys kept sorted beside it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from typing import TypeAlias

from lambent.domain.storage import Document, Key

Ordered: TypeAlias = "tuple[tuple[int, str | int], ...]"

_INTEGER_BITS = 63
_AFTER_EVERY_PART = (2, 0)


def ordered(key: Key) -> Ordered:
    """Return a value that Python sorts as ``Key`` is defined. ``TypeError`` and ``OverflowError`` for parts that no key may have."""
    return tuple((_rank(part), part) for part in key)


def _rank(part: str | int) -> int:
    match part:
        case str():
            return 1
        case int():
            if not -(1 << _INTEGER_BITS) <= part < 1 << _INTEGER_BITS:
                raise OverflowError(f"an integer in a key has at most 64 bits, not {part}")
            return 0
        case _:
            raise TypeError(f"a key is made of texts and integers, not {type(part).__name__}")


class MemoryTable:
    """One table's documents in key order."""

    def __init__(self) -> None:
        self._documents: dict[Key, Document] = {}
        self._order: list[Ordered] = []

    def version(self, key: Key) -> int:
        """Return the document's version; 0 when there is none."""
        found = self._documents.get(key)
        return 0 if found is None else found.version

    def get(self, key: Key) -> Document | None:
        """Return the document, or ``None``."""
        return self._documents.get(key)

    def put(self, document: Document) -> None:
        """Add or replace a document."""
        if document.key not in self._documents:
            insort(self._order, ordered(document.key))
        self._documents[document.key] = document

    def delete(self, key: Key) -> None:
        """Remove a document if it is there."""
        if self._documents.pop(key, None) is not None:
            del self._order[bisect_left(self._order, ordered(key))]

    def range(self, within: Key, *, start: Key | None, after: Key | None, limit: int, reverse: bool) -> list[Document]:
        """Return documents as ``Store.range`` promises."""
        first = bisect_left(self._order, ordered(within))
        last = bisect_left(self._order, (*ordered(within), _AFTER_EVERY_PART)) if within else len(self._order)
        if start is not None and not reverse:
            first = max(first, bisect_left(self._order, ordered(start)))
        if after is not None and not reverse:
            first = max(first, bisect_right(self._order, ordered(after)))
        if start is not None and reverse:
            last = min(last, bisect_right(self._order, ordered(start)))
        if after is not None and reverse:
            last = min(last, bisect_left(self._order, ordered(after)))
        chosen = range(last - 1, first - 1, -1) if reverse else range(first, last)
        return [self._documents[tuple(part for _, part in self._order[index])] for index in chosen[: max(0, limit)]]

"""Sequence numbers that wait in line, at 8 bytes each: a million waiting messages take 8 MB. Pure."""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Iterator
from typing import Final

_SLACK: Final = 4096  #: entries that were given out and may stay at the front before the rest moves up
_BUCKET_MS: Final = 50


class Line:
    """First in, first out."""

    def __init__(self) -> None:
        self._items = array("q")
        self._head = 0

    def __len__(self) -> int:
        return len(self._items) - self._head

    def push(self, sequence: int) -> None:
        """Add at the end."""
        self._items.append(sequence)

    def peek(self) -> int:
        """Return the first, and leave it; ``IndexError`` when there is none."""
        return self._items[self._head]

    def pop(self) -> int:
        """Remove the first and return it; ``IndexError`` when there is none."""
        first = self._items[self._head]
        self._head += 1
        if self._head > _SLACK and self._head * 2 > len(self._items):
            del self._items[: self._head]
            self._head = 0
        return first


class Delays:
    """Sequence numbers that become available at a time, which is rounded up to 50 ms."""

    def __init__(self) -> None:
        self._buckets: dict[int, array[int]] = {}
        self._order: list[int] = []
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def push(self, sequence: int, due_ms: int) -> None:
        """Add one that is available from ``due_ms`` on."""
        bucket = -(-due_ms // _BUCKET_MS)
        if bucket not in self._buckets:
            self._buckets[bucket] = array("q")
            heapq.heappush(self._order, bucket)
        self._buckets[bucket].append(sequence)
        self._count += 1

    def next_due_ms(self) -> int | None:
        """Return when the next becomes available."""
        return self._order[0] * _BUCKET_MS if self._order else None

    def pop_due(self, now_ms: int) -> Iterator[int]:
        """Remove and give those that are available at ``now_ms``, the longest due first."""
        while self._order and self._order[0] * _BUCKET_MS <= now_ms:
            sequences = self._buckets.pop(heapq.heappop(self._order))
            self._count -= len(sequences)
            yield from sequences

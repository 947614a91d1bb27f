"""How far a shard was read: documents, and the tracker that says how far it is safe to say; pure but for ``Table``."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final

import msgspec

from lambent.domain.documents import Table


class Window(msgspec.Struct, frozen=True):
    """A tumbling window that is open."""

    start: float  #: seconds since 1970
    state: bytes = b"{}"  #: JSON, as the function returned it


class Checkpoint(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where reading of a shard goes on after a restart."""

    sequence: str = ""  #: the last record that was dealt with; empty: none yet
    since: float | None = None  #: without a sequence: records that arrived before are not wanted (the position ``LATEST``)
    done: bool = False  #: the shard is closed and was read to its end
    windows: dict[int, Window] = {}  #: by lane


CHECKPOINTS: Final = Table("lambda.checkpoints", Checkpoint)
"""Key: the mapping's UUID and the shard. The empty shard's document says that the starting position was taken."""


class Tracker:
    """Records of a shard that were read and not dealt with yet. With several lanes they are dealt with out of order."""

    def __init__(self, sequence: str = "") -> None:
        self.sequence = sequence  #: all records up to this one were dealt with
        self._order: deque[str] = deque()
        self._done: set[str] = set()

    def __len__(self) -> int:
        return len(self._order)

    def read(self, sequence: str) -> None:
        """A record was read."""
        self._order.append(sequence)

    def done(self, sequences: Iterable[str]) -> bool:
        """Records were dealt with; return whether that moves the checkpoint."""
        self._done.update(sequences)
        before = self.sequence
        while self._order and self._order[0] in self._done:
            self.sequence = self._order.popleft()
            self._done.discard(self.sequence)
        return self.sequence != before

"""Who is listening to live tails: ``PutLogEvents`` tells the audience what was committed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import msgspec

HELD_MAX = 5_000
"""Events that a session holds between two updates; further ones push the oldest out and the session says that it is sampled."""


class Arrival(msgspec.Struct, frozen=True):
    """An event that was just committed. Times are in milliseconds since 1970."""

    group_id: str
    group_label: str  #: account and name, as AWS shows them: ``123456789012:name``
    stream_name: str
    timestamp_ms: int
    ingested_ms: int
    message: str


class Listener(msgspec.Struct, eq=False):
    """One live tail session's ear."""

    wants: Callable[[Arrival], bool]
    held: deque[Arrival] = msgspec.field(default_factory=lambda: deque(maxlen=HELD_MAX))
    missed: bool = False  #: whether events were pushed out since the last ``take``

    def hear(self, arrival: Arrival) -> None:
        """Hold the event if it is wanted."""
        if self.wants(arrival):
            self.missed = self.missed or len(self.held) == HELD_MAX
            self.held.append(arrival)

    def take(self) -> tuple[list[Arrival], bool]:
        """Return what was held, and whether some was missed."""
        taken, missed = list(self.held), self.missed
        self.held.clear()
        self.missed = False
        return taken, missed


class Audience:
    """The listeners of all sessions of this server."""

    def __init__(self) -> None:
        self._listeners: set[Listener] = set()

    def __bool__(self) -> bool:
        return bool(self._listeners)

    def join(self, listener: Listener) -> None:
        """Begin to tell the listener."""
        self._listeners.add(listener)

    def leave(self, listener: Listener) -> None:
        """Stop telling the listener; nothing happens when it has left."""
        self._listeners.discard(listener)

    def tell(self, arrivals: list[Arrival]) -> None:
        """Tell every listener."""
        for listener in self._listeners:
            for arrival in arrivals:
                listener.hear(arrival)

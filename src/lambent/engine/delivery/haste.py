"""Whether what somebody waits for keeps this machine busy, so that what nobody waits for should yield."""

from __future__ import annotations

from typing import Final

from lambent.base.clock import Clock

AT_ONCE: Final = 4
"""So many under way at the same time are more than a client or two that take their time: accepting one takes a millisecond."""
LASTS_S: Final = 0.01
"""How long it goes on after it was last seen: between two commits of many, none is under way for a moment."""
YIELD_S_MAX: Final = 1.0
"""What yields does so no longer than this, and then not for as long: it goes on at half its pace, however long the rush is."""


class Haste:
    """A context manager around each piece of work that somebody waits for."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._under_way = 0
        self._since = self._seen = float("-inf")  # monotonic, in seconds

    def __enter__(self) -> None:
        self._under_way += 1
        if self._under_way >= AT_ONCE:
            now = self._clock.monotonic()
            if now > self._seen + LASTS_S:
                self._since = now
            self._seen = now

    def __exit__(self, *exception: object) -> None:
        self._under_way -= 1

    def is_pressing(self) -> bool:
        """Return whether others should yield now."""
        now = self._clock.monotonic()
        return now <= self._seen + LASTS_S and (now - self._since) % (2 * YIELD_S_MAX) < YIELD_S_MAX

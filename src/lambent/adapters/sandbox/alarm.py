"""One timer for deadlines that seldom come: setting the next one costs a comparison, not a timer of its own."""

from __future__ import annotations

import math
from collections.abc import Callable

from lambent.base.clock import Clock, Timer


class Alarm:
    """Calls ``ring`` when the deadline that was set last passes. A timer that is early looks again; one that nobody needs runs out."""

    def __init__(self, clock: Clock, ring: Callable[[], None]) -> None:
        self._clock = clock
        self._ring = ring
        self._due = math.inf  #: monotonic, in seconds
        self._timer: Timer | None = None
        self._timer_at = math.inf

    def set(self, due: float) -> None:
        """Ring at ``due`` (monotonic, in seconds), and at no other time."""
        self._due = due
        if due < self._timer_at:
            self._arm(due)

    def clear(self) -> None:
        """Don't ring."""
        self._due = math.inf

    def close(self) -> None:
        """Don't ring, and let go of the timer."""
        self._due = math.inf
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._timer_at = None, math.inf

    def _arm(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = at
        self._timer = self._clock.call_later(at - self._clock.monotonic(), self._look)

    def _look(self) -> None:
        self._timer, self._timer_at = None, math.inf
        if self._due == math.inf:
            return
        if self._clock.monotonic() < self._due:
            self._arm(self._due)
            return
        self._due = math.inf
        self._ring()

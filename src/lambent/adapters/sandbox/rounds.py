"""One timer for all who look after something every few milliseconds."""

from __future__ import annotations

import heapq
import itertools
import math
from typing import Final, Protocol

from lambent.base.clock import Clock, Timer

STEP_S: Final = 0.004
"""How late somebody may be called, at most, for the sake of one timer."""


class Looking(Protocol):
    """Somebody who is called."""

    def look(self, due: float) -> None:
        """Look: it is ``due``, as it was asked for."""
        ...


class Rounds:
    """Calls whoever asked for it, when it is due."""

    def __init__(self, clock: Clock) -> None:
        self.monotonic = clock.monotonic
        self._clock = clock
        self._order = itertools.count()
        self._asked: list[tuple[float, int, Looking]] = []
        self._timer: Timer | None = None
        self._timer_at = math.inf

    def ask(self, due: float, who: Looking) -> None:
        """Have somebody called from ``due`` on (monotonic, in seconds); whoever asks twice is called twice. Whoever asks when called asks
        for later."""
        heapq.heappush(self._asked, (due, next(self._order), who))
        if due < self._timer_at:
            self._arm(due)

    def _arm(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = at
        self._timer = self._clock.call_later(at - self.monotonic(), self._round)

    def _round(self) -> None:
        self._timer, now = None, self.monotonic()
        self._timer_at = -math.inf  # those who ask meanwhile wait for the next round
        try:
            while self._asked and self._asked[0][0] <= now:
                due, _, who = heapq.heappop(self._asked)
                who.look(due)
        finally:  # one that fails doesn't end the rounds of all others
            self._timer_at = math.inf
            if self._asked:
                self._arm(max(self._asked[0][0], now + STEP_S))

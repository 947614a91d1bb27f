"""How many batches of a queue run at once; pure, the time is passed in, in seconds.

Follows "Configuring scaling behavior for SQS event source mappings": five at the start, up to 300 more per minute while the queue has
more than is being handled, at most 1,250, or ``MaximumConcurrency``; fewer while the function is throttled. What a machine can run at
once is the bound here, and it comes from outside.
"""

from __future__ import annotations

from typing import Final

START: Final = 5
GROWTH_PER_S: Final = 300 / 60
CONCURRENCY_MAX: Final = 1_250
_AFTER_THROTTLE: Final = 1  # a throttled function is still tried


class Scaling:
    """The limit of one mapping."""

    def __init__(self, concurrency_max: int | None, machine_max: int) -> None:
        self._max = min(concurrency_max or CONCURRENCY_MAX, CONCURRENCY_MAX, machine_max)
        self._limit = float(min(START, self._max))
        self._grew = 0.0

    @property
    def limit(self) -> int:
        """How many batches may run at once now."""
        return int(self._limit)

    def saturated(self, now: float) -> None:
        """All places are taken, and the queue has more."""
        if self._grew:
            self._limit = min(float(self._max), self._limit + (now - self._grew) * GROWTH_PER_S)
        self._grew = now

    def idle(self) -> None:
        """The queue is empty: go back to where one starts."""
        self._limit = float(min(START, self._max))
        self._grew = 0.0

    def throttled(self) -> None:
        """The function was refused: halve."""
        self._limit = max(float(_AFTER_THROTTLE), self._limit / 2)
        self._grew = 0.0

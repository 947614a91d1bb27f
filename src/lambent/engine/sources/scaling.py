"""How many batches of a queue run at once; pure, the time is passed in, in seconds.

Follows "Configuring scaling behavior for SQS event source mappings": five at the start, up to 300 more per minute while the queue has
more than is being handled, at most 1,250, or ``MaximumConcurrency``; fewer while the function is throttled. With provisioned pollers, each
of which has up to ten batches under way, as many as the least pollers handle from the first moment on, up to 1,000 more per minute, and no
more than the most pollers handle. More than the account may run at once would only be refused.
"""

from __future__ import annotations

from typing import Final

START: Final = 5
GROWTH_PER_S: Final = 300 / 60
PROVISIONED_GROWTH_PER_S: Final = 1_000 / 60
BATCHES_PER_POLLER: Final = 10
_AFTER_THROTTLE: Final = 1  # a throttled function is still tried
_HALVING_S: Final = 1.0  # those that are refused together tell one thing


class Scaling:
    """The limit of one mapping. ``most`` is what it may come to, and ``account_max`` what the account may run at once."""

    def __init__(self, most: int, account_max: int, pollers: tuple[int, int] | None = None) -> None:
        if pollers is None:
            start, self._growth_per_s = START, GROWTH_PER_S
        else:
            start, most = pollers[0] * BATCHES_PER_POLLER, pollers[1] * BATCHES_PER_POLLER
            self._growth_per_s = PROVISIONED_GROWTH_PER_S
        self._max = float(min(most, account_max))
        self._start = min(float(start), self._max)
        self._limit = self._start
        self._grew = 0.0
        self._halved = float("-inf")

    @property
    def limit(self) -> int:
        """How many batches may run at once now."""
        return int(self._limit)

    def saturated(self, now: float) -> None:
        """All places are taken, and the queue has more."""
        if self._grew:
            self._limit = min(self._max, self._limit + (now - self._grew) * self._growth_per_s)
        self._grew = now

    def idle(self) -> None:
        """The queue is empty: go back to where one starts."""
        self._limit = self._start
        self._grew = 0.0

    def throttled(self, now: float) -> None:
        """The function was refused: halve."""
        self._grew = 0.0
        if now >= self._halved + _HALVING_S:
            self._halved = now
            self._limit = max(float(_AFTER_THROTTLE), self._limit / 2)

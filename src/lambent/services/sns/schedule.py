"""When a delivery that failed is tried again; pure.

Follows "Amazon SNS message delivery retries": four phases, of which each may be empty: retries at once, retries after the shortest pause,
retries whose pauses grow, retries after the longest pause.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import msgspec


class RetryPolicy(msgspec.Struct, frozen=True):
    """How often, and how long apart, a delivery is tried again."""

    retries: int  #: in all
    pause_s_min: float
    pause_s_max: float
    at_once: int = 0  #: the first so many
    shortest: int = 0  #: then so many after ``pause_s_min``
    longest: int = 0  #: the last so many after ``pause_s_max``
    growth: str = "linear"  #: of the pauses between: ``arithmetic``, ``exponential``, ``geometric`` or ``linear``

    def pause_s(self, failures: int) -> float | None:
        """Return how long to wait after that many failures, the first attempt's included; ``None`` when it is given up."""
        if failures > self.retries:
            return None
        if failures <= self.at_once:
            return 0.0
        if failures <= self.at_once + self.shortest:
            return self.pause_s_min
        if failures > self.retries - self.longest:
            return self.pause_s_max
        steps = self.retries - self.at_once - self.shortest - self.longest
        step = failures - self.at_once - self.shortest
        return _GROWTH[self.growth](self.pause_s_min, self.pause_s_max, step, steps)


_GROWTH: Final[Mapping[str, Callable[[float, float, int, int], float]]] = {
    "linear": lambda low, high, step, steps: low + (high - low) * step / steps,
    "arithmetic": lambda low, high, step, steps: low + (high - low) * step * (step + 1) / (steps * (steps + 1)),
    "geometric": lambda low, high, step, steps: low + (high - low) * (2.0**step - 1) / (2.0**steps - 1),
    "exponential": lambda low, high, step, steps: low * (high / low) ** (step / steps),
}
GROWTHS: Final = frozenset(_GROWTH)

MANAGED: Final = RetryPolicy(100_015, 1.0, 20.0, at_once=3, shortest=2, longest=100_000, growth="exponential")
"""Of queues, functions and delivery streams: for 23 days."""
HTTP: Final = RetryPolicy(3, 20.0, 20.0)
"""Of webhooks whose topic and subscription say nothing else."""

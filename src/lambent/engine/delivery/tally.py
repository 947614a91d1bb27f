"""What comes to each function's events, counted until somebody asks: a fraction of what telling ``Metrics`` of each one costs."""

from __future__ import annotations

from collections import Counter
from typing import Final

import msgspec

from lambent.domain.metrics import Metrics, rounded
from lambent.engine.delivery.messages import Event

_AGES_MAX: Final = 20_000
"""Ages that are kept of a function between two readings; of more, the first are a fair picture."""


class _Count(msgspec.Struct):
    received: int = 0
    ages_ms: list[float] = []


class Tally:
    """The counts since the last reading."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str, str], _Count] = {}

    def received(self, event: Event) -> None:
        """An event was accepted."""
        self._of(event).received += 1

    def taken(self, event: Event, now: float) -> None:
        """An event's turn has come."""
        ages = self._of(event).ages_ms
        if len(ages) < _AGES_MAX:
            ages.append((now - event.submitted) * 1000)

    def _of(self, event: Event) -> _Count:
        key = event.account_id, event.region, event.name
        count = self._counts.get(key)
        if count is None:
            count = self._counts[key] = _Count()
        return count

    def tell(self, metrics: Metrics) -> None:
        """Hand over what was counted since the last time."""
        counts, self._counts = self._counts, {}
        for (account_id, region, name), count in counts.items():
            dimensions = {"FunctionName": name}
            if count.received:
                metrics.record(account_id, region, "AsyncEventsReceived", 1.0, "Count", dimensions, times=count.received)
            for age_ms, times in Counter(map(rounded, count.ages_ms)).items():
                metrics.record(account_id, region, "AsyncEventAge", age_ms, "Milliseconds", dimensions, times=times)

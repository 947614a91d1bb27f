"""What event sources count: CloudWatch's names, kept in memory until something takes them."""

from __future__ import annotations

from collections import defaultdict
from typing import Protocol


class Metrics(Protocol):
    """Takes a mapping's measurements."""

    def record(self, name: str, mapping_uuid: str, value: float) -> None:
        """Note a value: ``IteratorAge`` in milliseconds, counts of events otherwise. Must not block."""
        ...


class LatestMetrics:
    """Keeps sums of counts, and the latest ``IteratorAge``, by mapping."""

    def __init__(self) -> None:
        self.values: defaultdict[str, dict[str, float]] = defaultdict(dict)

    def record(self, name: str, mapping_uuid: str, value: float) -> None:
        """Note a value."""
        values = self.values[mapping_uuid]
        values[name] = value if name == "IteratorAge" else values.get(name, 0.0) + value

    def forget(self, mapping_uuid: str) -> None:
        """Drop what is known of a mapping that is gone."""
        self.values.pop(mapping_uuid, None)

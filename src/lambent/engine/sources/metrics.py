"""What event sources count, by CloudWatch's names."""

from __future__ import annotations

from typing import Final

from lambent.domain.mappings import EventSourceMapping
from lambent.domain.metrics import Metrics

ITERATOR_AGE: Final = "IteratorAge"


def count(metrics: Metrics, mapping: EventSourceMapping, name: str, value: float) -> None:
    """Note a mapping's value: ``IteratorAge`` in milliseconds, by function; counts of events otherwise, by mapping."""
    if name == ITERATOR_AGE:
        metrics.record(mapping.account_id, mapping.region, name, value, "Milliseconds", {"FunctionName": mapping.function_name})
    else:
        metrics.record(mapping.account_id, mapping.region, name, value, "Count", {"EventSourceMappingUUID": mapping.uuid})

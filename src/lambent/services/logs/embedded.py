"""The embedded metric format: metrics that a log event carries, as Powertools and CloudWatch's agents write them. Pure.

Follows https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html: what doesn't
keep to it stays a mere log event.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

MARK: Final = '"_aws"'
METRICS_MAX: Final = 100  # of one directive
DIMENSIONS_MAX: Final = 30  # of one set
VALUES_MAX: Final = 100  # of one metric in one event
DATA_MAX: Final = 1_000
"""Metrics times sets of dimensions of one event. Ours: a line of 14 kB could have named 400,000, which take seconds."""
OLD_MS_MAX: Final = 14 * 86_400_000
AHEAD_MS_MAX: Final = 2 * 3_600_000
_VALUE_MAX: Final = 2.0**360


class _Definition(msgspec.Struct, frozen=True):
    name: str = msgspec.field(name="Name")
    unit: str = msgspec.field(name="Unit", default="None")
    resolution_s: int = msgspec.field(name="StorageResolution", default=60)


class _Directive(msgspec.Struct, frozen=True):
    namespace: str = msgspec.field(name="Namespace")
    dimensions: list[list[str]] = msgspec.field(name="Dimensions")
    metrics: list[_Definition] = msgspec.field(name="Metrics")


class _Metadata(msgspec.Struct, frozen=True):
    directives: list[_Directive] = msgspec.field(name="CloudWatchMetrics")
    timestamp_ms: int = msgspec.field(name="Timestamp")


def measured(message: str, now_ms: int) -> list[tuple[str, dict[str, Any]]]:
    """Return the metrics that a log event carries: for each its namespace and its datum, with the time in milliseconds."""
    if MARK not in message:
        return []
    try:
        root = msgspec.json.decode(message)
        metadata = msgspec.convert(root["_aws"], _Metadata) if isinstance(root, dict) else None
    except (msgspec.MsgspecError, KeyError, ValueError, RecursionError):  # not JSON, no text, or deeper than is read
        return []
    if metadata is None or not now_ms - OLD_MS_MAX < metadata.timestamp_ms < now_ms + AHEAD_MS_MAX:
        return []
    if sum(min(len(each.metrics), METRICS_MAX) * len(each.dimensions) for each in metadata.directives) > DATA_MAX:
        return []
    return [(each.namespace, datum) for each in metadata.directives for datum in _data(each, root, metadata.timestamp_ms)]


def _data(directive: _Directive, root: dict[str, Any], timestamp_ms: int) -> Iterator[dict[str, Any]]:
    """Give a datum for each metric in each set of dimensions."""
    for definition in directive.metrics[:METRICS_MAX]:
        values = _numbers(root.get(definition.name))
        for names in directive.dimensions:
            named = [(name, root.get(name)) for name in names]
            if not values or len(named) > DIMENSIONS_MAX or not all(isinstance(value, str) and value for _, value in named):
                continue
            datum = {
                "MetricName": definition.name,
                "Values": values,
                "Timestamp": timestamp_ms,
                "Unit": definition.unit,
                "StorageResolution": 1 if definition.resolution_s == 1 else 60,
            }
            yield datum | ({"Dimensions": [{"Name": name, "Value": value} for name, value in named]} if named else {})


def _numbers(value: Any) -> list[float]:
    """Return a metric's values; none when any isn't a number that CloudWatch takes."""
    values = value if isinstance(value, list) else [value]
    good = all(isinstance(each, int | float) and not isinstance(each, bool) and abs(each) <= _VALUE_MAX for each in values)
    return [float(each) for each in values] if good and len(values) <= VALUES_MAX else []

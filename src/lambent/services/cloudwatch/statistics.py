"""Points merged, and the statistics of them. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable

import msgspec

from lambent.base.regexes import Regex
from lambent.domain.errors import AwsError, NotImplementedHere
from lambent.services.cloudwatch.state import Point

_PERCENTILE = Regex(r"p(\d{1,3}(?:\.\d{1,10})?)")
_TRIMMED = Regex(r"(?:tm|wm|tc|ts|pr|TM|WM|TC|TS|PR|IQM).*")


class Summary(msgspec.Struct, frozen=True):
    """What is known of all values of a period."""

    count: float
    total: float
    minimum: float
    maximum: float
    values: dict[float, float]  #: value → how often; empty when not every value is known


def merged(found: Iterable[Point]) -> Summary:
    """Return the summary of points, of which there is at least one."""
    count = total = 0.0
    low, high = math.inf, -math.inf
    values: dict[float, float] = {}
    whole = True
    for each in found:
        count, total = count + each.count, total + each.total
        low, high = min(low, each.minimum), max(high, each.maximum)
        whole = whole and bool(each.values)
        for value, times in each.values.items():
            values[value] = values.get(value, 0.0) + times
    return Summary(count, total, low, high, values if whole else {})


def statistic(summary: Summary, name: str) -> float | None:
    """Return a statistic; ``None`` for a percentile of values that aren't known one by one. ``AwsError`` for a wrong name."""
    match name:
        case "SampleCount":
            return summary.count
        case "Sum":
            return summary.total
        case "Average":
            return summary.total / summary.count if summary.count else 0.0
        case "Minimum":
            return summary.minimum
        case "Maximum":
            return summary.maximum
    return _percentile(summary, share_of(name))


def share_of(name: str) -> float:
    """Return what share of values a percentile's name means: 0.99 for ``p99``."""
    match = _PERCENTILE.fullmatch(name)
    if match is not None and float(match[1]) <= 100:
        return float(match[1]) / 100
    if _TRIMMED.fullmatch(name):
        raise NotImplementedHere("cloudwatch", "GetMetricData", f"The statistic {name} is not built yet; percentiles such as p99 are.")
    raise AwsError("InvalidParameterValue", f"The value {name} for parameter ExtendedStatistics is not a valid statistic.")


def _percentile(summary: Summary, share: float) -> float | None:
    if not summary.values:
        return summary.minimum if summary.minimum == summary.maximum else None
    rank, passed = share * summary.count, 0.0
    for value in sorted(summary.values):
        passed += summary.values[value]
        if passed >= rank:
            return value
    return summary.maximum

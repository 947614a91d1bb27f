"""``PutMetricData``: every datum is judged, then all are on disk before the answer."""

from __future__ import annotations

import math
from datetime import datetime
from typing import TYPE_CHECKING, Any

from lambent.domain.call import Call
from lambent.domain.caller import CallerKind
from lambent.domain.errors import AwsError
from lambent.domain.service import Operations
from lambent.domain.storage import Write
from lambent.services.cloudwatch.state import PRIVATE_NAMESPACES, CloudWatch, Metric, Point, metric_key, metrics, points

if TYPE_CHECKING:
    from lambent.services.cloudwatch import _generated_shapes as shapes

operations: Operations[CloudWatch] = Operations()

DATA_MAX = 1_000
VALUES_MAX = 150
OLD_MS_MAX = 14 * 86_400_000
AHEAD_MS_MAX = 2 * 3_600_000
_VALUE_MAX = 2.0**360


@operations.serves("PutMetricData")
async def put_metric_data(cloudwatch: CloudWatch, call: Call, request: shapes.PutMetricDataInput) -> None:
    """Take values in. Several of one metric and minute add up."""
    namespace = request["Namespace"]
    if namespace.startswith(PRIVATE_NAMESPACES) and call.caller.kind is not CallerKind.SERVICE:
        raise _invalid(f"The value {PRIVATE_NAMESPACES} for parameter Namespace is invalid.")
    data = request.get("MetricData", [])
    if len(data) > DATA_MAX:
        raise _invalid(f"The collection MetricData must not have a size greater than {DATA_MAX}.")
    ids, now_ms = cloudwatch.platform.ids, cloudwatch.now_ms()
    writes: list[Write] = []
    fresh = {}
    for number, datum in enumerate(data, 1):
        where = f"MetricData.member.{number}"
        point, time_ms = _point(datum, where), _time_ms(datum, where, now_ms)
        key = metric_key(call.account_id, call.region, namespace, datum["MetricName"], datum.get("Dimensions", []))
        if key not in cloudwatch.known and key not in fresh:
            fresh[key] = True
            writes.append(metrics.put(key, Metric(time_ms)))
        writes.append(points.put((*key, time_ms, ids.hex(16)), point))
    if writes:
        await cloudwatch.platform.store.commit(writes)
        cloudwatch.known.update(fresh)


def _time_ms(datum: shapes.MetricDatum, where: str, now_ms: int) -> int:
    given = datum.get("Timestamp")
    time_ms = now_ms if given is None else milliseconds(given)
    if time_ms > now_ms + AHEAD_MS_MAX:
        raise _invalid(f"The parameter {where}.Timestamp must specify a time no more than two hours in the future.")
    if time_ms < now_ms - OLD_MS_MAX:
        raise _invalid(f"The parameter {where}.Timestamp must specify a time within the past two weeks.")
    step = 1_000 if datum.get("StorageResolution") == 1 else 60_000
    return time_ms - time_ms % step


def milliseconds(moment: datetime) -> int:
    """Return a moment in milliseconds since 1970."""
    return int(moment.timestamp() * 1000)


def _point(datum: shapes.MetricDatum, where: str) -> Point:
    given = [name for name in ("Value", "StatisticValues", "Values") if datum.get(name) is not None]
    if len(given) > 1:
        first, second = (f"{where}.{name}" for name in given[:2])
        text = f"The parameters {first} and {second} are mutually exclusive and you have specified both."
        raise AwsError("InvalidParameterCombination", text)
    if not given:
        raise AwsError("MissingParameter", f"The parameter {where}.Value is required.")
    unit = datum.get("Unit", "None")
    if given == ["StatisticValues"]:
        return _summarised(datum["StatisticValues"], f"{where}.StatisticValues", unit)
    values: list[Any] = datum["Values"] if given == ["Values"] else [datum["Value"]]
    counts = datum.get("Counts") or [1.0] * len(values)
    if len(values) != len(counts):
        raise _invalid(f"The parameters {where}.Values and {where}.Counts must be of the same size.")
    if len(values) > VALUES_MAX:
        raise _invalid(f"The collection {where}.Values must not have a size greater than {VALUES_MAX}.")
    for value in (*values, *counts):
        _check(value, f"{where}.{given[0]}")
    spread: dict[float, float] = {}
    for value, count in zip(values, counts, strict=True):
        spread[float(value)] = spread.get(float(value), 0.0) + float(count)
    total = sum(value * count for value, count in spread.items())
    return Point(unit, sum(spread.values()), total, min(spread), max(spread), spread)


def _summarised(given: shapes.StatisticSet, where: str, unit: str) -> Point:
    for name in ("SampleCount", "Sum", "Minimum", "Maximum"):
        _check(float(given[name]), f"{where}.{name}")
    return Point(unit, float(given["SampleCount"]), float(given["Sum"]), float(given["Minimum"]), float(given["Maximum"]))


def _check(value: float, where: str) -> None:
    if not math.isfinite(value) or abs(value) > _VALUE_MAX:
        raise _invalid(f"The value {_java(value)} for parameter {where} is invalid.")


def _java(value: float) -> str:
    """Return a number as AWS's messages write it."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return str(value)


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidParameterValue", message)

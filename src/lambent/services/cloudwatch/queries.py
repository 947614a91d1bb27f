"""What metrics there are, and statistics of them over periods."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from lambent.domain.call import Call
from lambent.domain.errors import AwsError, NotImplementedHere
from lambent.domain.service import Operations
from lambent.domain.storage import Key
from lambent.services.cloudwatch.ingestion import milliseconds
from lambent.services.cloudwatch.state import CloudWatch, Point, dimensions_of, metric_key, metrics, points
from lambent.services.cloudwatch.statistics import merged, share_of, statistic

if TYPE_CHECKING:
    from lambent.services.cloudwatch import _generated_shapes as shapes

operations: Operations[CloudWatch] = Operations()

LISTED_MAX = 500
DATAPOINTS_MAX = 1_440
DATA_POINTS_MAX = 100_800
_PAGE = 1_000
_SHORT_PERIODS_S = (1, 5, 10, 30)
_UNITS = (
    *("Megabits", "Terabits", "Gigabits", "Count", "Bytes", "Gigabytes", "Gigabytes/Second", "Kilobytes", "Kilobits/Second"),
    *("Terabytes", "Terabits/Second", "Bytes/Second", "Percent", "Megabytes", "Megabits/Second", "Milliseconds", "Microseconds"),
    *("Kilobytes/Second", "Gigabits/Second", "Megabytes/Second", "Bits", "Bits/Second", "Count/Second", "Seconds", "Kilobits"),
    *("Terabytes/Second", "None"),
)
"""Units in the order in which AWS prefers them when a query names none."""


@operations.serves("ListMetrics")
async def list_metrics(cloudwatch: CloudWatch, call: Call, request: shapes.ListMetricsInput) -> shapes.ListMetricsOutput:
    """Return the metrics that match, 500 at a time."""
    within: Key = (call.account_id, call.region)
    if "Namespace" in request:
        within += (request["Namespace"], *((request["MetricName"],) if "MetricName" in request else ()))
    after: Key | None = _unseal(request["NextToken"]) if "NextToken" in request else None
    found: list[Any] = []
    while True:
        page = await metrics.range(cloudwatch.platform.store, within, after=after, limit=_PAGE)
        for each in page:
            if not _wanted(each.key, request):
                continue
            if len(found) == LISTED_MAX:
                return {"Metrics": found, "NextToken": _seal(after)}
            after = each.key
            found.append({"Namespace": each.key[2], "MetricName": each.key[3], "Dimensions": dimensions_of(each.key)})
        if len(page) < _PAGE:
            return {"Metrics": found}
        after = page[-1].key


def _wanted(key: Key, request: shapes.ListMetricsInput) -> bool:
    if "MetricName" in request and key[3] != request["MetricName"]:
        return False
    has = {each["Name"]: each["Value"] for each in dimensions_of(key)}
    return all(each["Name"] in has and each.get("Value", has[each["Name"]]) == has[each["Name"]] for each in request.get("Dimensions", []))


@operations.serves("GetMetricStatistics")
async def get_metric_statistics(
    cloudwatch: CloudWatch, call: Call, request: shapes.GetMetricStatisticsInput
) -> shapes.GetMetricStatisticsOutput:
    """Return one metric's statistics, period by period; periods without data are left out, and the order is anybody's guess at AWS."""
    plain, extended = request.get("Statistics", []), request.get("ExtendedStatistics", [])
    if not plain and not extended:
        text = "At least one of the parameters {ExtendedStatistics, Statistics} must be specified."
        raise AwsError("InvalidParameterCombination", text)
    for each in extended:
        share_of(each)
    start_ms, end_ms, period_ms = _span(request["StartTime"], request["EndTime"], request["Period"])
    asked = -(-(end_ms - start_ms) // period_ms)
    if asked > DATAPOINTS_MAX:
        raise AwsError(
            "InvalidParameterCombination",
            f"You have requested up to {asked:,} datapoints, which exceeds the limit of {DATAPOINTS_MAX:,}. You may reduce the datapoints "
            "requested by increasing Period, or decreasing the time range.",
        )
    key = metric_key(call.account_id, call.region, request["Namespace"], request["MetricName"], request.get("Dimensions", []))
    datapoints: list[shapes.Datapoint] = []
    for (bucket_ms, unit), group in (await _buckets(cloudwatch, key, start_ms, end_ms, period_ms)).items():
        if request.get("Unit", unit) != unit:
            continue
        summary = merged(group)
        datapoint: Any = {"Timestamp": datetime.fromtimestamp(bucket_ms / 1000, UTC), "Unit": unit}
        datapoint |= {name: statistic(summary, name) for name in plain}
        known = {name: value for name in extended if (value := statistic(summary, name)) is not None}
        datapoints.append(datapoint | ({"ExtendedStatistics": known} if known else {}))
    return {"Label": request["MetricName"], "Datapoints": datapoints}


@operations.serves("GetMetricData")
async def get_metric_data(cloudwatch: CloudWatch, call: Call, request: shapes.GetMetricDataInput) -> shapes.GetMetricDataOutput:
    """Return several metrics' statistics, newest first unless ``ScanBy`` says otherwise. All of it is one page."""
    _check_window(request["StartTime"], request["EndTime"])
    results: list[Any] = []
    total = 0
    labels = labels_of(request["MetricDataQueries"])
    for number, query in enumerate(request["MetricDataQueries"], 1):
        if "Expression" in query:
            raise NotImplementedHere("cloudwatch", "GetMetricData", f"The expression of {query['Id']}: metric math is not built yet.")
        if "MetricStat" not in query:
            raise AwsError("ValidationError", f"The parameter MetricDataQueries.member.{number}.MetricStat is required.\n")
        if not query.get("ReturnData", True):
            continue
        times, values, units = await _series(cloudwatch, call, query["MetricStat"], request)
        total += len(times)
        if request.get("ScanBy", "TimestampDescending") == "TimestampDescending":
            times, values = times[::-1], values[::-1]
        label = query.get("Label") or labels[number - 1]
        result: Any = {"Id": query["Id"], "Label": label, "Timestamps": times, "Values": values, "StatusCode": "Complete"}
        if len(units) > 1:
            text = f"Multiple units returned: '[{', '.join(sorted(units))}]'"
            result["Messages"] = [{"Code": "MultipleUnits", "Value": text}]
        results.append(result)
    if total > request.get("MaxDatapoints", DATA_POINTS_MAX):
        text = f"The result has {total} datapoints, more than MaxDatapoints allows: ask for longer periods, fewer metrics or less time."
        raise NotImplementedHere("cloudwatch", "GetMetricData", text)
    return {"MetricDataResults": results, "Messages": []}


def labels_of(queries: Sequence[Any]) -> list[str]:
    """Return the labels that AWS gives queries: the metric's name, and the statistic and the period where the queries differ in them."""
    stats = [each.get("MetricStat") for each in queries]
    named = [each for each in stats if each]
    telling = [member for member in ("Stat", "Period") if len({each[member] for each in named}) > 1]
    return [" ".join([each["Metric"].get("MetricName", ""), *(str(each[name]) for name in telling)]) if each else "" for each in stats]


def _check_window(start: datetime, end: datetime) -> None:
    """Raise for a window that is none, to the second."""
    start, end = start.replace(microsecond=0), end.replace(microsecond=0)
    if start > end:
        raise AwsError("ValidationError", "The parameter EndTime must be greater than StartTime.")
    if start == end:
        raise AwsError("ValidationError", "The parameter StartTime must not equal parameter EndTime.")


async def _series(
    cloudwatch: CloudWatch, call: Call, wanted: shapes.MetricStat, request: shapes.GetMetricDataInput
) -> tuple[list[datetime], list[float], set[str]]:
    """Return one metric's times and values, and the units that it came in.

    When the caller names no unit and there are several, AWS takes the first one of its own order and leaves the others out.
    """
    start_ms, end_ms, period_ms = _span(request["StartTime"], request["EndTime"], wanted["Period"])
    metric = wanted["Metric"]
    key = metric_key(call.account_id, call.region, metric.get("Namespace", ""), metric.get("MetricName", ""), metric.get("Dimensions", []))
    buckets = await _buckets(cloudwatch, key, start_ms, end_ms, period_ms)
    units = {unit for _, unit in buckets if wanted.get("Unit", unit) == unit}
    chosen = min(units, key=_UNITS.index, default="")
    found = {bucket_ms: group for (bucket_ms, unit), group in buckets.items() if unit == chosen}
    times, values = [], []
    for bucket_ms in sorted(found):
        value = statistic(merged(found[bucket_ms]), wanted["Stat"])
        if value is not None:
            times.append(datetime.fromtimestamp(bucket_ms / 1000, UTC))
            values.append(value)
    return times, values, units


def _span(start: datetime, end: datetime, period_s: int) -> tuple[int, int, int]:
    """Return start and end in milliseconds, the start rounded down to the minute as AWS does, and the period."""
    if period_s not in _SHORT_PERIODS_S and (period_s <= 0 or period_s % 60):
        raise AwsError("InvalidParameterValue", f"The parameter Period must be 1, 5, 10, 30 or a multiple of 60, not {period_s}.")
    start_ms, end_ms = milliseconds(start), milliseconds(end)
    if start_ms // 1000 >= end_ms // 1000:
        raise AwsError("InvalidParameterValue", "The parameter StartTime must be less than the parameter EndTime.")
    return start_ms - start_ms % (60_000 if period_s >= 60 else 1_000), end_ms, period_s * 1000


async def _buckets(cloudwatch: CloudWatch, key: Key, start_ms: int, end_ms: int, period_ms: int) -> dict[tuple[int, str], Sequence[Point]]:
    """Return the metric's points by the period that they are of, and by unit."""
    found: dict[tuple[int, str], list[Point]] = {}
    start: Key | None = (*key, start_ms)
    after: Key | None = None
    while True:
        page = await points.range(cloudwatch.platform.store, key, start=start, after=after, limit=_PAGE)
        for each in page:
            time_ms = int(each.key[5])
            if time_ms >= end_ms:
                return dict(found)
            bucket_ms = start_ms + (time_ms - start_ms) // period_ms * period_ms
            found.setdefault((bucket_ms, each.value.unit), []).append(each.value)
        if len(page) < _PAGE:
            return dict(found)
        start, after = None, page[-1].key


def _seal(key: Key | None) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).decode()


def _unseal(token: str) -> Key:
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(token), type=tuple[str, str, str, str, str])
    except (binascii.Error, ValueError, msgspec.DecodeError):
        raise AwsError("InvalidNextToken", "The next token specified is invalid.") from None

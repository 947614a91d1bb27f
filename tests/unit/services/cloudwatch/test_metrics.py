"""CloudWatch's metrics over a store in memory and virtual time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.unit.services.asking import asked

from lambent.adapters.memory import MemoryBlobs, MemoryStore
from lambent.base.clock import VirtualClock
from lambent.base.ids import SeededIds
from lambent.domain.call import Call, Result
from lambent.domain.caller import Caller
from lambent.domain.errors import AwsError
from lambent.domain.ports import Platform
from lambent.domain.quotas import Quotas
from lambent.services.cloudwatch.service import build

ACCOUNT = "123456789012"
NOW = datetime(2026, 1, 1, 12, 0, 30, tzinfo=UTC)


class NoCloud:
    async def call(self, call: Call) -> Result:
        raise AssertionError(call)


class Kit:
    def __init__(self) -> None:
        self.clock = VirtualClock(NOW.timestamp())
        self.store = MemoryStore(self.clock)
        self.service = build(Platform(self.store, MemoryBlobs(self.clock), NoCloud(), self.clock, SeededIds(1), Quotas(), "localhost"))

    async def call(self, operation: str, caller: Caller | None = None, **params: Any) -> Any:
        return await asked(self.service, Call("cloudwatch", operation, params, caller or Caller.root(ACCOUNT), "eu-west-1", ACCOUNT, "r"))

    async def put(self, *data: dict[str, Any], namespace: str = "app", caller: Caller | None = None) -> None:
        await self.call("PutMetricData", caller, Namespace=namespace, MetricData=[{"MetricName": "m", **each} for each in data])

    async def statistics(self, *names: str, **more: Any) -> list[dict[str, Any]]:
        params = {"StartTime": NOW - timedelta(minutes=10), "EndTime": NOW + timedelta(minutes=10), "Period": 60} | more
        answer = await self.call("GetMetricStatistics", Namespace="app", MetricName="m", Statistics=list(names), **params)
        found: list[dict[str, Any]] = answer["Datapoints"]
        return found


@pytest.fixture
def kit() -> Kit:
    return Kit()


async def refused(kit: Kit, datum: dict[str, Any], namespace: str = "app") -> AwsError:
    with pytest.raises(AwsError) as caught:
        await kit.put(datum, namespace=namespace)
    return caught.value


async def test_values_of_a_minute_add_up(kit: Kit) -> None:
    await kit.put({"Value": 1.0, "Unit": "Bytes"}, {"Value": 4.0, "Unit": "Bytes"})
    await kit.put({"Values": [2.0, 3.0], "Counts": [2.0, 1.0], "Unit": "Bytes"})
    every = ("SampleCount", "Sum", "Average", "Minimum", "Maximum")
    (point,) = await kit.statistics(*every, ExtendedStatistics=["p50", "p100"])
    assert point == {
        "Timestamp": NOW.replace(second=0),
        "Unit": "Bytes",
        "SampleCount": 5.0,
        "Sum": 12.0,
        "Average": 2.4,
        "Minimum": 1.0,
        "Maximum": 4.0,
        "ExtendedStatistics": {"p50": 2.0, "p100": 4.0},
    }


async def test_periods_units_and_dimensions_are_apart(kit: Kit) -> None:
    await kit.put({"Value": 1.0}, {"Value": 2.0, "Timestamp": NOW - timedelta(minutes=2)}, {"Value": 7.0, "Unit": "Seconds"})
    await kit.put({"Value": 9.0, "Dimensions": [{"Name": "b", "Value": "2"}, {"Name": "a", "Value": "1"}]})
    found = await kit.statistics("Sum")
    assert sorted((each["Timestamp"].minute, each["Unit"], each["Sum"]) for each in found) == [
        (0, "None", 1.0),
        (0, "Seconds", 7.0),
        (58, "None", 2.0),
    ]
    assert [each["Sum"] for each in await kit.statistics("Sum", Unit="Seconds")] == [7.0]
    assert [each["Sum"] for each in await kit.statistics("Sum", Period=3600, Unit="None")] == [3.0]
    dimensions = [{"Name": "a", "Value": "1"}, {"Name": "b", "Value": "2"}]
    assert [each["Sum"] for each in await kit.statistics("Sum", Dimensions=dimensions)] == [9.0]


async def test_sets_have_no_percentiles_unless_all_values_are_one(kit: Kit) -> None:
    await kit.put({"StatisticValues": {"SampleCount": 2.0, "Sum": 4.0, "Minimum": 1.0, "Maximum": 3.0}})
    (point,) = await kit.statistics("Average", ExtendedStatistics=["p90"])
    assert (point["Average"], point.get("ExtendedStatistics")) == (2.0, None)
    await kit.put({"MetricName": "one", "StatisticValues": {"SampleCount": 2.0, "Sum": 4.0, "Minimum": 2.0, "Maximum": 2.0}})
    assert await series(kit, "one", "p90") == [2.0]


async def series(kit: Kit, name: str, stat: str, **more: Any) -> list[float]:
    query = {"Id": "q", "MetricStat": {"Metric": {"Namespace": "app", "MetricName": name}, "Period": 60, "Stat": stat}}
    params = {"StartTime": NOW - timedelta(hours=1), "EndTime": NOW + timedelta(hours=1)} | more
    answer = await kit.call("GetMetricData", MetricDataQueries=[query], **params)
    values: list[float] = answer["MetricDataResults"][0]["Values"]
    return values


async def test_data_come_newest_first_or_as_wished(kit: Kit) -> None:
    await kit.put({"Value": 1.0, "Timestamp": NOW - timedelta(minutes=5)}, {"Value": 2.0})
    assert await series(kit, "m", "Sum") == [2.0, 1.0]
    assert await series(kit, "m", "Sum", ScanBy="TimestampAscending") == [1.0, 2.0]
    with pytest.raises(AwsError, match="metric math"):
        await kit.call(
            "GetMetricData", MetricDataQueries=[{"Id": "e", "Expression": "a+1"}], StartTime=NOW, EndTime=NOW + timedelta(minutes=1)
        )


def query(name: str, stat: str, period: int = 60, **more: Any) -> dict[str, Any]:
    return {"Id": name, "MetricStat": {"Metric": {"Namespace": "app", "MetricName": "m"}, "Period": period, "Stat": stat}} | more


async def data(kit: Kit, *queries: dict[str, Any], end: datetime = NOW + timedelta(minutes=1)) -> list[dict[str, Any]]:
    answer = await kit.call("GetMetricData", MetricDataQueries=list(queries), StartTime=NOW - timedelta(minutes=1), EndTime=end)
    found: list[dict[str, Any]] = answer["MetricDataResults"]
    return found


async def test_labels_tell_queries_apart(kit: Kit) -> None:
    async def labels(*queries: dict[str, Any]) -> list[str]:
        return [each["Label"] for each in await data(kit, *queries)]

    assert await labels(query("a", "Sum")) == ["m"]
    assert await labels(query("a", "Sum"), query("b", "Minimum")) == ["m Sum", "m Minimum"]
    assert await labels(query("a", "Sum"), query("b", "Sum", 30)) == ["m 60", "m 30"]
    assert await labels(query("a", "Sum"), query("b", "Minimum", 30)) == ["m Sum 60", "m Minimum 30"]
    assert await labels(query("a", "Sum"), query("b", "Minimum", Label="low")) == ["m Sum", "low"]


async def test_of_several_units_one_is_taken_and_all_are_named(kit: Kit) -> None:
    await kit.put({"Value": 60000.0, "Unit": "Milliseconds"}, {"Value": 60.0, "Unit": "Seconds"})
    (found,) = await data(kit, query("a", "Sum"))
    assert found["Values"] == [60000.0]
    assert found["Messages"] == [{"Code": "MultipleUnits", "Value": "Multiple units returned: '[Milliseconds, Seconds]'"}]
    await kit.put({"Value": 5.0, "Unit": "Count"})
    (found,) = await data(kit, query("a", "Sum"))
    assert found["Values"] == [5.0]
    one = query("a", "Sum")
    one["MetricStat"]["Unit"] = "Seconds"
    (found,) = await data(kit, one)
    assert (found["Values"], "Messages" in found) == ([60.0], False)


async def test_data_that_are_refused(kit: Kit) -> None:
    with pytest.raises(AwsError, match="EndTime must be greater than StartTime"):
        await data(kit, query("a", "Sum"), end=NOW - timedelta(minutes=2))
    with pytest.raises(AwsError, match="StartTime must not equal parameter EndTime") as caught:
        await data(kit, query("a", "Sum"), end=NOW - timedelta(minutes=1) + timedelta(milliseconds=900))
    assert caught.value.code == "ValidationError"
    with pytest.raises(AwsError, match=r"^.*MetricDataQueries\.member\.2\.MetricStat is required\.\n$"):
        await data(kit, query("a", "Sum"), {"Id": "b"})


async def test_metrics_are_listed_in_pages(kit: Kit) -> None:
    for number in range(60):
        await kit.put(*({"Value": 1.0, "MetricName": f"m{number:02}{each}"} for each in range(10)))
    await kit.put({"Value": 1.0, "Dimensions": [{"Name": "d", "Value": "v"}]}, namespace="other")
    page = await kit.call("ListMetrics")
    rest = await kit.call("ListMetrics", NextToken=page["NextToken"])
    assert (len(page["Metrics"]), len(rest["Metrics"])) == (500, 101)
    assert [each["MetricName"] for each in (await kit.call("ListMetrics", Namespace="app", MetricName="m423"))["Metrics"]] == ["m423"]
    (found,) = (await kit.call("ListMetrics", Dimensions=[{"Name": "d"}]))["Metrics"]
    assert found == {"Namespace": "other", "MetricName": "m", "Dimensions": [{"Name": "d", "Value": "v"}]}
    with pytest.raises(AwsError, match="InvalidNextToken"):
        await kit.call("ListMetrics", NextToken="nonsense")


async def test_what_is_refused(kit: Kit) -> None:
    refusal = await refused(kit, {"Value": float("nan")})
    assert (refusal.code, refusal.message) == ("InvalidParameterValue", "The value NaN for parameter MetricData.member.1.Value is invalid.")
    assert "The value -Infinity for" in (await refused(kit, {"Value": float("-inf")})).message
    assert (await refused(kit, {})).code == "MissingParameter"
    assert (await refused(kit, {"Value": 1.0, "Values": [1.0]})).code == "InvalidParameterCombination"
    assert (await refused(kit, {"Values": [1.0, 2.0], "Counts": [1.0]})).code == "InvalidParameterValue"
    assert "two hours in the future" in (await refused(kit, {"Value": 1.0, "Timestamp": NOW + timedelta(hours=3)})).message
    assert "past two weeks" in (await refused(kit, {"Value": 1.0, "Timestamp": NOW - timedelta(days=15)})).message
    assert "AWS/" in (await refused(kit, {"Value": 1.0}, "AWS/Lambda")).message
    await kit.put({"Value": 1.0}, namespace="AWS/Lambda", caller=Caller.service("lambda.amazonaws.com", ACCOUNT))
    with pytest.raises(AwsError, match="exceeds the limit of 1,440"):
        await kit.statistics("Sum", StartTime=NOW - timedelta(days=2))
    with pytest.raises(AwsError, match="At least one"):
        await kit.statistics()
    with pytest.raises(AwsError, match="StartTime must be less"):
        await kit.statistics("Sum", StartTime=NOW, EndTime=NOW + timedelta(milliseconds=900))
    with pytest.raises(AwsError, match="multiple of 60"):
        await kit.statistics("Sum", Period=90)


async def test_old_points_are_swept(kit: Kit) -> None:
    await kit.put({"Value": 1.0})
    (housekeeping,) = kit.service.workers
    await kit.clock.advance(16 * 86_400)
    await housekeeping.tidy()  # type: ignore[attr-defined]
    await housekeeping.tidy()  # type: ignore[attr-defined]
    assert (await kit.call("ListMetrics"))["Metrics"] == []
    assert await kit.store.range("cloudwatch.points") == []

"""What invocations are counted as, how it is sent, and how it is shown."""

from __future__ import annotations

import asyncio
from typing import Any

from lambent.base.clock import VirtualClock
from lambent.base.ids import SeededIds
from lambent.domain.call import Call, Result
from lambent.domain.errors import AwsError
from lambent.domain.functions import FunctionVersion
from lambent.domain.invocations import FunctionError, InvocationResult
from lambent.engine.measuring import InvocationMeters, Meters
from lambent.gateway.metrics import rendered

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:f"
FUNCTION = FunctionVersion(
    account_id="123456789012",
    region="eu-west-1",
    name="f",
    version="$LATEST",
    arn=f"{ARN}:$LATEST",
    revision_id="1",
    role_arn="arn:aws:iam::123456789012:role/r",
    runtime="python3.12",
    handler="a.b",
    code_digest="0",
)


class Cloud:
    def __init__(self) -> None:
        self.calls: list[Call] = []

    async def call(self, call: Call) -> Result:
        self.calls.append(call)
        return {}


def result(error: FunctionError | None = None, duration_ms: float = 10.0) -> InvocationResult:
    return InvocationResult(b"", "$LATEST", error, duration_ms=duration_ms)


async def test_invocations_errors_throttles_and_durations_are_counted_and_sent() -> None:
    cloud = Cloud()
    meters = Meters(cloud, VirtualClock(1_700_000_000.0), SeededIds(1))
    throttle = AwsError("TooManyRequestsException", "Rate Exceeded.", 429)
    counts = InvocationMeters()
    meters.read(counts.tell)
    for answer in (result(), result(FunctionError.UNHANDLED, 20.04)):
        counts.begin(FUNCTION, f"{ARN}:live").ended(answer)
    for error in (throttle, AwsError("ServiceException", "No.", 500), asyncio.CancelledError()):
        counts.begin(FUNCTION, f"{ARN}:live").failed(error)
    await meters.flush()
    (call,) = cloud.calls
    assert (call.service, call.operation, call.params["Namespace"]) == ("cloudwatch", "PutMetricData", "AWS/Lambda")
    figures: dict[Any, Any] = {
        (each["MetricName"], tuple(pair["Value"] for pair in each["Dimensions"])): dict(zip(each["Values"], each["Counts"], strict=True))
        for each in call.params["MetricData"]
    }
    for dimensions in ((), ("f",), ("f", "f:live")):
        assert figures["Invocations", dimensions] == {2.0: 1.0}
        assert figures["Errors", dimensions] == {1.0: 1.0}
        assert figures["Throttles", dimensions] == {1.0: 1.0}
        assert figures["ConcurrentExecutions", dimensions] == {1.0: 1.0}
        assert figures["Duration", dimensions] == {10.0: 1.0, 20.0: 1.0}
    await meters.flush()
    assert len(cloud.calls) == 1  # nothing new


def test_what_is_under_way_when_it_is_told_counts_later() -> None:
    meters, counts = Meters(Cloud(), VirtualClock(0.0), SeededIds(1)), InvocationMeters()
    meters.read(counts.tell)
    first, second = counts.begin(FUNCTION, ARN), counts.begin(FUNCTION, ARN)
    meters.totals()
    first.ended(result())
    second.ended(result())
    everywhere = {series[2]: (count, total) for series, count, total in meters.totals() if not series[4]}
    assert everywhere["Invocations"][1] == 2
    assert everywhere["ConcurrentExecutions"] == (2, 4)
    meters.totals()
    counts.begin(FUNCTION, ARN).ended(result())
    assert {series[2]: count for series, count, _ in meters.totals() if not series[4]}["ConcurrentExecutions"] == 3


def test_the_page_is_what_scrapers_read() -> None:
    meters = Meters(Cloud(), VirtualClock(0.0), SeededIds(1))
    for value in (1.0, 3.0):
        meters.record("1", "r", "Invocations", value, "Count", {"FunctionName": 'a"b'})
        meters.record("1", "r", "Duration", value, "Milliseconds", {})
    assert rendered(meters.totals()) == (
        "# TYPE lambda_duration_milliseconds summary\n"
        'lambda_duration_milliseconds_count{account="1",region="r"} 2\n'
        'lambda_duration_milliseconds_sum{account="1",region="r"} 4\n'
        "# TYPE lambda_invocations_total counter\n"
        'lambda_invocations_total{account="1",region="r",function_name="a\\"b"} 4\n'
    )


def test_series_are_bounded() -> None:
    meters = Meters(Cloud(), VirtualClock(0.0), SeededIds(1))
    for number in range(50_002):
        meters.record("1", "r", "Invocations", 1.0, "Count", {"FunctionName": str(number)})
    assert (meters.dropped, len(meters.totals())) == (2, 50_000)

"""CloudWatch's metrics through boto3 and a real server, Lambda's own among them."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.acceptance.conftest import RunningServer
from tests.acceptance.test_main_path import create, eventually

ALWAYS = {"StartTime": datetime.now(UTC) - timedelta(hours=1), "EndTime": datetime.now(UTC) + timedelta(days=2), "Period": 86_400}


def test_what_is_put_is_there_after_a_kill(own_server: Callable[..., RunningServer]) -> None:
    server = own_server()
    metrics = server.client("cloudwatch")
    metrics.put_metric_data(Namespace="app", MetricData=[{"MetricName": "m", "Values": [1, 2.5], "Counts": [2, 1], "Unit": "Seconds"}])
    server.kill()
    server.start()
    metrics = server.client("cloudwatch")
    assert metrics.list_metrics(Namespace="app")["Metrics"] == [{"Namespace": "app", "MetricName": "m", "Dimensions": []}]
    (point,) = metrics.get_metric_statistics(Namespace="app", MetricName="m", Statistics=["Sum", "Maximum"], **ALWAYS)["Datapoints"]
    assert (point["Sum"], point["Maximum"], point["Unit"]) == (4.5, 2.5, "Seconds")
    query = {"Id": "a", "MetricStat": {"Metric": {"Namespace": "app", "MetricName": "m"}, "Period": 86_400, "Stat": "p99"}}
    (found,) = metrics.get_metric_data(MetricDataQueries=[query], StartTime=ALWAYS["StartTime"], EndTime=ALWAYS["EndTime"])[
        "MetricDataResults"
    ]
    assert (found["Id"], found["Values"], found["StatusCode"]) == ("a", [2.5], "Complete")


def test_alarms_are_still_the_companions(server: RunningServer) -> None:
    assert server.client("cloudwatch").describe_alarms()["MetricAlarms"] == []


def test_invocations_are_measured(own_server: Callable[..., RunningServer]) -> None:
    server = own_server("--time-scale", "20")
    functions, metrics = server.client("lambda"), server.client("cloudwatch")
    create(functions, "measured", "def handler(event, context):\n    return 1 / event\n", Timeout=900)
    for event in (b"1", b"2", b"0"):
        functions.invoke(FunctionName="measured", Payload=event)

    def total(name: str, statistic: str = "Sum") -> Any:
        dimensions = [{"Name": "FunctionName", "Value": "measured"}]
        answer = metrics.get_metric_statistics(
            Namespace="AWS/Lambda", MetricName=name, Dimensions=dimensions, Statistics=[statistic], **ALWAYS
        )
        return sum(each[statistic] for each in answer["Datapoints"])

    assert eventually(lambda: total("Invocations") == 3)
    assert (total("Errors"), total("Throttles"), total("Duration", "SampleCount")) == (1, 0, 3)
    with urllib.request.urlopen(f"{server.url}/_lambent/metrics") as page:
        text = page.read().decode()
    assert 'lambda_invocations_total{account="000000000000",region="us-east-1",function_name="measured"} 3\n' in text


def test_logs_are_measured(server: RunningServer) -> None:
    """By a filter of their group, and where the functions themselves write metrics into them."""
    functions, logs, metrics = server.client("lambda"), server.client("logs"), server.client("cloudwatch")
    directive = {"Namespace": "shop", "Dimensions": [["kind"]], "Metrics": [{"Name": "sold", "Unit": "Count"}]}
    carried = {"CloudWatchMetrics": [directive]}
    source = (
        "import json, time\ndef handler(event, context):\n    print('SOLD', event)\n"
        f"    print(json.dumps({{'_aws': {{'Timestamp': int(time.time() * 1000), **{json.dumps(carried)}}}, 'kind': 'tea', 'sold': event}}))\n"
    )
    create(functions, "seller", source)
    logs.create_log_group(logGroupName="/aws/lambda/seller")
    change = {"metricName": "lines", "metricNamespace": "shop", "metricValue": "1"}
    logs.put_metric_filter(logGroupName="/aws/lambda/seller", filterName="f", filterPattern="SOLD", metricTransformations=[change])
    for event in (b"2", b"3"):
        functions.invoke(FunctionName="seller", Payload=event)

    def total(name: str, **more: Any) -> Any:
        answer = metrics.get_metric_statistics(Namespace="shop", MetricName=name, Statistics=["Sum"], **ALWAYS, **more)
        return sum(each["Sum"] for each in answer["Datapoints"])

    assert eventually(lambda: total("sold", Dimensions=[{"Name": "kind", "Value": "tea"}], Unit="Count") == 5)
    assert eventually(lambda: total("lines") == 2)

"""Subscription and metric filters: what is passed on, in what shape, and when it is tried again."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.unit.services.logs.logs_kit import ACCOUNT, Kit

from lambent.domain.call import Call, Result
from lambent.domain.errors import AwsError

FUNCTION = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:f"


class Subscribers:
    """A cloud that notes calls, and refuses while it is told to."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.refusal: AwsError | None = None

    async def call(self, call: Call) -> Result:
        if self.refusal is not None:
            raise self.refusal
        if call.params.get("InvocationType") != "DryRun":
            self.calls.append(call)
        return {}


@pytest.fixture
def cloud() -> Subscribers:
    return Subscribers()


@pytest.fixture
def kit(cloud: Subscribers) -> Kit:
    return Kit(cloud=cloud)


async def forward(kit: Kit, seconds: float = 1.0) -> None:
    """Let the worker run for some time."""
    _, forwarder = kit.service.workers
    task = asyncio.create_task(forwarder.run())
    await kit.clock.advance(seconds)
    for _ in range(50):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def unpacked(call: Call) -> Any:
    return json.loads(gzip.decompress(base64.b64decode(json.loads(call.params["Payload"])["awslogs"]["data"])))


async def subscribe(kit: Kit, pattern: str = "", name: str = "n", **more: Any) -> None:
    params = {"logGroupName": "g", "filterName": name, "filterPattern": pattern, "destinationArn": FUNCTION} | more
    await kit.call("PutSubscriptionFilter", **params)


async def test_a_function_gets_what_matches(kit: Kit, cloud: Subscribers) -> None:
    await kit.stream()
    await kit.put((-5, "ERROR before"))
    await subscribe(kit, "ERROR")
    await kit.put((-3, "ERROR one"), (-2, "fine"), (-1, "ERROR two"))
    await forward(kit)
    (call,) = cloud.calls
    assert (call.service, call.operation, call.params["InvocationType"]) == ("lambda", "Invoke", "Event")
    assert (call.caller.arn, call.caller.source_arn) == ("logs.eu-west-1.amazonaws.com", f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:g:*")
    document = unpacked(call)
    found = (await kit.call("FilterLogEvents", logGroupName="g", filterPattern="ERROR"))["events"][1:]
    assert document == {
        "messageType": "DATA_MESSAGE",
        "owner": ACCOUNT,
        "logGroup": "g",
        "logStream": "s",
        "subscriptionFilters": ["n"],
        "logEvents": [{"id": each["eventId"], "timestamp": each["timestamp"], "message": each["message"]} for each in found],
    }


async def test_fields_are_extracted(kit: Kit, cloud: Subscribers) -> None:
    await kit.stream()
    await subscribe(kit, "[ip, size > 10]")
    await kit.put((-2, "10.0.0.1 5"), (-1, "10.0.0.2 50"))
    await forward(kit)
    (event,) = unpacked(cloud.calls[0])["logEvents"]
    assert event["extractedFields"] == {"ip": "10.0.0.2", "size": "50"}


async def test_a_refusal_is_tried_again_for_a_day(kit: Kit, cloud: Subscribers) -> None:
    await kit.stream()
    await subscribe(kit)
    cloud.refusal = AwsError("TooManyRequestsException", "Rate Exceeded.", 429)
    await kit.put((0, "kept"))
    await forward(kit, 2_000)
    cloud.refusal = None
    await forward(kit, 400)
    assert [each["message"] for each in unpacked(cloud.calls[0])["logEvents"]] == ["kept"]
    cloud.refusal = AwsError("TooManyRequestsException", "Rate Exceeded.", 429)
    await kit.put((0, "lost"))
    await forward(kit, 90_000)
    assert await kit.store.depth("logs.forwarding") == 0


async def test_streams_get_the_bytes_with_the_role(kit: Kit, cloud: Subscribers) -> None:
    await kit.stream()
    stream = f"arn:aws:kinesis:eu-west-1:{ACCOUNT}:stream/k"
    assert "without roleArn" in (await failing(kit, destinationArn=stream)).message
    await subscribe(kit, destinationArn=stream, roleArn=f"arn:aws:iam::{ACCOUNT}:role/r")
    await kit.put((0, "m"))
    await forward(kit)
    call = cloud.calls[-1]
    assert (call.service, call.operation, call.params["StreamName"]) == ("kinesis", "PutRecord", "k")
    assert call.caller.arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/r/CloudWatchLogs"
    assert json.loads(gzip.decompress(call.params["Data"]))["logEvents"][0]["message"] == "m"


async def failing(kit: Kit, **params: Any) -> AwsError:
    with pytest.raises(AwsError) as caught:
        await subscribe(kit, **params)
    return caught.value


async def test_refusals_in_awss_words(kit: Kit, cloud: Subscribers) -> None:
    await kit.stream()
    elsewhere = "arn:aws:lambda:eu-west-1:999999999999:function:f"
    assert (await failing(kit, destinationArn=elsewhere)).code == "AccessDeniedException"
    cloud.refusal = AwsError("ResourceNotFoundException", "no", 404)
    assert (await failing(kit)).message.startswith("Could not execute the lambda function.")
    cloud.refusal = None
    for name in ("a", "b"):
        await subscribe(kit, name=name)
    assert (await failing(kit, name="c")).code == "LimitExceededException"
    await subscribe(kit, "[]", name="a")
    (first, _) = (await kit.call("DescribeSubscriptionFilters", logGroupName="g"))["subscriptionFilters"]
    assert (first["filterName"], first["filterPattern"], first["distribution"]) == ("a", "[]", "ByLogStream")
    await kit.call("DeleteSubscriptionFilter", logGroupName="g", filterName="a")
    gone = await kit.fails("DeleteSubscriptionFilter", logGroupName="g", filterName="a")
    assert (gone.code, gone.message) == ("ResourceNotFoundException", "The specified subscription filter does not exist.")


async def test_metrics_are_measured(kit: Kit, cloud: Subscribers) -> None:
    await kit.stream()
    change = {"metricName": "bytes", "metricNamespace": "web", "metricValue": "$size", "dimensions": {"ip": "$ip"}}
    await kit.call("PutMetricFilter", logGroupName="g", filterName="m", filterPattern="[ip, size]", metricTransformations=[change])
    await kit.put((-2, "10.0.0.1 5"), (-1, "10.0.0.2 many"))
    await forward(kit)
    (call,) = cloud.calls
    assert (call.service, call.operation, call.params["Namespace"]) == ("cloudwatch", "PutMetricData", "web")
    (datum,) = call.params["MetricData"]
    assert (datum["MetricName"], datum["Value"], datum["Dimensions"]) == ("bytes", 5.0, [{"Name": "ip", "Value": "10.0.0.1"}])
    assert datum["Timestamp"] == datetime.fromtimestamp((kit.now - 1000) // 1000, UTC) - timedelta(milliseconds=2)
    (group,) = (await kit.call("DescribeLogGroups"))["logGroups"]
    assert group["metricFilterCount"] == 1
    (found,) = (await kit.call("DescribeMetricFilters", metricName="bytes", metricNamespace="web"))["metricFilters"]
    assert found["metricTransformations"] == [change]
    await kit.call("DeleteMetricFilter", logGroupName="g", filterName="m")
    assert (await kit.call("DescribeMetricFilters"))["metricFilters"] == []


async def test_embedded_metrics_go_to_their_namespaces(kit: Kit, cloud: Subscribers) -> None:
    await kit.stream()
    directives = [{"Namespace": name, "Dimensions": [[]], "Metrics": [{"Name": "n"}]} for name in ("a", "b")]
    carrier = json.dumps({"_aws": {"Timestamp": kit.now, "CloudWatchMetrics": directives}, "n": 3})
    await kit.put((-2, carrier), (-1, "nothing"), (0, carrier))
    await forward(kit)
    assert sorted((call.operation, call.params["Namespace"]) for call in cloud.calls) == [("PutMetricData", "a"), ("PutMetricData", "b")]
    assert [each["Values"] for call in cloud.calls for each in call.params["MetricData"]] == [[3.0]] * 4


async def test_policies_and_destinations_are_kept(kit: Kit) -> None:
    document = json.dumps({"Version": "2012-10-17", "Statement": []})
    for number in range(10):
        await kit.call("PutResourcePolicy", policyName=f"p{number}", policyDocument=document)
    assert (await kit.fails("PutResourcePolicy", policyName="p10", policyDocument=document)).code == "LimitExceededException"
    page = await kit.call("DescribeResourcePolicies", limit=7)
    rest = await kit.call("DescribeResourcePolicies", nextToken=page["nextToken"])
    assert [each["policyName"] for each in [*page["resourcePolicies"], *rest["resourcePolicies"]]] == [f"p{n}" for n in range(10)]
    await kit.call("DeleteResourcePolicy", policyName="p0")
    assert (await kit.fails("DeleteResourcePolicy", policyName="p0")).message == "Policy with name [p0] does not exist."
    target, role = f"arn:aws:kinesis:eu-west-1:{ACCOUNT}:stream/k", f"arn:aws:iam::{ACCOUNT}:role/r"
    await kit.call("PutDestination", destinationName="d", targetArn=target, roleArn=role)
    await kit.call("PutDestinationPolicy", destinationName="d", accessPolicy=document)
    (found,) = (await kit.call("DescribeDestinations", DestinationNamePrefix="d"))["destinations"]
    assert (found["arn"], found["accessPolicy"]) == (f"arn:aws:logs:eu-west-1:{ACCOUNT}:destination:d", document)
    await kit.call("TagResource", resourceArn=found["arn"], tags={"a": "1", "b": "2"})
    await kit.call("UntagResource", resourceArn=found["arn"], tagKeys=["a"])
    assert await kit.call("ListTagsForResource", resourceArn=found["arn"]) == {"tags": {"b": "2"}}
    await kit.call("DeleteDestination", destinationName="d")
    with pytest.raises(AwsError, match="destination does not exist"):
        await kit.call("TagResource", resourceArn=found["arn"], tags={"a": "1"})
    assert (await kit.call("DescribeDestinations"))["destinations"] == []

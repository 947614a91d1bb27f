"""CloudWatch Logs' smaller operations through boto3 and a real server."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from tests.acceptance.conftest import RunningServer

ACCOUNT = "000000000000"


@pytest.fixture
def logs(server: RunningServer) -> Any:
    return server.client("logs", inject_host_prefix=False)


@pytest.fixture
def name(logs: Any) -> str:
    name = f"/operations/{uuid.uuid4()}"
    logs.create_log_group(logGroupName=name)
    return name


def arn_of(name: str) -> str:
    return f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:{name}"


def group(logs: Any, name: str) -> dict[str, Any]:
    (found,) = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    return dict(found)


def test_groups_are_listed_protected_and_deleted(logs: Any, name: str) -> None:
    assert [each["logGroupArn"] for each in logs.list_log_groups(logGroupNamePattern=name[-20:])["logGroups"]] == [arn_of(name)]
    logs.put_log_group_deletion_protection(logGroupIdentifier=name, deletionProtectionEnabled=True)
    with pytest.raises(logs.exceptions.ValidationException):
        logs.delete_log_group(logGroupName=name)
    logs.put_log_group_deletion_protection(logGroupIdentifier=name, deletionProtectionEnabled=False)
    logs.delete_log_group(logGroupName=name)
    assert logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"] == []


def test_retention_and_keys_come_and_go(logs: Any, name: str) -> None:
    key = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    logs.put_retention_policy(logGroupName=name, retentionInDays=7)
    logs.associate_kms_key(logGroupName=name, kmsKeyId=key)
    found = group(logs, name)
    assert (found["retentionInDays"], found["kmsKeyId"]) == (7, key)
    logs.delete_retention_policy(logGroupName=name)
    logs.disassociate_kms_key(logGroupName=name)
    assert not {"retentionInDays", "kmsKeyId"} & group(logs, name).keys()


def test_tags_in_both_forms(logs: Any, name: str) -> None:
    logs.tag_log_group(logGroupName=name, tags={"a": "1", "b": "2"})
    logs.tag_resource(resourceArn=arn_of(name), tags={"c": "3"})
    assert logs.list_tags_for_resource(resourceArn=arn_of(name))["tags"] == {"a": "1", "b": "2", "c": "3"}
    logs.untag_log_group(logGroupName=name, tags=["a"])
    logs.untag_resource(resourceArn=arn_of(name), tagKeys=["b"])
    assert logs.list_tags_log_group(logGroupName=name)["tags"] == {"c": "3"}


def test_streams_are_described_and_deleted(logs: Any, name: str) -> None:
    for each in ("a", "b"):
        logs.create_log_stream(logGroupName=name, logStreamName=each)
    found = logs.describe_log_streams(logGroupName=name)["logStreams"]
    assert [each["arn"] for each in found] == [f"{arn_of(name)}:log-stream:{each}" for each in "ab"]
    logs.delete_log_stream(logGroupName=name, logStreamName="a")
    assert [each["logStreamName"] for each in logs.describe_log_streams(logGroupIdentifier=arn_of(name))["logStreams"]] == ["b"]


def test_metric_filters(logs: Any, name: str) -> None:
    change = {"metricName": "bytes", "metricNamespace": name, "metricValue": "$size"}
    logs.put_metric_filter(logGroupName=name, filterName="f", filterPattern="[ip, size]", metricTransformations=[change])
    (found,) = logs.describe_metric_filters(metricName="bytes", metricNamespace=name)["metricFilters"]
    assert (found["filterName"], found["metricTransformations"]) == ("f", [change])
    (match,) = logs.test_metric_filter(filterPattern="[ip, size]", logEventMessages=["1.2.3.4 7", "three fields here"])["matches"]
    assert match["extractedValues"] == {"$ip": "1.2.3.4", "$size": "7"}
    logs.delete_metric_filter(logGroupName=name, filterName="f")
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.delete_metric_filter(logGroupName=name, filterName="f")


def test_subscriptions_are_described_and_deleted(logs: Any, server: RunningServer, name: str) -> None:
    assert logs.describe_subscription_filters(logGroupName=name)["subscriptionFilters"] == []
    streams = server.client("kinesis")
    streams.create_stream(StreamName=name.replace("/", "-"), ShardCount=1)
    target = f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/{name.replace('/', '-')}"
    role = f"arn:aws:iam::{ACCOUNT}:role/logs"
    logs.put_subscription_filter(logGroupName=name, filterName="f", filterPattern="", destinationArn=target, roleArn=role)
    (found,) = logs.describe_subscription_filters(logGroupName=name)["subscriptionFilters"]
    assert (found["destinationArn"], found["roleArn"]) == (target, role)
    logs.delete_subscription_filter(logGroupName=name, filterName="f")
    assert logs.describe_subscription_filters(logGroupName=name)["subscriptionFilters"] == []


def test_policies_and_destinations(logs: Any) -> None:
    document = json.dumps({"Version": "2012-10-17", "Statement": []})
    logs.put_resource_policy(policyName="p", policyDocument=document)
    assert {"policyName": "p", "policyDocument": document}.items() <= logs.describe_resource_policies()["resourcePolicies"][0].items()
    logs.delete_resource_policy(policyName="p")
    target, role = f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/k", f"arn:aws:iam::{ACCOUNT}:role/r"
    made = logs.put_destination(destinationName="d", targetArn=target, roleArn=role)["destination"]
    assert made["arn"] == f"arn:aws:logs:us-east-1:{ACCOUNT}:destination:d"
    logs.put_destination_policy(destinationName="d", accessPolicy=document)
    (found,) = logs.describe_destinations(DestinationNamePrefix="d")["destinations"]
    assert found["accessPolicy"] == document
    logs.delete_destination(destinationName="d")
    assert logs.describe_destinations()["destinations"] == []

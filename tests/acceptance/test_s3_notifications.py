"""What happens in a bucket reaches functions, queues, topics and EventBridge; against a real server process."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.acceptance.conftest import ROLE, RUNTIME, RunningServer, zipped

HANDLER = """
import boto3
def handler(event, context):
    record = event["Records"][0]
    if not record["s3"]["object"]["key"].endswith(".done"):
        boto3.client("s3").put_object(Bucket=record["s3"]["bucket"]["name"], Key=record["s3"]["object"]["key"] + ".done", Body=b"x")
"""


@pytest.fixture
def bucket(server: RunningServer) -> str:
    name = f"events-{uuid.uuid4().hex[:12]}"
    server.client("s3").create_bucket(Bucket=name)
    return name


def queue(server: RunningServer, name: str, source_arn: str) -> tuple[str, str]:
    """Make a queue that the source may send to; return its URL and ARN."""
    sqs = server.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allow(server, url, arn, source_arn)
    return url, arn


def allow(server: RunningServer, url: str, arn: str, source_arn: str) -> None:
    condition = {"ArnLike": {"aws:SourceArn": source_arn}}
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn, "Condition": condition}
    attributes = {"Policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]})}
    server.client("sqs").set_queue_attributes(QueueUrl=url, Attributes=attributes)


def received(server: RunningServer, url: str, count: int) -> list[dict[str, Any]]:
    """Return the bodies of so many messages."""
    sqs = server.client("sqs")
    found: list[dict[str, Any]] = []
    end = time.monotonic() + 20
    while len(found) < count:
        assert time.monotonic() < end, found
        for each in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1, MaxNumberOfMessages=10).get("Messages", []):
            sqs.delete_message(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])
            found.append(json.loads(each["Body"]))
    return found


def test_to_a_queue(server: RunningServer, bucket: str) -> None:
    s3 = server.client("s3")
    url, arn = queue(server, f"q-{bucket}", f"arn:aws:s3:::{bucket}")
    rules = [{"Name": "prefix", "Value": "in/"}, {"Name": "suffix", "Value": ".jpg"}]
    wish = {"Id": "one", "QueueArn": arn, "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"], "Filter": {"Key": {"FilterRules": rules}}}
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [wish]})
    (test,) = received(server, url, 1)
    assert (test["Service"], test["Event"], test["Bucket"]) == ("Amazon S3", "s3:TestEvent", bucket)
    put = s3.put_object(Bucket=bucket, Key="in/a b.jpg", Body=b"xyz")
    s3.put_object(Bucket=bucket, Key="out/a.jpg", Body=b"x")
    s3.delete_object(Bucket=bucket, Key="in/a b.jpg")
    records = sorted((each["Records"][0] for each in received(server, url, 2)), key=lambda each: each["s3"]["object"]["sequencer"])
    assert [each["eventName"] for each in records] == ["ObjectCreated:Put", "ObjectRemoved:Delete"]
    item = records[0]["s3"]["object"]
    assert (item["key"], item["size"], item["eTag"]) == ("in/a+b.jpg", 3, put["ETag"].strip('"'))
    assert records[0]["s3"]["configurationId"] == "one" and records[0]["s3"]["bucket"]["arn"] == f"arn:aws:s3:::{bucket}"


def test_to_a_topic_and_to_eventbridge(server: RunningServer, bucket: str) -> None:
    s3, sns, events = server.client("s3"), server.client("sns"), server.client("events")
    topic = sns.create_topic(Name=f"t-{bucket}")["TopicArn"]
    statement = {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "SNS:Publish", "Resource": topic}
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps({"Statement": [statement]}))
    url, arn = queue(server, f"t-{bucket}", topic)
    s3.put_bucket_notification_configuration(
        Bucket=bucket,
        NotificationConfiguration={
            "TopicConfigurations": [{"TopicArn": topic, "Events": ["s3:ObjectCreated:*"]}],
            "EventBridgeConfiguration": {},
        },
    )
    assert "EventBridgeConfiguration" in s3.get_bucket_notification_configuration(Bucket=bucket)
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    pattern = json.dumps({"source": ["aws.s3"], "detail": {"bucket": {"name": [bucket]}}})
    rule = events.put_rule(Name=f"r-{bucket}", EventPattern=pattern)["RuleArn"]
    other_url, other_arn = queue(server, f"e-{bucket}", rule)
    events.put_targets(Rule=f"r-{bucket}", Targets=[{"Id": "q", "Arn": other_arn}])
    s3.put_object(Bucket=bucket, Key="k", Body=b"xyz")
    (notice,) = received(server, url, 1)
    assert notice["Subject"] == "Amazon S3 Notification"
    assert json.loads(notice["Message"])["Records"][0]["eventName"] == "ObjectCreated:Put"
    (event,) = received(server, other_url, 1)
    assert (event["source"], event["detail-type"], event["resources"]) == ("aws.s3", "Object Created", [f"arn:aws:s3:::{bucket}"])
    assert (event["detail"]["object"]["key"], event["detail"]["reason"]) == ("k", "PutObject")


def test_to_a_function_that_writes_back(server: RunningServer, bucket: str) -> None:
    s3, functions = server.client("s3"), server.client("lambda")
    name = f"f-{bucket}"
    arn = functions.create_function(
        FunctionName=name, Runtime=RUNTIME, Role=ROLE, Handler="app.handler", Code={"ZipFile": zipped(app=HANDLER)}
    )["FunctionArn"]
    wish = {"LambdaFunctionConfigurations": [{"LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*"]}]}
    with pytest.raises(ClientError) as caught:
        s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=wish)
    assert caught.value.response["Error"]["ArgumentName1"] == f"{arn}, null"
    functions.add_permission(
        FunctionName=name,
        StatementId="s3",
        Action="lambda:InvokeFunction",
        Principal="s3.amazonaws.com",
        SourceArn=f"arn:aws:s3:::{bucket}",
    )
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=wish)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    s3.get_waiter("object_exists").wait(Bucket=bucket, Key="k.done", WaiterConfig={"Delay": 1, "MaxAttempts": 30})


def test_destinations_that_are_not_there(server: RunningServer, bucket: str) -> None:
    s3 = server.client("s3")
    for member, name, arn, said in (
        ("QueueConfigurations", "QueueArn", "arn:aws:sqs:us-east-1:000000000000:nope", "The destination queue does not exist"),
        ("TopicConfigurations", "TopicArn", "arn:aws:sns:us-east-1:000000000000:nope", "The destination topic does not exist"),
    ):
        wish = {member: [{name: arn, "Events": ["s3:ObjectCreated:*"]}]}
        with pytest.raises(ClientError) as caught:
            s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=wish)
        error = caught.value.response["Error"]
        assert (error["ArgumentName1"], error["ArgumentValue1"]) == (arn, said)
        s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=wish, SkipDestinationValidation=True)

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from lambent.domain.caller import CallerKind
from lambent.domain.errors import AwsError
from lambent.services.s3.delivery import pause_s
from lambent.services.s3.events import QUEUE

FUNCTION = "arn:aws:lambda:us-east-1:111111111111:function:thumbnails"


def wanting(*events: str, prefix: str = "", suffix: str = "", name: str = "one", arn: str = FUNCTION) -> dict[str, Any]:
    rules = [{"Name": "prefix", "Value": prefix}, {"Name": "Suffix", "Value": suffix}]
    return {"Id": name, "LambdaFunctionArn": arn, "Events": list(events), "Filter": {"Key": {"FilterRules": rules}}}


async def configure(s3: Any, bucket: str, *configurations: dict[str, Any]) -> None:
    await s3(
        "PutBucketNotificationConfiguration",
        Bucket=bucket,
        NotificationConfiguration={"LambdaFunctionConfigurations": list(configurations)},
    )
    s3.cloud.calls.clear()


async def delivered(s3: Any) -> list[dict[str, Any]]:
    (worker,) = s3.service.workers
    s3.cloud.calls.clear()
    await worker.deliver_due()
    return [json.loads(each.params["Payload"])["Records"][0] for each in s3.cloud.calls]


async def test_an_upload_reaches_the_function(s3: Any, bucket: str) -> None:
    await configure(s3, bucket, wanting("s3:ObjectCreated:*", prefix="in/", suffix=".jpg"))
    put = await s3("PutObject", Bucket=bucket, Key="in/a b+é.jpg", Body=b"xyz")
    await s3("PutObject", Bucket=bucket, Key="in/a.png", Body=b"x")
    await s3("PutObject", Bucket=bucket, Key="out/a.jpg", Body=b"x")
    (record,) = await delivered(s3)
    (call,) = s3.cloud.calls
    assert (call.service, call.operation, call.params["InvocationType"]) == ("lambda", "Invoke", "Event")
    assert (call.caller.kind, call.caller.arn) == (CallerKind.SERVICE, "s3.amazonaws.com")
    assert (call.caller.source_arn, call.caller.source_account) == ("arn:aws:s3:::pictures", "111111111111")
    item = record["s3"]["object"]
    assert item.pop("sequencer")
    assert item == {"key": "in/a+b%2B%C3%A9.jpg", "size": 3, "eTag": put["ETag"].strip('"')}
    assert record["eventVersion"] == "2.1" and record["eventName"] == "ObjectCreated:Put" and record["awsRegion"] == "us-east-1"
    assert record["eventTime"] == "2023-11-14T22:13:20.000Z"
    assert record["s3"]["bucket"]["arn"] == "arn:aws:s3:::pictures" and record["s3"]["configurationId"] == "one"
    assert await s3.platform.store.depth(QUEUE) == 0


async def test_deletes_and_markers(s3: Any, bucket: str) -> None:
    await s3("PutObject", Bucket=bucket, Key="k", Body=b"x")
    await configure(s3, bucket, wanting("s3:ObjectRemoved:*"))
    await s3("DeleteObject", Bucket=bucket, Key="k")
    await s3("DeleteObjects", Bucket=bucket, Delete={"Objects": [{"Key": "k"}]})  # nothing is there, and it is told all the same
    told = await delivered(s3)
    assert [each["eventName"] for each in told] == ["ObjectRemoved:Delete"] * 2
    assert all(set(each["s3"]["object"]) == {"key", "sequencer"} for each in told)
    await s3("PutBucketVersioning", Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    gone = await s3("DeleteObject", Bucket=bucket, Key="k")
    (record,) = await delivered(s3)
    assert (record["eventName"], record["s3"]["object"]["versionId"]) == ("ObjectRemoved:DeleteMarkerCreated", gone["VersionId"])


async def test_a_refused_message_is_tried_again_until_it_is_taken(s3: Any, bucket: str) -> None:
    await configure(s3, bucket, wanting("s3:ObjectCreated:Put"))
    (worker,) = s3.service.workers
    running = asyncio.create_task(worker.run())
    s3.cloud.refusal = AwsError("ServiceException", "out of order", 500)
    await s3("PutObject", Bucket=bucket, Key="k", Body=b"x")
    await s3.clock.advance(10)
    assert len(s3.cloud.calls) == 4  # at 0, 1, 3 and 7 seconds
    assert await s3.platform.store.depth(QUEUE) == 1
    s3.cloud.refusal = None
    await s3.clock.advance(10)
    assert len(s3.cloud.calls) == 5 and await s3.platform.store.depth(QUEUE) == 0
    running.cancel()


async def test_a_message_is_given_up_after_a_day(s3: Any, bucket: str, caplog: pytest.LogCaptureFixture) -> None:
    await configure(s3, bucket, wanting("s3:ObjectCreated:Put"))
    await s3("PutObject", Bucket=bucket, Key="k", Body=b"x")
    s3.cloud.refusal = AwsError("AccessDeniedException", "no", 403)
    await s3.clock.advance(86_401)
    await delivered(s3)
    assert await s3.platform.store.depth(QUEUE) == 0 and "gave up" in caplog.text
    assert pause_s(100) == 300


async def test_functions_are_asked_before(s3: Any, bucket: str) -> None:
    configuration = {"LambdaFunctionConfigurations": [wanting("s3:ObjectCreated:*")]}
    s3.cloud.refusal = AwsError("AccessDeniedException", "no", 403)
    error = await s3.error("PutBucketNotificationConfiguration", Bucket=bucket, NotificationConfiguration=configuration)
    assert (error.code, error.message) == ("InvalidArgument", "Unable to validate the following destination configurations")
    assert s3.cloud.calls[0].params["InvocationType"] == "DryRun"
    assert await s3("GetBucketNotificationConfiguration", Bucket=bucket) == {}


@pytest.mark.parametrize(
    "configurations",
    [
        [wanting("s3:ObjectCreated:*"), wanting("s3:ObjectCreated:Put", name="two")],
        [wanting("s3:ObjectCreated:*", suffix=".jpg"), wanting("s3:ObjectCreated:*", suffix="jpg", name="two")],
        [wanting("s3:Nonsense")],
        [wanting("s3:ObjectCreated:*", arn="nonsense")],
        [wanting("s3:ObjectCreated:Put", prefix="a"), wanting("s3:ObjectCreated:Put", prefix="b")],
    ],
)
async def test_bad_configurations(s3: Any, bucket: str, configurations: list[dict[str, Any]]) -> None:
    configuration = {"LambdaFunctionConfigurations": configurations}
    error = await s3.error("PutBucketNotificationConfiguration", Bucket=bucket, NotificationConfiguration=configuration)
    assert error.code == "InvalidArgument"


QUEUE_ARN, TOPIC_ARN = "arn:aws:sqs:us-east-1:111111111111:q", "arn:aws:sns:us-east-1:111111111111:t"


async def test_queues_topics_and_eventbridge(s3: Any, bucket: str) -> None:
    configuration = {
        "QueueConfigurations": [{"QueueArn": QUEUE_ARN, "Events": ["s3:ObjectCreated:*"]}],
        "TopicConfigurations": [{"TopicArn": TOPIC_ARN, "Events": ["s3:ObjectRemoved:*", "s3:ObjectTagging:*"]}],
        "EventBridgeConfiguration": {},
    }
    await s3("PutBucketNotificationConfiguration", Bucket=bucket, NotificationConfiguration=configuration)
    queue, topic = s3.cloud.calls
    assert queue.params["QueueUrl"] == "https://sqs.us-east-1.amazonaws.com/111111111111/q"
    test = json.loads(queue.params["MessageBody"])
    assert (test["Service"], test["Event"], test["Bucket"]) == ("Amazon S3", "s3:TestEvent", bucket)
    assert (topic.params["TopicArn"], topic.params["Subject"]) == (TOPIC_ARN, "Amazon S3 Notification")
    kept = await s3("GetBucketNotificationConfiguration", Bucket=bucket)
    assert kept["QueueConfigurations"][0]["Id"] and kept["EventBridgeConfiguration"] == {}
    s3.cloud.calls.clear()
    (worker,) = s3.service.workers
    put = await s3("PutObject", Bucket=bucket, Key="a b", Body=b"xyz")
    await worker.deliver_due()
    sent = {each.service: each for each in s3.cloud.calls}
    assert set(sent) == {"sqs", "events"}
    assert json.loads(sent["sqs"].params["MessageBody"])["Records"][0]["eventName"] == "ObjectCreated:Put"
    (entry,) = sent["events"].params["Entries"]
    assert (entry["Source"], entry["DetailType"], entry["Resources"]) == ("aws.s3", "Object Created", ["arn:aws:s3:::pictures"])
    detail = json.loads(entry["Detail"])
    assert detail["object"].pop("sequencer")
    assert detail["object"] == {"key": "a b", "size": 3, "etag": put["ETag"].strip('"')}
    assert (detail["reason"], detail["requester"], detail["version"]) == ("PutObject", "111111111111", "0")
    s3.cloud.calls.clear()
    await s3("PutObjectTagging", Bucket=bucket, Key="a b", Tagging={"TagSet": [{"Key": "t", "Value": "1"}]})
    await worker.deliver_due()
    record = json.loads(next(each for each in s3.cloud.calls if each.service == "sns").params["Message"])["Records"][0]
    assert (record["eventVersion"], record["s3"]["object"]) == ("2.3", {"key": "a+b", "eTag": put["ETag"].strip('"')})


async def test_a_restoration_begins_by_its_caller_and_ends_by_s3(s3: Any, bucket: str) -> None:
    await s3("PutObject", Bucket=bucket, Key="k", Body=b"x", StorageClass="GLACIER")
    configuration = {"QueueConfigurations": [{"QueueArn": QUEUE_ARN, "Events": ["s3:ObjectRestore:*"]}], "EventBridgeConfiguration": {}}
    await s3("PutBucketNotificationConfiguration", Bucket=bucket, NotificationConfiguration=configuration)
    s3.cloud.calls.clear()
    await s3("RestoreObject", Bucket=bucket, Key="k", RestoreRequest={"Days": 1})
    (worker,) = s3.service.workers
    await worker.deliver_due()
    records = [json.loads(each.params["MessageBody"])["Records"][0] for each in s3.cloud.calls if each.service == "sqs"]
    begun, ended = sorted(records, key=lambda each: each["eventName"], reverse=True)
    assert (begun["eventName"], ended["eventName"]) == ("ObjectRestore:Post", "ObjectRestore:Completed")
    assert "glacierEventData" not in begun and begun["userIdentity"]["principalId"].startswith("AWS:")
    assert ended["userIdentity"] == {"principalId": f"AmazonCustomer:{ended['s3']['bucket']['ownerIdentity']['principalId']}"}
    entries = [each.params["Entries"][0] for each in s3.cloud.calls if each.service == "events"]
    details = {each["DetailType"]: set(json.loads(each["Detail"])) for each in entries}
    both = {"version", "bucket", "object", "request-id", "requester", "source-storage-class"}
    assert details["Object Restore Initiated"] == {*both, "source-ip-address"}
    assert details["Object Restore Completed"] == {*both, "restore-expiry-time"}


@pytest.mark.parametrize(
    ("code", "status", "text"),
    [
        ("AWS.SimpleQueueService.NonExistentQueue", 400, "The destination queue does not exist"),
        ("AccessDenied", 403, "Permissions on the destination queue do not allow S3 to publish notifications from this bucket"),
    ],
)
async def test_queues_that_do_not_take_the_test_event(s3: Any, bucket: str, code: str, status: int, text: str) -> None:
    s3.cloud.refusal = AwsError(code, "no", status)
    configuration = {"QueueConfigurations": [{"QueueArn": QUEUE_ARN, "Events": ["s3:ObjectCreated:*"]}]}
    error = await s3.error("PutBucketNotificationConfiguration", Bucket=bucket, NotificationConfiguration=configuration)
    assert error.members == {"ArgumentName1": QUEUE_ARN, "ArgumentValue1": text}
    await s3("PutBucketNotificationConfiguration", Bucket=bucket, NotificationConfiguration=configuration, SkipDestinationValidation=True)


async def test_a_destination_that_is_gone_is_given_up(s3: Any, bucket: str, caplog: pytest.LogCaptureFixture) -> None:
    await configure(s3, bucket, wanting("s3:ObjectCreated:Put"))
    await s3("PutObject", Bucket=bucket, Key="k", Body=b"x")
    s3.cloud.refusal = AwsError("ResourceNotFoundException", "no", 404)
    await delivered(s3)
    assert await s3.platform.store.depth(QUEUE) == 0 and "no such destination" in caplog.text

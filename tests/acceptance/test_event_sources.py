"""Event sources with boto3 and a real server: queues, streams, tables; Powertools' batch processor as the consumer; recursive loops."""

from __future__ import annotations

import importlib.util
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.acceptance.conftest import ROLE, RUNTIME, RunningServer, zipped
from tests.acceptance.test_main_path import create, eventually, messages

TELLS = """
import json
def handler(event, context):
    print("EVENT " + json.dumps(event))
"""


def told(server: RunningServer, name: str, word: str) -> list[str]:
    """Return what follows a word in a function's log, in order."""
    return [line.partition(word)[2].strip() for line in messages(server, name) if line.startswith(word)]


def records(server: RunningServer, name: str, count: int) -> list[Any]:
    """Return the records that a function was given, when there are so many."""

    def found() -> list[Any]:
        return [record for event in told(server, name, "EVENT ") for record in json.loads(event)["Records"]]

    eventually(lambda: len(found()) >= count, 30)
    return found()


def queue(server: RunningServer, name: str, **attributes: str) -> tuple[str, str]:
    sqs = server.client("sqs")
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    return url, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def mapped(server: RunningServer, name: str, arn: str, **options: Any) -> str:
    functions = server.client("lambda")
    uuid = str(functions.create_event_source_mapping(FunctionName=name, EventSourceArn=arn, **options)["UUID"])
    eventually(lambda: functions.get_event_source_mapping(UUID=uuid)["State"] == "Enabled")
    return uuid


def test_a_queue_feeds_a_function_and_a_change_holds(server: RunningServer) -> None:
    functions, sqs = server.client("lambda"), server.client("sqs")
    create(functions, "fed", TELLS)
    url, arn = queue(server, "feeding")
    uuid = mapped(server, "fed", arn, FilterCriteria={"Filters": [{"Pattern": '{"body": {"wanted": [true]}}'}]})
    for number in range(4):
        sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"wanted": number % 2 == 0, "number": number}))
    assert {json.loads(each["body"])["number"] for each in records(server, "fed", 2)} == {0, 2}
    eventually(lambda: counts(sqs, url) == (0, 0))
    assert functions.update_event_source_mapping(UUID=uuid, Enabled=False)["State"] == "Disabling"
    eventually(lambda: functions.get_event_source_mapping(UUID=uuid)["State"] == "Disabled")
    sqs.send_message(QueueUrl=url, MessageBody='{"wanted": true, "number": 4}')
    assert functions.update_event_source_mapping(UUID=uuid, Enabled=True)["State"] == "Enabling"
    assert {json.loads(each["body"])["number"] for each in records(server, "fed", 3)} == {0, 2, 4}
    eventually(lambda: functions.get_event_source_mapping(UUID=uuid)["State"] == "Enabled")
    assert functions.delete_event_source_mapping(UUID=uuid)["State"] == "Deleting"
    eventually(lambda: not functions.list_event_source_mappings(FunctionName="fed")["EventSourceMappings"])


def counts(sqs: Any, url: str) -> tuple[int, int]:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return int(found[names[0]]), int(found[names[1]])


def test_streams_and_tables_feed_a_function(server: RunningServer) -> None:
    kinesis, dynamodb = server.client("kinesis"), server.client("dynamodb")
    create(server.client("lambda"), "reads", TELLS)
    kinesis.create_stream(StreamName="feed", ShardCount=2)
    mapped(server, "reads", kinesis.describe_stream(StreamName="feed")["StreamDescription"]["StreamARN"], StartingPosition="LATEST")
    kinesis.put_record(StreamName="feed", PartitionKey="p", Data=b'{"n": 1}')
    (record,) = records(server, "reads", 1)
    assert (record["eventName"], record["kinesis"]["data"]) == ("aws:kinesis:record", "eyJuIjogMX0=")
    dynamodb.create_table(
        TableName="fed",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )
    arn = dynamodb.describe_table(TableName="fed")["Table"]["LatestStreamArn"]
    mapped(server, "reads", arn, StartingPosition="TRIM_HORIZON")
    dynamodb.put_item(TableName="fed", Item={"id": {"S": "1"}})
    record = next(each for each in records(server, "reads", 2) if "dynamodb" in each)
    assert (record["eventName"], record["dynamodb"]["NewImage"], record["eventSourceARN"]) == ("INSERT", {"id": {"S": "1"}}, arn)


POWERTOOLS = """
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
processor = BatchProcessor(event_type=EventType.{kind})
def one(record):
    text = record.{field}
    print("ONE " + text)
    if text.startswith("bad") and {fails}:
        raise ValueError(text)
def handler(event, context):
    return process_partial_response(event=event, record_handler=one, processor=processor, context=context)
"""


def with_powertools(source: str) -> bytes:
    """Return a zip of a function with Powertools and what it needs."""
    data = io.BytesIO(zipped(app=source))
    with zipfile.ZipFile(data, "a", zipfile.ZIP_DEFLATED) as archive:
        for name in ("aws_lambda_powertools", "jmespath", "typing_extensions"):
            origin = Path(str(importlib.util.find_spec(name).origin))  # type: ignore[union-attr]
            files = [origin] if origin.name != "__init__.py" else sorted(origin.parent.rglob("*.py"))
            root = origin.parent if origin.name != "__init__.py" else origin.parent.parent
            for file in files:
                archive.write(file, file.relative_to(root))
    return data.getvalue()


def deploy(server: RunningServer, name: str, package: bytes) -> None:
    functions = server.client("lambda")
    functions.create_function(
        FunctionName=name, Runtime=RUNTIME, Role=ROLE, Handler="app.handler", Timeout=20, MemorySize=256, Code={"ZipFile": package}
    )
    functions.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 10})


def test_powertools_batch_processor_consumes_a_queue(server: RunningServer) -> None:
    sqs = server.client("sqs")
    source = POWERTOOLS.format(kind="SQS", field="body", fails="record.attributes.approximate_receive_count == '1'")
    deploy(server, "powertools-sqs", with_powertools(source))
    url, arn = queue(server, "powertools", VisibilityTimeout="20")
    mapped(server, "powertools-sqs", arn, FunctionResponseTypes=["ReportBatchItemFailures"])
    sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": text, "MessageBody": text} for text in ("good1", "bad", "good2")])
    eventually(lambda: told(server, "powertools-sqs", "ONE ").count("bad") == 2, 50)
    assert sorted(told(server, "powertools-sqs", "ONE ")) == ["bad", "bad", "good1", "good2"]
    eventually(lambda: counts(sqs, url) == (0, 0))


def test_powertools_batch_processor_consumes_a_stream(server: RunningServer) -> None:
    kinesis, sqs = server.client("kinesis"), server.client("sqs")
    source = POWERTOOLS.format(kind="KinesisDataStreams", field="kinesis.data_as_text()", fails="True")
    deploy(server, "powertools-kinesis", with_powertools(source))
    kinesis.create_stream(StreamName="powertools", ShardCount=1)
    arn = kinesis.describe_stream(StreamName="powertools")["StreamDescription"]["StreamARN"]
    url, target = queue(server, "given-up")
    mapped(
        server,
        "powertools-kinesis",
        arn,
        StartingPosition="TRIM_HORIZON",
        FunctionResponseTypes=["ReportBatchItemFailures"],
        BisectBatchOnFunctionError=True,
        MaximumRetryAttempts=1,
        DestinationConfig={"OnFailure": {"Destination": target}},
    )
    kinesis.put_records(StreamName="powertools", Records=[{"PartitionKey": "p", "Data": text} for text in (b"one", b"two", b"bad")])
    (message,) = eventually(lambda: sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages"), 40)
    record = json.loads(message["Body"])
    assert record["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert record["KinesisBatchInfo"]["batchSize"] == 1
    assert [each for each in told(server, "powertools-kinesis", "ONE ") if each != "bad"] == ["one", "two"]


LOOP = """
import boto3
sqs = boto3.client("sqs")
def handler(event, context):
    print("RUN")
    sqs.send_message(QueueUrl={url!r}, MessageBody="again")
"""


def test_a_function_that_feeds_itself_is_stopped(server: RunningServer) -> None:
    sqs = server.client("sqs")
    url, arn = queue(server, "loop")
    create(server.client("lambda"), "loop", LOOP.format(url=url), Timeout=10)
    mapped(server, "loop", arn)
    sqs.send_message(QueueUrl=url, MessageBody="begin")
    eventually(lambda: len(told(server, "loop", "RUN")) == 16, 60)
    eventually(lambda: counts(sqs, url) == (0, 0))
    assert len(told(server, "loop", "RUN")) == 16


def test_mappings_and_positions_survive_a_kill(own_server: Callable[..., RunningServer]) -> None:
    server = own_server()
    create(server.client("lambda"), "kept", TELLS)
    url, arn = queue(server, "kept")
    uuid = mapped(server, "kept", arn)
    server.kill()
    server.start()
    server.client("sqs").send_message(QueueUrl=url, MessageBody="after the kill")
    assert records(server, "kept", 1)[0]["body"] == "after the kill"
    assert server.client("lambda").get_event_source_mapping(UUID=uuid)["State"] == "Enabled"

"""Asynchronous invocation with boto3 and a real server: every kind of destination, dead letters, and loops through every kind of way."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.acceptance.conftest import RunningServer
from tests.acceptance.test_event_sources import queue, told
from tests.acceptance.test_main_path import create, eventually

FAILS = "def handler(event, context):\n    raise ValueError('as ' + event['word'])\n"
TELLS = "import json\ndef handler(event, context):\n    print('EVENT ' + json.dumps(event))\n"


def received(server: RunningServer, url: str) -> Any:
    sqs = server.client("sqs")
    (message,) = eventually(lambda: sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1, MessageAttributeNames=["All"]).get("Messages"), 40)
    return message


def open_queue(server: RunningServer, name: str) -> tuple[str, str]:
    """Make a queue that services may send to."""
    statement = {"Effect": "Allow", "Principal": {"Service": ["sns.amazonaws.com", "events.amazonaws.com"]}, "Action": "sqs:SendMessage"}
    resource = f"arn:aws:sqs:us-east-1:000000000000:{name}"
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{**statement, "Resource": resource}]})
    return queue(server, name, Policy=policy)


def failing(server: RunningServer, name: str, destination: str, **options: Any) -> str:
    """Deploy a function that fails once and for all, and invoke it; return the request's id."""
    functions = server.client("lambda")
    create(functions, name, FAILS, **options)
    config = {"DestinationConfig": {"OnFailure": {"Destination": destination}}} if destination else {}
    functions.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0, **config)
    answer = functions.invoke(FunctionName=name, InvocationType="Event", Payload=b'{"word": "told"}')
    return str(answer["ResponseMetadata"]["RequestId"])


def check(record: Any, name: str, request_id: str) -> None:
    assert record["version"] == "1.0"
    assert record["requestContext"] == {
        "requestId": request_id,
        "functionArn": f"arn:aws:lambda:us-east-1:000000000000:function:{name}:$LATEST",
        "condition": "RetriesExhausted",
        "approximateInvokeCount": 1,
    }
    assert record["requestPayload"] == {"word": "told"}
    assert record["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"}
    assert (record["responsePayload"]["errorType"], record["responsePayload"]["errorMessage"]) == ("ValueError", "as told")


def test_a_queue_and_a_topic_get_the_record(server: RunningServer) -> None:
    url, arn = queue(server, "to-queue")
    request_id = failing(server, "to-queue", arn)
    check(json.loads(received(server, url)["Body"]), "to-queue", request_id)
    sns = server.client("sns")
    url, arn = open_queue(server, "to-topic")
    topic = sns.create_topic(Name="to-topic")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    request_id = failing(server, "to-topic", topic)
    check(json.loads(received(server, url)["Body"]), "to-topic", request_id)


def test_a_function_and_an_event_bus_get_the_record(server: RunningServer) -> None:
    target = create(server.client("lambda"), "takes-records", TELLS)
    request_id = failing(server, "to-function", target)
    (record,) = eventually(lambda: told(server, "takes-records", "EVENT "))
    check(json.loads(record), "to-function", request_id)
    events = server.client("events")
    url, arn = open_queue(server, "to-bus")
    events.put_rule(
        Name="to-bus", EventPattern=json.dumps({"source": ["lambda"], "detail": {"requestContext": {"condition": [{"exists": True}]}}})
    )
    events.put_targets(Rule="to-bus", Targets=[{"Id": "1", "Arn": arn}])
    request_id = failing(server, "to-bus", "arn:aws:events:us-east-1:000000000000:event-bus/default")
    event = json.loads(received(server, url)["Body"])
    assert event["detail-type"] == "Lambda Function Invocation Result - Failure"
    check(event["detail"], "to-bus", request_id)


def test_a_bucket_gets_the_record_of_a_failure(server: RunningServer) -> None:
    s3 = server.client("s3")
    s3.create_bucket(Bucket="records")
    request_id = failing(server, "to-bucket", "arn:aws:s3:::records")
    (found,) = eventually(lambda: s3.list_objects_v2(Bucket="records").get("Contents"))
    assert found["Key"].startswith("aws/lambda/async/to-bucket/20")
    check(json.load(s3.get_object(Bucket="records", Key=found["Key"])["Body"]), "to-bucket", request_id)


def test_a_dead_letter_says_why(server: RunningServer) -> None:
    url, arn = queue(server, "letters")
    request_id = failing(server, "letters", "", DeadLetterConfig={"TargetArn": arn})
    message = received(server, url)
    assert json.loads(message["Body"]) == {"word": "told"}
    attributes = {name: (each["DataType"], each["StringValue"]) for name, each in message["MessageAttributes"].items()}
    assert attributes == {"RequestID": ("String", request_id), "ErrorCode": ("Number", "200"), "ErrorMessage": ("String", "as told")}


LOOPS = {
    "lambda": "boto3.client('lambda').invoke(FunctionName=context.function_name, InvocationType='Event', Payload=b'{}')",
    "sns": "boto3.client('sns').publish(TopicArn='arn:aws:sns:us-east-1:000000000000:loop', Message='again')",
    "s3": "boto3.client('s3').put_object(Bucket='loop', Key=context.aws_request_id, Body=b'again')",
}


@pytest.mark.parametrize("way", LOOPS)
def test_a_loop_is_stopped_after_sixteen_invocations(server: RunningServer, way: str) -> None:
    functions, name = server.client("lambda"), f"loop-{way}"
    url, letters = queue(server, name)
    source = f"import boto3\ndef handler(event, context):\n    print('RUN')\n    {LOOPS[way]}\n"
    arn = create(functions, name, source, Timeout=20, MemorySize=256, DeadLetterConfig={"TargetArn": letters})
    if way != "lambda":
        source_arn = "arn:aws:s3:::loop" if way == "s3" else server.client("sns").create_topic(Name="loop")["TopicArn"]
        permission = {"Action": "lambda:InvokeFunction", "Principal": f"{way}.amazonaws.com", "SourceArn": source_arn}
        functions.add_permission(FunctionName=name, StatementId=way, **permission)
    if way == "sns":
        server.client("sns").subscribe(TopicArn=source_arn, Protocol="lambda", Endpoint=arn)
    if way == "s3":
        s3 = server.client("s3")
        s3.create_bucket(Bucket="loop")
        wanted = {"LambdaFunctionConfigurations": [{"LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*"]}]}
        s3.put_bucket_notification_configuration(Bucket="loop", NotificationConfiguration=wanted)
    functions.invoke(FunctionName=name, InvocationType="Event", Payload=b"{}")
    assert received(server, url)["MessageAttributes"]["ErrorCode"]["StringValue"] == "400"
    eventually(lambda: len(told(server, name, "RUN")) == 16)

"""EventBridge through boto3 and a real server: functions and queues as targets, schedules, other services' events, and what a kill leaves."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.acceptance.conftest import ROLE, RUNTIME, RunningServer, zipped

ACCOUNT = "000000000000"
PATTERN = json.dumps({"source": ["shop"], "detail": {"total": [{"numeric": [">", 100]}]}})


def eventually(condition: Callable[[], Any], seconds: float = 20) -> Any:
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "did not come in time"
        time.sleep(0.05)
    return value


def make_queue(server: RunningServer, name: str, rule_arn: str = "", **attributes: str) -> tuple[str, str]:
    """Create a queue; with a rule's ARN, one that EventBridge may send to for that rule. Return URL and ARN."""
    queues = server.client("sqs")
    url = queues.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"
    if rule_arn:
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": rule_arn}},
        }
        queues.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]})})
    return url, arn


def received(server: RunningServer, url: str, count: int = 1, seconds: float = 20) -> list[dict[str, Any]]:
    """Receive and delete until there are so many messages."""
    queues = server.client("sqs")
    found: list[dict[str, Any]] = []
    end = time.monotonic() + seconds
    while len(found) < count:
        assert time.monotonic() < end, f"only {len(found)} of {count} messages came"
        answer = queues.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1, MessageAttributeNames=["All"])
        for message in answer.get("Messages", []):
            found.append(message)
            queues.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return found


def make_function(server: RunningServer, name: str, source: str) -> str:
    functions = server.client("lambda")
    arn = functions.create_function(
        FunctionName=name, Runtime=RUNTIME, Role=ROLE, Handler="app.handler", Code={"ZipFile": zipped(app=source)}
    )["FunctionArn"]
    functions.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 10})
    return str(arn)


def logged(server: RunningServer, name: str) -> str:
    logs = server.client("logs")
    try:
        return "".join(event["message"] for event in logs.filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"])
    except logs.exceptions.ResourceNotFoundException:
        return ""


def test_a_function_is_invoked_when_it_lets_the_rule(server: RunningServer) -> None:
    events, functions = server.client("events"), server.client("lambda")
    function = make_function(
        server, "on-order", "def handler(event, context):\n    print('order', event['detail']['total'], event['source'])\n"
    )
    rule = events.put_rule(Name="big-orders", EventPattern=PATTERN)["RuleArn"]
    functions.add_permission(
        FunctionName="on-order", StatementId="s", Action="lambda:InvokeFunction", Principal="events.amazonaws.com", SourceArn=rule
    )
    events.put_targets(Rule="big-orders", Targets=[{"Id": "f", "Arn": function}])
    for total in (50, 150):
        events.put_events(Entries=[{"Source": "shop", "DetailType": "order", "Detail": json.dumps({"total": total})}])
    eventually(lambda: "order 150 shop" in logged(server, "on-order"))
    assert "order 50" not in logged(server, "on-order")


def test_a_target_that_refuses_sends_the_event_to_the_dead_letter_queue(server: RunningServer) -> None:
    events = server.client("events")
    function = make_function(server, "closed", "def handler(event, context):\n    pass\n")
    rule = events.put_rule(Name="refused", EventPattern='{"source": ["refused"]}')["RuleArn"]
    url, queue = make_queue(server, "dead-letters", rule)
    events.put_targets(Rule="refused", Targets=[{"Id": "f", "Arn": function, "DeadLetterConfig": {"Arn": queue}}])
    event_id = events.put_events(Entries=[{"Source": "refused", "DetailType": "t", "Detail": "{}"}])["Entries"][0]["EventId"]
    (message,) = received(server, url)
    assert json.loads(message["Body"])["id"] == event_id
    attributes = {name: each["StringValue"] for name, each in message["MessageAttributes"].items()}
    assert (attributes["RULE_ARN"], attributes["TARGET_ARN"], attributes["ERROR_CODE"]) == (rule, function, "NO_PERMISSIONS")


def test_a_queue_takes_what_its_policy_allows_transformed(server: RunningServer) -> None:
    events = server.client("events")
    events.create_event_bus(Name="orders")
    rule = events.put_rule(Name="to-queue", EventBusName="orders", EventPattern='{"source": [{"prefix": "shop"}]}')["RuleArn"]
    url, queue = make_queue(server, "orders.fifo", rule, FifoQueue="true", ContentBasedDeduplication="true")
    transformer = {"InputPathsMap": {"id": "$.detail.id"}, "InputTemplate": '{"order": <id>, "by": "<aws.events.rule-name>"}'}
    target = {"Id": "q", "Arn": queue, "InputTransformer": transformer, "SqsParameters": {"MessageGroupId": "g"}}
    events.put_targets(Rule="to-queue", EventBusName="orders", Targets=[target])
    events.put_events(Entries=[{"Source": "shop.eu", "DetailType": "t", "Detail": '{"id": 7}', "EventBusName": "orders"}])
    (message,) = received(server, url)
    assert json.loads(message["Body"]) == {"order": 7, "by": "to-queue"}


def test_topics_log_groups_and_other_buses_are_targets(server: RunningServer) -> None:
    events, topics, logs = server.client("events"), server.client("sns"), server.client("logs")
    topic = topics.create_topic(Name="news")["TopicArn"]
    logs.create_log_group(logGroupName="/aws/events/news")
    bus = events.create_event_bus(Name="news")["EventBusArn"]
    rule = events.put_rule(Name="news", EventPattern='{"source": ["news"]}')["RuleArn"]
    second = events.put_rule(Name="second", EventBusName="news", EventPattern='{"source": ["news"]}')["RuleArn"]
    statement = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sns:Publish", "Resource": topic}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    topics.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
    by_topic, by_topic_arn = make_queue(server, "by-topic")
    allow = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": by_topic_arn}
    server.client("sqs").set_queue_attributes(
        QueueUrl=by_topic, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [allow]})}
    )
    topics.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=by_topic_arn)
    by_bus, by_bus_arn = make_queue(server, "by-bus", second)
    group = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/aws/events/news"
    targets = [{"Id": "topic", "Arn": topic}, {"Id": "group", "Arn": group}, {"Id": "bus", "Arn": bus}]
    assert events.put_targets(Rule="news", Targets=targets)["FailedEntryCount"] == 0
    events.put_targets(Rule="second", EventBusName="news", Targets=[{"Id": "q", "Arn": by_bus_arn}])
    event_id = events.put_events(Entries=[{"Source": "news", "DetailType": "t", "Detail": "{}"}])["Entries"][0]["EventId"]
    (notified,) = received(server, by_topic)
    assert json.loads(json.loads(notified["Body"])["Message"])["id"] == event_id
    (forwarded,) = received(server, by_bus)
    assert json.loads(forwarded["Body"])["id"] == event_id
    lines = eventually(lambda: logs.filter_log_events(logGroupName="/aws/events/news")["events"])
    assert json.loads(lines[0]["message"])["id"] == event_id
    assert rule.endswith("rule/news")


def test_partial_failures_limits_and_patterns_answer_as_aws_does(server: RunningServer) -> None:
    events = server.client("events")
    answer = events.put_events(
        Entries=[
            {"Source": "s", "DetailType": "t", "Detail": "{}"},
            {"Source": "aws.ec2", "DetailType": "t", "Detail": "{}"},
            {"Source": "s", "DetailType": "t", "Detail": "no"},
        ]
    )
    assert answer["FailedEntryCount"] == 2
    assert [each.get("ErrorCode") for each in answer["Entries"]] == [None, "NotAuthorizedForSourceException", "MalformedDetail"]
    with pytest.raises(ClientError) as eleven:
        events.put_events(Entries=[{"Source": "s", "DetailType": "t", "Detail": "{}"}] * 11)
    assert eleven.value.response["Error"]["Code"] == "ValidationException"
    shown = "PutEventsRequestEntry(time=null, source=s, resources=null, detailType=t, detail={}, eventBusName=null, traceHeader=null"
    message = eleven.value.response["Error"]["Message"]
    assert message.startswith(f"1 validation error detected: Value '[{shown}, kmsKeyIdentifier=null, internalMetadata=null), ")
    assert message.endswith("' at 'entries' failed to satisfy constraint: Member must have length less than or equal to 10")
    with pytest.raises(events.exceptions.InvalidEventPatternException) as invalid:
        events.test_event_pattern(EventPattern='{"resources": []}', Event="{}")
    assert invalid.value.response["Error"]["Message"].startswith(
        "Event pattern is not valid. Reason: Empty arrays are not allowed\n at [Source"
    )
    event = {"id": "1", "source": "s", "detail-type": "t", "account": ACCOUNT, "region": "us-east-1", "time": "2026-01-01T00:00:00Z"}
    assert events.test_event_pattern(EventPattern='{"source": ["s"]}', Event=json.dumps(event))["Result"] is True


def test_a_functions_destination_is_an_event(server: RunningServer) -> None:
    events, functions = server.client("events"), server.client("lambda")
    function = make_function(server, "answers", "def handler(event, context):\n    return {'answer': 42}\n")
    rule = events.put_rule(Name="answers", EventPattern=json.dumps({"source": ["lambda"], "resources": [{"prefix": function}]}))["RuleArn"]
    url, queue = make_queue(server, "answers", rule)
    events.put_targets(Rule="answers", Targets=[{"Id": "q", "Arn": queue, "InputPath": "$.detail.responsePayload"}])
    bus = f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/default"
    functions.put_function_event_invoke_config(FunctionName="answers", DestinationConfig={"OnSuccess": {"Destination": bus}})
    functions.invoke(FunctionName="answers", InvocationType="Event", Payload=b"{}")
    (message,) = received(server, url)
    assert json.loads(message["Body"]) == {"answer": 42}


def test_what_happens_in_a_bucket_is_an_event(server: RunningServer) -> None:
    events, buckets = server.client("events"), server.client("s3")
    buckets.create_bucket(Bucket="watched")
    buckets.put_bucket_notification_configuration(Bucket="watched", NotificationConfiguration={"EventBridgeConfiguration": {}})
    pattern = {"source": ["aws.s3"], "detail-type": ["Object Created"], "detail": {"object": {"key": [{"suffix": ".png"}]}}}
    rule = events.put_rule(Name="watched", EventPattern=json.dumps(pattern))["RuleArn"]
    url, queue = make_queue(server, "watched", rule)
    events.put_targets(Rule="watched", Targets=[{"Id": "q", "Arn": queue}])
    for key in ("a.txt", "b.png"):
        buckets.put_object(Bucket="watched", Key=key, Body=b"1234")
    (message,) = received(server, url)
    event = json.loads(message["Body"])
    assert (event["resources"], event["detail"]["object"]["key"]) == (["arn:aws:s3:::watched"], "b.png")


def test_schedules_fire_and_outlive_a_kill(own_server: Callable[..., RunningServer]) -> None:
    server = own_server("--time-scale", "60")
    events = server.client("events")
    rule = events.put_rule(Name="every-minute", ScheduleExpression="rate(1 minute)")["RuleArn"]
    url, queue = make_queue(server, "ticks", rule)
    events.put_targets(Rule="every-minute", Targets=[{"Id": "q", "Arn": queue, "Input": '{"tick": true}'}])
    assert [json.loads(each["Body"]) for each in received(server, url, 2)] == [{"tick": True}] * 2
    server.kill()
    server.start()
    received(server, url, 2)


def test_nothing_that_was_acknowledged_is_lost_by_a_kill(own_server: Callable[..., RunningServer], tmp_path: Path) -> None:
    server = own_server()
    events = server.client("events")
    rule = events.put_rule(Name="all", EventPattern='{"source": ["s"]}')["RuleArn"]
    url, queue = make_queue(server, "all", rule)
    events.put_targets(Rule="all", Targets=[{"Id": "q", "Arn": queue}])
    bus = f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/default"
    events.create_archive(ArchiveName="a", EventSourceArn=bus)
    entry = {"Source": "s", "DetailType": "t", "Detail": "{}"}
    accepted = [each["EventId"] for _ in range(8) for each in events.put_events(Entries=[entry] * 10)["Entries"]]
    server.kill()
    server.start()
    found: set[str] = set()
    while len(found) < len(accepted):
        found |= {json.loads(each["Body"])["id"] for each in received(server, url)}
    assert found == set(accepted)
    assert server.client("events").describe_archive(ArchiveName="a")["EventCount"] == len(accepted)

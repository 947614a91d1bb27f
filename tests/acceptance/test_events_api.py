"""EventBridge's and the Scheduler's other operations through boto3 and a real server: each is asked and its answer compared."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from tests.acceptance.conftest import ROLE, RunningServer

ACCOUNT = "000000000000"
OTHER = "111122223333"
ARN = f"arn:aws:events:us-east-1:{ACCOUNT}"
PATTERN = '{"source": ["api"]}'


def eventually(condition: Callable[[], Any], seconds: float = 20) -> Any:
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "did not come in time"
        time.sleep(0.05)
    return value


def open_queue(server: RunningServer, name: str) -> tuple[str, str]:
    """Create a queue that EventBridge may send to; return its URL and ARN."""
    queues = server.client("sqs")
    arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"
    statement = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    return queues.create_queue(QueueName=name, Attributes={"Policy": policy})["QueueUrl"], arn


def receive(server: RunningServer, url: str) -> list[dict[str, Any]]:
    queues = server.client("sqs")
    messages = queues.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", [])
    for each in messages:
        queues.delete_message(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])
    return [json.loads(each["Body"]) for each in messages]


def test_buses_policies_and_tags(server: RunningServer) -> None:
    events = server.client("events")
    bus = events.create_event_bus(Name="api-bus", Description="d", Tags=[{"Key": "a", "Value": "1"}])["EventBusArn"]
    assert bus == f"{ARN}:event-bus/api-bus"
    events.update_event_bus(Name="api-bus", Description="e")
    described = events.describe_event_bus(Name="api-bus")
    assert (described["Description"], described["CreationTime"] <= described["LastModifiedTime"]) == ("e", True)
    assert [each["Name"] for each in events.list_event_buses(NamePrefix="api-b")["EventBuses"]] == ["api-bus"]
    events.put_permission(EventBusName="api-bus", Action="events:PutEvents", Principal=OTHER, StatementId="s")
    policy = json.loads(events.describe_event_bus(Name="api-bus")["Policy"])
    assert policy["Statement"][0]["Principal"] == {"AWS": f"arn:aws:iam::{OTHER}:root"}
    events.remove_permission(EventBusName="api-bus", StatementId="s")
    assert "Policy" not in events.describe_event_bus(Name="api-bus")
    events.tag_resource(ResourceARN=bus, Tags=[{"Key": "b", "Value": "2"}])
    events.untag_resource(ResourceARN=bus, TagKeys=["a"])
    assert events.list_tags_for_resource(ResourceARN=bus)["Tags"] == [{"Key": "b", "Value": "2"}]
    events.delete_event_bus(Name="api-bus")
    with pytest.raises(events.exceptions.ResourceNotFoundException):
        events.describe_event_bus(Name="api-bus")


def test_rules_and_targets(server: RunningServer) -> None:
    events = server.client("events")
    _, queue = open_queue(server, "api-rules")
    assert events.put_rule(Name="api-rule", EventPattern=PATTERN)["RuleArn"] == f"{ARN}:rule/api-rule"
    events.put_targets(Rule="api-rule", Targets=[{"Id": "a", "Arn": queue}, {"Id": "b", "Arn": queue, "InputPath": "$.detail"}])
    assert [each["Id"] for each in events.list_targets_by_rule(Rule="api-rule")["Targets"]] == ["a", "b"]
    assert events.list_rule_names_by_target(TargetArn=queue)["RuleNames"] == ["api-rule"]
    events.disable_rule(Name="api-rule")
    assert events.describe_rule(Name="api-rule")["State"] == "DISABLED"
    events.enable_rule(Name="api-rule")
    (listed,) = events.list_rules(NamePrefix="api-rule")["Rules"]
    assert (listed["State"], listed["EventBusName"], listed["EventPattern"]) == ("ENABLED", "default", PATTERN)
    assert events.remove_targets(Rule="api-rule", Ids=["a", "b"])["FailedEntryCount"] == 0
    events.delete_rule(Name="api-rule")
    with pytest.raises(events.exceptions.ResourceNotFoundException, match=r"Rule api-rule does not exist on EventBus default\."):
        events.describe_rule(Name="api-rule")


def test_archives_and_replays(server: RunningServer) -> None:
    events = server.client("events")
    bus = events.create_event_bus(Name="api-archived")["EventBusArn"]
    archive = events.create_archive(ArchiveName="api-archive", EventSourceArn=bus, RetentionDays=1)["ArchiveArn"]
    begin = datetime.now(UTC) - timedelta(minutes=1)
    entry = {"Source": "api", "DetailType": "t", "Detail": "{}", "EventBusName": "api-archived"}
    ids = {each["EventId"] for each in events.put_events(Entries=[entry] * 5)["Entries"]}
    assert events.describe_archive(ArchiveName="api-archive")["EventCount"] == 5
    url, queue = open_queue(server, "api-replayed")
    events.put_rule(Name="api-replayed", EventBusName="api-archived", EventPattern=PATTERN)
    events.put_targets(Rule="api-replayed", EventBusName="api-archived", Targets=[{"Id": "q", "Arn": queue}])
    window = {"EventStartTime": begin, "EventEndTime": begin + timedelta(hours=1)}
    events.start_replay(ReplayName="api-replay", EventSourceArn=archive, Destination={"Arn": bus}, **window)
    eventually(lambda: events.describe_replay(ReplayName="api-replay")["State"] == "COMPLETED")
    found: list[dict[str, Any]] = []
    eventually(lambda: found.extend(receive(server, url)) or len(found) >= 5)
    assert {each["id"] for each in found} == ids
    assert {each["replay-name"] for each in found} == {"api-replay"}
    assert [each["ReplayName"] for each in events.list_replays(NamePrefix="api-")["Replays"]] == ["api-replay"]
    with pytest.raises(events.exceptions.ClientError):
        events.cancel_replay(ReplayName="api-replay")
    events.update_archive(ArchiveName="api-archive", Description="d", EventPattern=PATTERN)
    assert [each["ArchiveName"] for each in events.list_archives(NamePrefix="api-")["Archives"]] == ["api-archive"]
    events.delete_archive(ArchiveName="api-archive")
    with pytest.raises(events.exceptions.ResourceNotFoundException):
        events.describe_archive(ArchiveName="api-archive")


@pytest.fixture
def webhook() -> Iterator[tuple[str, list[tuple[str, dict[str, str], bytes]]]]:
    """An HTTP server that notes what it is sent: (path, headers, body)."""
    seen: list[tuple[str, dict[str, str], bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            seen.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(200 if len(seen) > 1 else 503)  # the first attempt fails
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    listener = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listener.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{listener.server_port}", seen
    listener.shutdown()
    thread.join()
    listener.server_close()


def test_connections_and_api_destinations(server: RunningServer, webhook: tuple[str, list[tuple[str, dict[str, str], bytes]]]) -> None:
    events = server.client("events")
    url, seen = webhook
    basic = {"BasicAuthParameters": {"Username": "user", "Password": "pass"}}
    connection = events.create_connection(Name="api-link", AuthorizationType="BASIC", AuthParameters=basic)["ConnectionArn"]
    key = {"ApiKeyAuthParameters": {"ApiKeyName": "X-Key", "ApiKeyValue": "secret"}}
    events.update_connection(Name="api-link", AuthorizationType="API_KEY", AuthParameters=key)
    described = events.describe_connection(Name="api-link")
    assert described["AuthParameters"] == {"ApiKeyAuthParameters": {"ApiKeyName": "X-Key"}}
    secret = server.client("secretsmanager").get_secret_value(SecretId=described["SecretArn"])["SecretString"]
    assert json.loads(secret) == {"api_key_name": "X-Key", "api_key_value": "secret"}
    assert [each["Name"] for each in events.list_connections(NamePrefix="api-")["Connections"]] == ["api-link"]
    settings = {"ConnectionArn": connection, "InvocationEndpoint": "https://example.com/hook", "HttpMethod": "POST"}
    destination = events.create_api_destination(Name="api-hook", **settings)["ApiDestinationArn"]
    assert events.describe_api_destination(Name="api-hook")["InvocationRateLimitPerSecond"] == 300
    assert [each["Name"] for each in events.list_api_destinations(NamePrefix="api-")["ApiDestinations"]] == ["api-hook"]
    events.update_api_destination(Name="api-hook", InvocationEndpoint=f"{url}/*")
    events.put_rule(Name="api-hook", EventPattern='{"source": ["hook"]}')
    http = {"PathParameterValues": ["orders"], "QueryStringParameters": {"q": "1"}}
    events.put_targets(
        Rule="api-hook", Targets=[{"Id": "h", "Arn": destination, "RoleArn": ROLE, "InputPath": "$.detail", "HttpParameters": http}]
    )
    events.put_events(Entries=[{"Source": "hook", "DetailType": "t", "Detail": '{"a": 1}'}])
    eventually(lambda: len(seen) == 2)
    path, headers, body = seen[1]
    assert (path, headers["x-key"], json.loads(body)) == ("/orders?q=1", "secret", {"a": 1})
    events.delete_api_destination(Name="api-hook")
    assert events.deauthorize_connection(Name="api-link")["ConnectionState"] == "DEAUTHORIZED"
    assert events.delete_connection(Name="api-link")["ConnectionState"] == "DELETING"
    with pytest.raises(events.exceptions.ResourceNotFoundException):
        events.describe_connection(Name="api-link")


def test_groups_and_schedules(server: RunningServer) -> None:
    schedules = server.client("scheduler")
    group = schedules.create_schedule_group(Name="api-group", Tags=[{"Key": "a", "Value": "1"}])["ScheduleGroupArn"]
    assert schedules.get_schedule_group(Name="api-group")["State"] == "ACTIVE"
    assert "api-group" in [each["Name"] for each in schedules.list_schedule_groups()["ScheduleGroups"]]
    schedules.tag_resource(ResourceArn=group, Tags=[{"Key": "b", "Value": "2"}])
    schedules.untag_resource(ResourceArn=group, TagKeys=["a"])
    assert schedules.list_tags_for_resource(ResourceArn=group)["Tags"] == [{"Key": "b", "Value": "2"}]
    _, queue = open_queue(server, "api-schedules")
    settings = {
        "Name": "api-schedule",
        "GroupName": "api-group",
        "ScheduleExpression": "cron(0 3 1 1 ? 2190)",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {"Arn": queue, "RoleArn": ROLE},
    }
    schedules.create_schedule(**settings)
    with pytest.raises(schedules.exceptions.ConflictException, match=r"Schedule api-schedule already exists\."):
        schedules.create_schedule(**settings)
    schedules.update_schedule(**settings, State="DISABLED", ScheduleExpressionTimezone="Europe/Berlin")
    described = schedules.get_schedule(Name="api-schedule", GroupName="api-group")
    assert (described["State"], described["ScheduleExpressionTimezone"]) == ("DISABLED", "Europe/Berlin")
    assert [each["Name"] for each in schedules.list_schedules(GroupName="api-group")["Schedules"]] == ["api-schedule"]
    schedules.delete_schedule(Name="api-schedule", GroupName="api-group")
    assert schedules.list_schedules(GroupName="api-group")["Schedules"] == []
    schedules.delete_schedule_group(Name="api-group")
    with pytest.raises(schedules.exceptions.ResourceNotFoundException):
        schedules.get_schedule_group(Name="api-group")

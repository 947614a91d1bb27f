"""EventBridge Scheduler through boto3 and a real server whose time runs sixty times as fast."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.acceptance.conftest import ROLE, RUNTIME, RunningServer, zipped

ACCOUNT = "000000000000"
OFF = {"Mode": "OFF"}


def eventually(condition: Callable[[], Any], seconds: float = 20) -> Any:
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "did not come in time"
        time.sleep(0.05)
    return value


def receive(server: RunningServer, url: str) -> list[str]:
    queues = server.client("sqs")
    messages = queues.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", [])
    for each in messages:
        queues.delete_message(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])
    return [each["Body"] for each in messages]


def test_schedules_tell_queues_and_functions_and_outlive_a_kill(own_server: Callable[..., RunningServer]) -> None:
    server = own_server("--time-scale", "60")
    schedules, functions = server.client("scheduler"), server.client("lambda")
    url = server.client("sqs").create_queue(QueueName="ticks")["QueueUrl"]
    queue = f"arn:aws:sqs:us-east-1:{ACCOUNT}:ticks"
    source = "def handler(event, context):\n    print('scheduled', event['source'], event['resources'])\n"
    function = functions.create_function(
        FunctionName="nightly",
        Runtime=RUNTIME,
        Role=ROLE,
        Handler="app.handler",
        Timeout=900,  # its time, too, runs sixty times as fast
        Code={"ZipFile": zipped(app=source)},
    )["FunctionArn"]
    schedules.create_schedule_group(Name="jobs")
    every = {"ScheduleExpression": "rate(1 minute)", "FlexibleTimeWindow": OFF, "GroupName": "jobs"}
    schedules.create_schedule(Name="ticks", Target={"Arn": queue, "RoleArn": ROLE, "Input": "tick"}, **every)
    schedules.create_schedule(Name="nightly", Target={"Arn": function, "RoleArn": ROLE}, **every)
    universal = json.dumps({"QueueUrl": url, "MessageBody": "universal"})
    action = "arn:aws:scheduler:::aws-sdk:sqs:sendMessage"
    schedules.create_schedule(Name="universal", Target={"Arn": action, "RoleArn": ROLE, "Input": universal}, **every)
    found: list[str] = []
    eventually(lambda: found.extend(receive(server, url)) or {"tick", "universal"} <= set(found))
    logs = server.client("logs")

    def logged() -> list[Any]:
        try:
            events: list[Any] = logs.filter_log_events(logGroupName="/aws/lambda/nightly", filterPattern='"aws.scheduler"')["events"]
        except logs.exceptions.ResourceNotFoundException:
            return []
        return events

    assert "schedule/jobs/nightly" in eventually(logged)[0]["message"]
    server.kill()
    server.start()
    receive(server, url)
    eventually(lambda: "tick" in receive(server, url))
    described = server.client("scheduler").get_schedule(Name="ticks", GroupName="jobs")
    assert described["Target"]["RetryPolicy"] == {"MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 185}


def test_a_one_time_schedule_comes_once_and_deletes_itself(own_server: Callable[..., RunningServer]) -> None:
    server = own_server("--time-scale", "60")
    schedules = server.client("scheduler")
    url = server.client("sqs").create_queue(QueueName="once")["QueueUrl"]
    due = (datetime.now(UTC) + timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%S")
    target = {"Arn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:once", "RoleArn": ROLE, "Input": "once"}
    arn = schedules.create_schedule(
        Name="once", ScheduleExpression=f"at({due})", FlexibleTimeWindow=OFF, Target=target, ActionAfterCompletion="DELETE"
    )["ScheduleArn"]
    assert arn == f"arn:aws:scheduler:us-east-1:{ACCOUNT}:schedule/default/once"
    assert eventually(lambda: receive(server, url)) == ["once"]
    eventually(lambda: not schedules.list_schedules()["Schedules"])


def test_what_is_wrong_is_said_as_aws_says_it(server: RunningServer) -> None:
    schedules = server.client("scheduler")
    target = {"Arn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:q", "RoleArn": ROLE}
    with pytest.raises(schedules.exceptions.ValidationException) as refused:
        schedules.create_schedule(Name="s", ScheduleExpression="rate(10)", FlexibleTimeWindow=OFF, Target=target)
    assert refused.value.response["Error"]["Message"] == refused.value.response["Message"] == "Invalid Schedule Expression rate(10)."
    with pytest.raises(schedules.exceptions.ResourceNotFoundException) as missing:
        schedules.get_schedule(Name="nothing")
    assert missing.value.response["Error"]["Message"] == "Schedule nothing does not exist."
    assert missing.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404

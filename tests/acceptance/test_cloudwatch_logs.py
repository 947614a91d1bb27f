"""CloudWatch Logs through boto3 and a real server."""

from __future__ import annotations

import json
import time
import uuid
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from tests.acceptance.test_main_path import create, eventually, messages

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.acceptance.conftest import RunningServer


@pytest.fixture
def logs(server: RunningServer) -> Any:
    return server.client("logs", inject_host_prefix=False)


@pytest.fixture
def group(logs: Any) -> str:
    name = f"/test/{uuid.uuid4()}"
    logs.create_log_group(logGroupName=name, tags={"by": "test"})
    logs.create_log_stream(logGroupName=name, logStreamName="2024/01/01/[$LATEST]abc")
    return name


def put(logs: Any, group: str, *messages: str) -> int:
    now = int(time.time() * 1000)
    events = [{"timestamp": now + index, "message": message} for index, message in enumerate(messages)]
    logs.put_log_events(logGroupName=group, logStreamName="2024/01/01/[$LATEST]abc", logEvents=events)
    return now


def test_events_survive_a_kill(own_server: Callable[..., RunningServer]) -> None:
    first = own_server()
    client = first.client("logs")
    client.create_log_group(logGroupName="g")
    client.create_log_stream(logGroupName="g", logStreamName="2024/01/01/[$LATEST]abc")
    put(client, "g", "kept")
    first.kill()
    client = own_server(data_dir=first.data_dir).client("logs")
    assert [each["message"] for each in client.filter_log_events(logGroupName="g")["events"]] == ["kept"]


def test_paginators_and_patterns(logs: Any, group: str) -> None:
    put(logs, group, *(json.dumps({"n": number, "level": "ERROR" if number % 3 == 0 else "INFO"}) for number in range(25)))
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName=group, filterPattern='{ $.level = "ERROR" && $.n >= 6 }', PaginationConfig={"PageSize": 2}
    )
    assert [json.loads(event["message"])["n"] for page in pages for event in page["events"]] == [6, 9, 12, 15, 18, 21, 24]
    names = [
        each["logGroupName"]
        for page in logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix="/test/")
        for each in page["logGroups"]
    ]
    assert group in names
    (stream,) = logs.describe_log_streams(logGroupName=group, orderBy="LastEventTime", descending=True)["logStreams"]
    assert stream["logStreamName"] == "2024/01/01/[$LATEST]abc"


def test_errors_are_the_clients_own(logs: Any, group: str) -> None:
    with pytest.raises(logs.exceptions.ResourceNotFoundException, match="The specified log group does not exist"):
        logs.describe_log_streams(logGroupName="nobody")
    with pytest.raises(logs.exceptions.ResourceAlreadyExistsException):
        logs.create_log_group(logGroupName=group)
    with pytest.raises(logs.exceptions.InvalidParameterException):
        logs.filter_log_events(logGroupName=group, filterPattern="{ $.a = }")
    with pytest.raises(ClientError, match="InvalidParameterException"):
        logs.create_log_group(logGroupName="not a name!")


def test_a_live_tail_streams(logs: Any, group: str) -> None:
    arn = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"][0]["logGroupArn"]
    session = logs.start_live_tail(logGroupIdentifiers=[arn], logEventFilterPattern="ERROR")["responseStream"]
    with closing(session):
        events = iter(session)
        assert next(events)["sessionStart"]["logGroupIdentifiers"] == [arn]
        put(logs, group, "ERROR heard", "INFO not")
        for _ in range(5):
            results = next(events)["sessionUpdate"]["sessionResults"]
            if results:
                break
    assert [each["message"] for each in results] == ["ERROR heard"]


def test_a_function_subscribes_to_a_group(server: RunningServer) -> None:
    logs, functions = server.client("logs"), server.client("lambda")
    source = (
        "import base64, gzip, json\n"
        "def handler(event, context):\n"
        "    for each in json.loads(gzip.decompress(base64.b64decode(event['awslogs']['data'])))['logEvents']:\n"
        "        print('HEARD', each['message'])\n"
    )
    arn = create(functions, "subscriber", source)
    logs.create_log_group(logGroupName="/subscribed")
    logs.create_log_stream(logGroupName="/subscribed", logStreamName="s")
    wish = {"logGroupName": "/subscribed", "filterName": "f", "filterPattern": "ERROR", "destinationArn": arn}
    with pytest.raises(logs.exceptions.InvalidParameterException, match="given CloudWatch Logs permission"):
        logs.put_subscription_filter(**wish)
    functions.add_permission(
        FunctionName="subscriber",
        StatementId="logs",
        Action="lambda:InvokeFunction",
        Principal="logs.us-east-1.amazonaws.com",
        SourceArn="arn:aws:logs:us-east-1:000000000000:log-group:/subscribed:*",
    )
    logs.put_subscription_filter(**wish)
    now = int(time.time() * 1000)
    events = [{"timestamp": now, "message": message} for message in ("fine", "ERROR é")]
    logs.put_log_events(logGroupName="/subscribed", logStreamName="s", logEvents=events)
    heard = eventually(lambda: [each for each in messages(server, "subscriber") if each.startswith("HEARD")])
    assert heard == ["HEARD ERROR é\n"]

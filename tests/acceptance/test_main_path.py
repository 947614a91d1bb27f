"""The main path with boto3: create, invoke, log, trigger; and what a kill leaves."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.acceptance.conftest import ROLE, RUNTIME, RunningServer, alive, children, zipped

ECHO = "def handler(event, context):\n    print('got', event)\n    return {'echo': event, 'version': context.function_version}\n"


def create(functions: Any, name: str, source: str, **options: Any) -> str:
    settings = {"Runtime": RUNTIME, "Role": ROLE, "Handler": "app.handler", "Timeout": 5} | options
    answer = functions.create_function(FunctionName=name, Code={"ZipFile": zipped(app=source)}, **settings)
    functions.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 10})
    return str(answer["FunctionArn"])


def eventually(condition: Callable[[], Any], seconds: float = 20) -> Any:
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "did not come in time"
        time.sleep(0.05)
    return value


def messages(server: RunningServer, name: str) -> list[str]:
    logs = server.client("logs")
    try:
        return [event["message"] for event in logs.filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]]
    except logs.exceptions.ResourceNotFoundException:
        return []


def test_invoke_answers_and_logs(server: RunningServer) -> None:
    functions = server.client("lambda")
    create(functions, "echo", ECHO)
    answer = functions.invoke(FunctionName="echo", Payload=b'{"a": 1}', LogType="Tail")
    assert json.load(answer["Payload"]) == {"echo": {"a": 1}, "version": "$LATEST"}
    assert answer["ExecutedVersion"] == "$LATEST"
    tail = base64.b64decode(answer["LogResult"]).decode()
    request_id = answer["ResponseMetadata"]["RequestId"]
    assert f"START RequestId: {request_id} Version: $LATEST" in tail
    assert "got {'a': 1}" in tail
    assert f"REPORT RequestId: {request_id}" in tail
    eventually(lambda: any("got" in line for line in messages(server, "echo")))


def test_a_handlers_exception_has_awss_shape_and_keeps_the_environment_warm(server: RunningServer) -> None:
    functions = server.client("lambda")
    create(
        functions,
        "raises",
        "count = 0\ndef handler(event, context):\n    global count\n    count += 1\n    raise ValueError(f'no {count}')\n",
    )
    for number in (1, 2):
        answer = functions.invoke(FunctionName="raises", Payload=b"{}")
        assert answer["FunctionError"] == "Unhandled"
        error = json.load(answer["Payload"])
        assert (error["errorType"], error["errorMessage"]) == ("ValueError", f"no {number}")
        assert error["stackTrace"]


def test_a_timeout_has_awss_message(server: RunningServer) -> None:
    functions = server.client("lambda")
    create(functions, "slow", "import time\ndef handler(event, context):\n    time.sleep(60)\n", Timeout=1)
    answer = functions.invoke(FunctionName="slow", Payload=b"{}")
    error = json.load(answer["Payload"])
    assert answer["FunctionError"] == "Unhandled"
    assert error["errorType"] == "Sandbox.Timedout"
    assert error["errorMessage"].endswith("Error: Task timed out after 1.00 seconds")


def test_an_upload_triggers_the_function(server: RunningServer) -> None:
    functions, s3 = server.client("lambda"), server.client("s3")
    arn = create(functions, "on-upload", "def handler(event, context):\n    print('KEY', event['Records'][0]['s3']['object']['key'])\n")
    s3.create_bucket(Bucket="uploads")
    functions.add_permission(
        FunctionName="on-upload",
        StatementId="s3",
        Action="lambda:InvokeFunction",
        Principal="s3.amazonaws.com",
        SourceArn="arn:aws:s3:::uploads",
    )
    s3.put_bucket_notification_configuration(
        Bucket="uploads",
        NotificationConfiguration={"LambdaFunctionConfigurations": [{"LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*"]}]},
    )
    s3.put_object(Bucket="uploads", Key="a b/ü.txt", Body=b"x")
    eventually(lambda: any("KEY a+b/%C3%BC.txt" in line for line in messages(server, "on-upload")))


def test_a_kill_loses_nothing_that_was_acknowledged_and_leaves_no_process(own_server: Callable[..., RunningServer], tmp_path: Path) -> None:
    server = own_server()
    functions, s3 = server.client("lambda"), server.client("s3")
    create(functions, "pid", "def handler(event, context):\n    print('EVENT', event)\n    return 1\n")
    assert json.load(functions.invoke(FunctionName="pid", Payload=b"{}")["Payload"]) == 1
    family = children(server.process.pid)
    assert family
    s3.create_bucket(Bucket="kept")
    for number in range(20):
        s3.put_object(Bucket="kept", Key=f"{number:02}", Body=b"%d" % number)
        functions.invoke(FunctionName="pid", InvocationType="Event", Payload=b'{"number": %d}' % number)
    server.kill()
    eventually(lambda: not any(alive(each) for each in family))
    server.start()
    s3 = server.client("s3")
    assert [each["Key"] for each in s3.list_objects_v2(Bucket="kept")["Contents"]] == [f"{number:02}" for number in range(20)]
    assert s3.get_object(Bucket="kept", Key="07")["Body"].read() == b"7"
    for number in range(20):
        eventually(lambda number=number: any(f"EVENT {{'number': {number}}}" in line for line in messages(server, "pid")), 60)
    assert server.stop() == 0

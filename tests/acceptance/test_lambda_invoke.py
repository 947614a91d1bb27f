"""Invocations through boto3: what comes back, errors of every kind, limits, output."""

from __future__ import annotations

import base64
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.acceptance.conftest import RunningServer
from tests.acceptance.lambda_kit import PREFIX, create, failure, invoke, package, refused, updated


@pytest.fixture(scope="module")
def functions(server: RunningServer) -> Any:
    return server.client("lambda", parameter_validation=False)


@pytest.fixture(scope="module")
def echo(functions: Any) -> str:
    return create(functions)


def messages(server: RunningServer, name: str, count: int) -> list[str]:
    """Return what a function logged, once there are ``count`` events."""
    logs, end = server.client("logs"), time.monotonic() + 30
    while True:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{name}")
        try:
            found = [event["message"] for page in pages for event in page["events"]]
        except logs.exceptions.ResourceNotFoundException:
            found = []
        if len(found) >= count:
            return found
        assert time.monotonic() < end, found[-3:]
        time.sleep(0.05)


def test_the_three_types(functions: Any, echo: str) -> None:
    answer = functions.invoke(FunctionName=echo, Payload=b'{"a": "\xc3\xa9"}', LogType="Tail")
    assert (answer["StatusCode"], answer["ExecutedVersion"], json.load(answer["Payload"])) == (200, "$LATEST", {"a": "é"})
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    assert (headers["content-type"], headers["x-amz-executed-version"]) == ("application/json", "$LATEST")
    assert "x-amz-function-error" not in headers
    assert base64.b64decode(answer["LogResult"]).startswith(b"START RequestId: " + headers["x-amzn-requestid"].encode())
    queued = functions.invoke(FunctionName=echo, InvocationType="Event", Payload=b"{}")
    assert (queued["StatusCode"], queued["Payload"].read(), "ExecutedVersion" in queued) == (202, b"", False)
    assert functions.invoke(FunctionName=echo, InvocationType="DryRun")["StatusCode"] == 204
    assert functions.invoke_async(FunctionName=echo, InvokeArgs=b"{}")["Status"] == 202


def test_the_log_of_a_cold_start_has_nothing_of_its_rehearsal(server: RunningServer, functions: Any) -> None:
    names = [create(functions) for _ in range(10)]
    for name in names:
        functions.invoke(FunctionName=name)  # one right after the other: some of the processes have just been made
    for name in names:
        assert [each.split(" ")[0] for each in messages(server, name, 4)] == ["INIT_START", "START", "END", "REPORT"]


@pytest.mark.parametrize("payload", [b"null", b'"text"', b"[1, 2]", b"1.5", b"true", b""])
def test_any_json_is_an_event(functions: Any, echo: str, payload: bytes) -> None:
    assert json.load(functions.invoke(FunctionName=echo, Payload=payload)["Payload"]) == json.loads(payload or b"{}")


def test_the_context(functions: Any) -> None:
    name = create(
        functions,
        "def handler(event, c):\n"
        "    client = c.client_context and [c.client_context.custom, c.client_context.env, c.client_context.client.app_title]\n"
        "    return [c.function_name, c.function_version, c.invoked_function_arn, c.memory_limit_in_mb, c.log_group_name, c.log_stream_name,\n"
        "            c.aws_request_id, c.get_remaining_time_in_millis(), client]\n",
        MemorySize=256,
    )
    client = base64.b64encode(json.dumps({"custom": {"a": "b"}, "env": {"c": "d"}, "client": {"app_title": "t"}}).encode()).decode()
    answer = functions.invoke(FunctionName=name, ClientContext=client, Qualifier="$LATEST")
    told = json.load(answer["Payload"])
    assert told[:5] == [name, "$LATEST", f"{PREFIX}{name}:$LATEST", "256", f"/aws/lambda/{name}"]
    assert "/[$LATEST]" in told[5]
    assert told[6] == answer["ResponseMetadata"]["RequestId"]
    assert 4000 < told[7] <= 5000
    assert told[8] == [{"a": "b"}, {"c": "d"}, "t"]
    assert invoke(functions, name)[8] is None
    text = "Client context must be …"
    for wrong in ("!!", base64.b64encode(b"no json").decode(), base64.b64encode(b'"' + b"x" * 3600 + b'"').decode()):
        refused(functions.invoke, "InvalidRequestContentException", 400, text, FunctionName=name, ClientContext=wrong)


SOURCE = "[Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: 1, column: {}]"


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (b"n\x87r\x9e\xe9\xb5\xd7I\xee\x9bmt", f"Invalid UTF-8 start byte 0x87\n at {SOURCE.format(3)}"),
        (
            b"\x99\xeb,j\x07\xa1zYh",
            (
                "Unexpected character ((CTRL-CHAR, code 153)): expected a valid value "
                f"(JSON String, Number, Array, Object or token 'null', 'true' or 'false')\n at {SOURCE.format(1)}"
            ),
        ),
        (b"{c", f"Unexpected character ('c' (code 99)): was expecting double-quote to start field name\n at {SOURCE.format(2)}"),
    ],
)
@pytest.mark.parametrize("kind", ["RequestResponse", "Event"])
def test_payloads_that_are_no_json(functions: Any, echo: str, payload: bytes, message: str, kind: str) -> None:
    text = f"Could not parse request body into json: Could not parse payload into json: {message}"
    refused(functions.invoke, "InvalidRequestContentException", 400, text, FunctionName=echo, Payload=payload, InvocationType=kind)


def test_payloads_have_limits(functions: Any, echo: str) -> None:
    large = b'"' + b"x" * (6 * 1024 * 1024) + b'"'
    assert functions.invoke(FunctionName=echo, Payload=large)["Payload"].read() == large
    for size, kind, limit in ((7, "RequestResponse", 6291556), (1, "Event", 1048576)):
        payload = b'"' + b"x" * (size * 1024 * 1024) + b'"'
        text = f"Request must be smaller than {limit} bytes for the InvokeFunction operation"
        refused(functions.invoke, "RequestTooLargeException", 413, text, FunctionName=echo, Payload=payload, InvocationType=kind)


def test_a_response_that_is_too_large(functions: Any) -> None:
    name = create(functions, "def handler(event, context):\n    return 'x' * event\n")
    assert len(invoke(functions, name, 6 * 1024 * 1024 - 2)) == 6 * 1024 * 1024 - 2
    for _ in range(2):
        error, _ = failure(functions, name, 6 * 1024 * 1024 + 100)
        assert error == {
            "errorType": "Function.ResponseSizeTooLarge",
            "errorMessage": "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
        }


@pytest.mark.parametrize(
    ("source", "document"),
    [
        ("def handler(e, c): raise ValueError('bad é')", {"errorType": "ValueError", "errorMessage": "bad é"}),
        ("def handler(e, c): return object()", {"errorType": "Runtime.MarshalError"}),
        ("import nothere", {"errorType": "Runtime.ImportModuleError", "requestId": "", "stackTrace": []}),
        ("def handler(:", {"errorType": "Runtime.UserCodeSyntaxError"}),
        ("other = 1", {"errorType": "Runtime.HandlerNotFound", "errorMessage": "Handler 'handler' missing on module 'app'"}),
        ("raise Exception('startup fails')", {"errorType": "Exception", "errorMessage": "startup fails", "requestId": ""}),
        ("import os\ndef handler(e, c): os._exit(3)", {"errorMessage": "Error: Runtime exited with error: exit status 3"}),
        ("import sys\ndef handler(e, c): sys.exit(0)", {"errorMessage": "Error: Runtime exited without providing a reason"}),
        ("import sys\nsys.exit(1)", {"errorMessage": "Error: Runtime exited with error: exit status 1"}),
        ("import os\ndef handler(e, c): os.kill(os.getpid(), 9)", {"errorMessage": "Error: Runtime exited with error: signal: killed"}),
        ("import os\ndef handler(e, c): os.abort()", {"errorMessage": "Error: Runtime exited with error: signal: aborted"}),
    ],
)
def test_errors_of_functions(functions: Any, source: str, document: dict[str, Any]) -> None:
    error, log = failure(functions, create(functions, source))
    request_id = log.partition("START RequestId: ")[2].partition(" ")[0]
    if "exited" in document.get("errorMessage", ""):
        assert error == {"errorType": "Runtime.ExitError", "errorMessage": f"RequestId: {request_id} {document['errorMessage']}"}
    else:
        assert error.items() >= document.items()
        assert {"stackTrace", "requestId", "errorMessage"} <= error.keys()
    assert f"END RequestId: {request_id}\n" in log
    assert f"REPORT RequestId: {request_id}\tDuration: " in log


def test_a_timeout(functions: Any) -> None:
    name = create(functions, "import time\ndef handler(e, c):\n    print('begun')\n    time.sleep(e)\n    return 'ok'\n", Timeout=1)
    error, log = failure(functions, name, 30)
    request_id = log.partition("START RequestId: ")[2].partition(" ")[0]
    assert error == {"errorType": "Sandbox.Timedout", "errorMessage": f"RequestId: {request_id} Error: Task timed out after 1.00 seconds"}
    assert "begun\n" in log
    assert f" {request_id} Task timed out after 1.00 seconds" in log
    assert invoke(functions, name, 0) == "ok"


def test_files_belong_to_somebody(functions: Any) -> None:
    source = (
        "import os, pathlib, pwd\n"
        "def handler(event, context):\n"
        "    return [pathlib.Path(each).owner() for each in ('/', '/var/task', '/usr')] + [pwd.getpwuid(os.getuid()).pw_name]\n"
    )
    assert all(invoke(functions, create(functions, source)))


def test_only_exits_end_an_environment(functions: Any) -> None:
    name = create(
        functions,
        "import os, uuid\ncount, born = 0, str(uuid.uuid4())\ndef handler(event, context):\n    global count\n    count += 1\n"
        "    if event == 'raise':\n        raise KeyError(count)\n    if event == 'exit':\n        os._exit(1)\n    return [count, born]\n",
    )
    first = invoke(functions, name)
    for _ in range(3):
        assert failure(functions, name, "raise")[0]["errorType"] == "KeyError"
    assert invoke(functions, name) == [5, first[1]]
    failure(functions, name, "exit")
    count, born = invoke(functions, name)
    assert count == 1
    assert born != first[1]


def test_output_by_the_descriptor(server: RunningServer, functions: Any) -> None:
    name = create(
        functions,
        "import os, subprocess, sys\nsys.stdout.write('import, no line end'); sys.stdout.flush()\n"
        "def handler(event, context):\n    os.write(1, b'part'); os.write(2, b'ial\\n'); os.write(1, b'\\xff\\n\\n')\n"
        "    subprocess.run(['sh', '-c', 'echo child; echo error >&2'])\n    print('not flushed', end='')\n",
    )
    invoke(functions, name)
    logged = messages(server, name, 10)
    assert logged[0].startswith("INIT_START Runtime Version: ")
    assert logged[1] == "import, no line end\n"
    assert logged[2].startswith("START ")
    assert logged[3:9] == ["partial\n", "\ufffd\n", "\n", "child\n", "error\n", "not flushed\n"]
    assert [line.partition(" ")[0] for line in logged[9:11]] == ["END", "REPORT"]


def test_a_flood_of_output_is_neither_lost_nor_in_the_way(server: RunningServer, functions: Any) -> None:
    name = create(
        functions,
        "for number in range(2000): print('import', number)\n"
        "def handler(event, context):\n    for number in range(20000): print('line', number)\n    print('y' * 600000)\n",
        Timeout=30,
    )
    began = time.monotonic()
    answer = functions.invoke(FunctionName=name, LogType="Tail")
    assert time.monotonic() - began < 15
    assert len(base64.b64decode(answer["LogResult"])) == 4096
    logged = messages(server, name, 22000 + 7)
    assert [line for line in logged if line.startswith("import")] == [f"import {number}\n" for number in range(2000)]
    assert [line for line in logged if line.startswith("line")] == [f"line {number}\n" for number in range(20000)]
    assert sum(line.count("y") for line in logged if line.startswith("y")) == 600000


def test_streamed_invocations(functions: Any, echo: str) -> None:
    stream = functions.invoke_with_response_stream(FunctionName=echo, Payload=b'{"a": 1}', LogType="Tail")
    events = list(stream["EventStream"])
    assert b"".join(each["PayloadChunk"]["Payload"] for each in events if "PayloadChunk" in each) == b'{"a": 1}'
    assert "ErrorCode" not in events[-1]["InvokeComplete"]
    assert b"END RequestId" in base64.b64decode(events[-1]["InvokeComplete"]["LogResult"])
    broken = create(functions, "def handler(e, c): raise ValueError('no')")
    ended = list(functions.invoke_with_response_stream(FunctionName=broken)["EventStream"])[-1]["InvokeComplete"]
    assert ended["ErrorCode"] == "ValueError"
    assert json.loads(ended["ErrorDetails"])["errorMessage"] == "no"


def test_changes_while_an_invocation_runs(functions: Any) -> None:
    slow = "import time\ndef handler(event, context):\n    time.sleep(event)\n    return 'old'\n"
    name, doomed = create(functions, slow), create(functions, slow)
    with ThreadPoolExecutor(2) as threads:
        running = [threads.submit(invoke, functions, each, 1.5) for each in (name, doomed)]
        time.sleep(0.5)
        functions.update_function_code(FunctionName=name, ZipFile=package({"app.py": "def handler(e, c): return 'new'"}))
        functions.delete_function(FunctionName=doomed)
        updated(functions, name)
        assert invoke(functions, name, 0) == "new"
        assert [each.result() for each in running] == ["old", "old"]
    refused(functions.invoke, "ResourceNotFoundException", 404, f"Function not found: {PREFIX}{doomed}:$LATEST", FunctionName=doomed)

"""Every runtime that is on the machine: Python by version, Node, and custom runtimes in shell and C."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.conftest import ROLE, RunningServer
from tests.acceptance.lambda_kit import NODE, create, failure, invoke, package, refused, unique

from lambent.adapters.sandbox.layout import sdk_runs_on
from lambent.adapters.sandbox.runtimes import PYTHONS, Runtimes

_runtimes = Runtimes(Path.home())
SHELL = """#!/bin/sh
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime"
echo "begun with $_HANDLER"
while true; do
  headers=$(mktemp)
  event=$(curl -sS -D "$headers" "$api/invocation/next")
  id=$(grep -i '^lambda-runtime-aws-request-id:' "$headers" | tr -d '\\r' | cut -d' ' -f2)
  case "$event" in
    *fail*) curl -sS -o /dev/null "$api/invocation/$id/error" -H 'Lambda-Runtime-Function-Error-Type: Shell.Failed' \\
              -d '{"errorMessage":"as asked","errorType":"Shell.Failed"}' ;;
    *exit*) exit 9 ;;
    *) curl -sS -o /dev/null "$api/invocation/$id/response" -d "{\\"shell\\": $event}" ;;
  esac
done
"""


@pytest.fixture(scope="module")
def functions(server: RunningServer) -> Any:
    return server.client("lambda")


def needs(runtime: str) -> None:
    if not _runtimes.status_of(runtime).available:
        pytest.skip(f"{runtime} is not on this machine")


@pytest.mark.parametrize("release", PYTHONS)
def test_python_is_exactly_the_version_that_was_asked_for(functions: Any, release: str) -> None:
    needs(f"python{release}")
    source = (
        f"import sys, os\n{'import boto3' if sdk_runs_on(release) else ''}\ndef handler(event, context):\n    print('out', event)\n"
        "    if event == 'fail': raise LookupError('as asked')\n"
        "    return ['%d.%d' % sys.version_info[:2], os.environ['AWS_EXECUTION_ENV'], event]\n"
    )
    name = create(functions, source, Runtime=f"python{release}", Timeout=20)
    assert invoke(functions, name, {"a": "é"}) == [release, f"AWS_Lambda_python{release}", {"a": "é"}]
    error, log = failure(functions, name, "fail")
    assert (error["errorType"], error["errorMessage"]) == ("LookupError", "as asked")
    assert "out fail\n" in log


def test_a_runtime_that_is_not_here_is_refused_with_what_to_install(functions: Any) -> None:
    statuses = [status for status in _runtimes.status() if not status.available and status.runtime.startswith(("python3.1", "nodejs2"))]
    if not statuses:
        pytest.skip("every Python and Node is on this machine")
    text = f"The runtime {statuses[0].runtime} is not available on this machine. Install …"
    refused(
        functions.create_function,
        "InvalidParameterValueException",
        400,
        text,
        FunctionName=unique(),
        Runtime=statuses[0].runtime,
        Role=ROLE,
        Handler="app.handler",
        Code={"ZipFile": package({"app.py": ""})},
    )


@pytest.mark.parametrize(
    ("files", "event", "result"),
    [
        ({"app.js": "exports.handler = (event, context, callback) => callback(null, {event})"}, 1, {"event": 1}),
        ({"app.js": "exports.handler = async (event) => [event, process.version.split('.')[0]]"}, 2, [2, "v20"]),
        (
            {"app.mjs": "export const handler = async (event, c) => [event, c.functionVersion, c.getRemainingTimeInMillis() > 0]"},
            3,
            [3, "$LATEST", True],
        ),
        ({"app.js": "export const handler = async () => 'module'", "package.json": '{"type": "module"}'}, None, "module"),
        ({"app.cjs": "exports.handler = async () => 'common'"}, None, "common"),
        ({"app.js": "exports.handler = async () => undefined"}, None, None),
        ({"app.mjs": "const ready = await Promise.resolve('top');\nexport const handler = async () => ready"}, None, "top"),
    ],
    ids=["callback", "async", "esm", "package-type", "cjs", "undefined", "top-level-await"],
)
def test_node_handlers(functions: Any, files: dict[str, str | bytes], event: Any, result: Any) -> None:
    needs(NODE)
    assert invoke(functions, create(functions, package(files), Runtime=NODE), event) == result


@pytest.mark.parametrize(
    ("source", "document"),
    [
        ("exports.handler = async () => { throw new TypeError('as asked') }", {"errorType": "TypeError", "errorMessage": "as asked"}),
        ("exports.handler = (event, context, callback) => callback(new Error('called'))", {"errorType": "Error", "errorMessage": "called"}),
        ("require('nothere'); exports.handler = async () => 1", {"errorType": "Runtime.ImportModuleError"}),
        ("exports.handler = async () => {", {"errorType": "Runtime.UserCodeSyntaxError"}),
        ("exports.other = 1", {"errorType": "Runtime.HandlerNotFound", "errorMessage": "app.handler is undefined or not exported"}),
        ("exports.handler = async () => process.exit(4)", {"errorType": "Runtime.ExitError"}),
    ],
)
def test_nodes_errors(functions: Any, source: str, document: dict[str, str]) -> None:
    needs(NODE)
    error, _ = failure(functions, create(functions, package({"app.js": source}), Runtime=NODE))
    assert error.items() >= document.items()


def test_node_streams_and_logs(functions: Any) -> None:
    needs(NODE)
    source = (
        "exports.handler = awslambda.streamifyResponse(async (event, stream) => {\n"
        "  console.log('logged'); stream.setContentType('text/plain');\n"
        "  for (const part of ['a', 'b', 'c']) { stream.write(part.repeat(1000)); await new Promise(done => setTimeout(done, 20)); }\n"
        "  stream.end();\n})"
    )
    name = create(functions, package({"app.js": source}), Runtime=NODE)
    answer = functions.invoke_with_response_stream(FunctionName=name, LogType="Tail")
    events = list(answer["EventStream"])
    pieces = [each["PayloadChunk"]["Payload"] for each in events if "PayloadChunk" in each]
    assert b"".join(pieces) == b"a" * 1000 + b"b" * 1000 + b"c" * 1000
    assert len(pieces) > 1, "pieces come as they are made"
    assert b"\tINFO\tlogged\n" in base64.b64decode(events[-1]["InvokeComplete"]["LogResult"])


@pytest.mark.parametrize("runtime", ["provided.al2", "provided.al2023"])
def test_a_bootstrap_in_shell(functions: Any, runtime: str) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not on this machine")
    name = create(functions, package({"bootstrap": SHELL}, executable=True), Runtime=runtime, Handler="some.handler")
    assert invoke(functions, name, {"number": 1}) == {"shell": {"number": 1}}
    error, _ = failure(functions, name, "fail")
    assert error == {"errorMessage": "as asked", "errorType": "Shell.Failed"}
    assert invoke(functions, name, 2) == {"shell": 2}
    error, _ = failure(functions, name, "exit")
    assert error["errorType"] == "Runtime.ExitError"
    assert error["errorMessage"].endswith("Error: Runtime exited with error: exit status 9")
    assert invoke(functions, name, 3) == {"shell": 3}


def test_a_compiled_bootstrap(functions: Any, tmp_path: Path) -> None:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler is on this machine")
    binary = tmp_path / "bootstrap"
    subprocess.run([compiler, "-O1", "-o", str(binary), str(Path(__file__).with_name("bootstrap.c"))], check=True)
    code = package({"bootstrap": binary.read_bytes()}, executable=True)
    name = create(functions, code, Runtime="provided.al2023", Handler="none")
    answer = functions.invoke(FunctionName=name, Payload=b'{"a":[1]}', LogType="Tail")
    assert json.load(answer["Payload"]) == {"compiled": {"a": [1]}}
    assert b'compiled got {"a":[1]}\n' in base64.b64decode(answer["LogResult"])
    assert invoke(functions, name, 2) == {"compiled": 2}


def test_a_package_without_a_bootstrap(functions: Any) -> None:
    error, _ = failure(functions, create(functions, package({"other": "x"}), Runtime="provided.al2023", Handler="none"))
    assert error["errorType"] == "Runtime.InvalidEntrypoint"
    assert error["errorMessage"].endswith("Error: Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]")


def test_a_nearest_version_serves_only_as_the_user_wills_and_says_so(own_server: Callable[..., RunningServer]) -> None:
    found = Runtimes(Path.home(), mode="nearest").status()
    stand_in = next((each for each in found if each.served_by and each.runtime.startswith("python")), None)
    if stand_in is None:
        pytest.skip("every version of Python is on this machine")
    server = own_server("--runtimes", "nearest")
    functions = server.client("lambda")
    source = "import sys\ndef handler(event, context): return '%d.%d' % sys.version_info[:2]\n"
    name, runtime = unique(), stand_in.runtime
    options = {"FunctionName": name, "Role": ROLE, "Handler": "app.handler", "Code": {"ZipFile": package({"app.py": source})}}
    created = functions.create_function(Runtime=runtime, **options)
    assert created["Runtime"] == runtime
    assert created["RuntimeVersionConfig"]["Error"] == {"ErrorCode": "RuntimeStandIn", "Message": stand_in.caveat}
    functions.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.05})
    assert f"python{invoke(functions, name)}" == stand_in.served_by
    events = server.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
    assert any(stand_in.caveat in each["message"] for each in events)
    with urllib.request.urlopen(f"{server.url}/_lambent/health") as health:
        assert json.load(health)["stand-ins"][runtime] == f"served by {stand_in.served_by}"
    functions.delete_function(FunctionName=name)

"""Provisioned concurrency through boto3 and a real server, a restart included."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from tests.acceptance.conftest import ROLE, RUNTIME, RunningServer, zipped

KIND = "import os\ndef handler(event, context):\n    return os.environ['AWS_LAMBDA_INITIALIZATION_TYPE']\n"


def wait_status(client: Any, status: str, qualifier: str = "live") -> dict[str, Any]:
    end = time.monotonic() + 30
    while True:
        shown: dict[str, Any] = client.get_provisioned_concurrency_config(FunctionName="ready", Qualifier=qualifier)
        if shown["Status"] == status:
            return shown
        assert time.monotonic() < end, shown
        time.sleep(0.05)


def kind(client: Any, **request: Any) -> str:
    answer = client.invoke(FunctionName="ready", **request)
    return str(json.loads(answer["Payload"].read()))


def test_environments_are_ready_and_ready_again_after_a_kill(own_server: Callable[..., RunningServer]) -> None:
    server = own_server()
    client = server.client("lambda")
    client.create_function(
        FunctionName="ready", Runtime=RUNTIME, Role=ROLE, Handler="f.handler", Code={"ZipFile": zipped(f=KIND)}, Publish=True
    )
    client.get_waiter("function_active_v2").wait(FunctionName="ready", Qualifier="1", WaiterConfig={"Delay": 0.1})
    client.create_alias(FunctionName="ready", Name="live", FunctionVersion="1")
    made = client.put_provisioned_concurrency_config(FunctionName="ready", Qualifier="live", ProvisionedConcurrentExecutions=2)
    assert made["Status"] == "IN_PROGRESS"
    shown = wait_status(client, "READY")
    assert shown["AllocatedProvisionedConcurrentExecutions"] == shown["AvailableProvisionedConcurrentExecutions"] == 2
    assert kind(client, Qualifier="live") == kind(client, Qualifier="1") == "provisioned-concurrency"
    assert kind(client) == "on-demand"
    server.kill()
    again = own_server()
    client = again.client("lambda")
    wait_status(client, "READY")
    assert kind(client, Qualifier="live") == "provisioned-concurrency"
    client.delete_provisioned_concurrency_config(FunctionName="ready", Qualifier="live")
    assert kind(client, Qualifier="live") in {"on-demand", "provisioned-concurrency"}


def test_an_init_that_fails_is_told(own_server: Callable[..., RunningServer]) -> None:
    client = own_server().client("lambda")
    code = {"ZipFile": zipped(f="import nothing_of_this_name\n")}
    client.create_function(FunctionName="ready", Runtime=RUNTIME, Role=ROLE, Handler="f.handler", Code=code, Publish=True)
    client.get_waiter("function_active_v2").wait(FunctionName="ready", Qualifier="1", WaiterConfig={"Delay": 0.1})
    client.put_provisioned_concurrency_config(FunctionName="ready", Qualifier="1", ProvisionedConcurrentExecutions=1)
    assert wait_status(client, "FAILED", "1")["StatusReason"] == "FUNCTION_ERROR_INIT_FAILURE"

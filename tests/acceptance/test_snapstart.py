"""SnapStart through boto3 and a real server: one init per published version, restores in the log, a restart."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.acceptance.conftest import ROLE, RunningServer, zipped

CODE = """
import os, random, uuid
from snapshot_restore_py import register_after_restore
MADE = uuid.uuid4().hex
RESTORED = []
register_after_restore(lambda: RESTORED.append(os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]))
def handler(event, context):
    return [os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"], MADE, len(RESTORED)]
"""


def invoke(client: Any, qualifier: str) -> tuple[list[Any], str]:
    answer = client.invoke(FunctionName="snap", Qualifier=qualifier, LogType="Tail")
    return json.loads(answer["Payload"].read()), base64.b64decode(answer["LogResult"]).decode()


def create(client: Any) -> None:
    """Create the function with the newest Python that is here; SnapStart begins with python3.12."""
    for runtime in ("python3.13", "python3.12"):
        try:
            client.create_function(
                FunctionName="snap",
                Runtime=runtime,
                Role=ROLE,
                Handler="f.handler",
                Code={"ZipFile": zipped(f=CODE)},
                SnapStart={"ApplyOn": "PublishedVersions"},
            )
        except client.exceptions.InvalidParameterValueException as error:
            assert "is not available on this machine" in str(error)
        else:
            return
    pytest.skip("no Python from 3.12 on is here")


def test_published_versions_are_restored_also_after_a_restart(own_server: Callable[..., RunningServer]) -> None:
    server = own_server()
    client = server.client("lambda")
    create(client)
    client.get_waiter("function_active_v2").wait(FunctionName="snap", WaiterConfig={"Delay": 0.1})
    assert client.publish_version(FunctionName="snap")["State"] == "Pending"
    client.get_waiter("published_version_active").wait(FunctionName="snap", Qualifier="1", WaiterConfig={"Delay": 0.1})
    (kind, _, hooks), log = invoke(client, "1")
    assert (kind, hooks) == ("snap-start", 1)
    assert "Restore Duration" in log
    server.kill()
    client = own_server().client("lambda")
    (kind, _, hooks), log = invoke(client, "1")
    assert (kind, hooks) == ("snap-start", 1)
    assert "Restore Duration" in log

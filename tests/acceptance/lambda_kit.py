"""Functions for the tests of Lambda's API, and what a refusal looks like."""

from __future__ import annotations

import base64
import io
import itertools
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.acceptance.conftest import ROLE, RUNTIME

ACCOUNT = "000000000000"
PREFIX = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:"
ECHO = "def handler(event, context):\n    return event\n"
NODE = "nodejs20.x"
_numbers = itertools.count(1)


def unique(prefix: str = "f") -> str:
    """Return a name that no other test uses."""
    return f"{prefix}-{next(_numbers)}"


def package(files: dict[str, str | bytes], *, executable: bool = False) -> bytes:
    """Return a zip of files."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
            info.external_attr = (0o100755 if executable else 0o100644) << 16
            archive.writestr(info, content)
    return data.getvalue()


def create(functions: Any, source: str | bytes = ECHO, *, name: str = "", **options: Any) -> str:
    """Create a function from one module (or a zip), wait until it is active, return its name."""
    name = name or unique()
    code = source if isinstance(source, bytes) else package({"app.py": source})
    settings = {"Runtime": RUNTIME, "Role": ROLE, "Handler": "app.handler", "Timeout": 5} | options
    functions.create_function(FunctionName=name, Code={"ZipFile": code}, **settings)
    functions.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 10})
    return name


def updated(functions: Any, name: str) -> dict[str, Any]:
    """Wait until an update is done; return the configuration."""
    functions.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 10})
    found: dict[str, Any] = functions.get_function_configuration(FunctionName=name)
    return found


def invoke(functions: Any, name: str, event: Any = None, **options: Any) -> Any:
    """Return what a function returns; an error of the function fails the test."""
    answer = functions.invoke(FunctionName=name, Payload=json.dumps(event).encode(), **options)
    payload = json.load(answer["Payload"])
    assert "FunctionError" not in answer, payload
    return payload


def failure(functions: Any, name: str, event: Any = None) -> tuple[dict[str, Any], str]:
    """Return the error document of a function that fails, and the tail of its log."""
    answer = functions.invoke(FunctionName=name, Payload=json.dumps(event).encode(), LogType="Tail")
    assert answer["FunctionError"] == "Unhandled"
    assert answer["StatusCode"] == 200
    return json.load(answer["Payload"]), base64.b64decode(answer["LogResult"]).decode()


def refused(call: Callable[..., Any], code: str, status: int, message: str, **params: Any) -> dict[str, Any]:
    """Call, and expect AWS's error; ``message`` is the whole of it, or with ``…`` at its end the beginning."""
    with pytest.raises(ClientError) as caught:
        call(**params)
    response: dict[str, Any] = caught.value.response
    error = response["Error"]
    assert (error["Code"], response["ResponseMetadata"]["HTTPStatusCode"]) == (code, status), error
    if message.endswith("…"):
        assert error["Message"].startswith(message[:-1]), error["Message"]
    else:
        assert error["Message"] == message
    return response

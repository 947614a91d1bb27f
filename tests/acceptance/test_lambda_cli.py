"""Lambda through the AWS CLI: what people type."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.conftest import ROLE, RUNTIME, RunningServer
from tests.acceptance.lambda_kit import ECHO, PREFIX, package, unique


class Cli:
    """The AWS CLI of this Python, pointed at a server."""

    def __init__(self, server: RunningServer, folder: Path) -> None:
        found = shutil.which("aws", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
        if found is None:
            pytest.skip("the AWS CLI is not on this machine")
        self._aws = found
        keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
        self._environment = {"PATH": os.environ.get("PATH", ""), "HOME": str(folder), "AWS_ENDPOINT_URL": server.url, **keys}
        self._folder = folder

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run ``aws lambda …``."""
        command = [self._aws, "lambda", *words, "--output", "json", "--no-paginate"]
        return subprocess.run(command, env=self._environment, cwd=self._folder, capture_output=True, text=True, timeout=60)

    def __call__(self, *words: str) -> Any:
        """Run ``aws lambda …`` and return what it prints."""
        done = self.run(*words)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout or "null")


@pytest.fixture
def aws(server: RunningServer, tmp_path: Path) -> Cli:
    return Cli(server, tmp_path)


def test_from_create_to_delete(aws: Cli, tmp_path: Path) -> None:
    name, out = unique("cli"), tmp_path / "out.json"
    (tmp_path / "code.zip").write_bytes(package({"app.py": ECHO}))
    (tmp_path / "event.json").write_text('{"from": "a file"}')
    settings = ["--function-name", name, "--runtime", RUNTIME, "--role", ROLE, "--handler", "app.handler", "--zip-file", "fileb://code.zip"]
    made = aws("create-function", *settings, "--environment", "Variables={AA=1,BB=2}", "--tags", "team=x")
    assert (made["FunctionArn"], made["Environment"]) == (PREFIX + name, {"Variables": {"AA": "1", "BB": "2"}})
    aws("wait", "function-active-v2", "--function-name", name)
    answer = aws("invoke", "--function-name", name, "--payload", "file://event.json", "--log-type", "Tail", str(out))
    assert (answer["StatusCode"], answer["ExecutedVersion"], json.loads(out.read_text())) == (200, "$LATEST", {"from": "a file"})
    assert aws("publish-version", "--function-name", name)["Version"] == "1"
    aws("create-alias", "--function-name", name, "--name", "live", "--function-version", "1")
    assert aws("update-function-configuration", "--function-name", name, "--timeout", "9")["Timeout"] == 9
    url = aws("create-function-url-config", "--function-name", f"{name}:live", "--auth-type", "NONE")["FunctionUrl"]
    assert ".lambda-url.us-east-1." in url
    aws(
        "add-permission",
        "--function-name",
        name,
        "--statement-id",
        "s",
        "--action",
        "lambda:InvokeFunction",
        "--principal",
        "sns.amazonaws.com",
    )
    aws("delete-function", "--function-name", name)
    missing = aws.run("get-function", "--function-name", name)
    assert missing.returncode != 0
    assert f"(ResourceNotFoundException) when calling the GetFunction operation: Function not found: {PREFIX}{name}" in missing.stderr


def test_layers(aws: Cli, tmp_path: Path) -> None:
    (tmp_path / "layer.zip").write_bytes(package({"python/x.py": ""}))
    name = unique("cli-layer")
    made = aws("publish-layer-version", "--layer-name", name, "--zip-file", "fileb://layer.zip", "--compatible-runtimes", RUNTIME)
    assert aws("get-layer-version-by-arn", "--arn", made["LayerVersionArn"])["Version"] == 1

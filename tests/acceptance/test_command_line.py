"""The commands, run as a user runs them; and the README's tour, run from the README."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError
from tests.acceptance.conftest import RunningServer, alive, children, free_port
from tests.acceptance.test_main_path import create, eventually

README = Path(__file__).parents[2] / "README.md"


def command(*words: str, port: int = 0, **options: object) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LAMBENT_PORT": str(port)} if port else dict(os.environ)
    return subprocess.run(
        [sys.executable, "-m", "lambent", *words], capture_output=True, text=True, timeout=60, env=environment, check=False
    )


def test_env_points_a_shell_at_the_server(server: RunningServer) -> None:
    told = command("env", port=server.port)
    assert told.returncode == 0
    assert f"export AWS_ENDPOINT_URL=http://127.0.0.1:{server.port}\n" in told.stdout
    assert told.stderr == ""


def test_status_says_what_is_durable_and_what_is_not(server: RunningServer) -> None:
    told = json.loads(command("status", "--json", port=server.port).stdout)
    assert told["services"]["lambda"] == "native, durable"
    assert told["services"]["s3"] == "native, durable"
    assert "in memory" in told["services"]["others"]
    assert "native, durable" in command("status", port=server.port).stdout


def test_invoke_prints_the_response_on_stdout_and_the_log_on_stderr(server: RunningServer) -> None:
    create(server.client("lambda"), "cli", "def handler(event, context):\n    print('said')\n    return {'sum': event['a'] + 1}\n")
    told = command("invoke", "cli", '{"a": 1}', port=server.port)
    assert (told.returncode, json.loads(told.stdout)) == (0, {"sum": 2})
    assert "said" in told.stderr
    assert "REPORT" in told.stderr
    failed = command("invoke", "cli", "{}", port=server.port)
    assert failed.returncode == 1
    assert json.loads(failed.stdout)["errorType"] == "KeyError"


def test_errors_are_for_people(server: RunningServer) -> None:
    missing = command("invoke", "nowhere", port=server.port)
    assert missing.returncode == 1
    assert re.fullmatch(r"Error: ResourceNotFoundException: Function not found: arn:\S+:nowhere\S*\n", missing.stderr)
    bad = command("invoke", "nowhere", "{bad", port=server.port)
    assert bad.stderr.startswith("Error: ")
    assert "{" not in bad.stderr.replace("{bad", "")
    assert "lambent start" in command("status", port=1).stderr
    assert "choose another --port" in command("start", port=server.port).stderr


def test_a_directory_is_one_servers(server: RunningServer, tmp_path: Path) -> None:
    told = command("start", "--data-dir", str(server.data_dir), port=free_port())
    assert told.returncode == 1
    assert "in use by another server" in told.stderr
    (tmp_path / "file").write_text("precious")
    told = command("start", "--data-dir", str(tmp_path / "file"), port=free_port())
    assert told.returncode == 1
    assert "can't be used" in told.stderr
    assert (tmp_path / "file").read_text() == "precious"


def test_logs_prints_and_follows(server: RunningServer) -> None:
    functions = server.client("lambda")
    follower = subprocess.Popen(
        [sys.executable, "-m", "lambent", "logs", "-f", "followed"],
        stdout=subprocess.PIPE,
        env={**os.environ, "LAMBENT_PORT": str(server.port)},
        text=True,
        # Whoever runs the tests in the background has Ctrl-C ignored, and so would the command.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        create(functions, "followed", "def handler(event, context):\n    print('round', event)\n")
        for number in range(3):
            functions.invoke(FunctionName="followed", Payload=str(number).encode())
        assert follower.stdout is not None
        lines = [follower.stdout.readline() for _ in range(12)]  # INIT_START, then START, the line, END and REPORT each time
        assert [line for line in lines if line.startswith("round")] == [f"round {number}\n" for number in range(3)]
    finally:
        follower.send_signal(signal.SIGINT)
        follower.communicate(timeout=10)
    assert follower.returncode == 0
    assert "round 2\n" in command("logs", "followed", port=server.port).stdout


def test_doctor_lists_what_serves_and_what_to_install() -> None:
    told = command("doctor")
    assert re.search(rf"^yes +python{sys.version_info.major}\.{sys.version_info.minor} ", told.stdout, re.MULTILINE)
    assert "python2.7" not in told.stdout
    everything = json.loads(command("doctor", "--json", "--all").stdout)
    assert any(each["runtime"] == "python2.7" and each["retired"] and each["remedy"] for each in everything)


def test_ctrl_c_stops_cleanly_and_leaves_nothing(own_server: Callable[..., RunningServer]) -> None:
    server = own_server()
    functions = server.client("lambda")
    create(functions, "any", "def handler(event, context):\n    return 1\n")
    assert json.load(functions.invoke(FunctionName="any")["Payload"]) == 1
    server.client("dynamodb").list_tables()
    family = children(server.process.pid)
    assert family
    begun = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - begun < 5
    eventually(lambda: not any(alive(each) for each in family), 10)


def test_a_kill_takes_the_companion_along(own_server: Callable[..., RunningServer]) -> None:
    server = own_server()
    server.client("dynamodb").list_tables()
    family = children(server.process.pid)
    assert family
    server.kill()
    eventually(lambda: not any(alive(each) for each in family), 10)


@pytest.mark.slow
def test_the_readmes_tour_works(own_server: Callable[..., RunningServer], tmp_path: Path) -> None:
    server = own_server()
    shell, python = (
        re.search(rf"```{kind}\n(.*?)```", README.read_text().split("## A minute's tour")[1].split("\n## ")[0], re.DOTALL)
        for kind in ("sh", "python")
    )
    assert shell is not None
    assert python is not None
    block = README.read_text().split("in another terminal:")[1]
    script = re.search(r"```sh\n(.*?)```", block, re.DOTALL)
    assert script is not None
    # The tour activates the project's environment and the default port: here, this interpreter's and the test's.
    text = script[1].replace(". .venv/bin/activate && ", "").replace("lambent ", f"{sys.executable} -m lambent ")
    text += f"python <<'END'\n{python[1]}END\n"
    environment = {**os.environ, "LAMBENT_PORT": str(server.port), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-ec", text], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    assert '{"sum": 3}' in done.stdout
    assert "REPORT RequestId" in done.stdout
    assert "b'{\"sum\": 3}'" in done.stdout


def test_where_strangers_can_connect_keys_are_asked_for(own_server: Callable[..., RunningServer], monkeypatch: pytest.MonkeyPatch) -> None:
    told = command("start", "--host", "0.0.0.0", port=free_port())
    assert told.returncode == 1
    assert "LAMBENT_ROOT_ACCESS_KEY_ID" in told.stderr
    monkeypatch.setenv("LAMBENT_ROOT_ACCESS_KEY_ID", "AKIAROOT")
    monkeypatch.setenv("LAMBENT_ROOT_SECRET_ACCESS_KEY", "very secret")
    server = own_server("--host", "0.0.0.0")
    assert "export AWS_ACCESS_KEY_ID=AKIAROOT\n" in command("env", port=server.port).stdout
    create_bucket = server.client("s3").create_bucket
    with pytest.raises(ClientError, match="InvalidAccessKeyId"):
        create_bucket(Bucket="mine")
    for key, secret, code in (("000000000000", "any", "UnrecognizedClient"), ("AKIAROOT", "wrong", "InvalidSignature")):
        stranger = boto3.Session(key, secret, region_name="us-east-1").client("lambda", endpoint_url=server.url)
        with pytest.raises(ClientError, match=code):
            stranger.list_functions()
    root = boto3.Session("AKIAROOT", "very secret", region_name="us-east-1").client("lambda", endpoint_url=server.url)
    create(
        root,
        "mine",
        "import boto3\ndef handler(event, context):\n    return boto3.client('lambda').list_functions()['Functions'][0]['FunctionName']\n",
    )
    told = command("invoke", "mine", port=server.port)
    assert json.loads(told.stdout) == "mine"

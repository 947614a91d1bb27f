"""What functions reach by their network: names of the gateway, targets of their VPC, and nothing else of the machine."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.conftest import RUNTIME, RunningServer
from tests.acceptance.lambda_kit import NODE, create, invoke, package, unique, updated

from lambent.adapters.sandbox.runtimes import Runtimes

ASK = """
import os, socket
def reached(host, port):
    try:
        with socket.create_connection((host, port), 20) as connection:
            connection.sendall(b"question" * 100000)
            connection.shutdown(socket.SHUT_WR)
            answer = b""
            while data := connection.recv(65536):
                answer += data
            return len(answer)
    except OSError as error:
        return type(error).__name__
def handler(event, context):
    return [reached(host, port) for host, port in event]
"""
NAMES = """
import socket, urllib.request, boto3
from botocore.config import Config
def handler(event, context):
    s3 = boto3.client("s3", endpoint_url=f"http://s3.localhost:{event['port']}", config=Config(s3={"addressing_style": "virtual"}))
    s3.create_bucket(Bucket="virtual")
    s3.put_object(Bucket="virtual", Key="k", Body=b"there")
    try:
        socket.getaddrinfo("example.com", 80)
    except socket.gaierror as error:
        unknown = error.errno == socket.EAI_NONAME
    url = urllib.request.urlopen(event["url"], timeout=5).read().decode()
    return [s3.get_object(Bucket="virtual", Key="k")["Body"].read().decode(), unknown, url]
"""
NODE_NAMES = """
const dns = require("node:dns/promises");
exports.handler = async (event) => {
  const unknown = await dns.lookup("example.com").catch((error) => error.code);
  const called = await (await fetch(event.url)).text();
  return [(await dns.lookup("a.s3.localhost")).address, await dns.resolve4("b.localhost"), unknown, called];
};
"""
SHELL_NAMES = """#!/bin/sh
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime"
while true; do
  headers=$(mktemp)
  curl -sS -D "$headers" "$api/invocation/next" > /dev/null
  id=$(grep -i '^lambda-runtime-aws-request-id:' "$headers" | tr -d '\\r' | cut -d' ' -f2)
  found=$(getent ahostsv4 c.s3.localhost | cut -d' ' -f1 | sort -u)
  getent hosts example.com > /dev/null; code=$?
  curl -sS -o /dev/null "$api/invocation/$id/response" -d "[\\"$found\\", $code]"
done
"""


@pytest.fixture
def database() -> Iterator[int]:
    """Give the port of a server on the machine's loopback that sends back what it is sent, when the sender is done."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                data = b""
                while piece := connection.recv(65536):
                    data += piece
                connection.sendall(data)

    threading.Thread(target=serve, daemon=True).start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def isolated(server: RunningServer) -> bool:
    return "the namespaces driver" in log_of(server)


def log_of(server: RunningServer) -> str:
    return (server.data_dir.parent / f"{server.data_dir.name}.log").read_text()


def settings(folder: Path, **networks: dict[str, Any]) -> Path:
    lines = []
    for name, table in networks.items():
        lines += [f"[networks.{name}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items())]
    (folder / "lambent.toml").write_text("\n".join(lines))
    return folder


@pytest.mark.parametrize("runtime", [RUNTIME, "provided.al2023"])
def test_a_vpc_names_what_its_functions_reach(
    own_server: Callable[..., RunningServer], tmp_path: Path, database: int, runtime: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        nobody = probe.getsockname()[1]
    allow = [f"127.0.0.1:{database}", f"127.0.0.2:{nobody}"]
    folder = settings(tmp_path, db={"subnets": ["subnet-db"], "security_groups": ["sg-db"], "allow": allow})
    server = own_server(folder=folder)
    if not isolated(server):
        pytest.skip("namespaces don't work here")
    functions = server.client("lambda")
    code = package({"app.py": ASK, "bootstrap": CUSTOM}, executable=True)
    name = create(functions, code, Timeout=60, Runtime=runtime)
    where = [("127.0.0.1", database), ("localhost", database), ("127.0.0.2", nobody), ("127.0.0.1", server.port + 1)]
    assert invoke(functions, name, where) == ["ConnectionRefusedError"] * 4

    inside = {"SubnetIds": ["subnet-db"], "SecurityGroupIds": []}
    functions.update_function_configuration(FunctionName=name, VpcConfig=inside)
    assert updated(functions, name)["VpcConfig"]["VpcId"].startswith("vpc-")
    assert invoke(functions, name, where) == [800_000, 800_000, "ConnectionResetError", "ConnectionRefusedError"]
    assert f"could not reach 127.0.0.2:{nobody}" in log_of(server)

    functions.update_function_configuration(FunctionName=name, VpcConfig={"SubnetIds": [], "SecurityGroupIds": []})
    updated(functions, name)
    assert invoke(functions, name, where)[0] == "ConnectionRefusedError"

    functions.update_function_configuration(FunctionName=name, VpcConfig={"SubnetIds": [], "SecurityGroupIds": ["sg-db"]})
    updated(functions, name)
    assert invoke(functions, name, where)[0] == 800_000


CUSTOM = f"""#!{shutil.which("python3", path="/usr/bin:/usr/local/bin")}
import json, os, urllib.request
import sys
sys.path.insert(0, "/var/task")
from app import handler
api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"
while True:
    with urllib.request.urlopen(api + "next") as event:
        number, data = event.headers["lambda-runtime-aws-request-id"], json.load(event)
    urllib.request.urlopen(api + number + "/response", json.dumps(handler(data, None)).encode()).read()
"""


def test_a_vpc_that_the_settings_do_not_name_changes_nothing_and_is_said(
    own_server: Callable[..., RunningServer], tmp_path: Path, database: int
) -> None:
    server = own_server(folder=settings(tmp_path, db={"security_groups": ["sg-other"], "allow": [f"127.0.0.1:{database}"]}))
    if not isolated(server):
        pytest.skip("namespaces don't work here")
    functions = server.client("lambda")
    with contextlib.suppress(functions.exceptions.InvalidParameterValueException):  # EC2 is served, and knows no such subnet
        name = create(functions, ASK, VpcConfig={"SubnetIds": ["subnet-unknown"], "SecurityGroupIds": ["sg-1"]})
        assert invoke(functions, name, [("127.0.0.1", database)]) == ["ConnectionRefusedError"]
        assert "is in a VPC (subnet-unknown, sg-1) that no [networks]" in log_of(server)


def test_settings_that_are_wrong_end_the_start_with_what_is_wrong(own_server: Callable[..., RunningServer], tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"\[networks.db\]: 'db' is no target"):
        own_server(folder=settings(tmp_path, db={"subnets": ["subnet-db"], "allow": ["db"]}))


@pytest.mark.parametrize("mode", ["isolated"])
def test_names_below_localhost_lead_to_the_gateway(own_server: Callable[..., RunningServer], mode: str) -> None:
    server = own_server("--network", mode)
    if not isolated(server):
        pytest.skip("namespaces don't work here")
    functions = server.client("lambda")
    called = create(functions, "def handler(event, context):\n    return 'called'\n")
    url = functions.create_function_url_config(FunctionName=called, AuthType="NONE")["FunctionUrl"]
    functions.add_permission(
        FunctionName=called, StatementId="a", Action="lambda:InvokeFunctionUrl", Principal="*", FunctionUrlAuthType="NONE"
    )
    assert ".lambda-url.us-east-1.localhost:" in url
    name = create(functions, NAMES, Timeout=30)
    assert invoke(functions, name, {"port": server.port, "url": url}) == ["there", True, "called"]
    if Runtimes(Path.home()).status_of(NODE).available:
        node = create(functions, package({"app.js": NODE_NAMES}), Runtime=NODE, Timeout=30)
        assert invoke(functions, node, {"url": url}) == ["127.0.0.1", ["127.0.0.1"], "ENOTFOUND", "called"]
    if shutil.which("curl", path="/usr/bin:/bin"):
        shell = create(functions, package({"bootstrap": SHELL_NAMES}, executable=True), name=unique(), Runtime="provided.al2023")
        assert invoke(functions, shell) == ["127.0.0.1", 2]


HOST = """
import os, boto3, socket
from botocore.exceptions import ClientError
def handler(event, context):
    with socket.create_connection(("127.0.0.1", event["port"]), 10):
        pass
    own = boto3.client("lambda").get_account_settings()["AccountLimit"]["ConcurrentExecutions"]
    try:
        boto3.client("lambda", aws_access_key_id="test", aws_secret_access_key="test").get_account_settings()
    except ClientError as error:
        return [os.environ["AWS_ENDPOINT_URL"], own > 0, error.response["Error"]["Code"]]
"""


def test_in_the_machines_network_the_gateway_of_an_environment_believes_its_role_only(
    own_server: Callable[..., RunningServer], database: int
) -> None:
    server = own_server("--network", "host")
    if not isolated(server):
        pytest.skip("namespaces don't work here")
    assert "WARNING: network = host" in log_of(server)
    functions = server.client("lambda")
    name = create(functions, HOST, Timeout=60)
    endpoint, works, refused = invoke(functions, name, {"port": database})
    assert endpoint.startswith("http://127.0.0.1:")
    assert not endpoint.endswith(f":{server.port}")
    assert (works, refused) == (True, "UnrecognizedClientException")


def test_the_internet_needs_a_helper_and_says_how_to_install_one(own_server: Callable[..., RunningServer], tmp_path: Path) -> None:
    (tmp_path / "lambent.toml").write_text('network = "internet"\nsearch_path = "/nonexistent"\n')
    with pytest.raises(AssertionError, match="network = internet needs a program that is not on PATH: install slirp4netns or passt"):
        own_server(folder=tmp_path)
    (tmp_path / "lambent.toml").write_text('network = "internet"\nsandbox = "process"\n')
    if shutil.which("slirp4netns") or shutil.which("pasta"):
        with pytest.raises(AssertionError, match="network = internet needs the namespaces driver"):
            own_server(folder=tmp_path)

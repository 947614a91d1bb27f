"""What must never hurt: malformed requests, hostile packages, races, and a kill at the worst moment."""

from __future__ import annotations

import http.client
import io
import socket
import stat
import struct
import warnings
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from tests.acceptance.conftest import ROLE, RUNTIME, RunningServer
from tests.acceptance.lambda_kit import ECHO, create, invoke, package, refused, unique

FUNCTIONS = "/2015-03-31/functions"
FILE, LINK = 0o100644, stat.S_IFLNK | 0o777
BAD_ZIP = "Could not unzip uploaded file. Please check your file, then try to upload again."


@pytest.fixture(scope="module")
def functions(server: RunningServer) -> Any:
    return server.client("lambda", parameter_validation=False)


def send(server: RunningServer, method: str, path: str, body: bytes = b"") -> tuple[int, str]:
    """Send a signed request as it is; return the status and the error's type."""
    request = AWSRequest(method, server.url + path, headers={"content-type": "application/json"}, data=body)
    SigV4Auth(Credentials("test", "test"), "lambda", "us-east-1").add_auth(request)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    try:
        connection.request(method, path, body, dict(request.headers))
        answer = connection.getresponse()
        answer.read()
        return answer.status, answer.getheader("x-amzn-errortype", "")
    finally:
        connection.close()


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b"[" * 100_000, b'{"FunctionName":1}', b'{"Layers":"x"}', b'{"Tags":{"a":null}}'),
        *(b'{"Environment":{"Variables":[]}}', b'{"MemorySize":99999999999999999999999}', b'{"Timeout":1e400}', b'{"Timeout":"ten"}'),
        *(b'{"FunctionName":"a","Code":{"ZipFile":"!!"}}', b'{"FunctionName":"a","Code":{"ZipFile":7}}', b'{"Unknown":{"x":[1]}}'),
    ],
    ids=lambda body: repr(body[:30]),
)
def test_malformed_bodies(server: RunningServer, body: bytes) -> None:
    status, kind = send(server, "POST", FUNCTIONS, body)
    assert (status, kind in {"ValidationException", "SerializationException"}) == (400, True)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", f"{FUNCTIONS}/%00", 400),
        ("GET", f"{FUNCTIONS}/..%2f..%2fetc", 400),
        ("GET", f"{FUNCTIONS}/x?Qualifier={'a' * 500}", 400),
        ("GET", f"{FUNCTIONS}?MaxItems=abc", 400),
        ("GET", f"{FUNCTIONS}?MaxItems=-5", 400),
        ("GET", f"{FUNCTIONS}?Marker=%ff", 400),
        ("GET", "/2018-10-31/layers/x/versions/99999999999999999999", 400),
        ("PATCH", f"{FUNCTIONS}/x", 404),
        ("DELETE", f"{FUNCTIONS}/", 404),
    ],
)
def test_malformed_paths(server: RunningServer, method: str, path: str, status: int) -> None:
    assert send(server, method, path)[0] == status


def zip_of(*entries: tuple[str, str | bytes, int]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a name that is there twice
        for name, content, mode in entries:
            info = zipfile.ZipInfo(name)
            info.external_attr, info.compress_type = mode << 16, zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return data.getvalue()


def lying_zip() -> bytes:
    """Return a zip whose directory says that a file of 1 MiB has 10 bytes."""
    data = bytearray(zip_of(("x", b"\0" * (1 << 20), FILE)))
    at = data.rfind(b"PK\x01\x02") + 24
    data[at : at + 4] = struct.pack("<I", 10)
    return bytes(data)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (zip_of(("../../evil", "x", FILE)), BAD_ZIP),
        (zip_of(("/evil", "x", FILE)), BAD_ZIP),
        (zip_of(("..\\evil", "x", FILE)), BAD_ZIP),
        (zip_of(("link", "/etc/passwd", LINK)), BAD_ZIP),
        (zip_of(("a/link", "../../x", LINK)), BAD_ZIP),
        (zip_of(("folder", "/tmp", LINK), ("folder/evil", "x", FILE)), BAD_ZIP),
        (zip_of(("pipe", "", stat.S_IFIFO | 0o644)), BAD_ZIP),
        (zip_of(("file", "x", FILE), ("file/below", "x", FILE)), BAD_ZIP),
        (zip_of(("n" * 300, "x", FILE)), BAD_ZIP),
        (zip_of(("x", "x" * 1000, FILE))[:-30], BAD_ZIP),
        (lying_zip(), BAD_ZIP),
        (zip_of(), "Uploaded file must be a non-empty zip"),
        (zip_of(*((f"{each}", b"\0" * (60 << 20), FILE) for each in range(5))), "Unzipped size must be smaller than 262144000 bytes"),
    ],
    ids=[
        "climbs",
        "absolute",
        "backslash",
        "link-out",
        "link-up",
        "through-link",
        "pipe",
        "below-a-file",
        "long-name",
        "cut",
        "lying",
        "empty",
        "bomb",
    ],
)
def test_hostile_packages(server: RunningServer, functions: Any, code: bytes, message: str) -> None:
    name = unique("hostile")
    new = {"FunctionName": name, "Runtime": RUNTIME, "Role": ROLE, "Handler": "app.handler", "Code": {"ZipFile": code}}
    refused(functions.create_function, "InvalidParameterValueException", 400, message, **new)
    refused(functions.publish_layer_version, "InvalidParameterValueException", 400, message, LayerName=name, Content={"ZipFile": code})
    refused(functions.get_function, "ResourceNotFoundException", 404, "…", FunctionName=name)
    assert not list(server.data_dir.parent.rglob("*evil*"))


def test_packages_that_are_only_odd(functions: Any) -> None:
    code = zip_of(
        ("app.py", "def handler(e, c): return 1", FILE),
        ("app.py", "import pkg.inner\ndef handler(e, c): return pkg.inner.VALUE", 0o100000),
        ("pkg/", "", stat.S_IFDIR | 0o755),
        ("pkg/inner.py", "VALUE = 2", 0),
        ("alias.py", "app.py", LINK),
    )
    assert invoke(functions, create(functions, code)) == 2


def at_once(work: Callable[[int], str], count: int = 8) -> list[str]:
    """Do the work several times at once; return the outcomes, errors by their codes."""

    def one(number: int) -> str:
        try:
            return work(number)
        except ClientError as error:
            return str(error.response["Error"]["Code"])

    with ThreadPoolExecutor(count) as threads:
        return sorted(threads.map(one, range(count)))


def test_races_have_one_winner(functions: Any) -> None:
    name = unique("raced")

    def new(number: int) -> str:
        functions.create_function(
            FunctionName=name, Runtime=RUNTIME, Role=ROLE, Handler="app.handler", Code={"ZipFile": package({"app.py": ECHO})}
        )
        return "made"

    assert at_once(new) == ["ResourceConflictException"] * 7 + ["made"]
    assert at_once(lambda number: functions.publish_version(FunctionName=name)["Version"]) == ["1"] * 8
    revision = functions.get_function_configuration(FunctionName=name)["RevisionId"]

    def change(number: int) -> str:
        functions.update_function_configuration(FunctionName=name, Description=str(number), RevisionId=revision)
        return "changed"

    assert at_once(change) == ["PreconditionFailedException"] * 7 + ["changed"]
    layer = unique("raced")

    def publish(_: int) -> str:
        return str(functions.publish_layer_version(LayerName=layer, Content={"ZipFile": package({"x": ""})})["Version"])

    assert at_once(publish) == [str(number) for number in range(1, 9)]


def test_a_kill_between_created_and_active(own_server: Callable[..., RunningServer], tmp_path: Path) -> None:
    server = own_server()
    functions = server.client("lambda")
    names = [unique("killed") for _ in range(5)]
    for name in names:
        functions.create_function(
            FunctionName=name, Runtime=RUNTIME, Role=ROLE, Handler="app.handler", Code={"ZipFile": package({"app.py": ECHO})}, Publish=True
        )
    server.kill()
    server.start()
    functions = server.client("lambda")
    for name in names:
        functions.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 40})
        assert invoke(functions, f"{name}:1", {"a": 1}) == {"a": 1}
    assert server.stop() == 0


def test_a_clock_that_goes_faster_gives_clients_no_less_time(own_server: Callable[..., RunningServer]) -> None:
    server = own_server("--time-scale", "6000")  # a minute passes in ten milliseconds
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(b"GET /_lambent/health HTTP/1.1\r\n")
        client.settimeout(0.5)
        with pytest.raises(TimeoutError):
            client.recv(1)  # neither refused nor closed
        client.sendall(b"host: localhost\r\n\r\n")
        client.settimeout(10)
        assert client.recv(12) == b"HTTP/1.1 200"

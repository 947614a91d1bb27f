"""Starts what is measured: a real server process, and the floor; and deploys functions to the server."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import boto3
from botocore.config import Config

from benchmarks import load

RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"
PYTHON = sys.executable
"""``python3`` as the server runs on it. What a PATH has may be a script that looks for it, and the machine's own may load more at its start
than Python needs (packages' ``.pth`` files): either takes several times as long, and would flatter what is compared to it."""
ROLE = "arn:aws:iam::000000000000:role/benchmark"
ECHO = "def handler(event, context):\n    return event\n"
_COMPILED = Path(__file__).parent.parent / ".bench-pycache"
_KEYS = """
import os
def handler(event, context):
    return [os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"], os.environ["AWS_SESSION_TOKEN"]]
"""


@dataclass
class Server:
    """A running server."""

    process: subprocess.Popen[bytes]
    port: int
    data_dir: Path
    listening_s: float  #: from the command to the first accepted connection

    def client(self, service: str = "lambda") -> Any:
        """Return a boto3 client for it; for setting up only."""
        config = Config(retries={"total_max_attempts": 1}, read_timeout=120, max_pool_connections=64)
        return boto3.Session("test", "test", region_name="us-east-1").client(
            service, endpoint_url=f"http://127.0.0.1:{self.port}", config=config
        )

    def deploy(self, name: str, source: str = ECHO, **settings: Any) -> None:
        """Create a function and wait until it is active."""
        client = self.client()
        client.create_function(
            FunctionName=name,
            Role=ROLE,
            Handler="f.handler",
            Code={"ZipFile": zipped(source, "f.js" if settings.get("Runtime", "").startswith("nodejs") else "f.py")},
            **{"Timeout": 60, "Runtime": RUNTIME, **settings},
        )
        client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.05, "MaxAttempts": 200})

    def role_key(self) -> load.Key:
        """Return temporary credentials that the server issued itself: every signature with them is verified."""
        self.deploy("keys", _KEYS)
        answer = self.client().invoke(FunctionName="keys")
        return load.Key(*json.loads(answer["Payload"].read()))

    def health(self) -> Any:
        """Return what the health page says."""
        connection = load.Connection(self.port)
        answer = connection.ask(b"GET /_lambent/health HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
        connection.close()
        return json.loads(answer)

    def serves(self, runtime: str) -> bool:
        """Return whether functions of a runtime can be created."""
        try:
            self.deploy(f"probe-{runtime.replace('.', '-')}", Runtime=runtime)
        except self.client().exceptions.InvalidParameterValueException:
            return False
        return True

    def rss_mb(self) -> float:
        """Return the resident memory of the server's own process, in MB."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        return 0.0


def zipped(source: str, name: str = "f.py") -> bytes:
    """Return a deployment package with one module, ``f``."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr(name, source)
    return data.getvalue()


@contextmanager
def running(*flags: str) -> Iterator[Server]:
    """Run a server with a data directory of its own, as a user does."""
    with TemporaryDirectory(prefix="lambent-bench-") as folder:
        data = Path(folder) / "data"
        port = free_port()
        with (Path(folder) / "log").open("wb") as log:
            began = time.perf_counter()
            command = [sys.executable, "-m", "lambent", "start", "--port", str(port), "--data-dir", str(data), *flags]
            process = subprocess.Popen(command, stdout=log, stderr=log, env=_environment())
        try:
            yield Server(process, port, data, _listening(process, port, began, Path(folder) / "log"))
        finally:
            stop(process)


def _environment() -> dict[str, str]:
    """Return the environment of an installed package: modules are compiled once, not at every start."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": str(_COMPILED)}


def _listening(process: subprocess.Popen[bytes], port: int, began: float, log: Path) -> float:
    request = b"GET /_lambent/health HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"
    while time.perf_counter() - began < 30:
        if process.poll() is not None:
            raise RuntimeError(log.read_text())
        try:
            connection = load.Connection(port)
        except OSError:
            time.sleep(0.002)
            continue
        connection.ask(request)
        connection.close()
        return time.perf_counter() - began
    raise RuntimeError("the server did not begin to listen within 30 s")


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process that was started here."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Floor:
    """The floor, running."""

    pid: int
    port: int


@contextmanager
def floor(workers: int) -> Iterator[Floor]:
    """Run the floor."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.floor", str(workers)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield Floor(process.pid, int(process.stdout.readline()))
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(10)


def timed(argv: Sequence[str], times: int) -> list[float]:
    """Return the seconds that a command takes, run so often in turn."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, env=dict(os.environ))
        taken.append(time.perf_counter() - began)
    return taken


def processor_s(pid: int) -> float:
    """Return the processor time that a process and those below it have used, in seconds."""
    total = 0
    for each in [pid, *descendants(pid)]:
        try:
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def descendants(pid: int) -> list[int]:
    """Return the processes below one."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    found, level = [], {pid}
    while level:
        level = {child for child, parent in parents.items() if parent in level}
        found += level
    return found

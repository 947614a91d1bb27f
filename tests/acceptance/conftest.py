"""A real server process, and real clients for it."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"
ROLE = "arn:aws:iam::000000000000:role/any"


ANSWERED: set[str] = set()
"""The operations that were answered well in the test that runs now: ``service:Operation``."""


def _note(http_response: Any, model: Any, **_: Any) -> None:
    if http_response.status_code < 400:
        ANSWERED.add(f"{model.service_model.service_name}:{model.name}")


def pytest_runtest_setup() -> None:
    ANSWERED.clear()


def pytest_runtest_makereport(call: pytest.CallInfo[None]) -> None:
    """Note the operations of a test that passed, for ``make conformance``."""
    record = os.environ.get("CONFORMANCE_RECORD")
    if record and call.when == "call" and call.excinfo is None:
        with Path(record).open("a") as file:
            file.writelines(f"{each}\n" for each in sorted(ANSWERED))


@dataclass
class RunningServer:
    """A server process of the tests' own."""

    data_dir: Path
    port: int
    flags: tuple[str, ...] = ()
    folder: Path | None = None  # where it finds its lambent.toml
    process: subprocess.Popen[bytes] = field(init=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> RunningServer:
        log = (self.data_dir.parent / f"{self.data_dir.name}.log").open("ab")
        command = [sys.executable, "-m", "lambent", "start", "--port", str(self.port), "--data-dir", str(self.data_dir), *self.flags]
        self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder)
        log.close()
        end = time.monotonic() + 20
        while not self.answers():
            assert self.process.poll() is None, (self.data_dir.parent / f"{self.data_dir.name}.log").read_text()
            assert time.monotonic() < end, "the server did not start"
            time.sleep(0.02)
        return self

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/_lambent/health", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(20)

    def client(self, service: str, **config: Any) -> Any:
        session = boto3.Session("test", "test", region_name="us-east-1")
        options = {"retries": {"total_max_attempts": 1}, "s3": {"addressing_style": "path"}, **config}
        client = session.client(service, endpoint_url=self.url, config=Config(**options))
        client.meta.events.register("after-call", _note)
        return client


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    running = RunningServer(tmp_path_factory.mktemp("server") / "data", free_port()).start()
    yield running
    if running.process.poll() is None:
        running.stop()


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Callable[..., RunningServer]]:
    """Start servers that the test may kill."""
    running: list[RunningServer] = []

    def start(*flags: str, data_dir: Path | None = None, folder: Path | None = None) -> RunningServer:
        one = RunningServer(data_dir or tmp_path / "data", free_port(), flags, folder).start()
        running.append(one)
        return one

    yield start
    for one in running:
        if one.process.poll() is None:
            one.kill()


def zipped(**files: str) -> bytes:
    """Return a zip of Python modules: name without ``.py`` → source."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, text in files.items():
            archive.writestr(f"{name}.py", text)
    return data.getvalue()


def children(pid: int) -> set[int]:
    """Return a process's children and theirs; threads and processes may end while they are counted."""
    found: set[int] = set()
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in task.read_text().split():
                found |= {int(child)} | children(int(child))
    return found


def alive(pid: int) -> bool:
    """Return whether a process is there and not a zombie."""
    try:
        os.kill(pid, 0)
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (ProcessLookupError, FileNotFoundError):
        return False

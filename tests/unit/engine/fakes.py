"""Fakes that the engine's tests share: a sandbox whose handlers are Python functions, a cloud that records calls."""

from __future__ import annotations

import io
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from lambent.base.clock import VirtualClock
from lambent.base.ids import SeededIds
from lambent.domain.call import Call, Result
from lambent.domain.environments import Ending, Launch, Outcome, RuntimeStatus
from lambent.domain.errors import AwsError
from lambent.domain.functions import FunctionVersion, LoggingConfig
from lambent.domain.invocations import Invocation
from lambent.domain.metrics import BeginInvocation, unmetered
from lambent.domain.quotas import Quotas
from lambent.engine.environments.code import CodeCache
from lambent.engine.environments.shipping import LogShipper
from lambent.engine.environments.variables import RoleSession
from lambent.engine.invocation.invoker import LocalInvoker

Handler = Callable[["FakeEnvironment", Invocation], Awaitable[Outcome]]


def function(name: str = "f", **changes: Any) -> FunctionVersion:
    values: dict[str, Any] = {
        "account_id": "000000000000",
        "region": "us-east-1",
        "name": name,
        "version": "$LATEST",
        "arn": f"arn:aws:lambda:us-east-1:000000000000:function:{name}:$LATEST",
        "revision_id": "r1",
        "role_arn": "arn:aws:iam::000000000000:role/lambda-role",
        "runtime": "python3.12",
        "handler": "app.handler",
        "code_digest": "c0de",
        "logging": LoggingConfig(f"/aws/lambda/{name}"),
    }
    return FunctionVersion(**{**values, **changes})


def invocation(request_id: str = "11111111-2222-4333-8444-555555555555", payload: bytes = b"{}", **changes: Any) -> Invocation:
    return Invocation(request_id, payload, "arn:aws:lambda:us-east-1:000000000000:function:f", **changes)


def zip_of(**files: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return out.getvalue()


class FileBlobs:
    """Blobs that are files of a folder, by any name."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def add(self, digest: str, data: bytes) -> None:
        (self.directory / digest).write_bytes(data)

    async def path(self, digest: str) -> Path:
        path = self.directory / digest
        if not path.exists():
            raise KeyError(digest)
        return path

    async def put(self, chunks: Any) -> Any:
        raise NotImplementedError

    def read(self, digest: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        raise NotImplementedError

    async def sweep(self, store: Any, *, older_than: float) -> int:
        raise NotImplementedError


class FakeEnvironment:
    def __init__(self, sandbox: FakeSandbox, launch: Launch) -> None:
        self.id = launch.environment_id
        self.launch = launch
        self.sandbox = sandbox
        self.served = 0
        self.stopped = False

    def print(self, text: str) -> None:
        self.launch.output(text.encode(), False)

    async def initialise(self, timeout_s: float) -> Outcome:
        if self.sandbox.init_s > timeout_s:
            await self.sandbox.clock.sleep(timeout_s)
            return Outcome(Ending.TIMEOUT)
        if self.sandbox.init_s:
            await self.sandbox.clock.sleep(self.sandbox.init_s)
        return self.sandbox.inits.pop(0) if self.sandbox.inits else Outcome(Ending.SUCCESS)

    async def invoke(self, invocation: Invocation, timeout_s: float, trace_header: str) -> Outcome:
        assert not self.stopped
        self.served += 1
        return await self.sandbox.handler(self, replace(invocation, trace_header=trace_header))

    async def stop(self) -> None:
        self.stopped = True


async def echo(environment: FakeEnvironment, invocation: Invocation) -> Outcome:
    return Outcome(Ending.SUCCESS, invocation.payload, memory_peak_mb=30)


class FakeSnapshot:
    """A snapshot from which fake environments are forked; ``lost`` is how often a launch finds it gone."""

    def __init__(self, sandbox: FakeSandbox, launch: Launch, outcome: Outcome) -> None:
        self.id = launch.environment_id
        self.outcome = outcome
        self.launched_with = launch
        self.sandbox = sandbox
        self.lost = False
        self.closed = False

    async def launch(self, launch: Launch) -> FakeEnvironment:
        if self.lost:
            raise AwsError("SnapStartException", "The snapshot's process is gone.", 400)
        return await self.sandbox.launch(launch)

    async def close(self) -> None:
        self.closed = True


class FakeSandbox:
    name = "fake"

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.handler: Handler = echo
        self.inits: list[Outcome] = []
        self.init_s = 0.0
        self.environments: list[FakeEnvironment] = []
        self.snapshots: list[FakeSnapshot] = []
        self.snapshot_outcome = Outcome(Ending.SUCCESS)

    def runtimes(self) -> list[RuntimeStatus]:
        return []

    async def launch(self, launch: Launch) -> FakeEnvironment:
        environment = FakeEnvironment(self, launch)
        self.environments.append(environment)
        return environment

    def prepare(self, runtime: str) -> None:
        return None

    async def snapshot(self, launch: Launch, timeout_s: float) -> FakeSnapshot:
        await self.clock.sleep(self.init_s)
        self.snapshots.append(FakeSnapshot(self, launch, self.snapshot_outcome))
        return self.snapshots[-1]

    async def close(self) -> None:
        return None


class FakeCloud:
    """Records calls; ``errors`` are raised first, in order, by operation. Knows log groups and streams."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.groups: set[str] = set()
        self.streams: dict[tuple[str, str], list[str]] = {}
        self.errors: dict[str, list[AwsError]] = {}

    async def call(self, call: Call) -> Result:
        self.calls.append(call)
        if self.errors.get(call.operation):
            raise self.errors[call.operation].pop(0)
        return getattr(self, call.operation, self.other)(call.params)

    @staticmethod
    def other(params: Any) -> Result:
        return {"QueueUrl": f"http://localhost/q/{params['QueueName']}"} if "QueueName" in params else {}

    def CreateLogGroup(self, params: Any) -> Result:
        self.groups.add(params["logGroupName"])
        return {}

    def CreateLogStream(self, params: Any) -> Result:
        if params["logGroupName"] not in self.groups:
            raise AwsError("ResourceNotFoundException", "The specified log group does not exist.")
        self.streams.setdefault((params["logGroupName"], params["logStreamName"]), [])
        return {}

    def PutLogEvents(self, params: Any) -> Result:
        messages = self.streams.get((params["logGroupName"], params["logStreamName"]))
        if messages is None:
            raise AwsError("ResourceNotFoundException", "The specified log stream does not exist.")
        messages.extend(event["message"] for event in params["logEvents"])
        return {}

    def logged(self) -> str:
        return "".join("".join(messages) for messages in self.streams.values())


class FakeCredentials:
    def __init__(self) -> None:
        self.refused: Exception | None = None  #: what keeps sessions from the disk
        self.waited = 0

    def role_session(self, role_arn: str, function: FunctionVersion) -> RoleSession:
        return RoleSession("ASIAFAKE", "secret", "token", self._wait_kept)

    async def _wait_kept(self) -> None:
        self.waited += 1
        if self.refused is not None:
            raise self.refused


class Bench:
    """A whole invoker over fakes."""

    def __init__(self, tmp_path: Path, quotas: Quotas | None = None, reserved: int = 0, begin: BeginInvocation = unmetered) -> None:
        self.clock = VirtualClock()
        self.ids = SeededIds(1)
        self.cloud = FakeCloud()
        self.credentials = FakeCredentials()
        self.sandbox = FakeSandbox(self.clock)
        blobs_at = tmp_path / "blobs"
        blobs_at.mkdir()
        self.blobs = FileBlobs(blobs_at)
        self.blobs.add("c0de", zip_of(**{"app.py": "pass"}))
        self.shipper = LogShipper(self.cloud, self.clock, self.ids)
        self.invoker = LocalInvoker(
            self.sandbox,
            CodeCache(tmp_path / "code", self.blobs),
            self.shipper,
            credentials=self.credentials,
            endpoint_url="http://localhost:4566",
            clock=self.clock,
            ids=self.ids,
            quotas=quotas or Quotas(),
            reserved_total=lambda account_id, region: reserved,
            begin=begin,
        )

    async def log(self) -> str:
        await self.shipper.flush()
        return self.cloud.logged()

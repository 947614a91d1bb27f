"""Lambda over memory, with an invoker and an event queue that only take notes."""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from msgspec import structs
from tests.unit.services.asking import asked

from lambent.adapters.memory import MemoryBlobs, MemoryStore
from lambent.base.clock import VirtualClock
from lambent.base.ids import SeededIds
from lambent.domain.call import Call
from lambent.domain.caller import Caller
from lambent.domain.environments import Ending, Outcome, RuntimeStatus
from lambent.domain.errors import AwsError
from lambent.domain.functions import FunctionVersion
from lambent.domain.http import HttpRequest, read_all
from lambent.domain.invocations import Invocation, InvocationResult
from lambent.domain.ports import Platform
from lambent.domain.provisioning import Allotment, Progress
from lambent.domain.quotas import Quotas
from lambent.services.lambda_.allotments import TakenConcurrency
from lambent.services.lambda_.catalogue import FunctionCatalogue
from lambent.services.lambda_.mapping_catalogue import MappingCatalogue
from lambent.services.lambda_.service import build

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/worker"


def make_zip(files: dict[str, str] | None = None) -> bytes:
    """Return a package; the same bytes for the same files, whatever the time."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as package:
        for name, text in (files or {"app.py": "def handler(event, context): return event"}).items():
            package.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED)
    return data.getvalue()


class FakeInvoker:
    def __init__(self) -> None:
        self.seen: list[tuple[FunctionVersion, Invocation]] = []
        self.result = InvocationResult(b'{"ok":true}', "$LATEST", log_tail=b"START\nEND\n")

    async def invoke(self, function: FunctionVersion, invocation: Invocation) -> InvocationResult:
        self.seen.append((function, invocation))
        return structs.replace(self.result, executed_version=function.version)


class FakeEnvironments:
    """Takes note of what is to be provisioned; ``progress`` is what the test says."""

    def __init__(self) -> None:
        self.aims: dict[str, dict[str, int]] = {}
        self.told: dict[str, Progress] = {}
        self.retired: list[str] = []

    def retire(self, function_arn: str) -> None:
        self.retired.append(function_arn)

    def aim(self, function_arn: str, allotments: Mapping[str, Allotment]) -> None:
        self.aims[function_arn] = {arn: each.wanted for arn, each in allotments.items()}

    def progress(self, arn: str) -> Progress:
        return self.told.get(arn, Progress(0, 0, "IN_PROGRESS"))


class FakeSnapshots:
    """Takes snapshots at once, with the outcome that the test says; notes what is to be kept."""

    def __init__(self) -> None:
        self.outcome = Outcome(Ending.SUCCESS)
        self.taken: list[str] = []
        self.kept: dict[str, set[str]] = {}

    async def take(self, function: FunctionVersion) -> Outcome:
        self.taken.append(function.arn)
        return self.outcome

    def keep(self, function_arn: str, functions: Mapping[str, FunctionVersion]) -> None:
        self.kept[function_arn] = set(functions)


class FakeRoles:
    """Roles that trust Lambda, unless the test says otherwise, and may do all but what it takes from them."""

    def __init__(self) -> None:
        self.trusting = True
        self.denied: set[tuple[str, str]] = set()
        self.asked: list[Call] = []

    async def is_assumable(self, role_arn: str, service: str, source_arn: str) -> bool:
        return self.trusting and service == "lambda.amazonaws.com"

    async def permits(self, call: Call) -> bool:
        self.asked.append(call)
        return (call.service, call.operation) not in self.denied


class FakeMetrics:
    """Notes what is counted."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, float, dict[str, str]]] = []

    def record(self, account_id: str, region: str, name: str, value: float, unit: str, dimensions: Mapping[str, str]) -> None:
        self.seen.append((name, value, dict(dimensions)))


class FakeEvents:
    def __init__(self) -> None:
        self.seen: list[tuple[FunctionVersion, str, Invocation]] = []

    async def submit(self, function: FunctionVersion, qualifier: str, invocation: Invocation) -> None:
        self.seen.append((function, qualifier, invocation))


@dataclass
class FakeS3:
    """S3's objects, and what other services answer, by operation."""

    objects: dict[tuple[str, str], bytes] = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)

    async def call(self, call: Call) -> dict[str, Any]:
        self.calls.append(call)
        if call.service != "s3":
            answer = self.answers[call.operation]
            if isinstance(answer, AwsError):
                raise answer
            return dict(answer)
        data = self.objects.get((call.params["Bucket"], call.params["Key"]))
        if data is None:
            raise AwsError("NoSuchKey", "The specified key does not exist.", 404)

        async def pieces() -> AsyncIterator[bytes]:
            for start in range(0, len(data), 100):
                yield data[start : start + 100]

        return {"Body": pieces()}


class Bench:
    """The service under test, and a client of it."""

    def __init__(self, quotas: Quotas | None = None) -> None:
        self.clock = VirtualClock()
        self.store = MemoryStore(self.clock)
        self.blobs = MemoryBlobs(self.clock)
        self.s3 = FakeS3()
        self.ids = SeededIds(7)
        self.invoker = FakeInvoker()
        self.events = FakeEvents()
        self.environments = FakeEnvironments()
        self.taken = TakenConcurrency()
        self.metrics = FakeMetrics()
        self.snapshots = FakeSnapshots()
        self.roles = FakeRoles()
        self.platform = Platform(self.store, self.blobs, self.s3, self.clock, self.ids, quotas or Quotas(), "localhost:4566")
        self.url_caller = Caller.root(ACCOUNT, "AKIA")
        self.catalogue = FunctionCatalogue(self.store, self.ids)
        self.statuses = [
            RuntimeStatus("python3.12", True, "/usr/bin/python3.12"),
            RuntimeStatus("python3.8", False, remedy="Install it with `uv python install 3.8`."),
            RuntimeStatus("provided.al2023", True),
        ]
        self.mappings = MappingCatalogue(self.store)
        self.service = build(
            self.platform,
            catalogue=self.catalogue,
            invoker=self.invoker,
            events=self.events,
            runtimes=lambda: self.statuses,
            read_signed=self.read_signed,
            event_sources=self.mappings,
            environments=self.environments,
            snapshots=self.snapshots,
            taken=self.taken,
            roles=self.roles,
            vpcs={"subnet-mine": "vpc-mine"},
            metrics=self.metrics,
        )

    async def read_signed(self, request: HttpRequest, service: str, bytes_max: int, *, signed: bool) -> tuple[Caller, bytes]:
        return (self.url_caller if signed else Caller.anonymous()), await read_all(request.body)

    async def call(self, operation: str, *, caller: Caller | None = None, region: str = "us-east-1", **params: Any) -> dict[str, Any]:
        caller = caller or Caller.root(ACCOUNT)
        call = Call("lambda", operation, params, caller, region, caller.account_id or ACCOUNT, self.ids.uuid())
        return dict(await asked(self.service, call))

    async def settle(self) -> None:
        """Let what is pending become active."""
        while await self.service.workers[0].step():
            pass
        while self.service.workers[0].taking:
            await asyncio.gather(*self.service.workers[0].taking)
        for worker in self.service.workers[1:]:
            await worker.step()

    async def create(self, name: str = "f", **params: Any) -> dict[str, Any]:
        request = {
            "FunctionName": name,
            "Runtime": "python3.12",
            "Role": ROLE,
            "Handler": "app.handler",
            "Code": {"ZipFile": make_zip()},
            **params,
        }
        created = await self.call("CreateFunction", **{key: value for key, value in request.items() if value is not None})
        await self.settle()
        return created

    async def refused(self, operation: str, code: str, text: str = "", **params: Any) -> AwsError:
        """Call, and expect AWS's error."""
        with pytest.raises(AwsError) as caught:
            await self.call(operation, **params)
        assert caught.value.code == code, caught.value
        assert text in caught.value.message, caught.value.message
        return caught.value


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def bench_with():
    return lambda **limits: Bench(structs.replace(Quotas(), **limits))


@pytest.fixture
def zip_of():
    return make_zip

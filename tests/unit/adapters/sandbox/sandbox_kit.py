"""Drives a sandbox driver directly: functions from text, and what they wrote."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lambent.domain.environments import Environment, Launch, Outcome, Sandbox
from lambent.domain.functions import FunctionVersion
from lambent.domain.invocations import Invocation

_numbers = itertools.count(1)
ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"


@dataclass
class Output:
    """What an environment wrote, in order."""

    lines: list[tuple[bytes, bool]] = field(default_factory=list)

    def __call__(self, data: bytes, framed: bool) -> None:
        self.lines.append((data, framed))

    @property
    def text(self) -> str:
        return "\n".join(line.decode(errors="replace") for line, _ in self.lines)


@dataclass
class Started:
    environment: Environment
    output: Output
    init: Outcome

    async def invoke(self, event: Any = None, timeout_s: float = 10.0, **more: Any) -> Outcome:
        invocation = Invocation(f"request-{next(_numbers)}", json.dumps(event).encode(), ARN, **more)
        return await self.environment.invoke(invocation, timeout_s, invocation.trace_header)

    async def result(self, event: Any = None, timeout_s: float = 10.0, **more: Any) -> Any:
        outcome = await self.invoke(event, timeout_s, **more)
        assert isinstance(outcome.payload, bytes)
        return json.loads(outcome.payload)


def running(namespace: str, pids: Iterable[int]) -> list[int]:
    """Return the live processes of a pid namespace; in our own, those of ``pids``."""
    found = []
    ours = namespace == os.readlink("/proc/self/ns/pid")
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (not ours or int(entry.name) in pids):
            with contextlib.suppress(OSError):
                if "State:\tZ" not in (entry / "status").read_text() and os.readlink(entry / "ns" / "pid") == namespace:
                    found.append(int(entry.name))
    return found


def write(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        if name == "bootstrap":
            path.chmod(0o755)
    return folder


def launch_of(
    name: str,
    code: Path,
    *,
    runtime: str = "python3.11",
    handler: str = "app.handler",
    variables: Mapping[str, str] | None = None,
    layers: tuple[Path, ...] = (),
    output: Output | None = None,
    subnets: tuple[str, ...] = (),
) -> Launch:
    function = FunctionVersion(
        "000000000000", "us-east-1", "f", "$LATEST", ARN + ":$LATEST", "r", "", runtime, handler, "d", subnet_ids=subnets
    )
    names = {
        "AWS_LAMBDA_FUNCTION_NAME": "f",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
        "AWS_REGION": "us-east-1",
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{runtime}",
        **(variables or {}),
    }
    return Launch(name, function, code, layers, names, output or Output())


async def start(
    sandbox: Sandbox,
    folder: Path,
    files: Mapping[str, str],
    *,
    runtime: str = "python3.11",
    handler: str = "app.handler",
    variables: Mapping[str, str] | None = None,
    layers: tuple[Path, ...] = (),
    timeout_s: float = 20.0,
    links: Mapping[str, str] | None = None,
    subnets: tuple[str, ...] = (),
) -> Started:
    number = next(_numbers)
    code = write(folder / f"code-{number}", files)
    for name, target in (links or {}).items():
        (code / name).symlink_to(target)
    output = Output()
    launch = launch_of(
        f"env-{number}", code, runtime=runtime, handler=handler, variables=variables, layers=layers, output=output, subnets=subnets
    )
    environment = await sandbox.launch(launch)
    return Started(environment, output, await environment.initialise(timeout_s))

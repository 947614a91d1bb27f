"""Snapshots: initialised once, forked for each environment where the driver can, initialised anew where it can't."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest
from tests.unit.adapters.sandbox.sandbox_kit import Output, Started, launch_of, running, write

from lambent.adapters.sandbox.namespaces import NamespaceSandbox
from lambent.domain.environments import Ending, Sandbox

_OURS = f"python{sys.version_info.major}.{sys.version_info.minor}"
CODE = """
import os, random, socket, tempfile, uuid
from snapshot_restore_py import register_after_restore, register_before_snapshot
born = os.environ["WHO"]
seen = []
pair = socket.socketpair()
open(os.path.join(tempfile.gettempdir(), "made"), "w").write("at init")
register_before_snapshot(lambda: seen.append("before"))
register_after_restore(lambda: (seen.append("after"), print("restored", os.environ["WHO"])))
def handler(event, context):
    with open(os.path.join(tempfile.gettempdir(), "mine"), "a") as file:
        file.write("x")
        return {"seen": seen, "random": [random.random(), str(uuid.uuid4())], "who": os.environ["WHO"], "born": born, "size": file.tell(),
                "made": os.path.exists(os.path.join(tempfile.gettempdir(), "made")), "namespace": os.readlink("/proc/self/ns/pid")}
"""


def _names(who: str) -> dict[str, str]:
    return {"WHO": who, "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}


async def test_environments_of_a_snapshot_are_initialised_and_their_own(sandbox: Sandbox, tmp_path: Path) -> None:
    code = write(tmp_path / "code", {"app.py": CODE})
    snapshot = await sandbox.snapshot(launch_of("snapshot", code, runtime=_OURS, variables=_names("nobody")), 20.0)
    assert snapshot.outcome.ending is Ending.SUCCESS
    results = []
    for number in range(3):
        output = Output()
        environment = await snapshot.launch(launch_of(f"copy-{number}", code, runtime=_OURS, variables=_names(str(number)), output=output))
        started = Started(environment, output, await environment.initialise(10.0))
        assert started.init.ending is Ending.SUCCESS, output.text
        result = await started.result()
        results.append((started, result))
        assert result["seen"] == ["before", "after"]
        assert (result["who"], result["size"], result["made"]) == (str(number), 1, True)
        assert output.text == f"restored {number}"
    assert len({str(result["random"]) for _, result in results}) == 3
    forks = isinstance(sandbox, NamespaceSandbox)
    assert {result["born"] for _, result in results} == ({"nobody"} if forks else {"0", "1", "2"})
    await snapshot.close()
    assert (await results[0][0].result())["size"] == 2  # it lives on
    await asyncio.gather(*(started.environment.stop() for started, _ in results))
    if forks:
        for _, result in results:
            assert running(result["namespace"], []) == []


@pytest.mark.parametrize(
    ("code", "error_type"),
    [
        ("raise RuntimeError('at init')", "RuntimeError"),
        (
            "from snapshot_restore_py import register_before_snapshot\nregister_before_snapshot(lambda: 1 / 0)\ndef handler(e, c): ...",
            "Runtime.BeforeSnapshotError",
        ),
    ],
)
async def test_an_init_that_fails_is_told(sandbox: Sandbox, tmp_path: Path, code: str, error_type: str) -> None:
    folder = write(tmp_path / "code", {"app.py": code})
    snapshot = await sandbox.snapshot(launch_of("snapshot", folder, runtime=_OURS, variables=_names("nobody")), 20.0)
    assert (snapshot.outcome.ending, snapshot.outcome.error_type) == (Ending.ERROR, error_type)
    await snapshot.close()


async def test_a_hook_that_fails_after_the_restore_and_a_copy_that_exits(sandbox: Sandbox, tmp_path: Path) -> None:
    code = """
import os
from snapshot_restore_py import register_after_restore
def check():
    if os.environ["WHO"] == "bad":
        raise ValueError("not restored")
register_after_restore(check)
def handler(event, context):
    os._exit(7)
"""
    folder = write(tmp_path / "code", {"app.py": code})
    snapshot = await sandbox.snapshot(launch_of("snapshot", folder, runtime=_OURS, variables=_names("nobody")), 20.0)
    bad = await snapshot.launch(launch_of("bad", folder, runtime=_OURS, variables=_names("bad")))
    outcome = await bad.initialise(10.0)
    assert (outcome.ending, outcome.error_type) == (Ending.ERROR, "Runtime.AfterRestoreError")
    await bad.stop()
    good = await snapshot.launch(launch_of("good", folder, runtime=_OURS, variables=_names("good")))
    started = Started(good, Output(), await good.initialise(10.0))
    gone = await started.invoke()
    assert (gone.ending, gone.exit_status) == (Ending.EXIT, 7)
    await good.stop()
    await snapshot.close()
    assert os.path.exists(folder)


async def test_a_snapshot_that_does_not_say_how_a_copy_ended_keeps_nobody_waiting(sandbox: Sandbox, tmp_path: Path) -> None:
    code = """
import sys
talk = sys.modules.get("talk")
if talk:
    send = talk.send
    talk.send = lambda sock, message, fds=(): "exited" in message or send(sock, message, fds)
def handler(event, context):
    return 1
"""
    folder = write(tmp_path / "code", {"app.py": code})
    snapshot = await sandbox.snapshot(launch_of("snapshot", folder, runtime=_OURS, variables=_names("nobody")), 20.0)
    copy = await snapshot.launch(launch_of("copy", folder, runtime=_OURS, variables=_names("copy")))
    started = Started(copy, Output(), await copy.initialise(10.0))
    assert await started.result() == 1
    async with asyncio.timeout(8):
        await copy.stop()
        await snapshot.close()

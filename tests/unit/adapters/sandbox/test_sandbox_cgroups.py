"""Where control groups are found: version 1, version 2, both at once, and none; and how an environment is governed, on virtual time."""

from __future__ import annotations

from pathlib import Path

from lambent.adapters.sandbox import cgroups
from lambent.adapters.sandbox.governor import GRACE_S, REST_S, Governor
from lambent.base.clock import VirtualClock


def machine(tmp_path: Path, groups: str, mounts: str) -> Path:
    proc = tmp_path / "proc"
    proc.mkdir()
    (proc / "cgroup").write_text(groups.replace("@", str(tmp_path)))
    (proc / "mountinfo").write_text(mounts.replace("@", str(tmp_path)))
    return proc


def test_version_1(tmp_path: Path) -> None:
    for each in ("memory/a", "cpu/a"):
        (tmp_path / each / "lambent-x").mkdir(parents=True)
        (tmp_path / each / "lambent-x" / "cgroup.procs").touch()
    mounts = "1 0 0:1 / @/memory rw shared:1 - cgroup cgroup rw,memory\n2 0 0:1 /outer @/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
    proc = machine(tmp_path, "4:memory:/a\n1:cpu,cpuacct:/outer/a\n", mounts)
    found = cgroups.find("lambent-x", proc=proc)
    assert (found.memory, found.cpu) == (tmp_path / "memory/a/lambent-x", tmp_path / "cpu/a/lambent-x")
    assert found.describe() == "memory and CPU limited by cgroups v1"


def test_version_2_with_its_controllers(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("cpu io memory pids")
    found = cgroups.find("lambent-x", proc=machine(tmp_path, "0::/\n", "1 0 0:1 / @ rw - cgroup2 cgroup2 rw\n"))
    assert (found.unified, found.has_limits) == (tmp_path / "lambent-x", True)
    assert (tmp_path / "cgroup.subtree_control").read_text() == "+memory +cpu"
    assert found.describe() == "memory and CPU limited by cgroups v2"


def test_none(tmp_path: Path) -> None:
    found = cgroups.find("lambent-x", proc=machine(tmp_path, "", ""))
    assert found.all == []
    assert found.describe() == "no cgroup can be written here"


async def test_an_environment_rests_between_invocations_and_is_not_disturbed_by_quick_ones() -> None:
    clock, done = VirtualClock(), []
    governor = Governor(
        None, 128, clock, stop=lambda: done.append("stop"), go=lambda: done.append("go"), exceeded=lambda: done.append("over")
    )
    governor.busy()
    governor.idle()
    for _ in range(20):  # one after the other: awake all the time
        await clock.advance(REST_S / 2)
        governor.busy()
        governor.idle()
    assert done == []
    await clock.advance(GRACE_S + REST_S)
    assert done == ["stop"]
    governor.busy()
    assert done == ["stop", "go"]
    governor.close()
    await clock.advance(1)
    assert done == ["stop", "go"]

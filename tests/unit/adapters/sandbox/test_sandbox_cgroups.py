"""Where control groups are found: version 1, version 2, both at once, and none; and how an environment is governed, on virtual time."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambent.adapters.sandbox import cgroups
from lambent.adapters.sandbox.governor import GRACE_S, LOOK_S_MAX, REST_S, UNREST_S, Governor
from lambent.adapters.sandbox.rounds import STEP_S, Rounds
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
    limit = "memory.kmem.tcp.limit_in_bytes"
    assert limit not in str(cgroups.Group(found, "room-1").plan())
    (found.memory / limit).touch()  # a kernel that has it
    assert (str(found.memory / "room-1" / limit), str(64 << 20)) in cgroups.Group(found, "room-1").plan()["writes"]


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
        None, 128, Rounds(clock), stop=lambda: done.append("stop"), go=lambda: done.append("go"), exceeded=lambda: done.append("over")
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


class Group(cgroups.Group):
    """A group without files, whose processes use as much as ``used_mb`` says."""

    used_mb = 10
    looks = 0

    def __init__(self, done: list[str]) -> None:
        super().__init__(cgroups.Hierarchies(), "group")
        self.done = done
        self._freezer = self._usage = self._quota = 0  # never written to

    def left_bytes(self, memory_mb: int) -> int:
        self.looks += 1
        return (memory_mb - self.used_mb) << 20

    def cap(self, memory_mb: int) -> None:
        self.done.append(f"cap {memory_mb}")

    def uncap(self) -> None:
        self.done.append("uncap")

    def freeze(self) -> None:
        self.done.append("freeze")

    def thaw(self) -> None:
        self.done.append("thaw")


def governed() -> tuple[VirtualClock, Group, Governor, list[str]]:
    clock, done = VirtualClock(), list[str]()
    group = Group(done)
    return clock, group, Governor(group, 128, Rounds(clock), stop=list, go=list, exceeded=lambda: done.append("over")), done


async def test_a_long_invocation_gets_its_share_and_is_looked_at_seldom() -> None:
    clock, group, governor, done = governed()
    governor.busy()
    await clock.advance(1)
    assert done == []  # an init isn't capped
    governor.idle()
    governor.busy()
    await clock.advance(2 * GRACE_S)
    assert done == ["cap 128"]
    looks = group.looks
    await clock.advance(60)
    assert group.looks - looks <= 60 / LOOK_S_MAX * 1.5
    governor.idle()
    await clock.advance(REST_S * 1.5)
    assert done == ["cap 128", "uncap", "freeze"]
    governor.busy()
    await clock.advance(2 * GRACE_S)
    assert done == ["cap 128", "uncap", "freeze", "thaw", "cap 128"]
    governor.close()


async def test_memory_is_looked_at_the_oftener_the_less_is_left() -> None:
    clock, group, governor, done = governed()
    governor.busy()
    group.used_mb = 127
    await clock.advance(0.1)
    looks = group.looks
    await clock.advance(1)
    assert group.looks - looks >= 0.9 / GRACE_S
    group.used_mb = 129
    await clock.advance(GRACE_S)
    assert done == ["over"]
    governor.close()


async def test_nothing_is_frozen_while_others_are_being_made_but_not_for_ever() -> None:
    clock, done, calm = VirtualClock(), list[str](), [False]
    governor = Governor(Group(done), 128, Rounds(clock), stop=list, go=list, exceeded=lambda: done.append("over"), is_calm=lambda: calm[0])
    governor.busy()
    governor.idle()
    await clock.advance(UNREST_S / 2)
    assert done == []
    calm[0] = True
    await clock.advance(2 * REST_S)
    assert done == ["freeze"]
    calm[0] = False
    governor.busy()
    governor.idle()
    await clock.advance(UNREST_S + 2 * REST_S)
    assert done == ["freeze", "thaw", "freeze"]
    governor.close()


async def test_quick_invocations_are_looked_at_as_often_as_their_memory_could_be_filled_up() -> None:
    clock, group, governor, done = governed()
    governor.busy()
    governor.idle()
    group.used_mb = 28
    for _ in range(1000):
        governor.busy()
        await clock.advance(REST_S / 10)
        governor.idle()
    assert 1 / 0.06 < group.looks < 1 / 0.04  # 100 MB are left
    group.used_mb = 129
    for _ in range(100):
        governor.busy()
        await clock.advance(REST_S / 10)
        governor.idle()
    assert "over" in done
    governor.close()


async def test_what_short_invocations_leave_is_looked_at_when_an_environment_rests() -> None:
    clock, group, governor, done = governed()
    for used_mb in (100, 129):
        group.used_mb = used_mb
        governor.busy()
        await clock.advance(GRACE_S / 10)
        governor.idle()
        await clock.advance(0.1)
    assert done == ["freeze", "thaw", "over"]
    governor.close()


class Looker:
    """Asks to be called again and again, and notes when it was."""

    def __init__(self, clock: VirtualClock, rounds: Rounds, pause_s: float) -> None:
        self.clock, self.rounds, self.pause_s = clock, rounds, pause_s
        self.late: list[float] = []
        rounds.ask(clock.now() + pause_s, self)

    def look(self, due: float) -> None:
        self.late.append(self.clock.now() - due)
        self.rounds.ask(self.clock.now() + self.pause_s, self)


async def test_rounds_call_everybody_in_time_with_one_timer() -> None:
    clock = VirtualClock()
    rounds = Rounds(clock)
    lookers = [Looker(clock, rounds, pause_s) for pause_s in (0.5, 0.0101, 0.0103, 0.02)]
    early = Looker(clock, rounds, 0.003)
    await clock.advance(2)
    for each in (*lookers, early):
        assert all(0 <= late <= STEP_S + 1e-6 for late in each.late)
        assert 2 / (each.pause_s + STEP_S) - 2 <= len(each.late) <= 2 / each.pause_s
    assert len(clock._sleepers) == 1


async def test_rounds_go_on_when_somebody_fails(caplog: pytest.LogCaptureFixture) -> None:
    class Failing:
        def look(self, due: float) -> None:
            raise ZeroDivisionError

    clock = VirtualClock()
    rounds = Rounds(clock)
    rounds.ask(0.0049, Failing())
    looker = Looker(clock, rounds, 0.005)
    await clock.advance(0.1)
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [ZeroDivisionError]
    assert len(looker.late) > 5

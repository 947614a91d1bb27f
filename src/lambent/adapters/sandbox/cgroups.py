"""Control groups: a group per environment that limits its memory and CPU, and freezes it. Version 2, version 1, or both at once.

A process is never moved on the way of a request: in version 2 it is born in its group (``CLONE_INTO_CGROUP``), in version 1 a process
that waits for its function joins ahead. Where nothing can be written, ``NoGroups`` says so and the driver does without.

See the kernel's Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

MB_PER_CPU: Final = 1769  #: "At 1,769 MB, a function has the equivalent of one vCPU", says Lambda's guide on memory
PERIOD_US: Final = 20_000
_QUOTA_US_MIN: Final = 1_000  # the kernel's
_SOCKETS_BYTES_MAX: Final = 64 << 20
"""Of what waits in sockets: version 1 counts it by itself, if at all, and the machine has one amount for all (``net.ipv4.tcp_mem``)."""
_SOCKETS_LIMIT: Final = "memory.kmem.tcp.limit_in_bytes"
_REMOVE_TRIES: Final = 100


class Hierarchies(msgspec.Struct, frozen=True):
    """Where groups can be made; ``None`` where they can't."""

    unified: Path | None = None  #: version 2: born there, frozen there; its memory and CPU are limited, too, if it has the controllers
    has_limits: bool = False  #: whether the unified one has the controllers of memory and CPU
    memory: Path | None = None  #: version 1
    cpu: Path | None = None  #: version 1
    why: tuple[str, ...] = ()  #: what can't be limited, and why

    @property
    def all(self) -> list[Path]:
        """Every folder in which groups are made."""
        return [each for each in (self.unified, self.memory, self.cpu) if each is not None]

    def describe(self) -> str:
        """Return what is limited by what, in a few words."""
        limits = [name for name, has in (("memory", self.has_limits or self.memory), ("CPU", self.has_limits or self.cpu)) if has]
        told = [f"{' and '.join(limits)} limited by cgroups v{2 if self.has_limits else 1}"] if limits else []
        return "; ".join([*told, *self.why])


def find(name: str, *, proc: Path = Path("/proc/self"), exclusive: bool = True) -> Hierarchies:
    """Return where groups of this server, below a folder ``name``, can be made, and make those folders."""
    own = {}  # controllers → our path
    for line in (proc / "cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        own[controllers] = path
    mounts = _mounts(proc)
    why: list[str] = []
    memory, cpu = (_version1(mounts, own, controller, name, why) for controller in ("memory", "cpu"))
    unified, has_limits = None, False
    if "" in own and "" in mounts:
        unified, has_limits = _version2(mounts[""], own[""], name)
    if has_limits:
        memory = cpu = None
        why.clear()
    elif memory is None and cpu is None and not why:
        why.append("no cgroup can be written here" if unified is None else "memory and CPU can't be limited: their controllers aren't ours")
    return Hierarchies(unified, has_limits, memory, cpu, tuple(why))


def _mounts(proc: Path) -> dict[str, tuple[Path, str]]:
    """Return where each controller (``""``: version 2) is mounted, with the part of the hierarchy that is seen there."""
    found: dict[str, tuple[Path, str]] = {}
    for line in (proc / "mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        kind, _, options = after.split(" ", 2)
        root, point = before.split(" ")[3:5]
        if kind == "cgroup2":
            found.setdefault("", (Path(point), root))
        elif kind == "cgroup":
            for each in options.rpartition(" ")[2].split(","):
                found.setdefault(each, (Path(point), root))
    return found


def _below(mount: tuple[Path, str], path: str) -> Path:
    point, root = mount
    return point / path.removeprefix("/" if root == "/" else root).lstrip("/")


def _version1(mounts: dict[str, tuple[Path, str]], own: dict[str, str], controller: str, name: str, why: list[str]) -> Path | None:
    path = next((each for controllers, each in own.items() if controller in controllers.split(",")), None)
    if path is None or controller not in mounts:
        return None
    folder = _below(mounts[controller], path) / name
    try:
        folder.mkdir(exist_ok=True)
        if not os.access(folder / "cgroup.procs", os.W_OK):
            raise PermissionError(13, "not ours")
    except OSError as error:
        why.append(f"{controller} can't be limited: no cgroup can be made in {folder.parent} ({error.strerror})")
        return None
    return folder


def _version2(mount: tuple[Path, str], path: str, name: str) -> tuple[Path | None, bool]:
    """Return a folder of the unified hierarchy, and whether it has the controllers of memory and CPU.

    A group that has processes can't hand controllers down: as root our folder is at the top; else our own group must have been handed
    to us (``systemd-run --user --scope -p Delegate=yes``), and we step into a group below it.
    """
    place = _below(mount, path)
    top = mount[0]
    for parent in (top, place) if os.geteuid() == 0 else (place,):
        folder = parent / name
        try:
            folder.mkdir(exist_ok=True)
            offered = (parent / "cgroup.controllers").read_text().split()
        except OSError:
            continue
        if not {"memory", "cpu"} <= set(offered):
            return folder, False
        if parent == place and parent != top:
            with contextlib.suppress(OSError):
                aside = parent / f"{name}-server"
                aside.mkdir(exist_ok=True)
                (aside / "cgroup.procs").write_text(str(os.getpid()))
        try:
            for each in (parent, folder):
                (each / "cgroup.subtree_control").write_text("+memory +cpu")
        except OSError:
            return folder, False
        return folder, True
    return None, False


class Group:
    """One environment's group, in each hierarchy: made here, or by a holder (``plan``, then ``adopt``), which keeps nobody waiting."""

    def __init__(self, hierarchies: Hierarchies, name: str) -> None:
        self.hierarchies = hierarchies
        self.name = name
        self.born = -1  #: a descriptor of the folder that its processes are born in
        self.joins: list[int] = []  #: descriptors that a process writes ``0`` to in order to join
        self._open: list[int] = []
        self._freezer = self._quota = self._usage = self._limit = -1

    @classmethod
    def make(cls, hierarchies: Hierarchies, name: str) -> Group:
        """Make the folders."""
        group = cls(hierarchies, name)
        plan = group.plan()
        fds: list[int] = []
        try:
            for folder in plan["folders"]:
                Path(folder).mkdir()
            for path, text in plan["writes"]:
                Path(path).write_text(text)
            for path, flags in plan["opens"]:
                fds.append(os.open(path, flags))
        except OSError:
            for fd in fds:
                os.close(fd)
            group.remove()
            raise
        group.adopt(fds)
        return group

    def plan(self) -> dict[str, Any]:
        """Return what is to be made: ``folders``, ``writes`` (path, text), and ``opens`` (path, flags)."""
        found = self.hierarchies
        writes = [] if found.cpu is None else [(str(found.cpu / self.name / "cpu.cfs_period_us"), str(PERIOD_US))]
        if found.memory is not None and (found.memory / _SOCKETS_LIMIT).exists():
            writes.append((str(found.memory / self.name / _SOCKETS_LIMIT), str(_SOCKETS_BYTES_MAX)))
        return {
            "folders": [str(each / self.name) for each in found.all],
            "writes": writes,
            "opens": [(str(path), flags) for _, path, flags in self._opens()],
        }

    def adopt(self, fds: Sequence[int]) -> None:
        """Take the descriptors that were opened by the plan, and open those by which processes join.

        Version 1 lets a process be moved by whoever *opened* the file, and a holder is an environment's own user by then.
        """
        self._open = list(fds)
        for (role, _, _), fd in zip(self._opens(), fds, strict=True):
            setattr(self, role, fd)
        for each in (self.hierarchies.memory, self.hierarchies.cpu):
            if each is not None:
                self.joins.append(os.open(each / self.name / "cgroup.procs", os.O_WRONLY))
                self._open.append(self.joins[-1])

    def _opens(self) -> list[tuple[str, Path, int]]:
        found, opens = self.hierarchies, list[tuple[str, Path, int]]()
        if found.unified is not None:
            opens.append(("born", found.unified / self.name, os.O_RDONLY | os.O_DIRECTORY))
            opens.append(("_freezer", found.unified / self.name / "cgroup.freeze", os.O_WRONLY))
        quota = self._file("cpu.max", found.cpu, "cpu.cfs_quota_us")
        if quota is not None:
            opens.append(("_quota", quota, os.O_WRONLY))
        usage = self._file("memory.current", found.memory, "memory.usage_in_bytes")
        if usage is not None:
            opens.append(("_usage", usage, os.O_RDONLY))
        limit = self._file("memory.max", found.memory, "memory.limit_in_bytes")
        if limit is not None:
            opens.append(("_limit", limit, os.O_WRONLY))
        return opens

    @property
    def can_freeze(self) -> bool:
        """Whether the group can be frozen."""
        return self._freezer >= 0

    @property
    def limits_memory(self) -> bool:
        """Whether the group's memory is limited."""
        return self._usage >= 0

    @property
    def limits_cpu(self) -> bool:
        """Whether the group's CPU can be capped."""
        return self._quota >= 0

    def settled(self) -> None:
        """Close what a first process needed to be born here or to join: nobody else will."""
        for fd in (self.born, *self.joins):
            if fd >= 0:
                self._open.remove(fd)
                os.close(fd)
        self.born, self.joins = -1, []

    def take(self, pid: int) -> None:
        """Move a process here. Takes milliseconds: not on the way of a request."""
        for parent in self.hierarchies.all:
            with contextlib.suppress(OSError):  # it has ended
                (parent / self.name / "cgroup.procs").write_text(str(pid))

    def limit(self, memory_mb: int, tmp_mb: int) -> None:
        """Let the kernel kill beyond ``memory_mb`` and ``/tmp``, which is memory here; ``left_bytes`` tells of what is beyond. Once."""
        if self._limit >= 0:
            os.write(self._limit, str((memory_mb + tmp_mb) << 20).encode())
            self._open.remove(self._limit)
            os.close(self._limit)
            self._limit = -1

    def cap(self, memory_mb: int) -> None:
        """Give the group the share of CPU that goes with its memory."""
        quota = max(_QUOTA_US_MIN, PERIOD_US * memory_mb // MB_PER_CPU)
        self._write(self._quota, f"{quota} {PERIOD_US}" if self.hierarchies.has_limits else str(quota))

    def uncap(self) -> None:
        """Let the group use all CPU that there is."""
        self._write(self._quota, f"max {PERIOD_US}" if self.hierarchies.has_limits else "-1")

    def freeze(self) -> None:
        """Stop every process in the group where it is."""
        self._write(self._freezer, "1")

    def thaw(self) -> None:
        """Let them go on."""
        self._write(self._freezer, "0")

    def left_bytes(self, memory_mb: int) -> int:
        """Return how much of ``memory_mb`` the processes' own memory leaves; negative when it is more. Some microseconds.

        ``/tmp`` and cached files, which are memory of the group, too, aren't counted where it matters.
        """
        limit = memory_mb << 20
        try:
            left = limit - int(os.pread(self._usage, 32, 0))
        except OSError:  # the group is on its way out
            return limit
        stat = self._file("memory.stat", self.hierarchies.memory, "memory.stat") if left < 0 else None
        if stat is None:
            return left
        key = "anon " if self.hierarchies.has_limits else "rss "
        try:
            return limit - sum(int(line.split()[1]) for line in stat.read_text().splitlines() if line.startswith(key))
        except OSError:
            return limit

    def was_killed(self) -> bool:
        """Return whether the kernel has killed a process of the group for its memory."""
        events = self._file("memory.events", self.hierarchies.memory, "memory.oom_control")
        if events is None:
            return False
        with contextlib.suppress(OSError):
            return any(line.startswith("oom_kill ") and line != "oom_kill 0" for line in events.read_text().splitlines())
        return False

    def remove(self) -> None:
        """Close descriptors and remove the folders; everything in them has ended. Safe to call twice."""
        opened, self._open = self._open, []
        self.born = self._freezer = self._quota = self._usage = self._limit = -1
        self.joins = []
        for fd in opened:  # only now that nobody writes to it any more: another thread opens files, too
            os.close(fd)
        for parent in self.hierarchies.all:
            _remove(parent / self.name, time.sleep)

    def _file(self, unified: str, version1: Path | None, name: str) -> Path | None:
        if self.hierarchies.has_limits and self.hierarchies.unified is not None:
            return self.hierarchies.unified / self.name / unified
        return version1 / self.name / name if version1 is not None else None

    def _write(self, fd: int, text: str) -> None:
        if fd >= 0:
            with contextlib.suppress(OSError):  # the group is on its way out
                os.write(fd, text.encode())


def sweep(hierarchies: Hierarchies) -> None:
    """Kill and remove what an earlier server of the same folder left behind."""
    for parent in hierarchies.all:
        for folder in _groups(parent):
            for pid in _pids(folder):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            _remove(folder, time.sleep)


def remove(hierarchies: Hierarchies) -> None:
    """Remove our folders, when every group is gone."""
    for parent in hierarchies.all:
        for folder in (*_groups(parent), parent):
            _remove(folder, time.sleep)


def _groups(parent: Path) -> Sequence[Path]:
    with contextlib.suppress(OSError):
        return [each for each in parent.iterdir() if each.is_dir()]
    return []


def _pids(folder: Path) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(each) for each in (folder / "cgroup.procs").read_text().split()]
    return []


def _remove(folder: Path, pause: Callable[[float], None]) -> None:
    """Remove a group; the kernel refuses for a moment after its last process ended."""
    for _ in range(_REMOVE_TRIES):
        try:
            folder.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            pause(0.002)
        else:
            return

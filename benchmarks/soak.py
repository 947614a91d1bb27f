"""A soak: mixed load with functions that crash, hang, leak, fork and flood; afterwards nothing may be left.

``python -m benchmarks.soak [seconds]`` (20 by default; ``make soak SECONDS_OF_SOAK=3600``). Exits with 1 and says what is left or
has grown: processes, descriptors, files, mounts, control groups, memory.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import statistics
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import load, server

CLIENTS = 8
IDLE_S = 2.0
SETTLE_S = 30.0
STOCK_S = 13.0  # more berths than usual wait for ten seconds after many starts
RSS_GROWTH_MAX = 1.15
RSS_SLACK_MB = 16.0

#: name → (source, settings, weight, what its answers may be)
FUNCTIONS: dict[str, tuple[str, dict[str, int], int]] = {
    "fine": (server.ECHO, {}, 40),
    "raises": ("def handler(event, context):\n    raise ValueError('no')\n", {}, 8),
    "exits": ("import os\ndef handler(event, context):\n    os._exit(3)\n", {}, 4),
    "segfaults": ("import os, signal\ndef handler(event, context):\n    os.kill(os.getpid(), signal.SIGSEGV)\n", {}, 4),
    "hangs": ("import time\ndef handler(event, context):\n    time.sleep(600)\n", {"Timeout": 1}, 2),
    "spins": ("def handler(event, context):\n    while True: pass\n", {"Timeout": 1}, 1),
    "leaks": ("KEPT = []\ndef handler(event, context):\n    KEPT.append(bytearray(16_000_000))\n", {"MemorySize": 256}, 4),
    "forks": (
        (
            "import os, time\ndef handler(event, context):\n    for _ in range(3):\n        if os.fork() == 0:\n            os.setsid()\n"
            "            if os.fork() == 0:\n                time.sleep(600)\n            os._exit(0)\n"
        ),
        {},
        3,
    ),
    "floods": ("def handler(event, context):\n    for n in range(2_000):\n        print('x' * 200)\n", {}, 3),
    "litters": (
        "import os, tempfile\ndef handler(event, context):\n    open(tempfile.mktemp(), 'wb').write(os.urandom(1_000_000))\n",
        {},
        4,
    ),
    "hoards": ("import os\nKEPT = []\ndef handler(event, context):\n    KEPT.extend(open('/dev/null') for _ in range(100))\n", {}, 3),
    "broken": ("import nothing_of_this_name\n", {}, 2),
}


@dataclass
class Tally:
    """What the clients saw."""

    answers: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    seen: dict[int, int] = field(default_factory=dict)  #: processes below the server: pid → start time
    rss_mb: list[float] = field(default_factory=list)


def main(seconds: float) -> int:
    """Run, look, and return the exit status."""
    os.environ["LAMBENT_IDLE_S"] = str(IDLE_S)
    mounts = _mounts()
    tally = Tally()
    with server.running() as ours:
        for name, (source, settings, _) in FUNCTIONS.items():
            ours.deploy(name, source, **settings)
            # Events of functions that fail would come again after one and two minutes, when everything should be at rest.
            ours.client().put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0)
        _ask(ours.port, "fine", tally)
        _wait_idle(ours)
        rest = _at_rest(ours)
        _load(ours, tally, seconds)
        problems = _wait_idle(ours)
        problems += _compare(rest, _at_rest(ours))
        left = _files(ours.data_dir)
        problems += [f"left on disk: {len(left)} folders such as {left[0]}"] if left else []
        problems += _growth(tally.rss_mb)
    problems += [f"process {pid} outlived the server" for pid, began in tally.seen.items() if began and _start_time(pid) == began]
    problems += [f"mount left: {each}" for each in _mounts() - mounts] + [f"control group left: {each}" for each in _groups(ours.data_dir)]
    problems += tally.wrong[:10]
    total = sum(tally.answers.values())
    told = ", ".join(f"{count} {what}" for what, count in tally.answers.most_common())
    print(f"{total} invocations in {seconds:.0f} s: {told}")
    print(f"{len(tally.seen)} processes came and went; resident memory {tally.rss_mb[0]:.0f} → {tally.rss_mb[-1]:.0f} MB")
    for each in problems:
        print(f"PROBLEM: {each}", file=sys.stderr)
    return 1 if problems else 0


def _load(ours: server.Server, tally: Tally, seconds: float) -> None:
    end = time.monotonic() + seconds
    names = [name for name, (_, _, weight) in FUNCTIONS.items() for _ in range(weight)]

    def client(seed: int) -> None:
        rng = random.Random(seed)
        while time.monotonic() < end:
            _ask(ours.port, rng.choice(names), tally, is_event=rng.random() < 0.1)

    clients = [threading.Thread(target=client, args=(seed,)) for seed in range(CLIENTS)]
    for each in clients:
        each.start()
    while any(each.is_alive() for each in clients):
        for pid in server.descendants(ours.process.pid):
            tally.seen.setdefault(pid, _start_time(pid))
        tally.rss_mb.append(ours.rss_mb())
        time.sleep(0.5)


def _ask(port: int, name: str, tally: Tally, *, is_event: bool = False) -> None:
    headers = {"x_amz_invocation_type": "Event"} if is_event else {}
    connection = load.Connection(port)
    try:
        connection.ask(load.invocation(port, name, b'{"a":1}', load.Key(), **headers))
        tally.answers["accepted" if is_event else "answered"] += 1
    except load.Failed as failed:
        text = str(failed)
        if "x-amz-function-error" in text:
            tally.answers["errors of functions"] += 1
        elif text.startswith("http/1.1 429"):
            tally.answers["throttled"] += 1
        else:
            tally.wrong.append(f"{name}: {text[:300]}")
    except OSError as error:
        tally.wrong.append(f"{name}: {error}")
    finally:
        connection.close()


@dataclass
class Rest:
    """What a server holds when nothing runs."""

    processes: list[str]
    descriptors: int
    threads: int


def _at_rest(ours: server.Server) -> Rest:
    pids = server.descendants(ours.process.pid)
    names = sorted(Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()[:120] for pid in pids if _start_time(pid))
    return Rest(names, _count(f"/proc/{ours.process.pid}/fd"), _count(f"/proc/{ours.process.pid}/task"))


def _count(folder: str) -> int:
    return sum(1 for _ in Path(folder).iterdir())


def _compare(before: Rest, after: Rest) -> list[str]:
    problems = [
        f"process left: {each}" for each, count in (Counter(after.processes) - Counter(before.processes)).items() for _ in range(count)
    ]
    if after.descriptors > before.descriptors + 4:
        problems.append(f"descriptors of the server: {before.descriptors} → {after.descriptors}")
    if after.threads > before.threads + 8:
        problems.append(f"threads of the server: {before.threads} → {after.threads}")
    return problems


def _wait_idle(ours: server.Server) -> list[str]:
    end = time.monotonic() + SETTLE_S
    while (count := ours.health()["environments"]) and time.monotonic() < end:
        time.sleep(0.2)
    time.sleep(STOCK_S)  # what was let go of stops, and no more berths wait than at first
    return [f"{count} environments did not expire"] if count else []


def _growth(rss_mb: list[float]) -> list[str]:
    """Compare memory after the beginning with the end: caches fill in the first quarter."""
    quarter = max(1, len(rss_mb) // 4)
    early, late = statistics.median(rss_mb[quarter : 2 * quarter] or rss_mb), statistics.median(rss_mb[-quarter:])
    if late > early * RSS_GROWTH_MAX + RSS_SLACK_MB:
        return [f"resident memory grew from {early:.0f} to {late:.0f} MB"]
    return []


def _files(data_dir: Path) -> list[str]:
    """Return what environments left behind: their own folders are gone when they are."""
    run = data_dir / "environments" / "run"
    return [str(each) for each in run.iterdir()] if run.exists() else []


def _mounts() -> set[str]:
    return {line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()}


def _groups(data_dir: Path) -> list[str]:
    """Return the control groups of a server with this data directory; other servers on the machine have others."""
    name = f"lambent-{hashlib.sha256(str(data_dir / 'environments' / 'run').encode()).hexdigest()[:8]}"
    root = Path("/sys/fs/cgroup")
    return [str(each) for each in root.rglob(name)] if root.exists() else []


def _start_time(pid: int) -> int:
    """Return when a process began, in ticks: a number that comes again is another process; 0 when there is none, or a zombie."""
    with contextlib.suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return 0 if fields[0] in "ZX" else int(fields[19])
    return 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 20.0))

"""Cold starts: one after the other, fifty at once, restored from snapshots, and a thousand environments."""

from __future__ import annotations

import json
import shutil
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks import load, server
from benchmarks.report import Row, millis

SAMPLES = 24
RESTORES = 8
BOTO3 = "import boto3\n" + server.ECHO
HELD_S = 3.0  # an environment of a burst is busy
KEEPER_MB = 0.1  # an environment is a runtime, and what keeps its room, which is smaller
REST_S = 13.0  # until they rest: after many starts more berths than usual wait for ten seconds
SLOW_INIT = (
    "import os, time, uuid\ntime.sleep(1)\nMADE = uuid.uuid4().hex\nBALLAST = [bytes([n % 256]) * 1_048_576 for n in range(300)]\n"
    "def handler(event, context):\n    entered = time.time()\n    time.sleep(event['hold_s'])\n    return [entered, MADE]\n"
)
HOLDING = (
    "import os, time\ndef handler(event, context):\n    entered = time.time()\n    time.sleep(max(0, event['until'] - entered))\n"
    "    return [entered, os.environ['AWS_LAMBDA_LOG_STREAM_NAME']]\n"
)


def rows() -> list[Row]:
    """All rows about cold starts."""
    with server.running() as ours:
        return [*_one_by_one(ours), _node(ours), _at_once(ours), _snapstart(ours)]


def scale() -> list[Row]:
    """From nothing to a thousand environments that are busy at once."""
    with server.running() as ours:
        driver = ours.health()["sandbox"]
        goal = "≤ 15 s, ≤ 3 MB each at rest, none lost"
        if driver == "process":
            return [
                Row("0 → 1,000 environments busy at once", "(seconds)", goal, absent="the `process` driver starts an interpreter for each")
            ]
        return [_thousand(ours, goal)]


def _one_by_one(ours: server.Server) -> list[Row]:
    made = []
    for name, source, program in (("nothing", server.ECHO, "pass"), ("boto3", BOTO3, "import boto3")):
        for number in range(SAMPLES + 1):
            ours.deploy(f"{name}-{number}", source, MemorySize=256)
        _invoke(ours, f"{name}-{SAMPLES}")  # compiled once, as on any machine that has run it before
        cold, base = [], []
        for number in range(SAMPLES):
            base += server.timed([server.PYTHON, "-c", program], 1)
            began = time.perf_counter()
            _invoke(ours, f"{name}-{number}")
            cold.append(time.perf_counter() - began)
        made.append((name, program, cold, base))
    empty = statistics.median(made[0][3])
    return [
        Row(
            f"cold start end to end, p50, Python function importing {name}",
            "`python3 -c pass`",
            "≤ 0.5 ×, stretch 0.25 ×; p99 ≤ 3 × p50",
            [each / empty for each in cold],
            f"{millis(cold)} (worst {max(cold) * 1e3:.0f} ms); `python3 -c '{program}'` {millis(base)}",
            0.5,
        )
        for name, program, cold, base in made
    ]


def _node(ours: server.Server) -> Row:
    row = Row("cold start end to end, p50, Node function", "`node -e 0`", "(none)")
    runtime = next((each for each in ("nodejs24.x", "nodejs22.x", "nodejs20.x", "nodejs18.x") if ours.serves(each)), None)
    if runtime is None or shutil.which("node") is None:
        row.absent = "no Node is on this machine"
        return row
    for number in range(SAMPLES):
        ours.deploy(f"node-{number}", "exports.handler = async (event) => event\n", MemorySize=256, Runtime=runtime)
    cold, base = [], []
    for number in range(SAMPLES):
        base += server.timed(["node", "-e", "0"], 1)
        began = time.perf_counter()
        _invoke(ours, f"node-{number}")
        cold.append(time.perf_counter() - began)
    empty = statistics.median(base)
    row.ratios = [each / empty for each in cold]
    row.measured = f"{millis(cold)} (worst {max(cold) * 1e3:.0f} ms); `node -e 0` {millis(base)}"
    return row


def _at_once(ours: server.Server) -> Row:
    ours.deploy("burst", HOLDING, MemorySize=256)
    took, ratios, streams = [], [], 0
    for _ in range(3):
        base = sum(server.timed([server.PYTHON, "-c", "pass"], 50))
        ours.client().update_function_configuration(FunctionName="burst", Description=str(time.time()))  # the next are cold again
        ours.client().get_waiter("function_updated_v2").wait(FunctionName="burst", WaiterConfig={"Delay": 0.1})
        began = time.time()
        until = b"%f" % (began + HELD_S)  # none is free for another one before
        answers = _together(50, lambda number, until=until: _invoke(ours, "burst", b'{"until":%b,"number":%d}' % (until, number)))
        took.append(max(entered for entered, _ in answers) - began)
        ratios.append(took[-1] / base)
        streams = len({each[1] for each in answers})
    note = f"{streams} environments"
    return Row("50 cold starts at once, all answered", "50 × `python3 -c pass` in turn", "≤ 1 ×", ratios, f"{millis(took)}, {note}", 1.0)


def _snapstart(ours: server.Server) -> Row:
    row = Row("SnapStart restore, p50, init of 1 s and 300 MB", "`python3 -c pass`", "≤ 1 ×", goal_ratio=1.0)
    runtime = next((each for each in ("python3.13", "python3.12") if ours.serves(each)), None)
    if runtime is None:
        row.absent = "no Python from 3.12 on is on this machine"
        return row
    ours.deploy("snap", SLOW_INIT, MemorySize=1024, SnapStart={"ApplyOn": "PublishedVersions"}, Runtime=runtime)
    client = ours.client()
    version = client.publish_version(FunctionName="snap")["Version"]
    client.get_waiter("published_version_active").wait(FunctionName="snap", Qualifier=version, WaiterConfig={"Delay": 0.2})
    restored, base, made = [], [], set()
    with ThreadPoolExecutor(RESTORES) as pool:
        waiting = []
        for _ in range(RESTORES):  # the ones before are still busy: each needs an environment of its own
            base += server.timed([server.PYTHON, "-c", "pass"], 1)
            waiting.append(pool.submit(_restored, client, version))
            time.sleep(0.25)
        for each in waiting:
            took, token = each.result()
            restored.append(took)
            made.add(token)
    if len(made) > 1:
        row.absent = f"the `{ours.health()['sandbox']}` driver initialises each environment anew"
        return row
    empty = statistics.median(base)
    row.ratios = [each / empty for each in restored]
    row.measured = f"{millis(restored)}, boto3's half millisecond included; `python3 -c pass` {millis(base)}"
    return row


def _restored(client: Any, version: str) -> tuple[float, str]:
    """Return the seconds until a fresh environment's handler was entered, and what was made when its function was initialised."""
    began = time.time()
    answer = client.invoke(FunctionName="snap", Qualifier=version, Payload=b'{"hold_s": 4}')
    entered, token = json.loads(answer["Payload"].read())
    return entered - began, token


def _thousand(ours: server.Server, goal: str, count: int = 1000) -> Row:
    ours.deploy("many", HOLDING, MemorySize=128)
    _invoke(ours, "many", b'{"until":0}')
    began = time.time()
    until = began + 25
    found = _together(count, lambda number: _invoke_or_none(ours, "many", b'{"until":%f,"number":%d}' % (until, number)))
    answers = [each for each in found if each is not None]
    busy_s = max(each[0] for each in answers) - began
    streams = len({each[1] for each in answers})
    row = Row(
        "0 → 1,000 environments busy at once", "(seconds)", goal, [busy_s], f"{streams} environments, {count - len(answers)} lost", 15.0
    )
    time.sleep(REST_S)
    found = _pss_mb(ours)
    runtimes, keepers = [each for each in found if each >= KEEPER_MB], [each for each in found if each < KEEPER_MB]
    own = statistics.median(runtimes) + statistics.median(keepers)
    row.notes.append(
        f"{own:.2f} MB of proportional memory each at rest, {sum(found) / max(1, streams):.2f} with stock, templates and helpers"
    )
    return row


def _pss_mb(ours: server.Server) -> list[float]:
    """Return the proportional memory of each process below the server, in MB."""
    found = []
    for pid in server.descendants(ours.process.pid):
        try:
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        found.append(next(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:")) / 1024)
    return found


def _invoke(ours: server.Server, name: str, body: bytes = b"{}") -> Any:
    connection = load.Connection(ours.port)
    answer = connection.ask(load.invocation(ours.port, name, body, load.Key()))
    connection.close()
    return json.loads(answer)


def _invoke_or_none(ours: server.Server, name: str, body: bytes) -> Any:
    try:
        return _invoke(ours, name, body)
    except load.Failed:
        return None


def _together(count: int, call: Callable[[int], Any]) -> list[Any]:
    """Return the answers to calls that begin at once; the first that fails is raised."""
    with ThreadPoolExecutor(count) as pool:
        return [each.result() for each in [pool.submit(call, number) for number in range(count)]]

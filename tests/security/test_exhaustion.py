"""What one function uses up, floods or holds on to is missed by nobody else: not by the server, a neighbour, or the machine."""

from __future__ import annotations

import asyncio
import ctypes
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.unit.adapters.sandbox.sandbox_kit import start

from lambent.adapters.sandbox.namespaces import NamespaceSandbox
from lambent.base.clock import SystemClock
from lambent.domain.environments import Ending

INOTIFY = """
import ctypes
libc = ctypes.CDLL(None)
def handler(event, context):
    return sum(libc.inotify_init1(0) >= 0 for _ in range(event))
"""
SIGNALS = """
import ctypes, os, signal
libc = ctypes.CDLL(None)
def handler(event, context):
    signal.pthread_sigmask(signal.SIG_BLOCK, {40})
    while libc.sigqueue(os.getpid(), 40, 0) == 0:
        pass
    return True
"""
LINGERING = """
import array, os, socket, struct, time
def handler(event, context):
    listener = socket.create_server(("127.0.0.1", 0))
    lingering, end = socket.create_connection(listener.getsockname()), listener.accept()[0]
    lingering.setblocking(False)
    try:
        while True:
            lingering.send(bytes(65536))
    except BlockingIOError:
        pass
    lingering.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 3))
    frames = socket.socket(fileno=os.dup(3))
    frames.sendmsg([b"\\x10\\0\\0\\0\\2\\0\\0\\0\\0{"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [lingering.fileno()]))])
    lingering.close()  # now the last one is on its way to the server
    frames.send(b"}")
    time.sleep(3)
"""
FLOOD = """
import os
def handler(event, context):
    for _ in range(2):
        os.write(1, (b"x" * event["length"] + b"\\n") * (300_000 // (event["length"] + 1)))
"""
FORGED = """
import json, os, struct
def handler(event, context):
    head = json.dumps(event["header"]).encode()
    os.write(3, struct.pack("!BII", event["kind"], len(head), 1) + head + b"1")
    while True:
        pass
"""

FRAMES = """
import os, socket, struct
def frame(kind, head):
    return struct.pack("!BII", kind, len(head), 0) + head
def handler(event, context):
    frames = socket.socket(fileno=os.dup(3))
    frames.sendall(frame(20, b"{}"))
    flood = frame(event[0], event[1].encode()) * 10_000
    while True:
        frames.sendall(flood)
"""
SOCKETS = """
import socket, time
def handler(event, context):
    listener, pairs, end = socket.create_server(("127.0.0.1", 0), backlog=64), [], time.monotonic() + event
    while len(pairs) < 300 and time.monotonic() < end:
        pairs.append((socket.create_connection(listener.getsockname()), listener.accept()[0]))
        for each in pairs[-1]:
            each.setblocking(False)
            try:
                while True:
                    each.send(bytes(1 << 20))
            except BlockingIOError:
                pass
    for line in open("/proc/net/sockstat"):  # of the whole machine
        if line.startswith("TCP:"):
            return int(line.split()[-1]) * 4096 >> 20
"""
NOTHING = "def handler(event, context):\n    return True\n"


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[NamespaceSandbox]:
    if os.geteuid():
        pytest.skip("not root")
    driver = NamespaceSandbox(tmp_path / "sandbox", SystemClock())
    yield driver
    await driver.close()


async def longest_pause(stop: asyncio.Event) -> float:
    """Return for how long the event loop, and with it everybody, was held up at most, in seconds."""
    longest, before = 0.0, time.monotonic()
    while not stop.is_set():
        await asyncio.sleep(0.01)
        longest, before = max(longest, time.monotonic() - before), time.monotonic()
    return longest


@pytest.mark.slow
async def test_inotify_is_left_for_others(sandbox: NamespaceSandbox, tmp_path: Path) -> None:
    greedy = await start(sandbox, tmp_path, {"app.py": INOTIFY})
    neighbour = await start(sandbox, tmp_path, {"app.py": INOTIFY})
    assert await greedy.result(1_000) < 1_000, "it has all that it can get"
    assert await neighbour.result(2) == 2
    ours = ctypes.CDLL(None).inotify_init1(0)
    assert ours >= 0
    os.close(ours)


@pytest.mark.slow
async def test_signals_are_left_for_others(sandbox: NamespaceSandbox, tmp_path: Path) -> None:
    await (await start(sandbox, tmp_path, {"app.py": SIGNALS})).result()
    queued = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("SigQ"))
    assert int(queued.split()[1].partition("/")[0]) < 1_000


@pytest.mark.slow
async def test_a_socket_that_lingers_holds_up_nobody(sandbox: NamespaceSandbox, tmp_path: Path) -> None:
    evil, stop = await start(sandbox, tmp_path, {"app.py": LINGERING}), asyncio.Event()
    pause = asyncio.create_task(longest_pause(stop))
    await evil.invoke(timeout_s=4.0)
    await asyncio.sleep(1.0)
    stop.set()
    assert await pause < 2.0


@pytest.mark.slow
@pytest.mark.parametrize("length", [0, 1, 1_000])
async def test_a_flood_of_output_holds_up_nobody(sandbox: NamespaceSandbox, tmp_path: Path, length: int) -> None:
    evil, stop = await start(sandbox, tmp_path, {"app.py": FLOOD}), asyncio.Event()
    pause = asyncio.create_task(longest_pause(stop))
    outcome = await evil.invoke({"length": length}, timeout_s=60.0)
    stop.set()
    assert outcome.ending is Ending.SUCCESS
    assert len(evil.output.lines) == 2 * (300_000 // (length + 1))
    assert await pause < 0.5


@pytest.mark.slow
@pytest.mark.parametrize("kind", [17, 18, 19, 20])
@pytest.mark.parametrize(
    "header",
    [{"peak_kb": "many"}, {"peak_kb": "9" * 5_000}, {"peak_kb": -1.5}, {"error_type": ["E"]}, {"content_type": {}}, {"request_id": 5}],
    ids=["word", "digits", "negative", "list", "table", "number"],
)
async def test_a_forged_report_is_the_function_s_own_affair(
    sandbox: NamespaceSandbox, tmp_path: Path, kind: int, header: dict[str, object]
) -> None:
    evil = await start(sandbox, tmp_path, {"app.py": FORGED})
    outcome = await evil.invoke({"kind": kind, "header": header}, timeout_s=0.5)
    assert isinstance(outcome.error_type, str)
    assert isinstance(outcome.content_type, str)
    assert 0 <= outcome.memory_peak_mb < 100_000


@pytest.mark.slow
@pytest.mark.parametrize("frame", [(17, '{"request_id":"old","n":1}'), (21, "{}")], ids=["result", "chunk"])
async def test_a_flood_of_frames_slows_down_nobody(sandbox: NamespaceSandbox, tmp_path: Path, frame: tuple[int, str]) -> None:
    evil, neighbour = await start(sandbox, tmp_path, {"app.py": FRAMES}), await start(sandbox, tmp_path, {"app.py": NOTHING})
    flood = asyncio.create_task(evil.invoke(frame, timeout_s=1.0))
    await asyncio.sleep(0.3)
    end, served = time.monotonic() + 0.6, 0
    while time.monotonic() < end:
        served += await neighbour.result()
    await flood
    assert served > 60  # without a bound: 3 to 12; alone: 2,000


@pytest.mark.slow
async def test_what_waits_in_sockets_is_limited(sandbox: NamespaceSandbox, tmp_path: Path) -> None:
    evil = await start(sandbox, tmp_path, {"app.py": SOCKETS})
    assert await evil.result(2.0) < 200  # MB; without a limit: 600, in as long

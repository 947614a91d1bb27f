"""How many calls of our functions a warm invocation takes, from the client's bytes to the answer: what makes it slow is their number."""

from __future__ import annotations

import asyncio
import socket
import sys
from pathlib import Path
from types import FrameType

from benchmarks import load, server

import lambent
from lambent.base.settings import Settings
from lambent.base.tasks import cancel_and_wait, supervise
from lambent.server.build import build
from lambent.server.ground import prepare

CALLS_MAX = 118
"""A few more than there are; raise it for a reason, and lower it when it can be. (Resumed coroutines count again.)"""

_OURS = str(Path(lambent.__file__).parent)
_INVOCATIONS = 30


class Calls:
    """Counts calls of our own functions on this thread."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, frame: FrameType, event: str, arg: object) -> None:
        self.count += event == "call" and frame.f_code.co_filename.startswith(_OURS)


async def test_a_warm_invocation_takes_few_steps(tmp_path: Path) -> None:
    settings = Settings(port=server.free_port(), data_dir=tmp_path / "data", sandbox="process")
    built = await build(settings, await prepare(settings))
    front = built.front()
    workers = [asyncio.create_task(supervise(each.name, each.run, built.clock)) for each in (*built.workers, front)]
    try:
        await front.listen([socket.create_server((settings.host, settings.port))])
        assert await _fewest_calls(settings.port, tmp_path) <= CALLS_MAX
    finally:
        await front.stop(1.0)
        await cancel_and_wait(workers)
        await built.close()


async def _fewest_calls(port: int, data_dir: Path) -> int:
    """Return the calls of the invocation that took the fewest: others had a flush or a timer in between."""
    requests = await asyncio.to_thread(_prepared, port, data_dir)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    found = []
    for request in requests:
        calls = Calls()
        sys.setprofile(calls)
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        sys.setprofile(None)
        assert head.startswith(b"HTTP/1.1 200 ")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        assert await reader.readexactly(length)
        found.append(calls.count)
    writer.close()
    return min(found)


def _prepared(port: int, data_dir: Path) -> list[bytes]:
    """Deploy a function, have it warm, and return signed invocations of it."""
    client = server.Server(None, port, data_dir, 0.0)
    key = client.role_key()
    client.deploy("echo")
    load.latencies(port, load.invocations(port, "echo", 20, key))
    return load.invocations(port, "echo", _INVOCATIONS, key)

"""A helper whose other end a function's code has may say anything."""

from __future__ import annotations

import array
import asyncio
import json
import os
import socket
import time
from pathlib import Path

import pytest

from lambent.adapters.sandbox.helpers import Helper, HelperLost, pair


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize(
    "message",
    [
        b"not JSON",
        b"[]",
        b"[" * 100_000,
        b"5",
        b"{}",
        b'{"id": []}',
        b'{"exited": 1}',
        b'{"id": "f", "exited": "x", "peak_kb": 0}',
        b'{"id": "f", "exited": 1, "peak_kb": []}',
        b'{"id": "f", "exited": Infinity, "peak_kb": 0}',
    ],
)
async def test_what_no_helper_says_is_its_end(message: bytes) -> None:
    ours, theirs = pair()
    helper = Helper(ours, is_foreign=True)
    asked = asyncio.create_task(helper.fork({"do": "fork", "id": "f"}, []))
    await asyncio.sleep(0)
    theirs.send(message)
    with pytest.raises(HelperLost):
        async with asyncio.timeout(5):
            await asked
    assert helper.lost
    theirs.close()


async def test_descriptors_that_a_function_sends_are_closed() -> None:
    ours, theirs = pair()
    helper = Helper(ours, is_foreign=True)
    before = _open_files()
    fd = os.open("/dev/null", os.O_RDONLY)
    for _ in range(20):
        theirs.sendmsg([json.dumps({"id": "x"}).encode()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd] * 50))])
    os.close(fd)
    async with asyncio.timeout(5):
        while _open_files() > before:
            await asyncio.sleep(0)
    helper.close()
    theirs.close()


async def test_a_flood_of_messages_lets_others_have_their_turn() -> None:
    ours, theirs = pair()
    helper = Helper(ours, is_foreign=True)
    theirs.setblocking(False)
    message, end, turns = json.dumps({"id": "x"}).encode(), time.monotonic() + 0.3, 0
    while time.monotonic() < end:
        try:
            while True:
                theirs.send(message)
        except BlockingIOError:
            turns += 1
            await asyncio.sleep(0)
    assert turns > 1
    helper.close()
    theirs.close()


async def test_numbers_that_a_function_makes_up_stay_small() -> None:
    ours, theirs = pair()
    helper = Helper(ours, is_foreign=True)
    asked = asyncio.create_task(helper.fork({"do": "fork", "id": "f"}, []))
    await asyncio.sleep(0)
    theirs.send(b'{"id": "f", "pid": 1}')
    child, _ = await asked
    theirs.send(b'{"id": "f", "exited": -1%b, "peak_kb": 1%b}' % (b"0" * 4_000, b"0" * 4_000))
    ended = await asyncio.wait_for(child.ended, 5)
    assert (ended.status, ended.peak_mb) == (-0x7FFFFFFF, 0x7FFFFFFF // 1024)
    helper.close()
    theirs.close()

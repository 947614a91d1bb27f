"""The floor: HTTP → socket pair → handler in another process → HTTP, and nothing else.

No signatures, routing, limits, logs, sandbox or error handling. ``python -m benchmarks.floor [workers]`` prints its port and serves
until its standard input closes. It speaks the frames that environments speak, to the same handler.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import struct
import sys
from collections import deque
from typing import Any

import httptools
import uvloop

_HEAD = struct.Struct("!BII")
HANDLER = "def handler(event, context):\n    return event\n"


def worker(sock: socket.socket) -> None:
    """Answer frames with what the handler returns."""
    space: dict[str, Any] = {}
    exec(HANDLER, space)
    handler = space["handler"]

    def exactly(count: int) -> bytes:
        return sock.recv(count, socket.MSG_WAITALL)

    while head := exactly(_HEAD.size):
        _, header_bytes, body_bytes = _HEAD.unpack(head)
        header = json.loads(exactly(header_bytes))
        body = json.dumps(handler(json.loads(exactly(body_bytes)), header)).encode()
        told = json.dumps({"request_id": header["request_id"], "content_type": "application/json"}).encode()
        sock.sendall(_HEAD.pack(17, len(told), len(body)) + told + body)


class Worker(asyncio.Protocol):
    """The server's end of one worker."""

    def __init__(self) -> None:
        self.transport: Any = None
        self.buffer = b""
        self.client: Client | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if len(self.buffer) < _HEAD.size:
            return
        _, header_bytes, body_bytes = _HEAD.unpack_from(self.buffer)
        if len(self.buffer) < _HEAD.size + header_bytes + body_bytes:
            return
        body = self.buffer[_HEAD.size + header_bytes :]
        self.buffer = b""
        client, self.client = self.client, None
        assert client is not None
        client.answer(body)


class Pool:
    """Idle workers, and who waits for one."""

    def __init__(self) -> None:
        self.idle: list[Worker] = []
        self.waiting: deque[tuple[Client, bytes]] = deque()

    def run(self, client: Client, body: bytes) -> None:
        if not self.idle:
            self.waiting.append((client, body))
            return
        worker = self.idle.pop()
        worker.client = client
        head = b'{"request_id": "4d2c8b3e-0000-4000-8000-000000000000", "arn": "arn:aws:lambda:us-east-1:000000000000:function:echo"}'
        worker.transport.write(_HEAD.pack(1, len(head), len(body)) + head + body)

    def free(self, worker: Worker) -> None:
        self.idle.append(worker)
        if self.waiting:
            self.run(*self.waiting.popleft())


class Client(asyncio.Protocol):
    """One HTTP connection."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.parser = httptools.HttpRequestParser(self)
        self.transport: Any = None
        self.body = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        body, self.body = self.body, b""
        self.pool.run(self, body)

    def answer(self, body: bytes) -> None:
        self.transport.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))


async def serve(workers: int) -> None:
    """Serve until standard input closes."""
    loop = asyncio.get_running_loop()
    pool = Pool()
    pids = []
    for _ in range(workers):
        ours, theirs = socket.socketpair()
        pid = os.fork()
        if pid == 0:
            ours.close()
            worker(theirs)
            os._exit(0)
        theirs.close()
        ours.setblocking(False)
        pids.append(pid)
        _, protocol = await loop.create_unix_connection(_returning(pool), sock=ours)
        pool.idle.append(protocol)
    server = await loop.create_server(lambda: Client(pool), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _returning(pool: Pool) -> Any:
    class Returning(Worker):
        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self.client is None:
                pool.free(self)

    return Returning


if __name__ == "__main__":
    asyncio.Runner(loop_factory=uvloop.new_event_loop).run(serve(int(sys.argv[1]) if len(sys.argv) > 1 else 1))

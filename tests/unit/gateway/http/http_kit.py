"""A server and its clients over real sockets."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

from lambent.base.clock import VirtualClock
from lambent.domain.errors import AwsError
from lambent.domain.http import HttpRequest, HttpResponse, read_all
from lambent.gateway.http import HttpServer, Timeouts
from lambent.gateway.http.connection import Connection

MB = 1_048_576
Handler = Callable[[HttpRequest], Awaitable[HttpResponse]]


async def echo(request: HttpRequest) -> HttpResponse:
    """Say what was asked for, and give the body back."""
    try:
        body = await read_all(request.body)
    except AwsError as error:
        return HttpResponse(error.status, {}, error.code.encode())
    told = f"{request.method} {request.raw_path}?{request.query}|".encode()
    return HttpResponse(200, {"content-type": "text/plain"}, told + body)


async def until(met: Callable[[], bool]) -> None:
    while not met():
        await asyncio.sleep(0)


class Client:
    """The other end of a connection."""

    def __init__(self, server: HttpServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.server = server
        self.reader = reader
        self.writer = writer

    async def head(self) -> tuple[int, dict[str, str]]:
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines[1:] if line)
        return int(lines[0].split(" ")[1]), headers

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        status, headers = await self.head()
        if "transfer-encoding" in headers:
            return status, headers, await self.chunks()
        return status, headers, await self.reader.readexactly(int(headers.get("content-length", 0)))

    async def chunks(self) -> bytes:
        body = b""
        while size := int(await self.reader.readline(), 16):
            body += await self.reader.readexactly(size)
            await self.reader.readline()
        await self.reader.readline()
        return body

    async def ask(self, data: bytes) -> tuple[int, dict[str, str], bytes]:
        self.writer.write(data)
        return await self.answer()

    async def heard(self) -> None:
        """Send what is buffered and return when the server has taken it in."""
        await self.writer.drain()
        await until(lambda: any(not each.is_idle for each in self.server._connections))

    async def is_closed(self) -> bool:
        return await asyncio.wait_for(self.reader.read(1), 5) == b""


class Edge:
    """A server and its clients."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.writers: list[asyncio.StreamWriter] = []
        self.server: HttpServer

    async def connect(self, handler: Handler = echo, *, buffer_bytes: int = 0) -> Client:
        self.server = getattr(self, "server", None) or HttpServer(handler, self.clock, Timeouts(idle_s=100, stall_s=10))
        ours, theirs = socket.socketpair()
        for each in (ours, theirs):
            each.setblocking(False)
            if buffer_bytes:
                each.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer_bytes)
                each.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
        loop = asyncio.get_running_loop()
        await loop.create_unix_connection(lambda: Connection(handler, self.server), sock=ours)
        reader, writer = await asyncio.open_unix_connection(sock=theirs, limit=4 * MB)
        self.writers.append(writer)
        return Client(self.server, reader, writer)

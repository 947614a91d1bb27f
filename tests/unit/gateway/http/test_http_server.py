"""Listeners that are admitted beside the server's own."""

from __future__ import annotations

import asyncio
import contextlib
import socket

from lambent.base.clock import SystemClock
from lambent.domain.http import HttpRequest, HttpResponse
from lambent.gateway.http import HttpServer
from lambent.gateway.http.server import GUESTS_MAX


async def _hello(request: HttpRequest) -> HttpResponse:
    return HttpResponse(200, {})


async def test_one_admitted_listener_can_not_take_all_connections() -> None:
    server = HttpServer(_hello, SystemClock())
    listener = socket.create_server(("127.0.0.1", 0), backlog=2_000)
    door = await server.admit(listener, _hello)
    opened = [await asyncio.open_connection(*listener.getsockname()) for _ in range(GUESTS_MAX + 50)]
    ended = 0
    async with asyncio.timeout(20):
        for reader, _ in reversed(opened):
            if ended == 50:
                break
            with contextlib.suppress(ConnectionError):
                await reader.read(1)
            ended += 1
    assert len(server) == GUESTS_MAX
    for _, writer in opened:
        writer.transport.abort()
    async with asyncio.timeout(20):
        while len(server):
            await asyncio.sleep(0)
    reader, writer = await asyncio.open_connection(*listener.getsockname())
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert (await reader.read()).startswith(b"HTTP/1.1 200")
    writer.close()
    door.close()


async def test_an_admitted_listener_s_requests_do_not_come_all_at_once() -> None:
    server = HttpServer(_hello, SystemClock())
    listener = socket.create_server(("127.0.0.1", 0))
    door = await server.admit(listener, _hello)
    request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    reader, writer = await asyncio.open_connection(*listener.getsockname())
    async with asyncio.timeout(10):
        writer.write(request * 32)
        for _ in range(32):
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        writer.write(request * 500)
        assert (await reader.read()).count(b"HTTP/1.1 200") <= 32, "and then it ends"
    writer.close()
    door.close()


async def test_a_head_has_only_so_many_fields() -> None:
    server = HttpServer(_hello, SystemClock())
    listener = socket.create_server(("127.0.0.1", 0))
    door = await server.admit(listener, _hello)
    for fields, status in ((500, b"200"), (600, b"431")):
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n" + b"a: b\r\n" * fields + b"\r\n")
        assert (await asyncio.wait_for(reader.readline(), 10)).startswith(b"HTTP/1.1 " + status)
        writer.close()
    door.close()

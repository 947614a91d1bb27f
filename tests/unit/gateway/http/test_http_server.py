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

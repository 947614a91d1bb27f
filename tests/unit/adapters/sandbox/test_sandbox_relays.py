"""Relayed connections: both ways, half-closed, bounded, dropped."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TypeAlias

import pytest
import uvloop

from lambent.adapters.sandbox.networks import Target
from lambent.adapters.sandbox.relays import CONNECTIONS_MAX, Relays

Serve: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def relayed(serve: Serve) -> AsyncIterator[tuple[int, Relays]]:
    """Give the port of a relay to a server of the test's."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    target = Target("localhost", server.sockets[0].getsockname()[1])
    listener = socket.create_server(("127.0.0.1", 0))
    relays = Relays()
    await relays.open([listener], [target])
    try:
        yield listener.getsockname()[1], relays
    finally:
        relays.close()
        relays.close()
        server.close()
        listener.close()


async def test_what_is_sent_arrives_and_a_half_closed_connection_answers() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        data = await reader.read()  # to the end
        writer.write(data[::-1])
        writer.close()
        await writer.wait_closed()

    async with relayed(serve) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        sent = bytes(range(256)) * 4000
        writer.write(sent)
        writer.write_eof()
        assert await asyncio.wait_for(reader.read(), 10) == sent[::-1]
        writer.close()
        await writer.wait_closed()


async def test_what_is_sent_before_the_target_has_answered_is_not_lost() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(str(len(await reader.read())).encode())
        writer.close()

    def ask(port: int) -> bytes:
        with socket.create_connection(("127.0.0.1", port), 10) as connection:
            connection.sendall(b"x" * 500_000)
            connection.shutdown(socket.SHUT_WR)
            return connection.recv(10)

    async with relayed(serve) as (port, _):
        for _ in range(10):
            assert await asyncio.to_thread(ask, port) == b"500000"


async def test_who_does_not_read_stops_the_sender() -> None:
    sent = 0
    stuck = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        while True:
            writer.write(b"x" * 65536)
            try:
                await asyncio.wait_for(writer.drain(), 0.2)
            except TimeoutError:
                stuck.set()
                await reader.read()
                writer.close()
                return
            sent += 65536

    async with relayed(serve) as (port, relays):
        _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        await asyncio.wait_for(stuck.wait(), 20)
        assert sent < 64 << 20  # what the kernel's buffers hold
        waiting = [end.transport.get_write_buffer_size() for end in relays._ends]
        assert max(waiting) <= 65_536 + 262_144
        writer.close()
        await writer.wait_closed()


async def test_a_target_that_is_not_there_resets_the_connection(caplog: pytest.LogCaptureFixture) -> None:
    closed = socket.create_server(("127.0.0.1", 0))
    target = Target("127.0.0.1", closed.getsockname()[1])
    closed.close()
    relays = Relays()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        await relays.open([listener], [target])
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.getsockname()[1])
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(reader.readexactly(1), 10)
        writer.close()
        relays.close()
    assert f"could not reach {target}" in caplog.text


async def test_connections_end_with_the_environment_and_are_limited() -> None:
    ended = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"!")
        with suppress(ConnectionError):
            await reader.read()
        ended.set()
        writer.close()

    async with relayed(serve) as (port, relays):
        first = await asyncio.open_connection("127.0.0.1", port)
        assert await first[0].readexactly(1) == b"!"
        relays._ends.update(object() for _ in range(2 * CONNECTIONS_MAX))  # type: ignore[misc]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await asyncio.wait_for(reader.readexactly(1), 10)
        writer.close()
        relays._ends.difference_update([each for each in relays._ends if type(each) is object])
        relays.close()
        await asyncio.wait_for(ended.wait(), 10)
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await first[0].readexactly(1)
        first[1].close()


def test_all_of_it_on_the_loop_that_the_server_runs_on() -> None:
    for each in (
        test_what_is_sent_arrives_and_a_half_closed_connection_answers,
        test_what_is_sent_before_the_target_has_answered_is_not_lost,
        test_who_does_not_read_stops_the_sender,
        test_connections_end_with_the_environment_and_are_limited,
    ):
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(each())

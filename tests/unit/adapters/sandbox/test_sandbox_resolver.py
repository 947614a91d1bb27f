"""The resolver of an environment, asked over a real socket."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.adapters.sandbox.test_sandbox_names import HEAD, query

from lambent.adapters.sandbox import names
from lambent.adapters.sandbox.resolver import Outside, Resolver


def bound() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    sock.bind(("127.0.0.1", 0))
    return sock


@pytest.fixture
def client() -> Iterator[socket.socket]:
    with bound() as sock:
        yield sock


async def asked(client: socket.socket, resolver: socket.socket, data: bytes) -> tuple[int, bytes]:
    """Return code and bytes of an answer."""
    client.sendto(data, resolver.getsockname())
    reply = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(client, 1000), 5)
    return HEAD.unpack_from(reply)[1] & 15, reply


async def test_names_of_the_gateway_and_of_targets_are_known_and_no_others(client: socket.socket) -> None:
    sock = bound()
    resolver = Resolver(sock)
    resolver.names = {"db.internal": "127.64.0.1"}
    try:
        for name, ends in (("x.localhost", b"\x7f\0\0\x01"), ("db.internal", b"\x7f\x40\0\x01")):
            code, reply = await asked(client, sock, query(name))
            assert (code, reply[-4:]) == (names.NO_ERROR, ends)
        client.sendto(b"nonsense", sock.getsockname())
        assert (await asked(client, sock, query("example.com")))[0] == names.NO_NAME
    finally:
        resolver.close()
        resolver.close()


async def test_other_names_are_looked_up_as_the_machine_does(client: socket.socket, tmp_path: Path) -> None:
    sock, server = bound(), bound()
    conf = tmp_path / "resolv.conf"
    conf.write_text("# none\nsearch example\nnameserver 127.0.0.1\nnameserver 192.0.2.1\n")
    outside = Outside(conf, server.getsockname()[1])
    assert outside.servers() == ["127.0.0.1", "192.0.2.1"]
    resolver = Resolver(sock, outside)

    async def serve() -> None:
        data, sender = await asyncio.get_running_loop().sock_recvfrom(server, 1000)
        question = names.read(data)
        assert question is not None
        server.sendto(names.refusal(question, names.NO_NAME)[:1], sender)  # passed over
        server.sendto(names.answer(question, "203.0.113.7"), sender)

    serving = asyncio.create_task(serve())
    try:
        assert (await asked(client, sock, query("example.com")))[1].endswith(b"\xcb\0\x71\x07")
        assert (await asked(client, sock, query("x.localhost")))[1].endswith(b"\x7f\0\0\x01")
        await serving
    finally:
        resolver.close()
        server.close()


async def test_a_server_that_is_not_there_is_a_failure_and_not_a_wait(client: socket.socket, tmp_path: Path) -> None:
    sock, closed = bound(), bound()
    port = closed.getsockname()[1]
    closed.close()
    assert Outside(tmp_path / "none").servers() == ["127.0.0.1"]
    resolver = Resolver(sock, Outside(tmp_path / "none", port))
    try:
        assert (await asked(client, sock, query("example.com")))[0] == names.SERVER_FAILURE
    finally:
        resolver.close()

"""The name service of one environment: a datagram socket on its loopback, answered here.

It knows what means the gateway (``*.localhost``) and the targets of the function's networks. Anything else is looked up as the machine
does when the environment reaches the internet; else there is no such name, which is said at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from lambent.adapters.sandbox import names
from lambent.adapters.sandbox.names import Question

_QUERY_BYTES_MAX: Final = 4096
_AT_ONCE: Final = 16  # datagrams that are read before others get their turn
_PENDING_MAX: Final = 64  # look-ups of one environment that are under way; more are dropped, and asked again
_PATIENCE_S: Final = 3.0  # with one of the machine's servers: C libraries wait five seconds
_RESOLV_CONF: Final = Path("/etc/resolv.conf")


class Resolver:
    """Answers on one socket until it is closed. ``names`` are those of the function's targets; ``outside`` knows all others."""

    def __init__(self, sock: socket.socket, outside: Outside | None = None) -> None:
        self.names: Mapping[str, str] = {}
        self._socket = sock
        self._outside = outside
        self._pending: set[asyncio.Task[None]] = set()
        asyncio.get_running_loop().add_reader(sock.fileno(), self._readable)

    def close(self) -> None:
        """Stop answering. Safe to call twice."""
        if self._socket.fileno() >= 0:
            asyncio.get_running_loop().remove_reader(self._socket.fileno())
            self._socket.close()
        for task in self._pending:
            task.cancel()

    def _readable(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                query, sender = self._socket.recvfrom(_QUERY_BYTES_MAX)
            except OSError:  # none yet; or word that an answer couldn't be delivered
                return
            question = names.read(query)
            if question is not None:
                self._answer(question, query, sender)

    def _answer(self, question: Question, query: bytes, sender: tuple[str, int]) -> None:
        address = self.names.get(question.name) or ("127.0.0.1" if names.is_here(question.name) else "")
        if address:
            self._send(names.answer(question, address), sender)
        elif self._outside is None:
            self._send(names.refusal(question, names.NO_NAME), sender)
        elif len(self._pending) < _PENDING_MAX:
            task = asyncio.create_task(self._look_up(self._outside, question, query, sender))
            self._pending.add(task)
            task.add_done_callback(self._pending.discard)

    async def _look_up(self, outside: Outside, question: Question, query: bytes, sender: tuple[str, int]) -> None:
        self._send(await outside.ask(question, query) or names.refusal(question, names.SERVER_FAILURE), sender)

    def _send(self, reply: bytes, sender: tuple[str, int]) -> None:
        with contextlib.suppress(OSError):  # whoever asked may be gone, or takes nothing; it will ask again
            self._socket.sendto(reply, sender)


class Outside:
    """The machine's own name servers, as ``/etc/resolv.conf`` names them whenever they are asked."""

    def __init__(self, file: Path = _RESOLV_CONF, port: int = 53) -> None:
        self._file = file
        self._port = port

    async def ask(self, question: Question, query: bytes) -> bytes | None:
        """Return the reply of the first server that gives one; ``None`` when none does."""
        for server in self.servers():
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(_PATIENCE_S):
                    return await self._ask(server, question, query)
        return None

    def servers(self) -> list[str]:
        """Return the addresses of the servers."""
        try:
            lines = self._file.read_text().splitlines()
        except OSError:
            lines = []
        found = [words[1] for line in lines if len(words := line.split()) > 1 and words[0] == "nameserver"]
        return found[:3] or ["127.0.0.1"]

    async def _ask(self, server: str, question: Question, query: bytes) -> bytes:
        loop = asyncio.get_running_loop()
        family = socket.AF_INET6 if ":" in server else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sock:  # a port of its own: replies are harder to forge
            sock.connect((server, self._port))
            sock.send(query)
            while True:
                reply = await loop.sock_recv(sock, 65535)
                if names.answers(question, reply):
                    return reply

"""The server's end of the warden and of the templates: helper processes that speak JSON datagrams with descriptors."""

from __future__ import annotations

import array
import asyncio
import contextlib
import itertools
import json
import os
import socket
import struct
from collections.abc import Sequence
from typing import Any

from lambent.adapters.sandbox.keeper import Ended

_MESSAGE_BYTES_MAX = 1 << 20
_BUFFER_BYTES = 1 << 20
_FDS_MAX = 100
_MESSAGES_AT_ONCE = 64
_NUMBER_MAX = 0x7FFFFFFF
_SENDER = struct.Struct("3i")  # pid, uid, gid


class HelperLost(Exception):
    """The helper has ended, or couldn't do what it was asked."""


def pair() -> tuple[socket.socket, socket.socket]:
    """Return two connected sockets for datagrams."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for each in (ours, theirs):
        each.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER_BYTES)
    ours.setblocking(False)
    return ours, theirs


def send(sock: socket.socket, message: object, fds: Sequence[int] = ()) -> None:
    """Send a message. ``OSError`` when the other end is gone, or takes nothing."""
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
    sock.sendmsg([json.dumps(message).encode()], rights)


def pair_with_senders() -> tuple[socket.socket, socket.socket]:
    """Return such a pair whose first end learns of each message who sent it: processes in other pid namespaces don't know."""
    ours, theirs = pair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    return ours, theirs


def receive(sock: socket.socket) -> tuple[dict[str, Any] | None, list[int]]:
    """Return a message and its descriptors; ``None`` at the end. ``BlockingIOError`` when there is none yet."""
    try:
        data, ancillary, _, _ = sock.recvmsg(
            _MESSAGE_BYTES_MAX, socket.CMSG_SPACE(4 * _FDS_MAX) + socket.CMSG_SPACE(_SENDER.size), socket.MSG_CMSG_CLOEXEC
        )
    except ConnectionError:
        return None, []
    fds = array.array("i")
    sender = 0
    for level, kind, payload in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(payload[: len(payload) - len(payload) % fds.itemsize])
        elif level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS:
            sender = _SENDER.unpack(payload)[0]
    message = _read(data)
    if message is not None and sender and "pid" in message:
        message["pid"] = sender
    return message, list(fds)


def _read(data: bytes) -> dict[str, Any] | None:
    """Return a message; ``None`` when it is none, as at the end: then the other end isn't what it was any more."""
    try:
        message = json.loads(data) if data else None
    except (ValueError, RecursionError):
        return None
    return message if isinstance(message, dict) else None


class Forked:
    """A process that a helper forked."""

    def __init__(self, name: str) -> None:
        self.id = name
        self.pid = 0
        self.ended: asyncio.Future[Ended] = asyncio.get_running_loop().create_future()


class Helper:
    """A helper process: requests are answered in order; the ends of its children are told whenever they happen."""

    def __init__(self, sock: socket.socket, *, is_foreign: bool = False) -> None:
        self._socket = sock
        self._is_foreign = is_foreign  #: a function's code has the other end: what it sends is to be expected to be anything
        self._numbers = itertools.count(1)
        self._asked: dict[str, asyncio.Future[tuple[dict[str, Any], list[int]]]] = {}
        self._children: dict[str, Forked] = {}
        self.lost = False
        asyncio.get_running_loop().add_reader(sock.fileno(), self._readable)

    async def ask(self, request: dict[str, Any], fds: Sequence[int] = ()) -> tuple[dict[str, Any], list[int]]:
        """Send a request and return the answer. Raises ``HelperLost``."""
        name = request.setdefault("id", f"#{next(self._numbers)}")
        future = self._asked[name] = asyncio.get_running_loop().create_future()
        try:
            if self.lost:
                raise HelperLost("the helper has ended")
            try:
                send(self._socket, request, fds)
            except OSError as error:
                raise HelperLost(f"the helper takes no requests: {error}") from error
            answer, received = await future
        finally:
            self._asked.pop(name, None)
        if "failed" in answer:
            raise HelperLost(answer["failed"])
        return answer, received

    async def fork(self, request: dict[str, Any], fds: Sequence[int]) -> tuple[Forked, list[int]]:
        """Send a request that starts a process, and return that and what came with the answer. Raises ``HelperLost``."""
        child = self._children[request["id"]] = Forked(request["id"])
        try:
            answer, received = await self.ask(request, fds)
        except BaseException:
            self._children.pop(child.id, None)
            raise
        if "pid" not in answer:
            self._children.pop(child.id, None)
            raise HelperLost(f"the helper does not say whom it started: {answer}")
        child.pid = answer["pid"]
        return child, received

    def close(self) -> None:
        """Let go of the helper, which ends then, and everything that it started with it."""
        if not self.lost:
            self.lost = True
            with contextlib.suppress(RuntimeError):
                asyncio.get_running_loop().remove_reader(self._socket.fileno())
            self._socket.close()
        for future in self._asked.values():
            if not future.done():
                future.set_exception(HelperLost("the helper has ended"))
        children, self._children = self._children, {}
        for child in children.values():
            if not child.ended.done():
                child.ended.set_result(Ended(-9))

    def _readable(self) -> None:
        for _ in range(_MESSAGES_AT_ONCE):
            if self.lost:
                return
            try:
                message, fds = receive(self._socket)
            except BlockingIOError:
                return
            if self._is_foreign:
                while fds:
                    os.close(fds.pop())
            try:
                if message is None:
                    self.close()
                else:
                    self._told(message, fds)
            except (KeyError, TypeError, ValueError, OverflowError):
                self.close()

    def _told(self, message: dict[str, Any], fds: list[int]) -> None:
        if "exited" in message:
            exited, peak_kb = (max(-_NUMBER_MAX, min(int(message[each]), _NUMBER_MAX)) for each in ("exited", "peak_kb"))
            child = self._children.pop(message["id"], None)
            if child is not None and not child.ended.done():
                child.ended.set_result(Ended(exited, peak_kb // 1024, not_started=str(message.get("not_started", ""))))
            return
        future = self._asked.get(message["id"])
        if future is not None and not future.done():
            future.set_result((message, fds))

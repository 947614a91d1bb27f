"""Datagrams of JSON, with descriptors, between the server and its helpers."""

import array
import contextlib
import json
import socket

MESSAGE_BYTES_MAX = 1 << 20
FDS_MAX = 100


def receive(sock):
    """Return a message and its descriptors; ``None`` when the other end is gone."""
    try:
        data, ancillary, _, _ = sock.recvmsg(MESSAGE_BYTES_MAX, socket.CMSG_LEN(4 * FDS_MAX), socket.MSG_CMSG_CLOEXEC)
    except ConnectionError:
        return None, []
    fds = array.array("i")
    for level, kind, payload in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(payload[: len(payload) - len(payload) % fds.itemsize])
    return (json.loads(data) if data else None), list(fds)


def send(sock, message, fds=()):
    """Send a message; when the other end is gone, whoever reads will find out."""
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
    with contextlib.suppress(OSError):
        sock.sendmsg([json.dumps(message).encode()], rights)

"""The load client: raw sockets and requests that were made and signed before the clock runs, so that the client costs next to nothing.

boto3 costs half a millisecond per call, several times what is measured here.
"""

from __future__ import annotations

import hashlib
import hmac
import select
import socket
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import quote

_RECEIVE_BYTES = 65_536


@dataclass(frozen=True)
class Key:
    """Who signs."""

    access_key_id: str = "test"
    secret: str = "test"
    session_token: str = ""
    region: str = "us-east-1"


@lru_cache
def _signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    key = ("AWS4" + secret).encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def invocation(port: int, function: str, body: bytes, key: Key, **headers: str) -> bytes:
    """Return one signed ``Invoke`` as bytes, as boto3 sends it."""
    host = f"127.0.0.1:{port}"
    path = f"/2015-03-31/functions/{quote(function, safe='')}/invocations"
    timestamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    sent = {"host": host, "x-amz-date": timestamp, **{name.replace("_", "-"): value for name, value in headers.items()}}
    if key.session_token:
        sent["x-amz-security-token"] = key.session_token
    names = ";".join(sorted(sent))
    lines = "".join(f"{name}:{sent[name]}\n" for name in sorted(sent))
    canonical = f"POST\n{quote(path, safe='/-_.~')}\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    scope = f"{timestamp[:8]}/{key.region}/lambda/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{timestamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.digest(_signing_key(key.secret, timestamp[:8], key.region, "lambda"), text.encode(), "sha256").hex()
    sent["authorization"] = f"AWS4-HMAC-SHA256 Credential={key.access_key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
    sent["user-agent"] = "Boto3/1.40 md/Botocore#1.40 ua/2.1 os/linux lang/python md/pyimpl#CPython m/b cfg/retry-mode#legacy Botocore/1.40"
    sent["amz-sdk-invocation-id"] = "5f7f2ab3-6a58-4c86-8d90-6ce0e0a37a47"
    sent["amz-sdk-request"] = "attempt=1"
    sent["accept-encoding"] = "identity"
    sent["content-length"] = str(len(body))
    head = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
    return f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + body


def invocations(port: int, function: str, count: int, key: Key, **headers: str) -> list[bytes]:
    """Return ``count`` signed invocations, each with another event."""
    return [invocation(port, function, b'{"number":%d,"text":"hello"}' % number, key, **headers) for number in range(count)]


def plain(port: int, count: int) -> list[bytes]:
    """Return ``count`` requests for the floor."""
    head = b"POST / HTTP/1.1\r\nhost: 127.0.0.1:%d\r\ncontent-length: %d\r\n\r\n%b"
    bodies = [b'{"number":%d,"text":"hello"}' % number for number in range(count)]
    return [head % (port, len(body), body) for body in bodies]


class Failed(RuntimeError):
    """An answer that isn't a success; a benchmark of errors is worth nothing."""


@dataclass
class Connection:
    """One keep-alive connection that has at most one request on its way."""

    port: int
    sock: socket.socket = field(init=False)
    buffer: bytes = b""
    sent_at: float = 0.0

    def __post_init__(self) -> None:
        self.sock = socket.create_connection(("127.0.0.1", self.port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, request: bytes) -> None:
        self.sent_at = time.perf_counter()
        self.sock.sendall(request)

    def receive(self) -> bytes | None:
        """Read once; return the answer's body when it is complete."""
        data = self.sock.recv(_RECEIVE_BYTES)
        if not data:
            raise Failed("the server closed the connection")
        self.buffer += data
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return None
        head = self.buffer[:end].lower()
        at = head.find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(self.buffer) < end + 4 + length:
            return None
        body, self.buffer = self.buffer[end + 4 : end + 4 + length], b""
        if head[9:10] != b"2" or b"x-amz-function-error" in head:
            raise Failed((head + b"\n\n" + body[:500]).decode("latin-1"))
        return body

    def ask(self, request: bytes) -> bytes:
        """Send and wait for the whole answer."""
        self.send(request)
        while (body := self.receive()) is None:
            pass
        return body

    def close(self) -> None:
        self.sock.close()


def median(values: Sequence[float]) -> float:
    """Return the median."""
    return statistics.median(values)


def latencies(port: int, requests: Sequence[bytes]) -> list[float]:
    """Return the seconds of each request, one after the other on one connection."""
    connection = Connection(port)
    taken = []
    for request in requests:
        began = time.perf_counter()
        connection.ask(request)
        taken.append(time.perf_counter() - began)
    connection.close()
    return taken


def throughput(port: int, requests: Sequence[bytes], clients: int) -> float:
    """Return the answers per second with so many clients, each of which sends as soon as it was answered."""
    connections = [Connection(port) for _ in range(clients)]
    by_number = {each.sock.fileno(): each for each in connections}
    poll = select.epoll()
    for number in by_number:
        poll.register(number, select.EPOLLIN)
    waiting: Iterator[bytes] = iter(requests)
    began = time.perf_counter()
    for each in connections:
        each.send(next(waiting))
    answered = 0
    while answered < len(requests):
        for number, _ in poll.poll():
            if by_number[number].receive() is None:
                continue
            answered += 1
            request = next(waiting, None)
            if request is not None:
                by_number[number].send(request)
    took = time.perf_counter() - began
    poll.close()
    for each in connections:
        each.close()
    return len(requests) / took

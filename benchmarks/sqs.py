"""SQS against what the store takes alone: messages per second of each, in turn, over the same kind of disk.

``python -m benchmarks.sqs [clients] [seconds]``. The baseline commits rows of a message's size to an SQLite store, as many committers as
there are clients; then a real server is sent to, received from and asked in vain, over HTTP with signed requests. Prints rates,
latencies and the ratio of sending to the baseline.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import uvloop
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from benchmarks import load, server
from benchmarks.report import Row
from lambent.adapters.sqlite import SqliteStore
from lambent.base.clock import SystemClock
from lambent.domain.storage import Put

ROUNDS = 3
CLIENTS = 16
_ALONE_S = 0.7
_SEND_S = 1.0
BODY = "x" * 200


class Client:
    """One keep-alive connection."""

    def __init__(self, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.port, self.reader, self.writer = port, reader, writer

    @classmethod
    async def connect(cls, port: int) -> Client:
        return cls(port, *await asyncio.open_connection("127.0.0.1", port))

    def request(self, operation: str, **params: Any) -> bytes:
        """Return a signed request; signing isn't part of what is measured where the same request is sent again."""
        body = json.dumps(params).encode()
        headers = {"X-Amz-Target": f"AmazonSQS.{operation}", "Content-Type": "application/x-amz-json-1.0", "Content-Length": str(len(body))}
        request = AWSRequest("POST", f"http://127.0.0.1:{self.port}/", headers, body)
        SigV4Auth(Credentials("test", "test"), "sqs", "us-east-1").add_auth(request)
        head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
        return f"POST / HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n{head}\r\n".encode() + body

    async def ask(self, request: bytes) -> dict[str, Any]:
        self.writer.write(request)
        head = (await self.reader.readuntil(b"\r\n\r\n")).lower()
        body = await self.reader.readexactly(int(head.partition(b"content-length:")[2].partition(b"\r\n")[0]))
        if head[9:12] != b"200":
            raise RuntimeError((head + body).decode())
        answer: dict[str, Any] = json.loads(body)
        return answer


Work = Callable[[Client], Awaitable[int]]
"""Does something once and returns how many messages it was about; 0 ends it."""


async def rate(name: str, clients: list[Client], seconds: float, work: Work) -> float:
    """Let every client work for some seconds; print and return messages per second."""
    start, taken = time.perf_counter(), list[float]()

    async def one(client: Client) -> int:
        total = 0
        while (began := time.perf_counter()) - start < seconds:
            count = await work(client)
            taken.append(time.perf_counter() - began)
            total += count
            if not count:
                break
        return total

    total = sum(await asyncio.gather(*map(one, clients)))
    found = total / (time.perf_counter() - start)
    taken.sort()
    low, high = taken[len(taken) // 2] * 1000, taken[int(len(taken) * 0.99)] * 1000
    print(f"  {name}: {found:,.0f} messages/s, p50 {low:.1f} ms, p99 {high:.1f} ms", flush=True)
    return found


async def commit_alone(seconds: float, committers: int) -> float:
    """Return the rows per second that a store of its own takes."""
    with tempfile.TemporaryDirectory(prefix="lambent-bench-") as folder:
        store = SqliteStore.open(Path(folder), SystemClock())
        start, rows, body = time.perf_counter(), 0, BODY.encode()

        async def commit(worker: int) -> None:
            nonlocal rows
            while time.perf_counter() - start < seconds:
                await store.commit([Put("alone", (worker, rows), body)])
                rows += 1

        await asyncio.gather(*map(commit, range(committers)))
        found = rows / (time.perf_counter() - start)
        await store.close()
        return found


def row(name: str, rates: list[float], alone: list[float]) -> Row:
    """Return the row of something whose baseline is the store alone."""
    ratios = [a / b for a, b in zip(rates, alone, strict=True)]
    figures = f"{load.median(rates):,.0f}/s, the store alone {load.median(alone):,.0f} commits/s"
    return Row(name, f"commits/s of the store alone, {CLIENTS} at once", "≥ 1/6 ×", ratios, figures, 1 / 6, at_least=True)


async def rows(port: int) -> list[Row]:
    """Measure sending over signed HTTP."""
    clients = [await Client.connect(port) for _ in range(CLIENTS)]
    url = (await clients[0].ask(clients[0].request("CreateQueue", QueueName="sent")))["QueueUrl"]
    send = clients[0].request("SendMessage", QueueUrl=url, MessageBody=BODY)

    async def one(client: Client) -> int:
        await client.ask(send)
        return 1

    rates, alone = [], []
    for _ in range(ROUNDS):
        alone.append(await commit_alone(_ALONE_S, CLIENTS))
        rates.append(await rate("SQS send", clients, _SEND_S, one))
    for client in clients:
        client.writer.close()
    return [row(f"SQS send, {CLIENTS} clients", rates, alone)]


async def measure(port: int, count: int, seconds: float) -> None:
    """Measure everything in turn."""
    clients = [await Client.connect(port) for _ in range(count)]
    url = (await clients[0].ask(clients[0].request("CreateQueue", QueueName="bench")))["QueueUrl"]
    empty = (await clients[0].ask(clients[0].request("CreateQueue", QueueName="empty")))["QueueUrl"]
    send = clients[0].request("SendMessage", QueueUrl=url, MessageBody=BODY)
    receive = clients[0].request("ReceiveMessage", QueueUrl=url, MaxNumberOfMessages=10)
    receive_none = clients[0].request("ReceiveMessage", QueueUrl=empty)

    async def send_one(client: Client) -> int:
        await client.ask(send)
        return 1

    async def receive_and_delete(client: Client) -> int:
        messages = (await client.ask(receive)).get("Messages", [])
        if messages:
            entries = [{"Id": str(number), "ReceiptHandle": each["ReceiptHandle"]} for number, each in enumerate(messages)]
            await client.ask(client.request("DeleteMessageBatch", QueueUrl=url, Entries=entries))
        return len(messages)

    async def ask_in_vain(client: Client) -> int:
        await client.ask(receive_none)
        return 1

    for _ in range(ROUNDS):
        alone = await commit_alone(seconds, count)
        sent = await rate("send", clients, seconds, send_one)
        print(f"store alone {alone:,.0f} rows/s, ratio {sent / alone:.2f}", flush=True)
        await rate("receive ten, delete them", clients, seconds, receive_and_delete)
        await rate("receive from an empty queue", clients, seconds, ask_in_vain)
    for client in clients:
        client.writer.close()


if __name__ == "__main__":
    given = sys.argv[1:] + [str(CLIENTS), "3"][len(sys.argv) - 1 :]
    with server.running() as running:
        uvloop.run(measure(running.port, int(given[0]), float(given[1])))

"""From an event or a message to the handler's end: throughput against the store alone, and the wait of one message when all is idle.

``python -m benchmarks.delivery`` prints; functions tell by a file, so that counting costs nothing (hence the ``process`` driver).
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path

import uvloop

from benchmarks import load, report, server, sns_fanout, sqs
from benchmarks.report import Row
from benchmarks.sqs import CLIENTS, Client, commit_alone, row

ROUNDS = 3
EVENTS = 2000
MESSAGES = 4000
WAITS = 40
_ALONE_S = 0.7
_COUNTS = """
import os, time
FILE = os.open({file!r}, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
def handler(event, context):
    os.write(FILE, b"%.6f\\n" % time.time() * len(event.get("Records", [0])))
"""


def rows() -> list[Row]:
    """Return what was measured."""
    with server.running("--sandbox", "process") as ours:
        found = [*_events(ours), *asyncio.run(_messages(ours)), *asyncio.run(sqs.rows(ours.port))]
    return [*found, *uvloop.run(sns_fanout.rows())]


def _events(ours: server.Server) -> list[Row]:
    """Measure event invokes from the request to the end of their handlers."""
    file = ours.data_dir.parent / "events"
    ours.deploy("counts", _COUNTS.format(file=str(file)))
    key, rates, alone = ours.role_key(), [], []
    load.throughput(ours.port, load.invocations(ours.port, "counts", 200, key, x_amz_invocation_type="Event"), CLIENTS)
    _wait(lambda: _lines(file) >= 200)
    for _ in range(ROUNDS):
        alone.append(asyncio.run(commit_alone(_ALONE_S, CLIENTS)))
        requests, before = load.invocations(ours.port, "counts", EVENTS, key, x_amz_invocation_type="Event"), _lines(file)
        began = time.perf_counter()
        load.throughput(ours.port, requests, CLIENTS)
        _wait(lambda before=before: _lines(file) >= before + EVENTS)  # type: ignore[misc]
        rates.append(EVENTS / (time.perf_counter() - began))
    return [row(f"event invokes end to end, {CLIENTS} clients", rates, alone)]


async def _messages(ours: server.Server) -> list[Row]:
    """Measure messages from a queue to the end of their handlers, in batches of ten; then one by one."""
    file = ours.data_dir.parent / "messages"
    ours.deploy("consumes", _COUNTS.format(file=str(file)))
    client = await Client.connect(ours.port)
    url = (await client.ask(client.request("CreateQueue", QueueName="q", Attributes={"VisibilityTimeout": "120"})))["QueueUrl"]
    arn = "arn:aws:sqs:us-east-1:000000000000:q"
    mapping = ours.client().create_event_source_mapping(FunctionName="consumes", EventSourceArn=arn, Enabled=False)["UUID"]
    rates, alone = [], []
    for _ in range(ROUNDS):
        alone.append(await commit_alone(_ALONE_S, CLIENTS))
        entries = [{"Id": str(number), "MessageBody": "x" * 200} for number in range(10)]
        send = client.request("SendMessageBatch", QueueUrl=url, Entries=entries)
        for _ in range(MESSAGES // 10):
            await client.ask(send)
        before, began = _lines(file), time.perf_counter()
        _switch(ours, mapping, on=True)
        _wait(lambda before=before: _lines(file) >= before + MESSAGES)  # type: ignore[misc]
        rates.append(MESSAGES / (time.perf_counter() - began))
        _switch(ours, mapping, on=False)
    _switch(ours, mapping, on=True)
    waits = [await _wait_of_one(client, url, file) for _ in range(WAITS)][5:]
    print(f"  SQS: from send to handler when idle: p50 {load.median(waits) * 1000:.1f} ms of {len(waits)}", flush=True)
    return [row("SQS to Lambda, batches of 10", rates, alone)]


async def _wait_of_one(client: Client, url: str, file: Path) -> float:
    """Return the seconds from sending a message to its handler's line."""
    await asyncio.sleep(0.1)
    before = _lines(file)
    began = time.time()
    await client.ask(client.request("SendMessage", QueueUrl=url, MessageBody=json.dumps({})))
    while _lines(file) == before:
        await asyncio.sleep(0.001)
    return float(file.read_bytes().splitlines()[-1]) - began


def _switch(ours: server.Server, mapping: str, *, on: bool) -> None:
    functions = ours.client()
    functions.update_event_source_mapping(UUID=mapping, Enabled=on)
    _wait(lambda: functions.get_event_source_mapping(UUID=mapping)["State"] == ("Enabled" if on else "Disabled"))


def _lines(file: Path) -> int:
    return file.stat().st_size // 18 if file.exists() else 0  # a line is a time with six decimals


def _wait(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 120
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError("the events were not handled in time")
        time.sleep(0.01)


if __name__ == "__main__":
    for row in rows():
        print(report.told(row))

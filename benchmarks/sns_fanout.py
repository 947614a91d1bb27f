"""SNS fan-out to queues against what the store takes alone: rows per second of each, in turn, in one process.

``python -m benchmarks.sns_fanout [queues] [seconds] [publishers]``. One row is a message in one queue, from ``Publish`` to the queue's
own commit; the baseline commits rows of the same size with as many committers. Prints both, and their ratio, per round.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import uvloop

from benchmarks import load
from benchmarks.report import Row
from lambent.adapters.blobs import FileBlobs
from lambent.adapters.sqlite import SqliteStore
from lambent.adapters.upstream import HttpOutside
from lambent.base.clock import SystemClock
from lambent.base.ids import SystemIds
from lambent.domain.call import Call, Result
from lambent.domain.caller import Caller
from lambent.domain.ports import Platform, Worker
from lambent.domain.quotas import Quotas
from lambent.domain.service import Service
from lambent.domain.storage import Enqueue
from lambent.services.sns import service as sns_service
from lambent.services.sqs import service as sqs_service

ROUNDS = 5
PUBLISHERS = 16
BODY = "x" * 200
ACCOUNT, REGION = "000000000000", "us-east-1"


class Bench:
    """SNS and SQS over one store on disk, called as ``Cloud`` calls them."""

    def __init__(self, folder: Path) -> None:
        clock = SystemClock()
        self.store = SqliteStore.open(folder, clock)
        blobs = FileBlobs(folder / "blobs", clock)
        platform = Platform(self.store, blobs, self, clock, SystemIds(), Quotas(), "localhost:4566")  # type: ignore[arg-type]
        self.services: dict[str, Service] = {
            "sns": sns_service.build(platform, HttpOutside(), lambda request: True),
            "sqs": sqs_service.build(platform),
        }
        self.workers: list[Worker] = [worker for each in self.services.values() for worker in each.workers]
        self.delivered = 0

    async def call(self, call: Call) -> Result:
        result = await self.services[call.service].handler(call.operation)(call) or {}
        if call.operation in {"SendMessage", "SendMessageBatch"}:
            self.delivered += len(call.params.get("Entries", (1,)))
        return result

    async def ask(self, service: str, operation: str, **params: Any) -> Result:
        return await self.call(Call(service, operation, params, Caller.root(ACCOUNT), REGION, ACCOUNT, "bench"))

    async def prepare(self, queues: int) -> str:
        """Create a topic with its queues; return the topic."""
        topic = str((await self.ask("sns", "CreateTopic", Name="bench"))["TopicArn"])
        policy = json.dumps({"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": "*"}]})
        for number in range(queues):
            await self.ask("sqs", "CreateQueue", QueueName=f"q{number}", Attributes={"Policy": policy})
            await self.ask("sns", "Subscribe", TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:{REGION}:{ACCOUNT}:q{number}")
        return topic

    async def fan_out(self, topic: str, queues: int, seconds: float, publishers: int) -> float:
        """Publish for some seconds and wait until all is delivered; return rows per second."""
        start, before, published = time.perf_counter(), self.delivered, 0

        async def publish() -> None:
            nonlocal published
            while time.perf_counter() - start < seconds:
                await self.ask("sns", "Publish", TopicArn=topic, Message=BODY)
                published += 1

        await asyncio.gather(*(publish() for _ in range(publishers)))
        while self.delivered - before < published * queues:
            await asyncio.sleep(0.005)
        return (self.delivered - before) / (time.perf_counter() - start)

    async def commit_alone(self, seconds: float, committers: int) -> float:
        """Commit rows of the size of an envelope; return rows per second."""
        start, rows, body = time.perf_counter(), 0, b"x" * 1_200

        async def commit(worker: int) -> None:
            nonlocal rows
            while time.perf_counter() - start < seconds:
                await self.store.commit([Enqueue("alone", f"{worker}-{rows}", body, 0.0)])
                rows += 1

        await asyncio.gather(*(commit(worker) for worker in range(committers)))
        return rows / (time.perf_counter() - start)


async def rows() -> list[Row]:
    """Measure ten queues and as many publishers as there are clients elsewhere."""
    found = await measure(10, 1.5, PUBLISHERS)
    figures = f"{load.median([a for a, _ in found]):,.0f} rows/s, the store alone {load.median([b for _, b in found]):,.0f} rows/s"
    baseline = f"rows/s of the store alone, {PUBLISHERS} at once"
    return [Row("SNS fan-out to 10 queues", baseline, "≥ 1/6 ×", [a / b for a, b in found], figures, 1 / 6, at_least=True)]


async def measure(queues: int, seconds: float, publishers: int) -> list[tuple[float, float]]:
    """Measure both in turn, and return the rows per second of each round."""
    found = []
    with tempfile.TemporaryDirectory(prefix="lambent-bench-") as folder:
        bench = Bench(Path(folder))
        workers = [asyncio.create_task(each.run()) for each in bench.workers]
        topic = await bench.prepare(queues)
        await bench.fan_out(topic, queues, 0.2, 1)  # the signing key is made, the topic is in memory
        for _ in range(ROUNDS):
            alone = await bench.commit_alone(seconds, publishers)
            rows = await bench.fan_out(topic, queues, seconds, publishers)
            found.append((rows, alone))
            print(f"  SNS fan-out {rows:,.0f} rows/s, store alone {alone:,.0f} rows/s, ratio {rows / alone:.3f}", flush=True)
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        await bench.store.close()
    return found


if __name__ == "__main__":
    given = sys.argv[1:] + ["10", "3", str(PUBLISHERS)][len(sys.argv) - 1 :]
    uvloop.run(measure(int(given[0]), float(given[1]), int(given[2])))

"""Kill a server under mixed load, again and again, and account for every acknowledged event: ``python -m tools.soak --kills 50``.

Uploads, publishes, sends, FIFO sends and asynchronous invocations go on while ``kill -9`` hits the server at seeded moments; it is started
again each time. At the end every event that was acknowledged was handled at least once (its function logged it) or lies in the dead-letter
queue, groups are in order, and no queue holds anything. ``--seed`` repeats a run's moments and mix.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from tests.acceptance.conftest import ROLE, RUNTIME, RunningServer, free_port, zipped

from lambent.adapters.sqlite import SqliteStore
from lambent.base.clock import SystemClock

TELLER = """
import json, time
def names(event):
    if "id" in event:
        return [event["id"]]
    found = []
    for record in event["Records"]:
        if "s3" in record:
            found.append(record["s3"]["object"]["key"])
        elif "Sns" in record:
            found.append(record["Sns"]["Message"])
        else:
            found.append(record["body"])
    return found
def handler(event, context):
    time.sleep({seconds})
    for name in names(event):
        print("DONE " + name)
    if {fails}:
        raise ValueError("as it was told")
"""
FUNCTIONS: dict[str, tuple[float, str]] = {
    "good": (0.0, "False"),
    "ordered": (0.005, "False"),
    "throttled": (0.02, "False"),
    "failing": (0.0, 'int(names(event)[0].rpartition("-")[2]) % 2'),
}
VISIBILITY_S = 8
GROUPS = 4
SETTLE_S = 180.0
START_S = 120.0
MOMENT_S_MAX = 20.0


@dataclass
class Ledger:
    """What was acknowledged, by kind, in the order in which it was; and what may have been."""

    acknowledged: dict[str, list[str]] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)

    @property
    def count(self) -> int:
        """How many events were acknowledged."""
        return sum(len(each) for each in self.acknowledged.values())


class Soak:
    """One run."""

    def __init__(self, directory: Path, seed: int, pause_s: float = 0.01) -> None:
        self.seed = seed
        self.rng = random.Random(seed)
        self.ledger = Ledger()
        self.server = RunningServer(directory / "data", free_port())
        self._pause_s = pause_s
        self._stop = threading.Event()

    # ── the system ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    def build(self) -> None:
        """Start the server and make functions, a bucket, a topic, queues and mappings."""
        self._start()
        functions, sqs, sns, s3 = (self.server.client(each) for each in ("lambda", "sqs", "sns", "s3"))
        arns = {name: self._function(name, seconds, fails) for name, (seconds, fails) in FUNCTIONS.items()}
        functions.put_function_concurrency(FunctionName="throttled", ReservedConcurrentExecutions=1)
        failed = self._queue("failed")
        config = {"OnFailure": {"Destination": failed}}
        functions.put_function_event_invoke_config(FunctionName="failing", MaximumRetryAttempts=0, DestinationConfig=config)
        s3.create_bucket(Bucket="uploads")
        topic = sns.create_topic(Name="news")["TopicArn"]
        for service, source in (("s3", "arn:aws:s3:::uploads"), ("sns", topic)):
            functions.add_permission(
                FunctionName="good",
                StatementId=service,
                Action="lambda:InvokeFunction",
                Principal=f"{service}.amazonaws.com",
                SourceArn=source,
            )
        sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=arns["good"])
        notification = {"LambdaFunctionConfigurations": [{"LambdaFunctionArn": arns["good"], "Events": ["s3:ObjectCreated:*"]}]}
        s3.put_bucket_notification_configuration(Bucket="uploads", NotificationConfiguration=notification)
        functions.create_event_source_mapping(FunctionName="good", EventSourceArn=self._queue("plain"))
        functions.create_event_source_mapping(FunctionName="ordered", EventSourceArn=self._queue("ordered.fifo", FifoQueue="true"))
        self.topic = topic
        self.urls = {name: sqs.get_queue_url(QueueName=name)["QueueUrl"] for name in ("failed", "plain", "ordered.fifo")}

    def _start(self) -> None:
        """Start the server; on a machine that is busy with other things that may take long."""
        end = time.monotonic() + START_S
        try:
            self.server.start()
        except AssertionError:
            while not self.server.answers():
                if self.server.process.poll() is not None or time.monotonic() > end:
                    raise
                time.sleep(0.1)

    def _function(self, name: str, seconds: float, fails: str) -> str:
        functions = self.server.client("lambda")
        code = {"ZipFile": zipped(app=TELLER.format(seconds=seconds, fails=fails))}
        arn = functions.create_function(FunctionName=name, Code=code, Runtime=RUNTIME, Role=ROLE, Handler="app.handler", Timeout=5)
        functions.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 20})
        return str(arn["FunctionArn"])

    def _queue(self, name: str, **attributes: str) -> str:
        sqs = self.server.client("sqs")
        url = sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": str(VISIBILITY_S), **attributes})["QueueUrl"]
        return str(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"])

    # ── the load ────────────────────────────────────────────────────────────────────────────────────────────────────────────

    def senders(self) -> dict[str, Callable[[Any, str], object]]:
        """Return, by kind, how an event with an id is sent."""

        def invoke(name: str) -> Callable[[Any, str], object]:
            return lambda client, id_: client.invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps({"id": id_}))

        def fifo(client: Any, id_: str) -> object:
            group = id_.split("-")[1]
            return client.send_message(
                QueueUrl=self.urls["ordered.fifo"], MessageBody=id_, MessageGroupId=group, MessageDeduplicationId=id_
            )

        return {
            "s3": lambda client, id_: client.put_object(Bucket="uploads", Key=id_, Body=b"x"),
            "sns": lambda client, id_: client.publish(TopicArn=self.topic, Message=id_),
            "sqs": lambda client, id_: client.send_message(QueueUrl=self.urls["plain"], MessageBody=id_),
            **{f"fifo-{group}": fifo for group in range(GROUPS)},
            **{f"lambda-{name}": invoke(name) for name in ("good", "failing", "throttled")},
        }

    def _load(self, kind: str, send: Callable[[Any, str], object]) -> None:
        client = self.server.client(kind.partition("-")[0].replace("fifo", "sqs"), connect_timeout=2, read_timeout=10)
        acknowledged = self.ledger.acknowledged.setdefault(kind, [])
        number = 0
        while not self._stop.is_set():
            id_, number = f"{kind}-{number}", number + 1
            try:
                send(client, id_)
            except (BotoCoreError, ClientError, OSError):
                self.ledger.unknown.add(id_)
                time.sleep(0.05)
            else:
                acknowledged.append(id_)
            time.sleep(self._pause_s)

    def run(self, kills: int) -> None:
        """Load, kill and start again."""
        threads = [threading.Thread(target=self._load, args=each, daemon=True) for each in self.senders().items()]
        for thread in threads:
            thread.start()
        for number in range(kills):
            self._wait_moment()
            self.server.kill()
            self._start()
            sys.stderr.write(f"\rseed {self.seed}: kill {number + 1} of {kills}, {self.ledger.count} acknowledged ")
        time.sleep(0.5)
        self._stop.set()
        for thread in threads:
            thread.join()

    def _wait_moment(self) -> None:
        """Wait for some acknowledgements, so that there is something to lose, and a bit longer."""
        enough, end = self.ledger.count + self.rng.randrange(10, 200), time.monotonic() + MOMENT_S_MAX
        while self.ledger.count < enough and time.monotonic() < end:
            time.sleep(0.005)
        time.sleep(self.rng.random() * 0.2)

    # ── the account ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def done(self, function: str) -> list[str]:
        """Return what a function logged that it did, in order."""
        logs, found = self.server.client("logs"), list[tuple[int, str]]()
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{function}", filterPattern='"DONE "')
        with contextlib.suppress(logs.exceptions.ResourceNotFoundException):  # it has not run yet
            for page in pages:
                found += [(each["timestamp"], each["message"].removeprefix("DONE ").strip()) for each in page["events"]]
        return [name for _, name in found]

    def dead_letters(self) -> set[str]:
        """Return what lies in the dead-letter queue, and leave it there."""
        sqs, found = self.server.client("sqs"), set[str]()
        while messages := sqs.receive_message(QueueUrl=self.urls["failed"], MaxNumberOfMessages=10, VisibilityTimeout=600).get("Messages"):
            found |= {json.loads(each["Body"])["requestPayload"]["id"] for each in messages}
        return found

    def account(self) -> list[str]:
        """Wait until everything was handled; return what is wrong, nothing being what one wants."""
        end, failed = time.monotonic() + SETTLE_S, set[str]()
        missing: set[str] = set()
        while time.monotonic() < end:
            failed |= self.dead_letters()
            handled = {name: self.done(name) for name in FUNCTIONS}
            missing = self._missing(handled, failed)
            if not missing and not self._waiting():
                break
            time.sleep(1)
        wrong = [f"{len(missing)} acknowledged events are lost: {sorted(missing)[:10]}"] if missing else []
        wrong += [f"{url} still holds messages" for url in self._waiting()]
        wrong += self._out_of_order(self.done("ordered"))
        self.server.stop()
        return wrong + asyncio.run(self._left_over())

    def _missing(self, handled: dict[str, list[str]], failed: set[str]) -> set[str]:
        everything = {name for names in handled.values() for name in names}
        missing: set[str] = set()
        for kind, names in self.ledger.acknowledged.items():
            fails = {name for name in names if kind == "lambda-failing" and int(name.rpartition("-")[2]) % 2}
            missing |= (fails - failed) | (set(names) - fails - everything)
        return missing

    def _waiting(self) -> list[str]:
        sqs = self.server.client("sqs")
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"]
        return [
            url
            for name, url in self.urls.items()
            if name != "failed" and any(int(each) for each in self._attributes(sqs, url, names).values())
        ]

    @staticmethod
    def _attributes(sqs: Any, url: str, names: list[str]) -> dict[str, str]:
        found: dict[str, str] = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return found

    def _out_of_order(self, done: list[str]) -> list[str]:
        """Return the groups whose messages were first handled in another order than they were sent."""
        wrong = []
        for group in range(GROUPS):
            first = [name for name in dict.fromkeys(done) if name.startswith(f"fifo-{group}-")]
            numbers = [int(name.rpartition("-")[2]) for name in first]
            if numbers != sorted(numbers):
                wrong.append(f"group {group} is out of order")
        return wrong

    async def _left_over(self) -> list[str]:
        """Return the server's own queues that still hold something."""
        store = SqliteStore.open(self.server.data_dir, SystemClock())
        try:
            prefixes = ("lambda.", "s3.", "sns.", "parked/")
            return [f"the queue {name} still holds messages" for prefix in prefixes for name in await store.queues(prefix)]
        finally:
            await store.close()


def soak(directory: Path, seed: int, kills: int, pause_s: float = 0.01) -> tuple[Ledger, list[str]]:
    """Run once; return the ledger and what is wrong."""
    run = Soak(directory, seed, pause_s)
    try:
        run.build()
        run.run(kills)
        return run.ledger, run.account()
    finally:
        if run.server.process.poll() is None:
            run.server.kill()


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10_000))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        ledger, wrong = soak(Path(directory), options.seed, options.kills)
    kinds = ", ".join(f"{kind} {len(names)}" for kind, names in sorted(ledger.acknowledged.items()))
    sys.stdout.write(
        f"seed {options.seed}: {options.kills} kills, {ledger.count} acknowledged ({kinds}), {len(ledger.unknown)} unanswered\n"
    )
    sys.stdout.write("".join(f"WRONG: {each}\n" for each in wrong) or "every one of them was handled or given up where it should be\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

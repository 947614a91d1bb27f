"""An SQS service over a store in memory and virtual time, called as ``Cloud`` calls it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.unit.services.asking import asked

from lambent.adapters.memory import MemoryBlobs, MemoryStore
from lambent.base.clock import VirtualClock
from lambent.base.ids import SeededIds
from lambent.domain.call import Call, Result
from lambent.domain.caller import Caller
from lambent.domain.errors import AwsError
from lambent.domain.ports import Platform
from lambent.domain.quotas import Quotas
from lambent.domain.storage import Store
from lambent.services.sqs.fifo import LOOKAHEAD
from lambent.services.sqs.service import build

ACCOUNT = "123456789012"
REGION = "eu-west-1"


class Kit:
    """The service and short ways to call it."""

    def __init__(
        self,
        store: Store | None = None,
        clock: VirtualClock | None = None,
        quotas: Quotas | None = None,
        seed: int = 1,
        *,
        fifo_lookahead: int = LOOKAHEAD,
    ) -> None:
        self.clock = clock or VirtualClock()
        self.store = store or MemoryStore(self.clock)
        self.quotas = quotas or Quotas()
        self.ids = SeededIds(seed)
        self.fifo_lookahead = fifo_lookahead
        self.service = build(
            Platform(self.store, MemoryBlobs(self.clock), self, self.clock, self.ids, self.quotas, "localhost:4566"),  # type: ignore[arg-type]
            fifo_lookahead=fifo_lookahead,
        )

    def restarted(self) -> Kit:
        """Return a service that knows only what the store knows, as after a kill."""
        return Kit(self.store, self.clock, self.quotas, int(self.ids.random() * 1e9), fifo_lookahead=self.fifo_lookahead)

    async def call(self, operation: str, *, caller: Caller | None = None, **params: Any) -> Result:
        caller = caller or Caller.root(ACCOUNT)
        return await asked(self.service, Call("sqs", operation, params, caller, REGION, caller.account_id, "request-1"))

    async def fails(self, operation: str, **params: Any) -> tuple[str, str]:
        with pytest.raises(AwsError) as caught:
            await self.call(operation, **params)
        return caught.value.code, caught.value.message

    async def queue(self, name: str = "q", **attributes: Any) -> str:
        """Create a queue and return its URL; names that end in ``.fifo`` make a FIFO queue."""
        given = {key: str(value) for key, value in attributes.items()}
        if name.endswith(".fifo"):
            given["FifoQueue"] = "true"
        return str((await self.call("CreateQueue", QueueName=name, Attributes=given))["QueueUrl"])

    async def send(self, url: str, body: str = "hello", **params: Any) -> Result:
        if url.endswith(".fifo"):
            params.setdefault("MessageGroupId", "g")
            params.setdefault("MessageDeduplicationId", self.ids.uuid())
        return await self.call("SendMessage", QueueUrl=url, MessageBody=body, **params)

    async def receive(self, url: str, **params: Any) -> list[dict[str, Any]]:
        """Receive up to ten messages with all their attributes."""
        params = {"MaxNumberOfMessages": 10, "AttributeNames": ["All"], "MessageAttributeNames": ["All"], **params}
        return list((await self.call("ReceiveMessage", QueueUrl=url, **params)).get("Messages", []))

    async def bodies(self, url: str, **params: Any) -> list[str]:
        return [each["Body"] for each in await self.receive(url, **params)]

    async def delete(self, url: str, message: dict[str, Any]) -> None:
        await self.call("DeleteMessage", QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    async def counts(self, url: str) -> tuple[int, int, int]:
        """Return how many messages are available, in flight, delayed."""
        names = ["", "NotVisible", "Delayed"]
        names = [f"ApproximateNumberOfMessages{each}" for each in names]
        found = (await self.call("GetQueueAttributes", QueueUrl=url, AttributeNames=names))["Attributes"]
        one, two, three = (int(found[each]) for each in names)
        return one, two, three

    async def arn(self, url: str) -> str:
        found = await self.call("GetQueueAttributes", QueueUrl=url, AttributeNames=["QueueArn"])
        return str(found["Attributes"]["QueueArn"])

    async def start(self, work: Any) -> asyncio.Task[Any]:
        """Let something run until it waits."""
        task = asyncio.ensure_future(work)
        await self.clock.settle()
        return task

"""An SNS service over a store in memory and virtual time, with queues, functions and webhooks that take what they are told to take."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

import pytest
from tests.unit.services.asking import asked

from lambent.adapters.memory import MemoryBlobs, MemoryStore
from lambent.base.clock import VirtualClock
from lambent.base.ids import SeededIds
from lambent.domain.call import Call, Result
from lambent.domain.caller import Caller
from lambent.domain.errors import AwsError, Unreachable
from lambent.domain.http import BytesStream, HttpRequest, HttpResponse
from lambent.domain.ports import Platform
from lambent.domain.quotas import Quotas
from lambent.services.sns.service import build
from lambent.services.sns.signing import KEYS, Keys, new_keys

ACCOUNT = "123456789012"
REGION = "eu-west-1"
HOST = "localhost:4566"


class Elsewhere:
    """What SNS calls: remembers each call, and fails as often as it is told to."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.failures: defaultdict[str, list[AwsError]] = defaultdict(list)  #: by the name of the queue or function, the next ones first
        self.lasting: dict[str, AwsError] = {}
        self.requests: list[tuple[str, Mapping[str, str], bytes]] = []
        self.answers: list[int | Unreachable] = []
        self.silent: set[str] = set()  #: URLs that never answer

    async def call(self, call: Call) -> Result:
        self.calls.append(call)
        name = str(call.params.get("QueueUrl", call.params.get("FunctionName", ""))).rpartition("/")[2].rpartition(":")[2]
        if name in self.lasting:
            raise self.lasting[name]
        if self.failures[name]:
            raise self.failures[name].pop(0)
        return {}

    async def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes, *, timeout_s: float) -> HttpResponse:
        answer = self.answers.pop(0) if self.answers else 200
        self.requests.append((url, headers, body))
        if url in self.silent:
            await asyncio.get_running_loop().create_future()
        if isinstance(answer, Unreachable):
            raise answer
        return HttpResponse(answer)

    def sent(self, queue: str) -> list[Mapping[str, Any]]:
        """Return what a queue got, in order."""
        found: list[Mapping[str, Any]] = []
        for each in self.calls:
            if each.service == "sqs" and str(each.params["QueueUrl"]).endswith(f"/{queue}"):
                found += each.params.get("Entries", [each.params])
        return found

    def bodies(self, queue: str) -> list[Any]:
        """Return the messages of the envelopes that a queue got."""
        return [json.loads(each["MessageBody"])["Message"] for each in self.sent(queue)]

    def posted(self, number: int = -1) -> dict[str, Any]:
        """Return an envelope that a webhook got."""
        found: dict[str, Any] = json.loads(self.requests[number][2])
        return found


class Kit:
    """The service and short ways to call it."""

    def __init__(
        self, store: MemoryStore | None = None, clock: VirtualClock | None = None, there: Elsewhere | None = None, *, seed: int = 1
    ) -> None:
        self.clock = clock or VirtualClock()
        self.store = store or MemoryStore(self.clock)
        self.ids = SeededIds(seed)
        self.there = there or Elsewhere()
        platform = Platform(self.store, MemoryBlobs(self.clock), self, self.clock, self.ids, Quotas(), HOST)  # type: ignore[arg-type]
        self.trusted = True
        self.service = build(platform, self.there, lambda request: self.trusted)

    async def call(self, call: Call | str, *, caller: Caller | None = None, region: str = REGION, **params: Any) -> Result:
        """Call as ``Cloud`` does, or SNS's operation by its name."""
        if isinstance(call, Call):
            return await (asked(self.service, call) if call.service == "sns" else self.there.call(call))
        return await asked(self.service, self.request(call, caller=caller, region=region, **params))

    def request(self, operation: str, *, caller: Caller | None = None, region: str = REGION, trace_header: str = "", **params: Any) -> Call:
        """Return a call of SNS."""
        who = caller or Caller.root(ACCOUNT)
        return Call("sns", operation, params, who, region, who.account_id, "request-1", trace_header=trace_header)

    async def fails(self, operation: str, **params: Any) -> AwsError:
        with pytest.raises(AwsError) as caught:
            await self.call(operation, **params)
        return caught.value

    async def topic(self, name: str = "t", **attributes: str) -> str:
        return str((await self.call("CreateTopic", Name=name, Attributes=attributes))["TopicArn"])

    async def subscribe(self, topic: str, endpoint: str, protocol: str = "sqs", **attributes: str) -> str:
        answer = await self.call(
            "Subscribe", TopicArn=topic, Protocol=protocol, Endpoint=endpoint, Attributes=attributes, ReturnSubscriptionArn=True
        )
        return str(answer["SubscriptionArn"])

    async def publish(self, topic: str, message: str = "hello", **params: Any) -> Result:
        return await self.call("Publish", TopicArn=topic, Message=message, **params)

    async def attributes(self, subscription: str) -> dict[str, str]:
        return dict((await self.call("GetSubscriptionAttributes", SubscriptionArn=subscription))["Attributes"])

    async def get(self, path: str, query: str = "", method: str = "GET", environment_key: str | None = None) -> HttpResponse | None:
        """Ask by plain HTTP; ``None`` when nobody feels meant."""
        request = HttpRequest(method, path, query, {"host": HOST}, BytesStream(b""), environment_key=environment_key)
        handler = next((each for each in self.service.raw_handlers if each.claims(request)), None)
        return None if handler is None else await handler.handle(request)

    async def outbox(self, query: str = "") -> list[dict[str, Any]]:
        answer = await self.get("/_lambent/sns/outbox", query)
        assert answer is not None
        found: list[dict[str, Any]] = json.loads(answer.body)["messages"]  # type: ignore[arg-type]
        return found

    @asynccontextmanager
    async def working(self, *, keys: bool = True) -> AsyncIterator[None]:
        """Have the workers deliver meanwhile."""
        if keys:
            asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))  # what is signed is signed in order
            await self.store.commit([KEYS.put(("signing",), signing_keys())])
        tasks = [asyncio.create_task(each.run(), name=each.name) for each in self.service.workers]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def settle(self, seconds: float = 0.0) -> None:
        """Let what is due within the seconds happen, signatures (made in threads) included."""
        for _ in range(6):
            await self.clock.advance(seconds)
            seconds = 0.0
            await asyncio.to_thread(lambda: None)
            await self.clock.settle()


@cache
def signing_keys() -> Keys:
    """Return a key that is made once for all tests."""
    return new_keys(VirtualClock().now(), HOST)


def queue(name: str) -> str:
    """Return a queue's ARN."""
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"


def text(number: object) -> dict[str, Any]:
    """Return a message attribute of type ``String``."""
    return {"DataType": "String", "StringValue": str(number)}

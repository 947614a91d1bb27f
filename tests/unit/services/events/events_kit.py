"""EventBridge over a store in memory and virtual time, called as ``Cloud`` calls it; every other service is a list of calls."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from tests.unit.services.asking import asked

from lambent.adapters.memory import MemoryBlobs, MemoryStore
from lambent.base.clock import VirtualClock
from lambent.base.ids import SeededIds
from lambent.domain.call import Call, Result
from lambent.domain.caller import Caller
from lambent.domain.errors import AwsError, Unreachable
from lambent.domain.http import HttpResponse
from lambent.domain.ports import Platform
from lambent.domain.quotas import Quotas
from lambent.services.events.service import build

ACCOUNT = "123456789012"
OTHER = "210987654321"
REGION = "eu-west-1"
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:q"
PATTERN = '{"source": ["shop"]}'


class Kit:
    """The service and short ways to call it."""

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        self.clock = VirtualClock(start)
        self.store = MemoryStore(self.clock)
        self.calls: list[Call] = []
        self.refuse: Callable[[Call], AwsError | None] = lambda call: None
        platform = Platform(self.store, MemoryBlobs(self.clock), self, self.clock, SeededIds(1), Quotas(), "localhost:4566")
        self.requests: list[tuple[str, str, Mapping[str, str], bytes]] = []
        self.answers: list[int | Unreachable] = []
        self.hangs = False  #: whether hosts don't answer
        self.service = build(platform, self)
        self._workers: list[asyncio.Task[None]] = []

    async def handle(self, call: Call) -> Result:
        return await asked(self.service, call)

    async def call(self, call: Call) -> Result:
        """Stand for ``Cloud``."""
        if call.service == "events":
            return await asked(self.service, call)
        self.calls.append(call)
        refusal = self.refuse(call)
        if refusal is not None:
            raise refusal
        return {"ARN": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{call.params['Name']}-abcdef"} if "Name" in call.params else {}

    async def __call__(self, operation: str, *, _caller: Caller | None = None, _host: str = "localhost", **params: Any) -> Any:
        caller = _caller or Caller.root(ACCOUNT)
        account = caller.source_account or caller.account_id
        return await asked(self.service, Call("events", operation, params, caller, REGION, account, "request-1", host=_host))

    async def fails(self, operation: str, **params: Any) -> tuple[str, str]:
        with pytest.raises(AwsError) as caught:
            await self(operation, **params)
        return caught.value.code, caught.value.message

    async def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes, *, timeout_s: float) -> HttpResponse:
        """Stand for the network."""
        self.requests.append((method, url, headers, body))
        if self.hangs:
            await self.clock.sleep(timeout_s)
            raise Unreachable("no answer", sent=True)
        answer = self.answers.pop(0) if self.answers else 200
        if isinstance(answer, Unreachable):
            raise answer
        return HttpResponse(answer)

    def start(self) -> None:
        self._workers = [asyncio.create_task(each.run()) for each in self.service.workers]

    async def stop(self) -> None:
        for each in self._workers:
            each.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        self._workers = []
        await self.store.close()

    async def settle(self, seconds: float = 0.0) -> None:
        """Let workers do what is due within the time."""
        if not self._workers:
            self.start()
        await self.clock.advance(seconds)
        await self.clock.settle()

    async def rule(self, name: str = "r", target: str = QUEUE, *, bus: str = "default", pattern: str = PATTERN, **more: Any) -> str:
        """Put a rule with one target; return its ARN."""
        arn = (await self("PutRule", Name=name, EventPattern=pattern, EventBusName=bus))["RuleArn"]
        await self("PutTargets", Rule=name, EventBusName=bus, Targets=[{"Id": "t", "Arn": target, **more}])
        return str(arn)

    async def put(self, detail: Any = None, *, source: str = "shop", **more: Any) -> str:
        """Put one event; return its id."""
        entry = {"Source": source, "DetailType": "order", "Detail": json.dumps({} if detail is None else detail), **more}
        answer = await self("PutEvents", Entries=[entry])
        assert answer["FailedEntryCount"] == 0
        return str(answer["Entries"][0]["EventId"])

    def sent(self, operation: str = "SendMessage") -> list[Call]:
        return [each for each in self.calls if each.operation == operation]

    def bodies(self) -> list[Any]:
        return [json.loads(each.params["MessageBody"]) for each in self.sent()]

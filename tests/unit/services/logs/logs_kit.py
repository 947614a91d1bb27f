"""A CloudWatch Logs service over a store in memory and virtual time, called as ``Cloud`` calls it."""

from typing import Any

import pytest
from tests.unit.services.asking import asked

from lambent.adapters.memory import MemoryBlobs, MemoryStore
from lambent.base.clock import VirtualClock
from lambent.base.ids import SeededIds
from lambent.domain.call import Call, Result
from lambent.domain.caller import Caller
from lambent.domain.errors import AwsError
from lambent.domain.ports import Cloud, Platform
from lambent.domain.quotas import Quotas
from lambent.services.logs.service import build

ACCOUNT = "123456789012"


class NoCloud:
    """A cloud in which nothing else is."""

    async def call(self, call: Call) -> Result:
        raise AwsError("ResourceNotFoundException", f"there is no {call.service}", 404)


class Kit:
    """The service and short ways to call it."""

    def __init__(self, start: float = 1_700_000_000.0, cloud: Cloud | None = None) -> None:
        self.clock = VirtualClock(start)
        self.store = MemoryStore(self.clock)
        self.service = build(
            Platform(self.store, MemoryBlobs(self.clock), cloud or NoCloud(), self.clock, SeededIds(1), Quotas(), "localhost:4566")
        )

    @property
    def now(self) -> int:
        return int(self.clock.now() * 1000)

    async def call(self, operation: str, *, region: str = "eu-west-1", **params: Any) -> Result:
        call = Call("logs", operation, params, Caller.root(ACCOUNT), region, ACCOUNT, "request-1")
        return await asked(self.service, call)

    async def fails(self, operation: str, **params: Any) -> AwsError:
        with pytest.raises(AwsError) as caught:
            await self.call(operation, **params)
        return caught.value

    async def stream(self, group: str = "g", stream: str = "s") -> None:
        await self.call("CreateLogGroup", logGroupName=group)
        await self.call("CreateLogStream", logGroupName=group, logStreamName=stream)

    async def put(self, *events: tuple[int, str], group: str = "g", stream: str = "s") -> Result:
        """Put events; times are in milliseconds from now."""
        given = [{"timestamp": self.now + time, "message": message} for time, message in events]
        return await self.call("PutLogEvents", logGroupName=group, logStreamName=stream, logEvents=given)

    async def get(self, group: str = "g", stream: str = "s", **params: Any) -> Result:
        return await self.call("GetLogEvents", logGroupName=group, logStreamName=stream, **params)

    async def filter(self, group: str = "g", **params: Any) -> list[str]:
        """Return the messages of all pages."""
        messages: list[str] = []
        while True:
            page = await self.call("FilterLogEvents", logGroupName=group, **params)
            messages += texts(page)
            if "nextToken" not in page:
                return messages
            params["nextToken"] = page["nextToken"]


def texts(page: Result) -> list[str]:
    """Return a page's messages."""
    return [each["message"] for each in page["events"]]

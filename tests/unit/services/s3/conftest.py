"""S3 on memory adapters and a virtual clock, called as the gateway would call it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from tests.unit.services.asking import asked

from lambent.adapters.memory import MemoryBlobs, MemoryStore
from lambent.base.clock import VirtualClock
from lambent.base.ids import SeededIds
from lambent.domain.call import Call, Result
from lambent.domain.caller import Caller
from lambent.domain.errors import AwsError
from lambent.domain.http import read_all
from lambent.domain.ports import Platform
from lambent.domain.quotas import Quotas
from lambent.services.s3.service import build

ACCOUNT = "111111111111"


class FakeCloud:
    """Stands for every service: S3's own calls go to S3, others are noted and answered by ``answer``."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.refusal: AwsError | None = None
        self.service: Any = None

    async def call(self, call: Call) -> Result:
        if call.service == "s3":
            return await asked(self.service, call)
        self.calls.append(call)
        if self.refusal is not None:
            raise self.refusal
        return {"StatusCode": 202}


class Driver:
    """Calls operations by name: ``await s3("PutObject", Bucket=…)``."""

    def __init__(self, platform: Platform, cloud: FakeCloud, clock: VirtualClock) -> None:
        self.platform = platform
        self.cloud = cloud
        self.clock = clock
        self.service = build(platform)
        cloud.service = self.service
        self.caller = Caller.root(ACCOUNT)
        self.region = "us-east-1"

    async def __call__(self, operation: str, _caller: Caller | None = None, **params: Any) -> dict[str, Any]:
        caller = _caller or self.caller
        call = Call("s3", operation, params, caller, self.region, caller.account_id, self.platform.ids.uuid())
        answer = dict(await asked(self.service, call))
        body = answer.get("Body")
        if isinstance(body, AsyncIterator):
            answer["Body"] = await read_all(body)
        return answer

    async def error(self, operation: str, _caller: Caller | None = None, **params: Any) -> AwsError:
        with pytest.raises(AwsError) as caught:
            await self(operation, _caller, **params)
        return caught.value


def keys_of(listing: Mapping[str, Any]) -> list[str]:
    return [each["Key"] for each in listing["Contents"]]


@pytest.fixture
async def s3() -> AsyncIterator[Driver]:
    clock, cloud = VirtualClock(), FakeCloud()
    store = MemoryStore(clock)
    platform = Platform(store, MemoryBlobs(clock), cloud, clock, SeededIds(), Quotas(), "localhost:4566")
    yield Driver(platform, cloud, clock)
    await store.close()


@pytest.fixture
async def bucket(s3: Driver) -> str:
    await s3("CreateBucket", Bucket="pictures")
    return "pictures"

"""What every poller works with, and how a batch is handed to the function."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from lambent.base.clock import Clock
from lambent.base.ids import Ids
from lambent.domain.arns import Arn
from lambent.domain.call import Call, Result
from lambent.domain.errors import AwsError
from lambent.domain.functions import FunctionDirectory, ResolvedFunction
from lambent.domain.http import read_all
from lambent.domain.invocations import Invocation, InvocationResult, Invoker
from lambent.domain.mappings import EventSourceMapping, MappingDirectory
from lambent.domain.metrics import Metrics
from lambent.domain.ports import Cloud
from lambent.domain.storage import Store
from lambent.engine.delivery import Destinations
from lambent.engine.environments.shipping import role_caller


class Tools(msgspec.Struct, frozen=True):
    """The world as pollers see it."""

    store: Store
    cloud: Cloud
    invoker: Invoker
    functions: FunctionDirectory
    mappings: MappingDirectory
    records: Destinations  #: takes records of batches that are given up
    metrics: Metrics
    clock: Clock
    ids: Ids
    batches_max: int  #: of one mapping, at once, unless it says something else
    concurrency_max: int  #: what an account runs at once


class Ran(msgspec.Struct, frozen=True):
    """A batch that the function was given."""

    request_id: str
    function: ResolvedFunction
    result: InvocationResult
    payload: bytes

    @property
    def failed(self) -> bool:
        """Whether the function failed as a whole."""
        return self.result.function_error is not None


class Reader:
    """A mapping's hands: calls its source as the function's execution role, and invokes the function."""

    def __init__(self, tools: Tools, mapping: EventSourceMapping) -> None:
        self.tools = tools
        self.mapping = mapping
        self.source = Arn.parse(mapping.source_arn)

    async def function(self) -> ResolvedFunction:
        """Return the function as it is now. Raises ``AwsError``."""
        mapping = self.mapping
        return await self.tools.functions.resolve(mapping.account_id, mapping.region, mapping.function_name, mapping.qualifier)

    async def call(self, service: str, operation: str, params: Mapping[str, Any]) -> Result:
        """Call the source's service."""
        function = (await self.function()).version
        caller = role_caller(function.account_id, function.role_arn, function.name)
        call = Call(service, operation, params, caller, self.source.region, self.source.account_id, self.tools.ids.uuid())
        return await self.tools.cloud.call(call)

    async def invoke(self, payload: bytes, trace_header: str = "") -> Ran:
        """Hand an event to the function. Raises ``AwsError`` when it could not run."""
        function, request_id = await self.function(), self.tools.ids.uuid()
        invocation = Invocation(request_id, payload, function.invoked_arn, trace_header=trace_header, log_awaited=True)
        result = await self.tools.invoker.invoke(function.version, invocation)
        answer = result.payload if isinstance(result.payload, bytes) else await read_all(result.payload)
        return Ran(request_id, function, result, answer)


def is_throttle(error: AwsError) -> bool:
    """Whether the function was refused for now."""
    return error.status == 429

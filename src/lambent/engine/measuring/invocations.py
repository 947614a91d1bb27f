"""Counts what every invocation comes to, on its way to the invoker and back: about a microsecond each."""

from __future__ import annotations

from collections import Counter
from typing import Final

import msgspec

from lambent.domain.errors import AwsError
from lambent.domain.functions import FunctionVersion
from lambent.domain.invocations import Invocation, InvocationResult, Invoker
from lambent.domain.metrics import Metrics, rounded

_DURATIONS_MAX: Final = 20_000
"""Durations that are kept of a function between two readings; of more, the first are a fair picture."""


class _Meter(msgspec.Struct):
    """What is counted of one function under one name since the last reading."""

    function: FunctionVersion
    resource: str  #: ``name`` or ``name:qualifier``, as it was invoked
    invocations: int = 0
    errors: int = 0
    throttles: int = 0
    busy: int = 0
    busy_max: int = 0
    durations_ms: list[float] = []

    def restart(self) -> None:
        """Count from nothing again, but for what is under way."""
        self.invocations = self.errors = self.throttles = 0
        self.busy_max = self.busy
        self.durations_ms.clear()


class MeasuredInvoker:
    """An ``Invoker`` that counts what another one does."""

    def __init__(self, invoker: Invoker) -> None:
        self._invoker = invoker
        self._meters: dict[str, _Meter] = {}

    async def invoke(self, function: FunctionVersion, invocation: Invocation) -> InvocationResult:
        """Return the outcome; see ``Invoker``."""
        meter = self._meters.get(invocation.invoked_arn)
        if meter is None:
            resource = invocation.invoked_arn.partition(":function:")[2]
            meter = self._meters[invocation.invoked_arn] = _Meter(function, resource)
        meter.busy += 1
        if meter.busy > meter.busy_max:
            meter.busy_max = meter.busy
        try:
            result = await self._invoker.invoke(function, invocation)
        except AwsError as error:
            meter.throttles += error.status == 429
            raise
        finally:
            meter.busy -= 1
        meter.invocations += 1
        meter.errors += result.function_error is not None
        if len(meter.durations_ms) < _DURATIONS_MAX:
            meter.durations_ms.append(result.duration_ms)
        return result

    def tell(self, metrics: Metrics) -> None:
        """Hand over what was counted since the last time."""
        for name, meter in list(self._meters.items()):
            if meter.invocations or meter.throttles or meter.busy_max:
                _tell(metrics, meter)
                meter.restart()  # in place: invocations under way hold on to it
            elif not meter.busy:
                del self._meters[name]


def _tell(metrics: Metrics, meter: _Meter) -> None:
    function = meter.function
    durations = Counter(map(rounded, meter.durations_ms))
    everywhere: tuple[dict[str, str], ...] = (
        {},
        {"FunctionName": function.name},
        {"FunctionName": function.name, "Resource": meter.resource},
    )
    for dimensions in everywhere:
        counts = {"Invocations": meter.invocations, "Errors": meter.errors, "Throttles": meter.throttles}
        for name, value in counts.items():
            metrics.record(function.account_id, function.region, name, value, "Count", dimensions)
        metrics.record(function.account_id, function.region, "ConcurrentExecutions", meter.busy_max, "Count", dimensions)
        for duration_ms, times in durations.items():
            metrics.record(function.account_id, function.region, "Duration", duration_ms, "Milliseconds", dimensions, times=times)

"""Counts what every invocation comes to, from its beginning to its end: about a microsecond each."""

from __future__ import annotations

from collections import Counter
from typing import Final

from lambent.domain.errors import AwsError
from lambent.domain.functions import FunctionVersion
from lambent.domain.invocations import InvocationResult
from lambent.domain.metrics import InvocationMeter, Metrics, rounded

_DURATIONS_MAX: Final = 20_000
"""Durations that are kept of a function between two readings; of more, the first are a fair picture."""


class _Meter:
    """What is counted of one function under one name since the last reading. No Struct: to set its attributes takes five times as long."""

    __slots__ = ("busy", "busy_max", "durations_ms", "errors", "function", "invocations", "resource", "throttles")

    def __init__(self, function: FunctionVersion, resource: str) -> None:
        self.function = function
        self.resource = resource  #: ``name`` or ``name:qualifier``, as it was invoked
        self.invocations = self.errors = self.throttles = 0
        self.busy = self.busy_max = 0
        self.durations_ms: list[float] = []

    def ended(self, result: InvocationResult) -> None:
        """Note an invocation's result."""
        self.busy -= 1
        self.invocations += 1
        if result.function_error is not None:
            self.errors += 1
        if len(self.durations_ms) < _DURATIONS_MAX:
            self.durations_ms.append(result.duration_ms)

    def failed(self, error: BaseException) -> None:
        """Note that an invocation was refused, or given up."""
        self.busy -= 1
        self.throttles += isinstance(error, AwsError) and error.status == 429

    def restart(self) -> None:
        """Count from nothing again, but for what is under way."""
        self.invocations = self.errors = self.throttles = 0
        self.busy_max = self.busy
        self.durations_ms.clear()


class InvocationMeters:
    """Counts invocations; ``begin`` is a ``BeginInvocation``."""

    def __init__(self) -> None:
        self._meters: dict[str, _Meter] = {}

    def begin(self, function: FunctionVersion, invoked_arn: str) -> InvocationMeter:
        """Note that an invocation begins."""
        meter = self._meters.get(invoked_arn)
        if meter is None:
            meter = self._meters[invoked_arn] = _Meter(function, invoked_arn.partition(":function:")[2])
        meter.busy += 1
        if meter.busy > meter.busy_max:
            meter.busy_max = meter.busy
        return meter

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

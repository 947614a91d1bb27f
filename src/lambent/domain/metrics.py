"""Measurements: what is counted and timed, and the port that takes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol, TypeAlias

from lambent.domain.functions import FunctionVersion
from lambent.domain.invocations import InvocationResult

LAMBDA = "AWS/Lambda"


class Metrics(Protocol):
    """Takes measurements of an account and region."""

    def record(
        self, account_id: str, region: str, name: str, value: float, unit: str, dimensions: Mapping[str, str], *, times: int = 1
    ) -> None:
        """Note a value of one of Lambda's metrics, by CloudWatch's name and unit of it, as if so many times. Must not block."""
        ...


class InvocationMeter(Protocol):
    """Counts what one invocation comes to: either of the two ends it."""

    def ended(self, result: InvocationResult) -> None:
        """Note its result."""
        ...

    def failed(self, error: BaseException) -> None:
        """Note that it has none: it was refused, or nobody waits for it any more."""
        ...


BeginInvocation: TypeAlias = Callable[[FunctionVersion, str], InvocationMeter]
"""Notes that an invocation begins: ``(function, the ARN that was invoked)``."""


def rounded(value: float) -> float:
    """Return a value as it is kept: to three digits, so that a percentile costs a count per distinct value."""
    return float(f"{value:.3g}")


class NoMetrics:
    """Takes measurements and forgets them."""

    def record(
        self, account_id: str, region: str, name: str, value: float, unit: str, dimensions: Mapping[str, str], *, times: int = 1
    ) -> None:
        """Do nothing."""


class _NoMeter:
    """Counts nothing."""

    def ended(self, result: InvocationResult) -> None:
        """Do nothing."""

    def failed(self, error: BaseException) -> None:
        """Do nothing."""


_NO_METER = _NoMeter()


def unmetered(function: FunctionVersion, invoked_arn: str) -> InvocationMeter:
    """Begin an invocation that isn't counted."""
    return _NO_METER

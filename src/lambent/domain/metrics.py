"""Measurements: what is counted and timed, and the port that takes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

LAMBDA = "AWS/Lambda"


class Metrics(Protocol):
    """Takes measurements of an account and region."""

    def record(
        self, account_id: str, region: str, name: str, value: float, unit: str, dimensions: Mapping[str, str], *, times: int = 1
    ) -> None:
        """Note a value of one of Lambda's metrics, by CloudWatch's name and unit of it, as if so many times. Must not block."""
        ...


def rounded(value: float) -> float:
    """Return a value as it is kept: to three digits, so that a percentile costs a count per distinct value."""
    return float(f"{value:.3g}")


class NoMetrics:
    """Takes measurements and forgets them."""

    def record(
        self, account_id: str, region: str, name: str, value: float, unit: str, dimensions: Mapping[str, str], *, times: int = 1
    ) -> None:
        """Do nothing."""

"""Measurements: what is counted and timed, and the port that takes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

LAMBDA = "AWS/Lambda"


class Metrics(Protocol):
    """Takes measurements of an account and region."""

    def record(self, account_id: str, region: str, name: str, value: float, unit: str, dimensions: Mapping[str, str]) -> None:
        """Note a value of one of Lambda's metrics, by CloudWatch's name and unit of it. Must not block."""
        ...


class NoMetrics:
    """Takes measurements and forgets them."""

    def record(self, account_id: str, region: str, name: str, value: float, unit: str, dimensions: Mapping[str, str]) -> None:
        """Do nothing."""

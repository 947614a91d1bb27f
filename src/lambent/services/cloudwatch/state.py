"""The documents of CloudWatch's metrics.

A point is what one request said of one metric at one time; reading merges the points of a period. Nothing is read to write one.
"""

from __future__ import annotations

from typing import Any

import msgspec

from lambent.domain.documents import Table
from lambent.domain.ports import Platform
from lambent.domain.storage import Key

PRIVATE_NAMESPACES = "AWS/"
"""Namespaces that begin like this are for AWS's services."""


class Metric(msgspec.Struct, frozen=True):
    """A metric that was ever put."""

    first_ms: int  #: milliseconds since 1970


class Point(msgspec.Struct, frozen=True, array_like=True):
    """Values of a metric. With ``values`` empty only the four figures are known."""

    unit: str
    count: float
    total: float
    minimum: float
    maximum: float
    values: dict[float, float] = {}  #: value → how often


metrics: Table[Metric] = Table("cloudwatch.metrics", Metric)
points: Table[Point] = Table("cloudwatch.points", Point)


def metric_key(account_id: str, region: str, namespace: str, name: str, dimensions: list[Any]) -> Key:
    """Return a metric's key: what makes it a metric of its own, the order of its dimensions aside."""
    pairs = sorted((each["Name"], each["Value"]) for each in dimensions)
    return (account_id, region, namespace, name, msgspec.json.encode(pairs).decode())


def dimensions_of(key: Key) -> list[dict[str, str]]:
    """Return the dimensions in a metric's key."""
    pairs: list[tuple[str, str]] = msgspec.json.decode(str(key[4]))
    return [{"Name": name, "Value": value} for name, value in pairs]


class CloudWatch(msgspec.Struct, frozen=True):
    """What the operations work with."""

    platform: Platform
    known: set[Key] = set()  #: metrics whose document is on disk, of those that were put since the start

    def now_ms(self) -> int:
        """Return the time in milliseconds since 1970."""
        return int(self.platform.clock.now() * 1000)

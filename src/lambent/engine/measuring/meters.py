"""Measurements in memory: sums since the last time they were sent, for CloudWatch, and since the start, for whoever asks the server.

Values are rounded to three digits, so that a percentile costs a count per distinct value. A kill loses what was not sent: ten seconds.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from lambent.base.clock import Clock
from lambent.base.ids import Ids
from lambent.domain.call import Call
from lambent.domain.caller import Caller
from lambent.domain.errors import AwsError
from lambent.domain.metrics import LAMBDA, Metrics, rounded
from lambent.domain.ports import Cloud

_log = logging.getLogger(__name__)

EVERY_S: Final = 10.0
DATA_MAX: Final = 1_000  # of one PutMetricData
VALUES_MAX: Final = 150  # of one datum
SERIES_MAX: Final = 50_000
"""Series that are held; measurements of further ones are dropped and counted."""

Series: TypeAlias = "tuple[str, str, str, str, tuple[tuple[str, str], ...]]"
"""Account, region, name, unit, dimensions."""


Source: TypeAlias = Callable[[Metrics], None]
"""Hands over what it counted since it was asked last; for those that count more cheaply by themselves."""


class Meters:
    """A ``Metrics``, and the ``Worker`` that sends them."""

    name = "metrics"

    def __init__(self, cloud: Cloud, clock: Clock, ids: Ids) -> None:
        self.dropped = 0
        self._cloud = cloud
        self._clock = clock
        self._ids = ids
        self._sources: list[Source] = []
        self._waiting: dict[Series, dict[float, float]] = {}
        self._totals: dict[Series, tuple[float, float]] = {}

    def read(self, source: Source) -> None:
        """Ask the source, too, each time before anything is sent or told."""
        self._sources.append(source)

    def record(
        self, account_id: str, region: str, name: str, value: float, unit: str, dimensions: Mapping[str, str], *, times: int = 1
    ) -> None:
        """Note a value, as if so many times."""
        series = (account_id, region, name, unit, tuple(dimensions.items()))
        values = self._waiting.get(series)
        if values is None:
            if len(self._waiting) >= SERIES_MAX or (series not in self._totals and len(self._totals) >= SERIES_MAX):
                self.dropped += 1
                return
            values = self._waiting[series] = {}
        value = rounded(value)
        values[value] = values.get(value, 0.0) + times
        count, total = self._totals.get(series, (0.0, 0.0))
        self._totals[series] = (count + times, total + value * times)

    def totals(self) -> list[tuple[Series, float, float]]:
        """Return every series with how many values it had since the start, and their sum."""
        self._ask()
        return [(series, *figures) for series, figures in sorted(self._totals.items())]

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            await self._clock.sleep(EVERY_S)
            await self.flush()

    async def flush(self) -> None:
        """Send what has gathered. What CloudWatch doesn't take is lost, with a line in the server's log."""
        self._ask()
        waiting, self._waiting = self._waiting, {}
        moment = datetime.fromtimestamp(self._clock.now(), UTC)
        data: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for series, values in waiting.items():
            data.setdefault(series[:2], []).extend(_data(series, values, moment))
        for (account_id, region), found in data.items():
            for start in range(0, len(found), DATA_MAX):
                await self._put(account_id, region, found[start : start + DATA_MAX])

    def _ask(self) -> None:
        for source in self._sources:
            source(self)

    async def _put(self, account_id: str, region: str, data: list[dict[str, Any]]) -> None:
        caller = Caller.service("lambda.amazonaws.com", account_id)
        params = {"Namespace": LAMBDA, "MetricData": data}
        try:
            await self._cloud.call(Call("cloudwatch", "PutMetricData", params, caller, region, account_id, self._ids.uuid()))
        except AwsError as error:
            _log.warning("%d metrics were not taken by CloudWatch: %s", len(data), error)


def _data(series: Series, values: dict[float, float], moment: datetime) -> Iterator[dict[str, Any]]:
    _, _, name, unit, dimensions = series
    named = [{"Name": each, "Value": value} for each, value in dimensions]
    pairs = list(values.items())
    for start in range(0, len(pairs), VALUES_MAX):
        part = pairs[start : start + VALUES_MAX]
        yield {
            "MetricName": name,
            "Unit": unit,
            "Timestamp": moment,
            "Dimensions": named,
            "Values": [value for value, _ in part],
            "Counts": [count for _, count in part],
        }

"""CloudWatch's metrics, put together."""

from __future__ import annotations

from lambent.domain.ports import Platform
from lambent.domain.service import NativeService, families
from lambent.domain.storage import Write
from lambent.services.cloudwatch.state import CloudWatch, metrics, points

_FAMILIES = families(
    "lambent.services.cloudwatch",
    "ingestion",
    "queries",
)
KEPT_MS = 15 * 86_400_000
_EVERY_S = 3_600.0
_PAGE = 1_000


class Housekeeping:
    """Removes points that are older than 15 days, every hour, and metrics that have none left."""

    name = "metrics housekeeping"

    def __init__(self, cloudwatch: CloudWatch) -> None:
        self._cloudwatch = cloudwatch

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            await self.tidy()
            await self._cloudwatch.platform.clock.sleep(_EVERY_S)

    async def tidy(self) -> None:
        """Go through all metrics once."""
        store, before_ms = self._cloudwatch.platform.store, self._cloudwatch.now_ms() - KEPT_MS
        after = None
        while page := await metrics.range(store, after=after, limit=_PAGE):
            after = page[-1].key
            for metric in page:
                found = await points.range(store, metric.key, limit=_PAGE)
                gone: list[Write] = [points.delete(each.key) for each in found if int(each.key[5]) < before_ms]
                if not found and metric.value.first_ms < before_ms:
                    gone.append(metrics.delete(metric.key, metric.version))
                    self._cloudwatch.known.discard(metric.key)
                if gone:
                    await store.commit(gone)


def build(platform: Platform) -> NativeService[CloudWatch]:
    """Return the service. What it doesn't serve, the companion does."""
    cloudwatch = CloudWatch(platform)
    return NativeService("cloudwatch", cloudwatch, _FAMILIES, workers=[Housekeeping(cloudwatch)], partial=True)

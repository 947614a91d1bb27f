"""``/_lambent/metrics``: what was measured since the start, in Prometheus' text format, so that any scraper can read it; and how many
messages are parked, because handling them kept failing.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TypeAlias

from lambent.domain.http import HttpRequest, HttpResponse

PATH = "/_lambent/metrics"
_PEAKS = frozenset({"ConcurrentExecutions"})  # sums of them mean nothing

Total: TypeAlias = "tuple[tuple[str, str, str, str, tuple[tuple[str, str], ...]], float, float]"
"""Account, region, name, unit and dimensions; how many values; their sum."""


class MetricsPage:
    """A raw handler; ``totals`` gives the figures, ``parked`` the number of parked messages by queue."""

    def __init__(self, totals: Callable[[], Iterable[Total]], parked: Callable[[], Awaitable[Mapping[str, int]]]) -> None:
        self._totals = totals
        self._parked = parked

    def claims(self, request: HttpRequest) -> bool:
        """Return whether the page is asked for; functions don't get to see it."""
        return request.raw_path == PATH and request.environment_key is None

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer with text."""
        if request.method not in {"GET", "HEAD"}:
            return HttpResponse(405, {"allow": "GET, HEAD"})
        text = rendered(self._totals()) + rendered_parked(await self._parked())
        return HttpResponse(200, {"content-type": "text/plain; version=0.0.4"}, text.encode())


def rendered(totals: Iterable[Total]) -> str:
    """Return the text: counts as counters, everything else as a summary's count and sum."""
    families: dict[str, list[str]] = {}
    for (account_id, region, name, unit, dimensions), count, total in totals:
        if name in _PEAKS:
            continue
        labels = ",".join(f'{_name(key)}="{_escaped(value)}"' for key, value in (("account", account_id), ("region", region), *dimensions))
        base = "lambda_" + _name(name)
        if unit == "Count":
            families.setdefault(f"{base}_total counter", []).append(f"{base}_total{{{labels}}} {total:g}")
        else:
            family = f"{base}_{_name(unit)} summary"
            lines = families.setdefault(family, [])
            stem = family.partition(" ")[0]
            lines += [f"{stem}_count{{{labels}}} {count:g}", f"{stem}_sum{{{labels}}} {total:g}"]
    return "".join(f"# TYPE {family}\n" + "".join(f"{line}\n" for line in lines) for family, lines in sorted(families.items()))


def rendered_parked(parked: Mapping[str, int]) -> str:
    """Return the text: one gauge for all, so that there is something to alert on, and one for each queue that has any."""
    lines = [f'lambent_parked_messages{{queue="{_escaped(queue)}"}} {count}\n' for queue, count in sorted(parked.items())]
    head = f"# TYPE lambent_parked gauge\nlambent_parked {sum(parked.values())}\n"
    return head + ("# TYPE lambent_parked_messages gauge\n" + "".join(lines) if lines else "")


def _name(text: str) -> str:
    """Return CloudWatch's name as Prometheus writes names: ``IteratorAge`` → ``iterator_age``."""
    return re.sub(r"[^a-z0-9_]", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text).lower())


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

"""CloudWatch Logs, put together."""

from __future__ import annotations

from lambent.domain.ports import Platform
from lambent.domain.service import NativeService, families
from lambent.services.logs import retention
from lambent.services.logs.forwarding import Forwarder
from lambent.services.logs.state import Logs
from lambent.services.logs.tail import Audience

_FAMILIES = families(
    "lambent.services.logs",
    "groups",
    "streams",
    "ingestion",
    "reading",
    "filtering",
    "retention",
    "tagging",
    "live_tail",
    "subscriptions",
    "metric_filters",
    "policies",
)


def build(platform: Platform) -> NativeService[Logs]:
    """Return the service; its workers remove expired events and pass on what is subscribed to."""
    logs = Logs(platform, Audience())
    return NativeService("logs", logs, _FAMILIES, workers=[retention.Housekeeping(logs), Forwarder(logs)])

"""CloudWatch Logs, put together."""

from __future__ import annotations

from lambent.domain.ports import Platform
from lambent.domain.service import NativeService
from lambent.services.logs import (
    filtering,
    groups,
    ingestion,
    live_tail,
    metric_filters,
    policies,
    reading,
    retention,
    streams,
    subscriptions,
    tagging,
)
from lambent.services.logs.forwarding import Forwarder
from lambent.services.logs.state import Logs
from lambent.services.logs.tail import Audience


def build(platform: Platform) -> NativeService[Logs]:
    """Return the service; its workers remove expired events and pass on what is subscribed to."""
    logs = Logs(platform, Audience())
    families = (groups, streams, ingestion, reading, filtering, retention, tagging, live_tail, subscriptions, metric_filters, policies)
    return NativeService("logs", logs, [each.operations for each in families], workers=[retention.Housekeeping(logs), Forwarder(logs)])

"""CloudWatch Logs, put together."""

from __future__ import annotations

from lambent.domain.ports import Platform
from lambent.domain.service import NativeService
from lambent.services.logs import filtering, groups, ingestion, live_tail, reading, retention, streams, tagging
from lambent.services.logs.state import Logs
from lambent.services.logs.tail import Audience


def build(platform: Platform) -> NativeService[Logs]:
    """Return the service; its one worker removes expired events."""
    logs = Logs(platform, Audience())
    families = (groups, streams, ingestion, reading, filtering, retention, tagging, live_tail)
    return NativeService("logs", logs, [each.operations for each in families], workers=[retention.Housekeeping(logs)])

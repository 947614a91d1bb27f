"""EventBridge, put together."""

from __future__ import annotations

from lambent.domain.ports import Outside, Platform, Worker
from lambent.domain.service import NativeService, families
from lambent.engine.delivery.queue_worker import LeaseHandler, QueueWorker
from lambent.services.events.context import Events
from lambent.services.events.deliveries import DeadLetters, Deliveries
from lambent.services.events.figures import Figures
from lambent.services.events.firing import Firing
from lambent.services.events.housekeeping import Housekeeping
from lambent.services.events.replays import Replaying
from lambent.services.events.rulebook import RuleBook
from lambent.services.events.state import DEAD_LETTERS, DELIVERIES, HTTP_DELIVERIES, REPLAYING, SCHEDULES

_FAMILIES = families(
    "lambent.services.events",
    "buses",
    "permissions",
    "rules",
    "targets",
    "publishing",
    "archives",
    "replays",
    "connections",
    "api_destinations",
    "tagging",
)

TICKET_LEASE_S = 20.0
"""A rule that is due is dealt with in one commit; should its handling be lost, it isn't late by more than this."""


def build(platform: Platform, outside: Outside) -> NativeService[Events]:
    """Return the service; its workers deliver, fire schedules, replay, and forget what archives need not keep."""
    events = Events(platform, RuleBook(platform.store), Figures(platform.store), outside)

    def worker(queue: str, handle: LeaseHandler, *, concurrency: int = 64, lease_s: float = 120.0) -> Worker:
        return QueueWorker(platform.store, platform.clock, queue, handle, concurrency=concurrency, lease_s=lease_s)

    workers = [
        worker(DELIVERIES, Deliveries(events).handle),
        worker(HTTP_DELIVERIES, Deliveries(events).handle),
        worker(DEAD_LETTERS, DeadLetters(events).handle),
        worker(SCHEDULES, Firing(events).handle, lease_s=TICKET_LEASE_S),
        worker(REPLAYING, Replaying(events).handle, concurrency=4),
        Housekeeping(events),
    ]
    return NativeService("events", events, _FAMILIES, workers=workers)

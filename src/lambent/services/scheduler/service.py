"""EventBridge Scheduler, put together."""

from __future__ import annotations

from lambent.domain.ports import Platform, Roles
from lambent.domain.service import NativeService, families
from lambent.engine.delivery.queue_worker import QueueWorker
from lambent.services.scheduler.firing import Firing
from lambent.services.scheduler.invocations import DeadLetters, Invocations
from lambent.services.scheduler.state import DEAD_LETTERS, INVOCATIONS, TICKETS, Scheduler

TICKET_LEASE_S = 20.0
"""A ticket is dealt with in one commit; should its handling be lost, the schedule isn't late by more than this."""


_FAMILIES = families(
    "lambent.services.scheduler",
    "schedules",
    "groups",
)


def build(platform: Platform, roles: Roles) -> NativeService[Scheduler]:
    """Return the service; its workers fire schedules, tell targets and send dead letters."""
    scheduler = Scheduler(platform, roles)
    workers = [
        QueueWorker(platform.store, platform.clock, TICKETS, Firing(scheduler).handle, lease_s=TICKET_LEASE_S),
        QueueWorker(platform.store, platform.clock, INVOCATIONS, Invocations(scheduler).handle),
        QueueWorker(platform.store, platform.clock, DEAD_LETTERS, DeadLetters(scheduler).handle),
    ]
    return NativeService("scheduler", scheduler, _FAMILIES, workers=workers)

"""Schedules that are due: the invocation is enqueued in the commit that sets the next time, or ends the schedule."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from lambent.domain.documents import Reader
from lambent.domain.storage import Acknowledge, Enqueue, Lease, Postpone, Write
from lambent.services.scheduler.due import first_due, next_due, window_s
from lambent.services.scheduler.state import INVOCATIONS, SCHEDULES, TICKETS, Invocation, Schedule, Scheduler, Ticket

_FAR_FUTURE_S = 253_402_300_799.0  #: the end of the year 9999
_encode = msgspec.msgpack.Encoder().encode
_tickets = Reader(Ticket)


def enrol(scheduler: Scheduler, schedule: Schedule) -> list[Write]:
    """Return the write that has a schedule fired, to be committed with it; none when it is disabled or has no time left."""
    due = first_due(schedule, scheduler.now) if schedule.state == "ENABLED" else None
    if due is None:
        return []
    return [Enqueue(TICKETS, schedule.arn, _encode(_ticket(schedule, due)), _start(scheduler, schedule, due))]


class Firing:
    """Handles the queue of ``Ticket``."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    async def handle(self, lease: Lease) -> Sequence[Write]:
        """Enqueue the invocation, together with what becomes of the schedule."""
        ticket = _tickets.decode(lease.body)
        found = await SCHEDULES.get(self._scheduler.platform.store, ticket.key)
        if found is None or found.value.modified != ticket.modified or found.value.state != "ENABLED":
            return (Acknowledge(lease),)
        schedule, now = found.value, self._scheduler.now
        invocation = Invocation(
            schedule_arn=schedule.arn,
            account_id=schedule.account_id,
            region=schedule.region,
            target=schedule.target,
            scheduled=ticket.scheduled,
            execution_id=self._scheduler.platform.ids.hex(16),
        )
        writes: list[Write] = [Enqueue(INVOCATIONS, self._scheduler.platform.ids.ordered(), _encode(invocation), now)]
        due = next_due(schedule, ticket.scheduled, now)
        if due is not None:
            body = _encode(_ticket(schedule, due))
            return [*writes, Postpone(lease, _start(self._scheduler, schedule, due), body)]
        if schedule.after_completion == "DELETE":
            writes.append(SCHEDULES.delete(found.key, found.version))
        return [*writes, Acknowledge(lease)]


def _ticket(schedule: Schedule, due: float) -> Ticket:
    return Ticket((schedule.account_id, schedule.region, schedule.group, schedule.name), schedule.modified, due)


def _start(scheduler: Scheduler, schedule: Schedule, due: float) -> float:
    """Return when to start: somewhere within the flexible time window."""
    return min(due + scheduler.platform.ids.random() * window_s(schedule), _FAR_FUTURE_S)

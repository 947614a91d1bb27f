"""Rules with a schedule: one message per rule, due when the rule is, in the same queue for as long as the rule is enabled.

What was due while the server was down is due once when it is back.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from lambent.domain.storage import Acknowledge, Enqueue, Lease, Postpone, Write
from lambent.patterns.schedules import compile_schedule
from lambent.services.events import inputs
from lambent.services.events.context import Events
from lambent.services.events.entries import scheduled_event
from lambent.services.events.names import RuleRef
from lambent.services.events.publishing import deliveries
from lambent.services.events.state import RULES, SCHEDULES, Rule

_FAR_FUTURE_S = 253_402_300_799.0  #: the end of the year 9999


class Ticket(msgspec.Struct, frozen=True, array_like=True):
    """What lies in the queue ``SCHEDULES``."""

    rule: tuple[str, str, str, str]
    schedule: str
    anchor: float


def enrol(rule: Rule, now: float) -> list[Write]:
    """Return the write that has a rule fired when it is due, to be committed with the rule; none when it has no schedule, or none left.

    It replaces an earlier ticket of the same rule; a ticket of a rule that is gone or changed does nothing.
    """
    if not rule.schedule or not rule.is_enabled:
        return []
    due = compile_schedule(rule.schedule).next_after(now, rule.anchor)
    if due is None:
        return []
    ticket = Ticket(rule.ref, rule.schedule, rule.anchor)
    return [Enqueue(SCHEDULES, rule.ref.arn, msgspec.msgpack.encode(ticket), min(due, _FAR_FUTURE_S))]


class Firing:
    """Handles the queue of ``Ticket``."""

    def __init__(self, events: Events) -> None:
        self._events = events

    async def handle(self, lease: Lease) -> Sequence[Write]:
        """Enqueue the deliveries of a rule that is due, together with its next time."""
        ticket = msgspec.msgpack.decode(lease.body, type=Ticket)
        found = await RULES.get(self._events.platform.store, ticket.rule)
        rule = found.value if found else None
        if rule is None or not rule.is_enabled or (rule.schedule, rule.anchor) != (ticket.schedule, ticket.anchor):
            return (Acknowledge(lease),)
        now = self._events.now
        ref = RuleRef(*ticket.rule)
        event = scheduled_event(
            event_id=self._events.platform.ids.uuid(), account_id=ref.account_id, region=ref.region, rule_arn=ref.arn, due=now
        )
        writes: list[Write] = deliveries(self._events, rule, inputs.dump(event).encode())
        due = compile_schedule(ticket.schedule).next_after(now, ticket.anchor)
        return [*writes, Acknowledge(lease) if due is None else Postpone(lease, due)]

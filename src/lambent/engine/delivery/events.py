"""Asynchronous invocation: events are queued durably, delivered, retried, and end at a destination or dead-letter queue.

An acknowledged event reaches exactly one end: handled, given up into its destinations, expired into them, or its function was deleted.
Every step commits what follows from it together with the step itself, so a kill at any moment repeats a step and never loses one.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Sequence
from typing import Final

import msgspec

from lambent.base.clock import Clock
from lambent.base.ids import Ids
from lambent.domain.documents import Reader
from lambent.domain.errors import AwsError
from lambent.domain.functions import EventInvokeConfig, FunctionDirectory, FunctionVersion, ResolvedFunction
from lambent.domain.invocations import Invocation, InvocationResult, Invoker
from lambent.domain.metrics import Metrics, NoMetrics
from lambent.domain.ports import Cloud
from lambent.domain.storage import Acknowledge, Enqueue, Lease, Postpone, Store, Write
from lambent.engine.delivery.destinations import Destinations
from lambent.engine.delivery.endings import Handled
from lambent.engine.delivery.fair_worker import FairWorker, without_body
from lambent.engine.delivery.haste import Haste
from lambent.engine.delivery.lanes import PLACES, START
from lambent.engine.delivery.messages import Dispatch, Event, dead_letter_attributes, destination_record
from lambent.engine.delivery.schedule import Condition, GiveUp, Retry, after_function_error, after_refusal
from lambent.engine.delivery.tally import Tally
from lambent.engine.invocation import recursion

_log = logging.getLogger(__name__)

EVENTS: Final = "lambda.events/"
"""Queues by function: ``<account>/<region>/<name>`` follows."""
LEASE_S: Final = 1_200.0  # the longest function, its init twice, and time to spare

_encode = msgspec.msgpack.Encoder().encode
_events = Reader(Event)


class AsyncInvocations:
    """An ``EventQueue``, and the ``Worker`` that delivers its events and their records."""

    name = "asynchronous invocations"

    def __init__(
        self,
        store: Store,
        invoker: Invoker,
        directory: FunctionDirectory,
        cloud: Cloud,
        *,
        clock: Clock,
        ids: Ids,
        places: int = PLACES,
        start: int = START,
        metrics: Metrics | None = None,
    ) -> None:
        self._store = store
        self._invoker = invoker
        self._directory = directory
        self._clock = clock
        self._ids = ids
        self._metrics = metrics or NoMetrics()
        self.records = Destinations(store, cloud, clock, ids, metrics)
        self._tally = Tally()
        self._accepting = Haste(clock)
        self._events = FairWorker(
            store,
            clock,
            EVENTS,
            self._deliver,
            name=self.name,
            places=places,
            start=start,
            lease_s=LEASE_S,
            on_commit=self.records.touched,
            yields=self._accepting.is_pressing,
        )

    async def submit(self, function: FunctionVersion, qualifier: str, invocation: Invocation) -> None:
        """Commit the event for later delivery; durable on return."""
        now = self._clock.now()
        event = Event.of(function, qualifier, invocation, now, invocation.trace_header or recursion.fresh(now, self._ids.hex(40)))
        writes = (self._events.enqueue(event.lane, self._ids.ordered(), _encode(event), now),)
        with self._accepting:
            await self._store.commit(writes)
        self._events.touched(writes)
        self._tally.received(event)

    def tell(self, metrics: Metrics) -> None:
        """Hand over what was counted of events since the last time."""
        self._tally.tell(metrics)

    async def run(self) -> None:
        """Deliver until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._events.run(), name=self.name)
            group.create_task(self.records.run(), name=self.records.name)

    async def _deliver(self, lease: Lease) -> Handled:
        """Run an event once and decide what becomes of it."""
        event, lease = _events.decode(lease.body), without_body(lease)
        try:
            resolved = await self._directory.resolve(event.account_id, event.region, event.name, event.qualifier)
        except AwsError as error:
            if error.code == "ResourceNotFoundException":
                _log.warning("event %s is dropped: %s", event.request_id, error.message)
                return Handled((Acknowledge(lease),))
            return Handled(self._refused(lease, event, None))
        config, now = resolved.event_config, self._clock.now()
        self._tally.taken(event, now)
        if now > event.submitted + config.age_s_max:
            return Handled(self._given_up(lease, event, resolved, Condition.EVENT_AGE_EXCEEDED, None))
        cap = resolved.version.reserved_concurrency
        if cap == 0:
            return Handled(self._given_up(lease, event, resolved, Condition.ZERO_RESERVED_CONCURRENCY, None))
        try:
            result = await self._invoker.invoke(resolved.version, event.invocation(resolved.invoked_arn))
        except AwsError as error:
            if error.code == "RecursiveInvocationException":
                return Handled(self._given_up(lease, event, resolved, Condition.RECURSIVE, None))
            if not event.refusals and error.status != 429:
                _log.warning("event %s of %s waits: %s", event.request_id, resolved.version.arn, error)
            return Handled(self._refused(lease, event, resolved), throttled=error.status == 429, cap=cap)
        return Handled(self._ran(lease, event, resolved, result), cap=cap, logged=result.logged)

    def _ran(self, lease: Lease, event: Event, resolved: ResolvedFunction, result: InvocationResult) -> Sequence[Write]:
        config = resolved.event_config
        if result.function_error is None:
            record = self._dispatch(event, resolved, Condition.SUCCESS, result, config.on_success_arn)
            return (Acknowledge(lease), *record)
        event = msgspec.structs.replace(event, errors=event.errors + 1, refusals=0)
        now = self._clock.now()
        match after_function_error(config, submitted=event.submitted, now=now, errors=event.errors):
            case Retry(due):
                return (Postpone(lease, due, _encode(event)),)
            case GiveUp(condition):
                return self._given_up(lease, event, resolved, condition, result)

    def _refused(self, lease: Lease, event: Event, resolved: ResolvedFunction | None) -> Sequence[Write]:
        """Lambda could not run it: back off. A function that cannot be resolved now has no known age limit but AWS's."""
        event = msgspec.structs.replace(event, refusals=event.refusals + 1)
        now = self._clock.now()
        config = EventInvokeConfig() if resolved is None else resolved.event_config
        decision = after_refusal(config, submitted=event.submitted, now=now, refusals=event.refusals, jitter=self._ids.random())
        if isinstance(decision, Retry):
            return (Postpone(lease, decision.due, _encode(event)),)
        if resolved is None:
            _log.error("event %s is dropped: its function %s did not become active in time", event.request_id, event.name)
            return (Acknowledge(lease),)
        return self._given_up(lease, event, resolved, decision.condition, None)

    def _given_up(
        self, lease: Lease, event: Event, resolved: ResolvedFunction, condition: Condition, result: InvocationResult | None
    ) -> Sequence[Write]:
        """End the event: its destination and its dead-letter queue, where there are any, each get their record."""
        records = self._dispatch(event, resolved, condition, result, resolved.event_config.on_failure_arn)
        if resolved.version.dead_letter_arn:
            letter = self._letter(event, resolved, condition, result)
            records = (*records, self.records.enqueue(letter))
        self._metrics.record(event.account_id, event.region, "AsyncEventsDropped", 1.0, "Count", {"FunctionName": event.name})
        if not records:
            _log.info("event %s of %s is given up: %s", event.request_id, resolved.version.arn, condition.value)
        return (Acknowledge(lease), *records)

    def _dispatch(
        self, event: Event, resolved: ResolvedFunction, condition: Condition, result: InvocationResult | None, target_arn: str
    ) -> tuple[Enqueue, ...]:
        if not target_arn:
            return ()
        now = self._clock.now()
        record = destination_record(event, resolved.version, condition, result, now)
        body = json.dumps(record, separators=(",", ":"))
        return (self.records.enqueue(self._addressed(event, resolved, target_arn, body, success=condition is Condition.SUCCESS)),)

    def _letter(self, event: Event, resolved: ResolvedFunction, condition: Condition, result: InvocationResult | None) -> Dispatch:
        body = event.payload.decode("utf-8", "replace")
        letter = self._addressed(event, resolved, resolved.version.dead_letter_arn, body, success=False)
        return msgspec.structs.replace(letter, is_dead_letter=True, attributes=dead_letter_attributes(event, condition, result))

    def _addressed(self, event: Event, resolved: ResolvedFunction, target_arn: str, body: str, *, success: bool) -> Dispatch:
        function = resolved.version
        return Dispatch(
            account_id=function.account_id,
            region=function.region,
            function_name=function.name,
            function_arn=function.arn,
            role_arn=function.role_arn,
            target_arn=target_arn,
            body=body,
            is_dead_letter=False,
            success=success,
            request_id=event.request_id,
            made=self._clock.now(),
            trace_header=recursion.onward(event.trace_header, function.function_arn),
        )

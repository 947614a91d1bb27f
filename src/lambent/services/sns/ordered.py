"""The worker that delivers FIFO topics' messages: a subscription's one after the other, in the order of their sequence numbers.

While the first can't be delivered for a passing reason, those behind it wait: what fails is the queue, so that they would fail too.
"""

from __future__ import annotations

import asyncio
import logging
import weakref
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from lambent.domain.documents import Found
from lambent.domain.errors import AwsError
from lambent.domain.storage import Acknowledge, Lease, Postpone, Write
from lambent.engine.delivery import QueueWorker
from lambent.services.sns.context import Sns
from lambent.services.sns.delivery import passes
from lambent.services.sns.dispatches import Dispatch
from lambent.services.sns.feedback import Delivered, feedback
from lambent.services.sns.fifo import WAITING, WAKE_UPS, WakeUp, decode_wake_up, encode_wake_up
from lambent.services.sns.messages import Message
from lambent.services.sns.queue_lanes import BATCH_MAX, Parcel, batch_of, send_all
from lambent.services.sns.schedule import MANAGED
from lambent.services.sns.senders import Senders
from lambent.services.sns.state import Subscription, Topic
from lambent.services.sns.subscription_attributes import dead_letter_arn

_log = logging.getLogger(__name__)
_TURNS: Final = 100
"""Batches that one wake-up delivers at most, so that its lease outlives it."""


class OrderedDeliveries:
    """Handles wake-ups."""

    def __init__(self, sns: Sns, senders: Senders) -> None:
        self._sns = sns
        self._senders = senders
        self._locks: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()

    def worker(self) -> QueueWorker:
        """Return the worker of the queue of wake-ups."""
        platform = self._sns.platform
        return QueueWorker(platform.store, platform.clock, WAKE_UPS, self.handle, name="sns fifo deliveries")

    async def handle(self, lease: Lease) -> Sequence[Write]:
        """Deliver what waits for a subscription. A newer wake-up may come meanwhile: it waits for this one."""
        which = decode_wake_up(lease.body)
        lock = self._locks.get(which.subscription_id)
        if lock is None:
            lock = self._locks[which.subscription_id] = asyncio.Lock()
        async with lock:
            return await self._deliver(lease, which)

    async def _deliver(self, lease: Lease, which: WakeUp) -> Sequence[Write]:
        store, clock = self._sns.platform.store, self._sns.platform.clock
        failures = which.failures
        for _ in range(_TURNS):
            waiting = await WAITING.range(store, (*which.topic, which.subscription_id), limit=BATCH_MAX)
            if not waiting:
                return (Acknowledge(lease),)
            done, error = await self._attempt(which, waiting, last=MANAGED.pause_s(failures + 1) is None)
            if done:
                failures = 0
                await store.commit(done)
            if error is not None:
                failures += 1
                pause = MANAGED.pause_s(failures) or 0.0
                return (Postpone(lease, clock.now() + pause, encode_wake_up(replace(which, failures=failures))),)
        return (Postpone(lease, clock.now(), encode_wake_up(replace(which, failures=failures))),)

    async def _attempt(self, which: WakeUp, waiting: Sequence[Found[Message]], *, last: bool) -> tuple[list[Write], AwsError | None]:
        """Send a batch; return what follows from those that need no further attempt, and the error of the first that does. ``last`` says
        that the first of them is not tried again after this."""
        entry = await self._sns.topics.find(which.topic)
        subscription = None if entry is None else entry.subscriptions.get(which.subscription_id)
        if entry is None or subscription is None:
            return [WAITING.delete(each.key) for each in waiting], None
        topic, endpoint = entry.topic, subscription.endpoint
        clock, ids = self._sns.platform.clock, self._sns.platform.ids
        dispatches = [Dispatch(topic=which.topic, message=each.value) for each in waiting]
        parcels = [await self._parcel(topic, subscription, each, endpoint) for each in dispatches]
        outcomes = await send_all(self._sns.platform, topic, endpoint, parcels[: batch_of(parcels)])
        done: list[Write] = []
        for each, dispatch, outcome in zip(waiting, dispatches, outcomes, strict=False):
            if isinstance(outcome, AwsError):
                stuck = outcome if passes(outcome) and not last else await self._bury(topic, subscription, dispatch, outcome)
                if stuck is not None:
                    return done, stuck
            done += [WAITING.delete(each.key), *feedback(topic, subscription, dispatch, outcome, clock.now(), ids)]
            last = False
        return done, None

    async def _bury(self, topic: Topic, subscription: Subscription, dispatch: Dispatch, why: AwsError) -> AwsError | None:
        """Put a message into the dead-letter queue, at once so that the order is kept; return the error that asks for another attempt."""
        target = dead_letter_arn(subscription)
        if target:
            parcel = await self._parcel(topic, subscription, dispatch, target)
            (error,) = await send_all(self._sns.platform, topic, target, [parcel])
            if isinstance(error, Delivered):
                return None
            if passes(error):
                return error
            why = error
        _log.warning("message %s of %s is dropped: sqs %s: %s", dispatch.message.id, topic.arn, target or subscription.endpoint, why)
        return None

    async def _parcel(self, topic: Topic, subscription: Subscription, dispatch: Dispatch, queue_arn: str) -> Parcel:
        letterhead = self._senders.letterhead(topic, dispatch)
        return await self._senders.parcel(topic, subscription, dispatch, queue_arn, letterhead)

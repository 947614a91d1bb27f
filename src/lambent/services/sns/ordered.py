"""The worker that delivers FIFO topics' messages: a subscription's one after the other, in the order of their sequence numbers.

While the first can't be delivered for a passing reason, those behind it wait: what fails is the queue, so that they would fail too.
"""

from __future__ import annotations

import asyncio
import logging
import weakref
from collections.abc import Callable, Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from lambent.domain.documents import Found
from lambent.domain.errors import AwsError, Conflict
from lambent.domain.storage import Acknowledge, Enqueue, Lease, Postpone, Write
from lambent.engine.delivery import QueueWorker
from lambent.services.sns.archives import ARCHIVED
from lambent.services.sns.catalogue import Entry
from lambent.services.sns.context import Sns
from lambent.services.sns.delivery import passes
from lambent.services.sns.dispatches import Dispatch
from lambent.services.sns.feedback import Delivered, feedback
from lambent.services.sns.fifo import WAITING, WAKE_UPS, WakeUp, decode_wake_up, encode_wake_up
from lambent.services.sns.messages import Message
from lambent.services.sns.queue_lanes import BATCH_MAX, Parcel, batch_of, send_all
from lambent.services.sns.replays import COMPLETED, FAILED, IN_PROGRESS, PENDING, REPLAYS, Replay
from lambent.services.sns.schedule import MANAGED
from lambent.services.sns.senders import Senders
from lambent.services.sns.state import Subscription, Topic
from lambent.services.sns.subscription_attributes import dead_letter_arn

_log = logging.getLogger(__name__)
_TURNS: Final = 100
"""Batches that one wake-up delivers at most, so that its lease outlives it."""


class Batch(msgspec.Struct, frozen=True):
    """Messages that are next, and what says that so many of them, from the first, are done with."""

    messages: Sequence[Message]
    done: Callable[[int], list[Write]]


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
        clock, failures = self._sns.platform.clock, which.failures
        for _ in range(_TURNS):
            batch = await self._next(which)
            if batch is None:
                return (Acknowledge(lease),)
            count, told, error = await self._attempt(which, batch.messages, last=MANAGED.pause_s(failures + 1) is None)
            if count or not batch.messages:
                failures = 0
                try:
                    await self._sns.platform.store.commit([*batch.done(count), *told])
                except Conflict:  # the replay was replaced meanwhile
                    continue
            if error is not None:
                failures += 1
                pause = MANAGED.pause_s(failures) or 0.0
                return (Postpone(lease, clock.now() + pause, encode_wake_up(replace(which, failures=failures))),)
        return (Postpone(lease, clock.now(), encode_wake_up(replace(which, failures=failures))),)

    async def _next(self, which: WakeUp) -> Batch | None:
        """Return what comes next: of a replay that is under way, else what waits. ``None`` when there is nothing."""
        store = self._sns.platform.store
        entry = await self._sns.topics.find(which.topic)
        subscription = None if entry is None else entry.subscriptions.get(which.subscription_id)
        if entry is not None and subscription is not None and "ReplayPolicy" in subscription.attributes:
            replay = await REPLAYS.get(store, subscription.key)
            if replay is not None and replay.value.status in {PENDING, IN_PROGRESS}:
                return await self._replayed(entry, subscription, replay)
        waiting = await WAITING.range(store, (*which.topic, which.subscription_id), limit=BATCH_MAX)
        if not waiting:
            return None
        return Batch([each.value for each in waiting], lambda count: [WAITING.delete(each.key) for each in waiting[:count]])

    async def _replayed(self, entry: Entry, subscription: Subscription, found: Found[Replay]) -> Batch:
        """Return the next messages of a replay, without those that the subscription filters out. What is replayed waits no longer."""
        replay = found.value
        page = await ARCHIVED.range(self._sns.platform.store, (replay.archive,), after=(replay.archive, replay.position), limit=BATCH_MAX)
        page = [each for each in page if replay.end is None or int(each.key[1]) <= replay.end]
        if entry.topic.archive != replay.archive or not page:
            status = COMPLETED if entry.topic.archive == replay.archive else FAILED
            return Batch([], lambda count: [REPLAYS.put(found.key, replace(replay, status=status), found.version)])
        chosen = entry.filters.get(subscription.id)
        wanted = [each.value for each in page if chosen is None or chosen.passes(each.value, subscription.protocol)]

        def done(count: int) -> list[Write]:
            position = int(page[-1].key[1]) if count == len(wanted) else wanted[count - 1].sequence or 0
            waiting = [WAITING.delete((*subscription.key, each.key[1])) for each in page if int(each.key[1]) <= position]
            return [REPLAYS.put(found.key, replace(replay, position=position, status=IN_PROGRESS), found.version), *waiting]

        return Batch([replace(each, replay_id=replay.id) for each in wanted], done)

    async def _attempt(self, which: WakeUp, messages: Sequence[Message], *, last: bool) -> tuple[int, list[Enqueue], AwsError | None]:
        """Send a batch; return how many, from the first, need no further attempt, what is to be logged of them, and the error of the first
        that does. ``last`` says that the first of them is not tried again after this."""
        entry = await self._sns.topics.find(which.topic)
        subscription = None if entry is None else entry.subscriptions.get(which.subscription_id)
        if entry is None or subscription is None or not messages:
            return len(messages), [], None
        topic, endpoint = entry.topic, subscription.endpoint
        clock, ids = self._sns.platform.clock, self._sns.platform.ids
        dispatches = [Dispatch(topic=which.topic, message=each) for each in messages]
        parcels = [await self._parcel(topic, subscription, each, endpoint) for each in dispatches]
        outcomes = await send_all(self._sns.platform, topic, endpoint, parcels[: batch_of(parcels)])
        told: list[Enqueue] = []
        for count, (dispatch, outcome) in enumerate(zip(dispatches, outcomes, strict=False)):
            if isinstance(outcome, AwsError):
                stuck = outcome if passes(outcome) and not last else await self._bury(topic, subscription, dispatch, outcome)
                if stuck is not None:
                    return count, told, stuck
            told += feedback(topic, subscription, dispatch, outcome, clock.now(), ids)
            last = False
        return len(outcomes), told, None

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

"""The workers that bring committed messages to their subscriptions: at least once, again by AWS's schedule, then to a dead-letter queue.

A step's consequences are committed with the step itself (the acknowledgement, the next attempt, the dead letter), so that a kill at any
moment repeats a delivery and never loses one. A passing error is tried again; a lasting one (a queue that is gone, a policy that denies, a
4xx answer) is not, as AWS does.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from lambent.domain.errors import AwsError, Unreachable
from lambent.domain.storage import Acknowledge, Enqueue, Lease, Postpone, Write
from lambent.engine.delivery import QueueWorker
from lambent.services.sns.context import Sns
from lambent.services.sns.delivery_policies import effective_subscription_policy, retry_policy
from lambent.services.sns.dispatches import FANOUT, WEBHOOKS, Dispatch, Kind, dispatches
from lambent.services.sns.feedback import Delivered, feedback
from lambent.services.sns.pacing import Pacer
from lambent.services.sns.protocols import WEBHOOKS as WEBHOOK_PROTOCOLS
from lambent.services.sns.schedule import MANAGED, RetryPolicy
from lambent.services.sns.senders import Senders
from lambent.services.sns.state import Subscription, Topic
from lambent.services.sns.subscription_attributes import dead_letter_arn

_log = logging.getLogger(__name__)

LEASE_S: Final = 3_600.0  # longer than any delivery, also where an hour passes in a minute; after a kill nobody waits for it
CONCURRENCY: Final = 128
"""Publications on their way at once: enough for each queue to get its messages ten at a time."""


def passes(error: Exception) -> bool:
    """Return whether trying again may help."""
    return isinstance(error, Unreachable) or (isinstance(error, AwsError) and error.retryable and error.status != 501)


class Deliveries:
    """Handles the queues of dispatches."""

    def __init__(self, sns: Sns, senders: Senders) -> None:
        self._sns = sns
        self._senders = senders
        self._pacer = Pacer()

    def worker(self) -> QueueWorker:
        """Return the worker of the queue of publications."""
        store, clock = self._sns.platform.store, self._sns.platform.clock
        return QueueWorker(store, clock, FANOUT, self.handle, name="sns deliveries", concurrency=CONCURRENCY, lease_s=LEASE_S)

    async def handle(self, lease: Lease) -> Sequence[Write]:
        """Deliver a message to its targets, all at once; return what follows."""
        dispatch = dispatches.decode(lease.body)
        entry = await self._sns.topics.find(dispatch.topic)
        if entry is None:
            return (Acknowledge(lease),)
        if dispatch.subscription is not None:
            targets = [dispatch.subscription]
        else:
            targets = [entry.subscriptions[each] for each in dispatch.targets if each in entry.subscriptions]
        slot = self._slot(entry.topic, targets, dispatch)
        if slot is not None:
            return (Postpone(lease, slot, replace(dispatch, paced=True).encoded()),)
        letterhead = self._senders.letterhead(entry.topic, dispatch)
        endings = [await self._senders.begin(entry.topic, each, dispatch, letterhead) for each in targets]
        writes: list[Write] = [Acknowledge(lease)]
        platform = self._sns.platform
        for target, outcome in zip(targets, await asyncio.gather(*endings), strict=True):
            if not isinstance(outcome, Delivered):
                writes += self._failed(entry.topic, target, dispatch, outcome)
            if not dispatch.dead:
                writes += feedback(entry.topic, target, dispatch, outcome, platform.clock.now(), platform.ids)
        return writes

    def _slot(self, topic: Topic, targets: Sequence[Subscription], dispatch: Dispatch) -> float | None:
        """Return until when a webhook's message has to wait; ``None`` when it may go. There is one target, then."""
        if dispatch.paced or dispatch.dead or dispatch.kind is not Kind.NOTIFICATION or len(targets) != 1:
            return None
        (target,) = targets
        if target.protocol not in WEBHOOK_PROTOCOLS:
            return None
        now = self._sns.platform.clock.now()
        slot = self._pacer.slot(topic, target, now)
        return slot if slot > now else None

    def _failed(self, topic: Topic, subscription: Subscription, dispatch: Dispatch, error: AwsError | Unreachable) -> Sequence[Enqueue]:
        again = replace(dispatch, failures=dispatch.failures + 1, paced=False)
        if dispatch.subscription is None:
            again = replace(again, targets=(subscription.id,))
        pause = schedule_of(topic, subscription, dead=dispatch.dead).pause_s(again.failures) if passes(error) else None
        if pause is not None:
            return (self._queued(subscription, again, pause),)
        if dispatch.kind is Kind.NOTIFICATION and not dispatch.dead and dead_letter_arn(subscription):
            return (self._queued(subscription, replace(again, failures=0, dead=True), 0.0),)
        what = "dead-letter queue" if dispatch.dead else subscription.protocol
        _log.warning("message %s of %s is dropped: %s %s: %s", dispatch.message.id, topic.arn, what, subscription.endpoint, error)
        return ()

    def _queued(self, subscription: Subscription, dispatch: Dispatch, pause_s: float) -> Enqueue:
        queue = WEBHOOKS + subscription.id if subscription.protocol in WEBHOOK_PROTOCOLS and not dispatch.dead else FANOUT
        platform = self._sns.platform
        return dispatch.enqueue(queue, platform.ids.ordered(), platform.clock.now() + pause_s)


def schedule_of(topic: Topic, subscription: Subscription, *, dead: bool) -> RetryPolicy:
    """Return how a subscription's deliveries are tried again."""
    if subscription.protocol in WEBHOOK_PROTOCOLS and not dead:
        own = subscription.attributes.get("DeliveryPolicy")
        return retry_policy(effective_subscription_policy(topic.attributes.get("DeliveryPolicy"), own))
    return MANAGED

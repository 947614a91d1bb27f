"""Who gets a message: the writes that a publication commits before it is acknowledged; pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lambent.base.ids import Ids
from lambent.domain.storage import Write
from lambent.services.sns import outbox
from lambent.services.sns.catalogue import Entry
from lambent.services.sns.dispatches import FANOUT, WEBHOOKS, Dispatch
from lambent.services.sns.feedback import Delivered, feedback
from lambent.services.sns.messages import Message
from lambent.services.sns.protocols import MAIL
from lambent.services.sns.protocols import WEBHOOKS as WEBHOOK_PROTOCOLS
from lambent.services.sns.state import Subscription


def recipients(entry: Entry, message: Message) -> Iterator[Subscription]:
    """Give the subscriptions that get a message: confirmed, and not filtered out."""
    filters = entry.filters
    for each in entry.subscriptions.values():
        if each.pending or each.replays_only:
            continue
        found = filters.get(each.id)
        if found is None or found.passes(message, each.protocol):
            yield each


def deliveries(entry: Entry, message: Message, now: float, ids: Ids) -> list[Write]:
    """Return what a standard topic's message commits: one queued dispatch for all queues, functions and streams, one for each webhook,
    and what goes into the outbox."""
    topic = entry.topic.key
    writes: list[Write] = []
    targets: list[str] = []
    mail: list[dict[str, Any]] = []
    for each in recipients(entry, message):
        if each.protocol in WEBHOOK_PROTOCOLS:
            dispatch = Dispatch(topic=topic, message=message, targets=(each.id,))
            writes.append(dispatch.enqueue(WEBHOOKS + each.id, message.id, now))
        elif each.protocol in MAIL or each.protocol in {"sms", "application"}:
            mail.append(_letter(each, message))
            writes += feedback(entry.topic, each, Dispatch(topic=topic, message=message), Delivered(), now, ids)
        else:
            targets.append(each.id)
    if targets:
        writes.append(Dispatch(topic=topic, message=message, targets=tuple(targets)).enqueue(FANOUT, message.id, now))
    if mail:
        writes.append(outbox.append(now, *mail))
    return writes


def _letter(subscription: Subscription, message: Message) -> dict[str, Any]:
    if subscription.protocol == "application":
        platform = subscription.endpoint.split("/")[1]
        return outbox.item("application", subscription.endpoint, message, message=message.text_for(platform), platform=platform)
    more = {"topicArn": subscription.topic_arn, "subscriptionArn": subscription.arn}
    return outbox.item(subscription.protocol, subscription.endpoint, message, **more)

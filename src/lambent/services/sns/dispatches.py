"""What lies in SNS's queues until it is delivered; pure."""

from __future__ import annotations

from enum import Enum
from typing import Final

import msgspec

from lambent.domain.documents import Reader
from lambent.domain.storage import Enqueue
from lambent.services.sns.messages import Message
from lambent.services.sns.state import Subscription

FANOUT: Final = "sns.publications"
"""Messages on their way to queues, functions and delivery streams: one for all of a message's targets."""
WEBHOOKS: Final = "sns.webhooks/"
"""Messages on their way to HTTP endpoints, a queue for each subscription: a slow one must not hold up others."""


class Kind(Enum):
    """The types of messages, as their envelopes say them."""

    NOTIFICATION = "Notification"
    SUBSCRIPTION = "SubscriptionConfirmation"
    UNSUBSCRIPTION = "UnsubscribeConfirmation"


class Dispatch(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A message on its way to subscriptions of a topic."""

    topic: tuple[str, str, str]  #: account, region, name
    message: Message
    targets: tuple[str, ...] = ()  #: ids of subscriptions
    failures: int = 0  #: how often its delivery has failed
    dead: bool = False  #: on its way to a dead-letter queue
    paced: bool = False  #: it has waited for its slot (``pacing``)
    kind: Kind = Kind.NOTIFICATION
    subscription: Subscription | None = None  #: of a message about a subscription, which may be gone by then
    token: str = ""  #: of a message about a subscription

    @classmethod
    def about(cls, subscription: Subscription, kind: Kind, message: Message, token: str) -> Dispatch:
        """Return a message about a subscription."""
        return cls(topic=subscription.topic, message=message, kind=kind, subscription=subscription, token=token)

    def encoded(self) -> bytes:
        """Return it as it is queued."""
        return _encode(self)

    def enqueue(self, queue: str, message_id: str, due: float) -> Enqueue:
        """Return the write that queues it."""
        return Enqueue(queue, message_id, self.encoded(), due)


_encode = msgspec.msgpack.Encoder().encode
dispatches = Reader(Dispatch)

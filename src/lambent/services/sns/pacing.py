"""Throttle policies: how many messages a webhook is sent in a second, at most.

Follows "Creating an HTTP/S delivery policy" (``maxReceivesPerSecond``). A message gets a slot and is put back until then, so that a slow
subscription takes nobody's place. Slots are known to this life of the server.
"""

from __future__ import annotations

from typing import Final

from lambent.services.sns.delivery_policies import effective_subscription_policy
from lambent.services.sns.state import Subscription, Topic

_MARK: Final = "maxReceivesPerSecond"
_KEPT_MAX: Final = 10_000


class Pacer:
    """Gives out slots."""

    def __init__(self) -> None:
        self._next: dict[str, float] = {}  #: by subscription: when its next slot is

    def slot(self, topic: Topic, subscription: Subscription, now: float) -> float:
        """Return when a message may be sent: ``now``, where nothing holds it up."""
        rate = _rate(topic, subscription)
        if rate is None:
            return now
        if len(self._next) >= _KEPT_MAX:
            self._next = {each: at for each, at in self._next.items() if at > now}
        slot = max(now, self._next.get(subscription.id, 0.0))
        self._next[subscription.id] = slot + 1 / rate
        return slot


def _rate(topic: Topic, subscription: Subscription) -> int | None:
    """Return how many messages a second there may be; ``None`` when as many as come."""
    texts = [each.attributes.get("DeliveryPolicy", "") for each in (topic, subscription)]
    if not any(_MARK in each for each in texts):
        return None
    found = effective_subscription_policy(*texts)["throttlePolicy"] or {}
    rate: int | None = found.get(_MARK)
    return rate

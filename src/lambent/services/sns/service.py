"""Puts SNS together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from lambent.domain.http import HttpRequest
from lambent.domain.ports import Outside, Platform
from lambent.domain.service import NativeService, families
from lambent.domain.storage import Lease, Write
from lambent.engine.delivery.endings import Handled
from lambent.engine.delivery.fair_worker import FairWorker
from lambent.services.sns.archives import ArchiveKeeper
from lambent.services.sns.catalogue import Topics
from lambent.services.sns.confirmations import Expiries
from lambent.services.sns.context import Sns
from lambent.services.sns.delivery import LEASE_S, Deliveries
from lambent.services.sns.dispatches import WEBHOOKS
from lambent.services.sns.feedback import FeedbackLogs
from lambent.services.sns.fifo import FifoTopics
from lambent.services.sns.links import Links
from lambent.services.sns.ordered import OrderedDeliveries
from lambent.services.sns.outbox import Outbox, OutboxKeeper
from lambent.services.sns.senders import Senders
from lambent.services.sns.signing import Signer

WEBHOOKS_OWN: Final = 2
"""How many requests a webhook may have under way whatever the others do; 64 more are shared."""
_FAMILIES = families(
    "lambent.services.sns",
    "topics",
    "subscriptions",
    "confirmations",
    "publishing",
    "tagging",
    "platforms",
    "texting",
)


def build(platform: Platform, outside: Outside, trusts: Callable[[HttpRequest], bool]) -> NativeService[Sns]:
    """Return the service, with its workers and what it serves by plain HTTP; ``trusts`` says who may look into the outbox."""
    store, clock = platform.store, platform.clock

    async def handle(lease: Lease) -> Handled:
        return Handled(await deliveries.handle(lease))

    def committed(writes: Sequence[Write]) -> None:
        webhooks.touched(writes)

    webhooks = FairWorker(store, clock, WEBHOOKS, handle, name="sns webhooks", own=WEBHOOKS_OWN, lease_s=LEASE_S, on_commit=committed)
    signer = Signer(store, clock, platform.public_host)
    sns = Sns(platform, Topics(store, webhooks.touched), FifoTopics(store, clock), signer, outside, webhooks)
    senders = Senders(sns)
    deliveries = Deliveries(sns, senders)
    return NativeService(
        "sns",
        sns,
        _FAMILIES,
        raw_handlers=[Links(platform.cloud, platform.ids), sns.signer, Outbox(store, trusts)],
        workers=[
            deliveries.worker(),
            webhooks,
            OrderedDeliveries(sns, senders).worker(),
            Expiries(sns).worker(),
            FeedbackLogs(platform).worker(),
            OutboxKeeper(store, clock),
            ArchiveKeeper(store, clock),
        ],
    )

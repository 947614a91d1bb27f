"""Puts SNS together."""

from __future__ import annotations

from collections.abc import Callable

from lambent.domain.http import HttpRequest
from lambent.domain.ports import Outside, Platform
from lambent.domain.service import NativeService
from lambent.services.sns import confirmations, platforms, publishing, subscriptions, tagging, texting, topics
from lambent.services.sns.catalogue import Topics
from lambent.services.sns.confirmations import Expiries
from lambent.services.sns.context import Sns
from lambent.services.sns.delivery import Deliveries
from lambent.services.sns.feedback import FeedbackLogs
from lambent.services.sns.fifo import FifoTopics
from lambent.services.sns.links import Links
from lambent.services.sns.ordered import OrderedDeliveries
from lambent.services.sns.outbox import Outbox, OutboxKeeper
from lambent.services.sns.senders import Senders
from lambent.services.sns.signing import Signer

_FAMILIES = (topics, subscriptions, confirmations, publishing, tagging, platforms, texting)


def build(platform: Platform, outside: Outside, trusts: Callable[[HttpRequest], bool]) -> NativeService[Sns]:
    """Return the service, with its workers and what it serves by plain HTTP; ``trusts`` says who may look into the outbox."""
    store, clock = platform.store, platform.clock
    sns = Sns(platform, Topics(store), FifoTopics(store, clock), Signer(store, clock, platform.public_host), outside)
    senders = Senders(sns)
    return NativeService(
        "sns",
        sns,
        [each.operations for each in _FAMILIES],
        raw_handlers=[Links(platform.cloud, platform.ids), sns.signer, Outbox(store, trusts)],
        workers=[
            *Deliveries(sns, senders).workers(),
            OrderedDeliveries(sns, senders).worker(),
            Expiries(sns).worker(),
            FeedbackLogs(platform).worker(),
            OutboxKeeper(store, clock),
        ],
    )

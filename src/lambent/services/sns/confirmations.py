"""How a subscription is confirmed and ended: by API or by the links in messages, which need no signature.

A token confirms for two days; what nobody confirmed by then is removed. Ending a webhook's subscription sends it a token that restores it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from lambent.base.regexes import Regex
from lambent.domain.call import Call
from lambent.domain.caller import CallerKind
from lambent.domain.errors import AwsError
from lambent.domain.service import Operations
from lambent.domain.storage import Acknowledge, Enqueue, Lease, Write
from lambent.engine.delivery import QueueWorker
from lambent.services.sns import outbox
from lambent.services.sns.arns import subscription_key
from lambent.services.sns.catalogue import Entry
from lambent.services.sns.context import Sns
from lambent.services.sns.dispatches import FANOUT, WEBHOOKS, Dispatch, Kind
from lambent.services.sns.envelopes import confirm_url, text_about
from lambent.services.sns.errors import invalid, not_authorized
from lambent.services.sns.messages import Message
from lambent.services.sns.protocols import MAIL
from lambent.services.sns.protocols import WEBHOOKS as WEBHOOK_PROTOCOLS
from lambent.services.sns.replays import REPLAYS
from lambent.services.sns.state import OWNED, SUBSCRIPTIONS, TOKEN_S, TOKENS, TOPICS, Subscription, Token

if TYPE_CHECKING:
    from lambent.services.sns import _generated_shapes as shapes

operations: Operations[Sns] = Operations()
EXPIRIES: Final = "sns.expiries"
_DIGITS: Final = 288
_HEX: Final = Regex(r"[0-9a-f]+")


async def confirmation(sns: Sns, subscription: Subscription, kind: Kind = Kind.SUBSCRIPTION) -> list[Write]:
    """Return the writes that ask a subscription's endpoint to confirm it, or tell it that it was ended and how to restore it."""
    platform = sns.platform
    now, token = platform.clock.now(), platform.ids.hex(_DIGITS)
    document = Token(subscription=subscription, expires=now + TOKEN_S, restores=kind is Kind.UNSUBSCRIPTION)
    writes: list[Write] = [TOKENS.put((token,), document), Enqueue(EXPIRIES, token, b"", document.expires)]
    message = Message(id=platform.ids.uuid(), published=now, text=text_about(subscription, kind))
    if subscription.protocol in MAIL:
        url = confirm_url(platform.public_host, subscription.topic_arn, token)
        more = {"topicArn": subscription.topic_arn, "type": kind.value, "token": token, "subscribeUrl": url}
        return [*writes, outbox.append(now, outbox.item(subscription.protocol, subscription.endpoint, message, **more))]
    queue = WEBHOOKS + subscription.id if subscription.protocol in WEBHOOK_PROTOCOLS else FANOUT
    return [*writes, Dispatch.about(subscription, kind, message, token).enqueue(queue, message.id, now)]


@operations.serves("ConfirmSubscription")
async def confirm_subscription(sns: Sns, call: Call, request: shapes.ConfirmSubscriptionInput) -> shapes.ConfirmSubscriptionResponse:
    """Confirm a subscription by the token that its endpoint got. Confirming again changes nothing."""
    token = request["Token"]
    region = _region_of(request["TopicArn"])
    if not _HEX.fullmatch(token):
        raise AwsError("InvalidParameter", "Invalid token")
    found = await TOKENS.get(sns.platform.store, (token,))
    if found is None or found.value.expires <= sns.platform.clock.now():
        raise invalid("Token")
    subscription = found.value.subscription
    if region != subscription.topic[1]:
        raise invalid("Topic")
    signed = call.caller.kind is not CallerKind.ANONYMOUS
    confirmed = replace(
        subscription,
        pending=False,
        authenticated=signed,
        unsubscribe_authenticated=signed and request.get("AuthenticateOnUnsubscribe", "").lower() == "true",
    )
    async with sns.topics.alone(subscription.topic):
        entry = await sns.known(subscription.topic)
        there = _there(entry, confirmed, restores=found.value.restores)
        if there is None or there.pending:
            confirmed = confirmed if there is None else replace(confirmed, attributes=there.attributes)
            writes = [SUBSCRIPTIONS.put(confirmed.key, confirmed), OWNED.put(confirmed.owned, confirmed.reference)]
            await sns.topics.commit(subscription.topic, writes, lambda entry: entry.put(confirmed))
    return {"SubscriptionArn": (there or confirmed).arn}


def _region_of(topic_arn: str) -> str:
    parts = topic_arn.split(":")
    if len(parts) < 6:
        raise invalid("Topic")
    return parts[3]


def _there(entry: Entry, subscription: Subscription, *, restores: bool) -> Subscription | None:
    """Return the subscription as it is now, or another that its endpoint has meanwhile; ``None`` when it is to be restored."""
    there = entry.subscriptions.get(subscription.id) or entry.subscription_of(subscription.protocol, subscription.endpoint)
    if there is None and not restores:
        raise invalid("Token")
    return there


@operations.serves("Unsubscribe")
async def unsubscribe(sns: Sns, call: Call, request: shapes.UnsubscribeInput) -> None:
    """End a subscription; nothing happens when it isn't there. By a link, unless its owner wanted it otherwise, anybody may."""
    key, identifier = subscription_key(request["SubscriptionArn"], call.region)
    async with sns.topics.alone(key):
        entry = await sns.topics.find(key)
        subscription = None if entry is None else entry.subscriptions.get(identifier)
        if entry is None or subscription is None:
            return
        _check_may_end(call, subscription)
        writes = await _ending(sns, entry, subscription)
        await sns.topics.commit(key, writes, lambda entry: entry.end(subscription))


def _check_may_end(call: Call, subscription: Subscription) -> None:
    anonymous = call.caller.kind is CallerKind.ANONYMOUS
    if anonymous and not subscription.unsubscribe_authenticated:
        return
    if anonymous or call.account_id not in {subscription.owner, subscription.topic[0]}:
        raise not_authorized(call.caller.arn, "SNS:Unsubscribe", subscription.arn)


async def _ending(sns: Sns, entry: Entry, subscription: Subscription) -> list[Write]:
    topic = replace(entry.topic, deleted=entry.topic.deleted + 1)
    writes: list[Write] = [SUBSCRIPTIONS.delete(subscription.key), OWNED.delete(subscription.owned), TOPICS.put(topic.key, topic)]
    writes.append(REPLAYS.delete(subscription.key))
    if subscription.protocol in WEBHOOK_PROTOCOLS and not subscription.pending:
        writes += await confirmation(sns, subscription, Kind.UNSUBSCRIPTION)
    return writes


class Expiries:
    """Removes tokens when they have expired, and subscriptions that nobody confirmed by then."""

    def __init__(self, sns: Sns) -> None:
        self._sns = sns

    def worker(self) -> QueueWorker:
        """Return the worker of the queue of expiries."""
        platform = self._sns.platform
        return QueueWorker(platform.store, platform.clock, EXPIRIES, self.handle, name="sns expiries")

    async def handle(self, lease: Lease) -> Sequence[Write]:
        """Let a token expire."""
        key = (lease.message_id,)
        found = await TOKENS.get(self._sns.platform.store, key)
        if found is None:
            return (Acknowledge(lease),)
        await self._let_go(found.value.subscription)
        return (Acknowledge(lease), TOKENS.delete(key))

    async def _let_go(self, subscription: Subscription) -> None:
        topics = self._sns.topics
        async with topics.alone(subscription.topic):
            entry = await topics.find(subscription.topic)
            there = None if entry is None else entry.subscriptions.get(subscription.id)
            if there is None or not there.pending:
                return
            writes: list[Write] = [SUBSCRIPTIONS.delete(there.key), OWNED.delete(there.owned)]
            await topics.commit(subscription.topic, writes, lambda entry: entry.remove(there.id))

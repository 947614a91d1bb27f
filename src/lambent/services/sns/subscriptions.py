"""Subscriptions: subscribe, list, attributes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from lambent.domain.call import Call
from lambent.domain.errors import AwsError
from lambent.domain.service import Operations
from lambent.domain.storage import ABSENT, Write
from lambent.services.sns import subscription_attributes
from lambent.services.sns.arns import subscription_key, topic_key
from lambent.services.sns.catalogue import Entry
from lambent.services.sns.confirmations import confirmation
from lambent.services.sns.context import Sns
from lambent.services.sns.errors import invalid, not_authorized, subscription_not_found
from lambent.services.sns.paging import page, page_of
from lambent.services.sns.platforms import known_endpoint
from lambent.services.sns.protocols import MAIL, WEBHOOKS, check_endpoint, service_arn
from lambent.services.sns.replays import FAILED, REPLAYS, start_replay
from lambent.services.sns.state import OWNED, SUBSCRIPTIONS, Subscription

if TYPE_CHECKING:
    from lambent.services.sns import _generated_shapes as shapes

operations: Operations[Sns] = Operations()
_PENDING: Final = "PendingConfirmation"


@operations.serves("Subscribe")
async def subscribe(sns: Sns, call: Call, request: shapes.SubscribeInput) -> shapes.SubscribeResponse:
    """Subscribe an endpoint; one that has to confirm is asked to. A subscription that is there already, and no different, is just named."""
    key = topic_key(request["TopicArn"], call.region)
    async with sns.topics.alone(key):
        entry = await sns.topic(call, request["TopicArn"])
        wanted = await _wanted(sns, call, entry, request)
        there = entry.subscription_of(wanted.protocol, wanted.endpoint)
        if there is None:
            await _add(sns, entry, wanted)
        elif subscription_attributes.differs(there, wanted.attributes):
            raise invalid("Attributes Reason: Subscription already exists with different attributes")
        elif there.pending:
            await sns.commit(await confirmation(sns, there))
    subscription = there or wanted
    if subscription.pending and not request.get("ReturnSubscriptionArn"):
        return {"SubscriptionArn": "pending confirmation"}
    return {"SubscriptionArn": subscription.arn}


async def _wanted(sns: Sns, call: Call, entry: Entry, request: shapes.SubscribeInput) -> Subscription:
    protocol, topic = request["Protocol"], entry.topic
    endpoint = check_endpoint(topic, protocol, request.get("Endpoint"))
    if protocol == "application":
        await known_endpoint(sns, call, endpoint)
    pending = _has_to_confirm(call, protocol, endpoint)
    bare = Subscription(
        id=sns.platform.ids.uuid(),
        topic=topic.key,
        owner=call.account_id,
        principal=call.caller.arn,
        protocol=protocol,
        endpoint=endpoint,
        pending=pending,
        authenticated=not pending,
    )
    return replace(bare, attributes=subscription_attributes.checked_all(bare, request.get("Attributes", {})))


def _has_to_confirm(call: Call, protocol: str, endpoint: str) -> bool:
    """Webhooks and mailboxes confirm, and so does the owner of a queue that somebody else subscribes."""
    if protocol == "sqs":
        arn = service_arn(endpoint, "sqs")
        return arn is not None and arn.account_id != call.account_id
    return protocol in WEBHOOKS or protocol in MAIL


async def _add(sns: Sns, entry: Entry, subscription: Subscription) -> None:
    writes: list[Write] = [SUBSCRIPTIONS.put(subscription.key, subscription, ABSENT), OWNED.put(subscription.owned, subscription.reference)]
    if subscription.pending:
        writes += await confirmation(sns, subscription)
    if "ReplayPolicy" in subscription.attributes:
        writes += start_replay(entry.topic, subscription, sns.platform.ids.uuid(), sns.platform.clock.now())
    await sns.topics.commit(subscription.topic, writes, lambda entry: entry.put(subscription))


@operations.serves("ListSubscriptions")
async def list_subscriptions(sns: Sns, call: Call, request: shapes.ListSubscriptionsInput) -> shapes.ListSubscriptionsResponse:
    """Return the caller's subscriptions, a page at a time."""
    found, token = await page(sns.platform.store, OWNED, (call.account_id, call.region), request.get("NextToken"))
    subscriptions = [await SUBSCRIPTIONS.get(sns.platform.store, each.value.key) for each in found]
    response: shapes.ListSubscriptionsResponse = {"Subscriptions": _listed([each.value for each in subscriptions if each is not None])}
    if token is not None:
        response["NextToken"] = token
    return response


@operations.serves("ListSubscriptionsByTopic")
async def list_subscriptions_by_topic(
    sns: Sns, call: Call, request: shapes.ListSubscriptionsByTopicInput
) -> shapes.ListSubscriptionsByTopicResponse:
    """Return a topic's subscriptions, a page at a time."""
    entry = await sns.topic(call, request["TopicArn"])
    found, token = page_of(list(entry.subscriptions.values()), lambda each: each.key, request.get("NextToken"), entry.topic.key)
    response: shapes.ListSubscriptionsByTopicResponse = {"Subscriptions": _listed(found)}
    if token is not None:
        response["NextToken"] = token
    return response


def _listed(subscriptions: Sequence[Subscription]) -> list[shapes.Subscription]:
    return [
        {
            "SubscriptionArn": _PENDING if each.pending else each.arn,
            "Owner": each.owner,
            "Protocol": each.protocol,
            "Endpoint": each.endpoint,
            "TopicArn": each.topic_arn,
        }
        for each in subscriptions
    ]


@operations.serves("GetSubscriptionAttributes")
async def get_subscription_attributes(
    sns: Sns, call: Call, request: shapes.GetSubscriptionAttributesInput
) -> shapes.GetSubscriptionAttributesResponse:
    """Return a subscription's attributes."""
    entry, subscription = await _own(sns, call, request["SubscriptionArn"])
    attributes = subscription_attributes.shown(subscription, entry.topic)
    if "ReplayPolicy" in attributes:
        replay = await REPLAYS.get(sns.platform.store, subscription.key)
        attributes["ReplayStatus"] = FAILED if replay is None else replay.value.status
    return {"Attributes": attributes}


@operations.serves("SetSubscriptionAttributes")
async def set_subscription_attributes(sns: Sns, call: Call, request: shapes.SetSubscriptionAttributesInput) -> None:
    """Set one attribute, or take it back with an empty value."""
    name, value = request["AttributeName"], request.get("AttributeValue", "")
    key, _ = subscription_key(request["SubscriptionArn"], call.region)
    async with sns.topics.alone(key):
        entry, subscription = await _own(sns, call, request["SubscriptionArn"])
        kept = subscription_attributes.checked(subscription, name, value, body_scope=subscription.body_scope)
        others = {each: text for each, text in subscription.attributes.items() if each != name}
        changed = replace(subscription, attributes=others | {name: kept} if kept else others)
        writes: list[Write] = [SUBSCRIPTIONS.put(changed.key, changed)]
        if name == "ReplayPolicy":
            writes += start_replay(entry.topic, changed, sns.platform.ids.uuid(), sns.platform.clock.now())
        await sns.topics.commit(key, writes, lambda entry: entry.put(changed))


async def _own(sns: Sns, call: Call, arn: str) -> tuple[Entry, Subscription]:
    """Return a subscription that is the caller's, or of one of the caller's topics."""
    key, identifier = subscription_key(arn, call.region)
    entry = await sns.topics.find(key)
    subscription = None if entry is None else entry.subscriptions.get(identifier)
    if entry is None or subscription is None:
        raise subscription_not_found()
    if call.account_id not in {subscription.owner, key[0]}:
        raise _denied(call, subscription)
    return entry, subscription


def _denied(call: Call, subscription: Subscription) -> AwsError:
    return not_authorized(call.caller.arn, f"SNS:{call.operation}", subscription.arn)

"""A subscription's attributes: which there are, what they may be, and how they are shown; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from lambent.domain.errors import AwsError
from lambent.services.sns.delivery_policies import checked_subscription_policy, effective_subscription_policy
from lambent.services.sns.errors import invalid
from lambent.services.sns.filters import SCOPES, check_filter_policy
from lambent.services.sns.jsontext import compact, parse_object
from lambent.services.sns.protocols import RAW, WEBHOOKS, is_fifo_queue, service_arn
from lambent.services.sns.replays import checked_replay_policy
from lambent.services.sns.state import Subscription, Topic

NAMES: Final = frozenset(
    {"DeliveryPolicy", "FilterPolicy", "FilterPolicyScope", "RawMessageDelivery", "RedrivePolicy", "ReplayPolicy", "SubscriptionRoleArn"}
)
_DEFAULTS: Final = {"RawMessageDelivery": "false", "FilterPolicyScope": "MessageAttributes"}
_PREFIX: Final = "Invalid parameter: "


def checked_all(subscription: Subscription, given: Mapping[str, str]) -> dict[str, str]:
    """Return the attributes of a subscription that is being made; messages name the parameter ``Attributes``."""
    kept: dict[str, str] = {}
    scope = given.get("FilterPolicyScope", "")
    for name, value in given.items():
        try:
            kept[name] = checked(subscription, name, value, body_scope=scope == "MessageBody")
        except AwsError as error:
            what = error.message.removeprefix(_PREFIX)
            raise invalid(f"Attributes Reason: {f'Unknown attribute: {name}' if what == 'AttributeName' else what}") from None
    if subscription.protocol == "firehose" and not kept.get("SubscriptionRoleArn"):
        raise invalid("Attributes Reason: SubscriptionRoleArn: no value for required attribute")
    return {name: value for name, value in kept.items() if value}


def checked(subscription: Subscription, name: str, value: str, *, body_scope: bool) -> str:
    """Return an attribute's value as it is kept, empty where it is taken back. Raises ``InvalidParameter``."""
    if name not in NAMES:
        raise invalid("AttributeName")
    if name == "RawMessageDelivery":
        return _raw(subscription.protocol, value)
    if name == "FilterPolicyScope":
        if value not in SCOPES:
            raise invalid(f"FilterPolicyScope: Invalid value [{value}]. Please use either MessageBody or MessageAttributes")
        if subscription.attributes.get("FilterPolicy"):
            check_filter_policy(subscription.attributes["FilterPolicy"], of_body=value == "MessageBody")
        return value
    if not value:
        return ""
    if name == "FilterPolicy":
        check_filter_policy(value, of_body=body_scope)
    elif name == "RedrivePolicy":
        _check_redrive(subscription, value)
    elif name == "DeliveryPolicy":
        if subscription.protocol not in WEBHOOKS:
            raise invalid(f"DeliveryPolicy: Delivery protocol [{subscription.protocol}] does not support delivery policies.")
        return checked_subscription_policy(value)
    elif name == "ReplayPolicy":
        return checked_replay_policy(value)
    elif name == "SubscriptionRoleArn" and ":role/" not in value:
        raise invalid("SubscriptionRoleArn")
    return value


def _raw(protocol: str, value: str) -> str:
    if value.lower() not in {"true", "false"}:
        raise invalid(f"RawMessageDelivery: Invalid value [{value}]. Must be true or false.")
    if value.lower() == "true" and protocol not in RAW:
        raise invalid(f"Delivery protocol [{protocol}] does not support raw message delivery.")
    return value.lower()


def dead_letter_arn(subscription: Subscription) -> str:
    """Return where messages go that can't be delivered; empty when nowhere."""
    text = subscription.attributes.get("RedrivePolicy")
    return str(parse_object(text, "RedrivePolicy").get("deadLetterTargetArn", "")) if text else ""


def _check_redrive(subscription: Subscription, text: str) -> None:
    target = parse_object(text, "RedrivePolicy").get("deadLetterTargetArn")
    arn = service_arn(target, "sqs") if isinstance(target, str) else None
    if arn is None:
        raise invalid("RedrivePolicy: deadLetterTargetArn is an invalid arn")
    account_id, region, name = subscription.topic
    if (arn.region, arn.account_id) != (region, account_id):
        raise invalid("RedrivePolicy: deadLetterTargetArn must be in the same account and region as the topic")
    if name.endswith(".fifo") and is_fifo_queue(subscription.endpoint) and not is_fifo_queue(arn.resource):
        raise invalid("RedrivePolicy: must use a FIFO queue as DLQ for a FIFO Subscription to a FIFO Topic.")
    if not name.endswith(".fifo") and is_fifo_queue(arn.resource):
        raise invalid("RedrivePolicy: must use a standard queue as DLQ for a subscription to a standard topic.")


def differs(subscription: Subscription, attributes: Mapping[str, str]) -> bool:
    """Return whether any of the attributes isn't what the subscription has."""
    return any(value != subscription.attributes.get(name, _DEFAULTS.get(name)) for name, value in attributes.items())


def shown(subscription: Subscription, topic: Topic) -> dict[str, str]:
    """Return what GetSubscriptionAttributes gives."""
    own = {name: value for name, value in subscription.attributes.items() if name != "FilterPolicyScope"}
    attributes = {
        "ConfirmationWasAuthenticated": _text(subscription.authenticated),
        "Endpoint": subscription.endpoint,
        "Owner": subscription.owner,
        "PendingConfirmation": _text(subscription.pending),
        "Protocol": subscription.protocol,
        "RawMessageDelivery": "false",
        "SubscriptionArn": subscription.arn,
        "SubscriptionPrincipal": subscription.principal,
        "TopicArn": subscription.topic_arn,
        **own,
    }
    if "FilterPolicy" in own:
        attributes["FilterPolicyScope"] = subscription.attributes.get("FilterPolicyScope", "MessageAttributes")
    if subscription.protocol in WEBHOOKS:
        effective = effective_subscription_policy(topic.attributes.get("DeliveryPolicy"), own.get("DeliveryPolicy"))
        attributes["EffectiveDeliveryPolicy"] = compact(effective)
    return attributes


def _text(value: bool) -> str:
    return "true" if value else "false"

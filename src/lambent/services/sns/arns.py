"""ARNs of topics, subscriptions, platform applications and endpoints, as requests give them."""

from __future__ import annotations

from typing import TypeAlias

from lambent.domain.arns import Arn
from lambent.services.sns.errors import invalid

TopicKey: TypeAlias = "tuple[str, str, str]"
"""Account, region, name."""


def parsed(text: str, parameter: str) -> Arn:
    """Return the ARN; AWS's ``InvalidParameter`` when there are too few parts."""
    parts = text.split(":")
    if len(parts) < 6:
        raise invalid(f"{parameter} Reason: An ARN must have at least 6 elements, not {len(parts)}")
    try:
        return Arn.parse(text)
    except ValueError:
        raise invalid(parameter) from None


def topic_key(text: str, region: str, parameter: str = "TopicArn") -> TopicKey:
    """Return the topic that an ARN names; it must be of the region that was called."""
    arn = parsed(text, parameter)
    if arn.service != "sns" or arn.region != region or ":" in arn.resource or not arn.resource:
        raise invalid(parameter)
    return arn.account_id, arn.region, arn.resource


def subscription_key(text: str, region: str) -> tuple[TopicKey, str]:
    """Return the topic and the id of the subscription that an ARN names."""
    arn = parsed(text, "SubscriptionArn")
    topic, found, identifier = arn.resource.partition(":")
    if not found or not identifier or arn.service != "sns":
        raise invalid("SubscriptionId")
    if arn.region != region:
        raise invalid("SubscriptionArn")
    return (arn.account_id, arn.region, topic), identifier

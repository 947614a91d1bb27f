"""What subscribers receive: envelopes for queues and webhooks, events for functions, headers, texts of mails; pure.

Follows "Parsing Amazon SNS message formats" and, for functions, "Using AWS Lambda with Amazon SNS". The fields stand in AWS's order and, in
JSON that people read, with AWS's spaces.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec

from lambent.services.sns.dispatches import Dispatch, Kind
from lambent.services.sns.messages import Message, json_attributes
from lambent.services.sns.stamps import base64_text, stamp
from lambent.services.sns.state import Subscription

_QUOTE: Final = '"'
_AGENT: Final = "Amazon Simple Notification Service Agent"
_TEXTS: Final = {
    Kind.SUBSCRIPTION: (
        "You have chosen to subscribe to the topic {topic}.\nTo confirm the subscription, visit the SubscribeURL included in this message."
    ),
    Kind.UNSUBSCRIPTION: (
        "You have chosen to deactivate subscription {subscription}.\nTo cancel this operation and restore the subscription, visit the "
        "SubscribeURL included in this message."
    ),
}


def text_about(subscription: Subscription, kind: Kind) -> str:
    """Return the text of a message about a subscription."""
    return _TEXTS[kind].format(topic=subscription.topic_arn, subscription=subscription.arn)


def confirm_url(host: str, topic_arn: str, token: str) -> str:
    """Return the link that confirms a subscription."""
    return f"http://{host}/?Action=ConfirmSubscription&TopicArn={topic_arn}&Token={token}"


class Sheet(NamedTuple):
    """An envelope for everybody: all but the subscription's id, which comes between the two texts. A row of fan-out costs no more."""

    before: str
    after: str

    def to(self, subscription_id: str) -> str:
        """Return the envelope for a subscription."""
        return f"{self.before}{subscription_id}{self.after}"


def unsubscribe_url(host: str, subscription_arn: str) -> str:
    """Return the link that ends a subscription."""
    return f"http://{host}/?Action=Unsubscribe&SubscriptionArn={subscription_arn}"


def fields_of(dispatch: Dispatch, topic_arn: str, protocol: str, host: str) -> dict[str, str]:
    """Return the fields of an envelope that are the same for every subscription of a protocol, in AWS's order: those that are signed."""
    message = dispatch.message
    fields = {"Type": dispatch.kind.value, "MessageId": message.id}
    if message.sequence_number is not None:
        fields["SequenceNumber"] = message.sequence_number
    if dispatch.kind is not Kind.NOTIFICATION:
        fields["Token"] = dispatch.token
    fields["TopicArn"] = topic_arn
    if message.subject is not None:
        fields["Subject"] = message.subject
    fields["Message"] = message.text_for(protocol)
    if dispatch.kind is not Kind.NOTIFICATION:
        fields["SubscribeURL"] = confirm_url(host, topic_arn, dispatch.token)
    fields["Timestamp"] = stamp(message.published)
    return fields


def notification(fields: Mapping[str, str], message: Message, host: str, topic_arn: str) -> Sheet:
    """Return the JSON document for queues and webhooks of a published message."""
    url = _quoted(unsubscribe_url(host, f"{topic_arn}:"))
    after = '"'
    if message.replay_id:
        after += ',\n  "Replayed" : true'
    if message.attributes:
        inner = json_attributes(message.attributes, base64_text)
        attributes = ",\n".join(f"    {_quoted(name)} : {msgspec.json.encode(value).decode()}" for name, value in inner.items())
        after += f',\n  "MessageAttributes" : {{\n{attributes}\n  }}'
    return Sheet(f'{_lines(fields)},\n  "UnsubscribeURL" : {url.removesuffix(_QUOTE)}', after + "\n}")


def about_subscription(fields: Mapping[str, str]) -> str:
    """Return the JSON document of a message about a subscription."""
    return _lines(fields) + "\n}"


def _lines(fields: Mapping[str, str]) -> str:
    return "{\n" + ",\n".join(f"  {_quoted(name)} : {_quoted(value)}" for name, value in fields.items())


def lambda_event(fields: Mapping[str, str], message: Message, subscription: Subscription, unsubscribe: str) -> bytes:
    """Return the event for a function. AWS says ``SignatureVersion`` 1 here whichever it is."""
    sns: dict[str, Any] = {}
    for name, value in fields.items():
        if name == "Message" and "Subject" not in sns:
            sns["Subject"] = None
        sns["SigningCertUrl" if name == "SigningCertURL" else name] = "1" if name == "SignatureVersion" else value
    sns |= {"UnsubscribeUrl": unsubscribe, "MessageAttributes": json_attributes(message.attributes, base64_text)}
    record = {"EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": subscription.arn, "Sns": sns}
    return msgspec.json.encode({"Records": [record]})


def webhook_headers(dispatch: Dispatch, subscription: Subscription, content_type: str, *, raw: bool) -> dict[str, str]:
    """Return the headers of a request to an HTTP endpoint."""
    headers = {
        "x-amz-sns-message-type": dispatch.kind.value,
        "x-amz-sns-message-id": dispatch.message.id,
        "x-amz-sns-topic-arn": subscription.topic_arn,
    }
    if dispatch.kind is not Kind.SUBSCRIPTION:
        headers["x-amz-sns-subscription-arn"] = subscription.arn
    if raw:
        headers["x-amz-sns-rawdelivery"] = "true"
    return headers | {"content-type": content_type, "user-agent": _AGENT, "accept-encoding": "gzip,deflate", "connection": "Keep-Alive"}


def queue_attributes(message: Message) -> dict[str, dict[str, Any]]:
    """Return the attributes that a raw message has in a queue."""
    attributes: dict[str, dict[str, Any]] = {
        name: {"DataType": each.type, "BinaryValue" if isinstance(each.value, bytes) else "StringValue": each.value}
        for name, each in message.attributes.items()
    }
    if message.replay_id:
        attributes["Replayed"] = {"DataType": "String", "StringValue": "true"}
    return attributes


def _quoted(text: str) -> str:
    return msgspec.json.encode(text).decode()

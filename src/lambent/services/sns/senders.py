"""Brings one message to one subscription, by its protocol."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote, urlsplit

from lambent.domain.arns import Arn
from lambent.domain.call import Call
from lambent.domain.caller import Caller, CallerKind
from lambent.domain.errors import AwsError
from lambent.domain.http import HttpResponse
from lambent.services.sns import envelopes
from lambent.services.sns.context import Sns
from lambent.services.sns.delivery_policies import CONTENT_TYPE, content_type, effective_subscription_policy
from lambent.services.sns.dispatches import Dispatch, Kind
from lambent.services.sns.protocols import is_fifo_queue, is_own_surface
from lambent.services.sns.queue_lanes import Parcel, QueueLanes, service_call
from lambent.services.sns.state import Subscription, Topic

WEBHOOK_S: Final = 15.0
"""How long an HTTP endpoint may take to answer."""


class Senders:
    """Sends. What it raises says how a delivery failed: ``AwsError``, whose ``retryable`` holds, or ``Unreachable``."""

    def __init__(self, sns: Sns) -> None:
        self._sns = sns
        self._lanes = QueueLanes(sns.platform)

    async def send(self, topic: Topic, subscription: Subscription, dispatch: Dispatch) -> None:
        """Deliver a message."""
        if subscription.protocol == "sqs":
            await self._lanes.send(topic, subscription.endpoint, await self.parcel(topic, subscription, dispatch, subscription.endpoint))
        elif subscription.protocol == "lambda":
            await self._invoke(topic, subscription, dispatch)
        elif subscription.protocol == "firehose":
            await self._put_record(topic, subscription, dispatch)
        else:
            await self._post(topic, subscription, dispatch)

    async def bury(self, topic: Topic, subscription: Subscription, dispatch: Dispatch, queue_arn: str) -> None:
        """Deliver a message to a dead-letter queue."""
        await self._lanes.send(topic, queue_arn, await self.parcel(topic, subscription, dispatch, queue_arn))

    async def parcel(self, topic: Topic, subscription: Subscription, dispatch: Dispatch, queue_arn: str) -> Parcel:
        """Return the message as a queue gets it."""
        message = dispatch.message
        group_id = message.group_id if is_fifo_queue(queue_arn) or not topic.fifo else None
        deduplication_id = message.deduplication_id if is_fifo_queue(queue_arn) else None
        raw = subscription.raw and dispatch.kind is Kind.NOTIFICATION
        return Parcel.of(
            message.text_for("sqs") if raw else await self._envelope(topic, subscription, dispatch, "sqs"),
            message.trace_header,
            MessageAttributes=envelopes.queue_attributes(message) if raw else {},
            MessageGroupId=group_id,
            MessageDeduplicationId=deduplication_id,
        )

    async def _fields(self, topic: Topic, dispatch: Dispatch, protocol: str) -> dict[str, str]:
        """Return an envelope's fields, signed unless they are a FIFO topic's. One signature serves all subscriptions of a protocol."""
        host = self._sns.platform.public_host
        fields = envelopes.fields_of(dispatch, topic.arn, protocol, host)
        if topic.fifo:
            return fields
        version = topic.attributes.get("SignatureVersion", "1")
        signature = await self._sns.signer.sign(fields, version)
        return fields | {
            "SignatureVersion": version,
            "Signature": signature,
            "SigningCertURL": await self._sns.signer.certificate_url(),
        }

    async def _envelope(self, topic: Topic, subscription: Subscription, dispatch: Dispatch, protocol: str) -> str:
        url = envelopes.unsubscribe_url(self._sns.platform.public_host, subscription.arn) if dispatch.kind is Kind.NOTIFICATION else None
        return envelopes.envelope(await self._fields(topic, dispatch, protocol), dispatch.message, url)

    async def _invoke(self, topic: Topic, subscription: Subscription, dispatch: Dispatch) -> None:
        url = envelopes.unsubscribe_url(self._sns.platform.public_host, subscription.arn)
        event = envelopes.lambda_event(await self._fields(topic, dispatch, "lambda"), dispatch.message, subscription, url)
        params = {"FunctionName": subscription.endpoint, "InvocationType": "Event", "Payload": event}
        platform, target = self._sns.platform, Arn.parse(subscription.endpoint)
        trace_header = dispatch.message.trace_header
        await platform.cloud.call(service_call(platform, topic, target, "Invoke", params, trace_header=trace_header))

    async def _put_record(self, topic: Topic, subscription: Subscription, dispatch: Dispatch) -> None:
        """Put the message into a delivery stream, with the role that the subscription names."""
        raw = dispatch.message.text_for("firehose")
        text = raw if subscription.raw else await self._envelope(topic, subscription, dispatch, "firehose")
        target, role = Arn.parse(subscription.endpoint), Arn.parse(subscription.attributes["SubscriptionRoleArn"])
        session = f"arn:{role.partition}:sts::{role.account_id}:assumed-role/{role.resource.rpartition('/')[2]}/sns"
        caller = Caller(CallerKind.ROLE, role.account_id, session, source_arn=topic.arn, source_account=topic.account_id)
        name = target.resource.removeprefix("deliverystream/")
        params = {"DeliveryStreamName": name, "Record": {"Data": text.encode() + b"\n"}}
        platform = self._sns.platform
        await platform.cloud.call(Call("firehose", "PutRecord", params, caller, target.region, target.account_id, platform.ids.uuid()))

    async def _post(self, topic: Topic, subscription: Subscription, dispatch: Dispatch) -> None:
        """Post to an HTTP endpoint; any answer but 2xx fails."""
        if is_own_surface(subscription.endpoint):
            raise AwsError("InvalidParameter", f"{subscription.endpoint} is a page of the server itself")
        raw = subscription.raw and dispatch.kind is Kind.NOTIFICATION
        protocol = subscription.protocol
        body = dispatch.message.text_for(protocol) if raw else await self._envelope(topic, subscription, dispatch, protocol)
        kind = CONTENT_TYPE
        if dispatch.kind is Kind.NOTIFICATION:
            own = subscription.attributes.get("DeliveryPolicy")
            kind = content_type(effective_subscription_policy(topic.attributes.get("DeliveryPolicy"), own))
        headers = envelopes.webhook_headers(dispatch, subscription, kind, raw=raw)
        answer = await self._request(subscription.endpoint, headers, body.encode())
        if not 200 <= answer.status < 300:
            status = 500 if answer.status == 429 or answer.status < 400 else answer.status
            raise AwsError("EndpointFailed", f"{subscription.endpoint} answered {answer.status}", status)

    async def _request(self, url: str, headers: Mapping[str, str], body: bytes) -> HttpResponse:
        """Post; name and password of the URL are told only when they are asked for."""
        parts = urlsplit(url)
        bare = url if parts.username is None else url.replace(f"{parts.netloc.rpartition('@')[0]}@", "", 1)
        answer = await self._sns.outside.send("POST", bare, headers, body, timeout_s=WEBHOOK_S)
        if answer.status == 401 and parts.username is not None:
            secret = b64encode(f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()).decode()
            answer = await self._sns.outside.send("POST", bare, {**headers, "authorization": f"Basic {secret}"}, body, timeout_s=WEBHOOK_S)
        return answer

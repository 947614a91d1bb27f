"""Brings one message to one subscription, by its protocol."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Mapping
from typing import Any, Final, TypeAlias
from urllib.parse import unquote, urlsplit

from lambent.domain.arns import Arn
from lambent.domain.call import Call
from lambent.domain.caller import Caller, CallerKind
from lambent.domain.errors import AwsError, Unreachable
from lambent.domain.http import HttpResponse
from lambent.services.sns import envelopes
from lambent.services.sns.context import Sns
from lambent.services.sns.delivery_policies import CONTENT_TYPE, content_type, effective_subscription_policy
from lambent.services.sns.dispatches import Dispatch, Kind
from lambent.services.sns.feedback import Delivered, Outcome
from lambent.services.sns.fifo import content_id
from lambent.services.sns.letterheads import Letterhead
from lambent.services.sns.messages import Message
from lambent.services.sns.protocols import is_fifo_queue, is_own_surface
from lambent.services.sns.queue_lanes import Parcel, QueueLanes, service_call
from lambent.services.sns.state import Subscription, Topic
from lambent.services.sns.subscription_attributes import dead_letter_arn

Ending: TypeAlias = "asyncio.Future[AwsError | Delivered] | asyncio.Task[Outcome]"
"""Says when a delivery has ended, and how."""
_NONE: Final[Mapping[str, Any]] = {}
WEBHOOK_S: Final = 15.0
"""How long an HTTP endpoint may take to answer."""


class Senders:
    """Begins deliveries."""

    def __init__(self, sns: Sns) -> None:
        self._sns = sns
        self._lanes = QueueLanes(sns.platform)

    def letterhead(self, topic: Topic, dispatch: Dispatch) -> Letterhead:
        """Return what the deliveries of a message share."""
        return Letterhead(self._sns, topic, dispatch)

    async def begin(self, topic: Topic, subscription: Subscription, dispatch: Dispatch, letterhead: Letterhead) -> Ending:
        """Begin to deliver a message: to its queue, or to the dead-letter queue, in the order of these calls."""
        queue_arn = dead_letter_arn(subscription) if dispatch.dead else subscription.endpoint if subscription.protocol == "sqs" else ""
        if queue_arn:
            return self._lanes.send(topic, queue_arn, await self.parcel(topic, subscription, dispatch, queue_arn, letterhead))
        return asyncio.create_task(self._attempt(topic, subscription, dispatch, letterhead), name=f"to {subscription.endpoint}")

    async def _attempt(self, topic: Topic, subscription: Subscription, dispatch: Dispatch, letterhead: Letterhead) -> Outcome:
        send = {"lambda": self._invoke, "firehose": self._put_record}.get(subscription.protocol, self._post)
        try:
            return await send(topic, subscription, dispatch, letterhead)
        except (AwsError, Unreachable) as error:
            return error

    async def parcel(self, topic: Topic, subscription: Subscription, dispatch: Dispatch, queue_arn: str, letterhead: Letterhead) -> Parcel:
        """Return the message as a queue gets it."""
        message, to_fifo = dispatch.message, is_fifo_queue(queue_arn)
        raw = subscription.raw and dispatch.kind is Kind.NOTIFICATION
        return Parcel.of(
            message.text_for("sqs") if raw else await letterhead.envelope(subscription, "sqs"),
            attributes=envelopes.queue_attributes(message) if raw else _NONE,
            group_id=message.group_id if to_fifo or not topic.fifo else None,
            deduplication_id=_deduplication_id(message) if to_fifo else None,
            trace_header=message.trace_header,
        )

    async def _invoke(self, topic: Topic, subscription: Subscription, dispatch: Dispatch, letterhead: Letterhead) -> Delivered:
        url = envelopes.unsubscribe_url(self._sns.platform.public_host, subscription.arn)
        event = envelopes.lambda_event(await letterhead.fields("lambda"), dispatch.message, subscription, url)
        params = {"FunctionName": subscription.endpoint, "InvocationType": "Event", "Payload": event}
        platform, target = self._sns.platform, Arn.parse(subscription.endpoint)
        trace_header = dispatch.message.trace_header
        call = service_call(platform, topic, target, "Invoke", params, trace_header=trace_header)
        await platform.cloud.call(call)
        return Delivered(202, {"lambdaRequestId": call.request_id})

    async def _put_record(self, topic: Topic, subscription: Subscription, dispatch: Dispatch, letterhead: Letterhead) -> Delivered:
        """Put the message into a delivery stream, with the role that the subscription names."""
        raw = dispatch.message.text_for("firehose")
        text = raw if subscription.raw else await letterhead.envelope(subscription, "firehose")
        target, role = Arn.parse(subscription.endpoint), Arn.parse(subscription.attributes["SubscriptionRoleArn"])
        session = f"arn:{role.partition}:sts::{role.account_id}:assumed-role/{role.resource.rpartition('/')[2]}/sns"
        caller = Caller(CallerKind.ROLE, role.account_id, session, source_arn=topic.arn, source_account=topic.account_id)
        name = target.resource.removeprefix("deliverystream/")
        params = {"DeliveryStreamName": name, "Record": {"Data": text.encode() + b"\n"}}
        platform = self._sns.platform
        answer = await platform.cloud.call(
            Call("firehose", "PutRecord", params, caller, target.region, target.account_id, platform.ids.uuid())
        )
        return Delivered(200, {"recordId": str(answer.get("RecordId", ""))})

    async def _post(self, topic: Topic, subscription: Subscription, dispatch: Dispatch, letterhead: Letterhead) -> Delivered:
        """Post to an HTTP endpoint; any answer but 2xx fails."""
        if is_own_surface(subscription.endpoint):
            raise AwsError("InvalidParameter", f"{subscription.endpoint} is a page of the server itself")
        raw = subscription.raw and dispatch.kind is Kind.NOTIFICATION
        protocol = subscription.protocol
        body = dispatch.message.text_for(protocol) if raw else await letterhead.envelope(subscription, protocol)
        kind = CONTENT_TYPE
        if dispatch.kind is Kind.NOTIFICATION:
            own = subscription.attributes.get("DeliveryPolicy")
            kind = content_type(effective_subscription_policy(topic.attributes.get("DeliveryPolicy"), own))
        headers = envelopes.webhook_headers(dispatch, subscription, kind, raw=raw)
        answer = await self._request(subscription.endpoint, headers, body.encode())
        if not 200 <= answer.status < 300:
            status = 500 if answer.status == 429 or answer.status < 400 else answer.status
            raise AwsError("EndpointFailed", f"{subscription.endpoint} answered {answer.status}", status)
        return Delivered(answer.status)

    async def _request(self, url: str, headers: Mapping[str, str], body: bytes) -> HttpResponse:
        """Post; name and password of the URL are told only when they are asked for."""
        parts = urlsplit(url)
        bare = url if parts.username is None else url.replace(f"{parts.netloc.rpartition('@')[0]}@", "", 1)
        answer = await self._sns.outside.send("POST", bare, headers, body, timeout_s=WEBHOOK_S)
        if answer.status == 401 and parts.username is not None:
            secret = b64encode(f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()).decode()
            answer = await self._sns.outside.send("POST", bare, {**headers, "authorization": f"Basic {secret}"}, body, timeout_s=WEBHOOK_S)
        return answer


def _deduplication_id(message: Message) -> str | None:
    """Return the id by which a FIFO queue knows a message again. A replayed message has another, or a queue that had it would drop it."""
    return content_id(f"{message.replay_id}\n{message.deduplication_id}") if message.replay_id else message.deduplication_id

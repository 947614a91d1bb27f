"""Delivery status logs: what became of deliveries, in CloudWatch Logs, for topics that ask for it.

Follows "Amazon SNS message delivery status": successes by sample rate into ``sns/<region>/<account>/<topic>``, failures into the group of
that name with ``/Failure``. A record is queued in the commit of the delivery's end, and written with the role that the topic names.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias
from uuid import NAMESPACE_URL, uuid5

import msgspec

from lambent.base.ids import Ids
from lambent.domain.arns import Arn
from lambent.domain.call import Call
from lambent.domain.caller import Caller, CallerKind
from lambent.domain.documents import Reader
from lambent.domain.errors import AwsError, Unreachable
from lambent.domain.ports import Platform
from lambent.domain.storage import Acknowledge, Enqueue, Lease, Write
from lambent.engine.delivery import QueueWorker
from lambent.services.sns.dispatches import Dispatch
from lambent.services.sns.messages import Message
from lambent.services.sns.state import Subscription, Topic

_log = logging.getLogger(__name__)
QUEUE: Final = "sns.feedback"
_PREFIXES: Final = {"http": "HTTP", "https": "HTTP", "sqs": "SQS", "lambda": "Lambda", "firehose": "Firehose", "application": "Application"}


class Delivered(msgspec.Struct, frozen=True):
    """A delivery that went well."""

    status: int = 200
    response: Mapping[str, str] = {}  #: what the other side said, as the log shows it


Outcome: TypeAlias = "Delivered | AwsError | Unreachable"


class Feedback(msgspec.Struct, frozen=True):
    """A record on its way to a log."""

    group: str
    role_arn: str
    account_id: str
    region: str
    time_ms: int
    text: str


_encode = msgspec.msgpack.Encoder().encode
_feedback = Reader(Feedback)


def feedback(topic: Topic, subscription: Subscription, dispatch: Dispatch, outcome: Outcome, now: float, ids: Ids) -> list[Enqueue]:
    """Return the write that queues a delivery's record, if its topic wants one."""
    prefix = _PREFIXES.get(subscription.protocol, "")
    success = isinstance(outcome, Delivered)
    role_arn = topic.attributes.get(f"{prefix}{'Success' if success else 'Failure'}FeedbackRoleArn")
    if role_arn is None:
        return []
    if success and ids.random() * 100 >= int(topic.attributes.get(f"{prefix}SuccessFeedbackSampleRate", "0")):
        return []
    group = f"sns/{topic.region}/{topic.account_id}/{topic.name}{'' if success else '/Failure'}"
    text = msgspec.json.encode(_record(topic, subscription, dispatch, outcome, now, ids)).decode()
    found = Feedback(group, role_arn, topic.account_id, topic.region, int(now * 1000), text)
    return [Enqueue(QUEUE, ids.ordered(), _encode(found), now)]


def text_feedback(settings: Mapping[str, str], where: tuple[str, str], number: str, message: Message, ids: Ids) -> list[Enqueue]:
    """Return the write that queues a text message's record, if the account's settings want one; ``where`` is the account and region."""
    role_arn = settings.get("DeliveryStatusIAMRole")
    if not role_arn or ids.random() * 100 >= int(settings.get("DeliveryStatusSuccessSamplingRate") or "0"):
        return []
    account_id, region = where
    record = {
        "notification": {"messageId": message.id, "timestamp": _timestamp(message.published)},
        "delivery": {
            "destination": number,
            "smsType": settings.get("DefaultSMSType", "Promotional"),
            "providerResponse": "Message is in the outbox",
            "dwellTimeMs": 0,
        },
        "status": "SUCCESS",
    }
    group = f"sns/{region}/{account_id}/DirectPublishToPhoneNumber"
    found = Feedback(group, role_arn, account_id, region, int(message.published * 1000), msgspec.json.encode(record).decode())
    return [Enqueue(QUEUE, ids.ordered(), _encode(found), message.published)]


def _timestamp(seconds: float) -> str:
    at = datetime.fromtimestamp(seconds, UTC)
    return at.strftime("%Y-%m-%d %H:%M:%S.") + f"{at.microsecond // 1000:03d}"


def _record(topic: Topic, subscription: Subscription, dispatch: Dispatch, outcome: Outcome, now: float, ids: Ids) -> dict[str, Any]:
    message = dispatch.message
    delivery: dict[str, Any] = {
        "deliveryId": ids.uuid(),
        "destination": subscription.endpoint,
        "providerResponse": _response(outcome),
        "dwellTimeMs": int((now - message.published) * 1000),
    }
    if not isinstance(outcome, Delivered):
        delivery["attempts"] = dispatch.failures + 1
    delivery["statusCode"] = outcome.status if isinstance(outcome, Delivered | AwsError) else 0
    return {
        "notification": {
            "messageMD5Sum": hashlib.md5(message.text_for(subscription.protocol).encode(), usedforsecurity=False).hexdigest(),
            "messageId": message.id,
            "topicArn": topic.arn,
            "timestamp": _timestamp(message.published),
        },
        "delivery": delivery,
        "status": "SUCCESS" if isinstance(outcome, Delivered) else "FAILURE",
    }


def _response(outcome: Outcome) -> str:
    if isinstance(outcome, Delivered):
        return msgspec.json.encode(outcome.response).decode()
    if isinstance(outcome, AwsError):
        return msgspec.json.encode({"ErrorCode": outcome.code, "ErrorMessage": outcome.message}).decode()
    return str(outcome)


class FeedbackLogs:
    """Writes the records."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def worker(self) -> QueueWorker:
        """Return the worker of their queue; one at a time, so that a group is made once."""
        return QueueWorker(self._platform.store, self._platform.clock, QUEUE, self.handle, name="sns delivery status", concurrency=1)

    async def handle(self, lease: Lease) -> Sequence[Write]:
        """Write a record; one that the log, or the role, doesn't take is told to the operator."""
        found = _feedback.decode(lease.body)
        stream = str(uuid5(NAMESPACE_URL, found.group))
        where = {"logGroupName": found.group, "logStreamName": stream}
        events = {**where, "logEvents": [{"timestamp": found.time_ms, "message": found.text}]}
        try:
            try:
                await self._call(found, "PutLogEvents", events)
            except AwsError as error:
                if error.code != "ResourceNotFoundException":
                    raise
                await self._make(found, where)
                await self._call(found, "PutLogEvents", events)
        except AwsError as error:
            if error.retryable and error.status != 501:
                raise  # tried again later
            _log.warning("the delivery status of %s could not be logged: %s", found.group, error)
        return (Acknowledge(lease),)

    async def _make(self, found: Feedback, where: Mapping[str, str]) -> None:
        for operation, params in (("CreateLogGroup", {"logGroupName": found.group}), ("CreateLogStream", where)):
            try:
                await self._call(found, operation, params)
            except AwsError as error:
                if error.code != "ResourceAlreadyExistsException":
                    raise

    async def _call(self, found: Feedback, operation: str, params: Mapping[str, Any]) -> None:
        role = Arn.parse(found.role_arn)
        session = f"arn:{role.partition}:sts::{role.account_id}:assumed-role/{role.resource.rpartition('/')[2]}/sns"
        caller = Caller(CallerKind.ROLE, role.account_id, session)
        await self._platform.cloud.call(Call("logs", operation, params, caller, found.region, found.account_id, self._platform.ids.uuid()))

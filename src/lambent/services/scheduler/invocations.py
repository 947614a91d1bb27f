"""Tells targets of schedules that were due: at least once, with the schedule's role, its retry policy and its dead-letter queue."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from lambent.domain.arns import Arn
from lambent.domain.call import Call
from lambent.domain.documents import Reader
from lambent.domain.errors import AwsError
from lambent.domain.storage import Acknowledge, Enqueue, Lease, Postpone, Write
from lambent.engine.delivery import target_retries as retries
from lambent.engine.delivery.targets import Message, caller_with, kind_of, queue_url, raise_partial_failure
from lambent.services.scheduler.payloads import instant, payload
from lambent.services.scheduler.state import DEAD_LETTERS, DeadLetter, Invocation, Scheduler
from lambent.services.scheduler.universal import universal_action
from lambent.wire.documents import UnknownOperation, find_operation, read_input

_log = logging.getLogger(__name__)

PRINCIPAL: Final = "scheduler.amazonaws.com"
DEAD_LETTER_FAILURES_MAX: Final = 12
"""How often a dead-letter queue that fails for the moment is tried: with back-off, for about an hour."""

_invocations = Reader(Invocation)
_dead_letters = Reader(DeadLetter)
_encode = msgspec.msgpack.Encoder().encode


class Invocations:
    """Handles the queue of ``Invocation``."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    async def handle(self, lease: Lease) -> Sequence[Write]:
        """Tell a target once, and say what follows."""
        invocation = _invocations.decode(lease.body)
        told = payload(invocation, self._scheduler.platform.ids.uuid())
        try:
            for service, operation, params in self._calls(invocation, told):
                await self._call(invocation, service, operation, params)
        except AwsError as error:
            return self._failed(lease, invocation, told, error)
        return (Acknowledge(lease),)

    def _calls(self, invocation: Invocation, told: str) -> Sequence[tuple[str, str, Mapping[str, Any]]]:
        target = invocation.target
        arn = Arn.parse(target["Arn"])
        universal = universal_action(arn)
        if universal is not None:
            return [_universal(*universal, target.get("Input") and told)]
        kind = kind_of(arn)
        if kind is None:
            raise AwsError("NotImplemented", f"Lambent does not serve targets such as {arn} yet.", 501)
        platform = self._scheduler.platform
        bus = target.get("EventBridgeParameters", {})
        message = Message(
            arn=arn,
            payload=told,
            public_host=platform.public_host,
            now_ms=int(self._scheduler.now * 1000),
            unique=platform.ids.uuid(),
            group_id=target.get("SqsParameters", {}).get("MessageGroupId", ""),
            partition_key=target.get("KinesisParameters", {}).get("PartitionKey", ""),
            entry={"Source": bus.get("Source"), "DetailType": bus.get("DetailType"), "Detail": told},
        )
        return [(kind.service, operation, params) for operation, params in kind.steps(message)]

    async def _call(self, invocation: Invocation, service: str, operation: str, params: Mapping[str, Any]) -> None:
        platform, target = self._scheduler.platform, invocation.target
        arn = Arn.parse(target["Arn"])
        name = invocation.schedule_arn.rpartition("/")[2]
        caller = caller_with(target["RoleArn"], name, source_arn=invocation.schedule_arn, source_account=invocation.account_id)
        region, account_id = arn.region or invocation.region, arn.account_id or invocation.account_id
        call = Call(service, operation, params, caller, region, account_id, platform.ids.uuid(), user_agent=PRINCIPAL)
        raise_partial_failure(await platform.cloud.call(call))

    def _failed(self, lease: Lease, invocation: Invocation, told: str, error: AwsError) -> Sequence[Write]:
        platform, target = self._scheduler.platform, invocation.target
        attempts, now = invocation.attempts + 1, self._scheduler.now
        end = retries.decide(
            error, target["RetryPolicy"], ingested=invocation.scheduled, now=now, attempts=attempts, jitter=platform.ids.random()
        )
        if isinstance(end, retries.Retry):
            return (Postpone(lease, end.due, _encode(msgspec.structs.replace(invocation, attempts=attempts))),)
        queue_arn = target.get("DeadLetterConfig", {}).get("Arn")
        if not queue_arn:
            _log.error("%s did not reach %s after %d attempts: %s", invocation.schedule_arn, target["Arn"], attempts, error)
            return (Acknowledge(lease),)
        letter = DeadLetter(
            schedule_arn=invocation.schedule_arn,
            queue_arn=queue_arn,
            role_arn=target["RoleArn"],
            body=told,
            attributes=_attributes(invocation, error, end.exhausted, attempts),
        )
        return (Acknowledge(lease), Enqueue(DEAD_LETTERS, lease.message_id, _encode(letter), now))


class DeadLetters:
    """Handles the queue of ``DeadLetter``."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    async def handle(self, lease: Lease) -> Sequence[Write]:
        """Send a message to a dead-letter queue; a passing error is tried again, a lasting one is logged."""
        letter = _dead_letters.decode(lease.body)
        platform = self._scheduler.platform
        arn = Arn.parse(letter.queue_arn)
        params = {
            "QueueUrl": queue_url(arn, platform.public_host),
            "MessageBody": letter.body,
            "MessageAttributes": {name: {"DataType": "String", "StringValue": value} for name, value in letter.attributes.items()},
        }
        caller = caller_with(letter.role_arn, letter.schedule_arn.rpartition("/")[2], source_arn=letter.schedule_arn)
        call = Call("sqs", "SendMessage", params, caller, arn.region, arn.account_id, platform.ids.uuid(), user_agent=PRINCIPAL)
        try:
            await platform.cloud.call(call)
        except AwsError as error:
            failures = letter.failures + 1
            if error.retryable and error.status != 501 and failures < DEAD_LETTER_FAILURES_MAX:
                again = msgspec.structs.replace(letter, failures=failures)
                return (Postpone(lease, self._scheduler.now + min(600.0, 2.0**failures), _encode(again)),)
            _log.error("what %s did not tell its target could not be sent to %s: %s", letter.schedule_arn, letter.queue_arn, error)
        return (Acknowledge(lease),)


def _universal(sdk_service: str, action: str, told: str | None) -> tuple[str, str, Mapping[str, Any]]:
    try:
        service, operation = find_operation(sdk_service, action)
        return service, operation, read_input(service, operation, json.loads(told or "{}"))
    except UnknownOperation as error:
        raise AwsError("ValidationException", f"There is no API action {error}.") from None
    except ValueError as error:
        raise AwsError("ValidationException", f"The input does not fit {sdk_service}:{action}: {error}") from None


def _attributes(invocation: Invocation, error: AwsError, exhausted: str, attempts: int) -> dict[str, str]:
    found = {
        "SCHEDULE_ARN": invocation.schedule_arn,
        "TARGET_ARN": invocation.target["Arn"],
        "EXECUTION_ID": invocation.execution_id,
        "SCHEDULED_TIME": instant(invocation.scheduled),
        "ERROR_CODE": error.code,
        "ERROR_MESSAGE": error.message or error.code,
        "RETRY_ATTEMPTS": str(attempts - 1),
        "IS_PAYLOAD_TRUNCATED": "false",
    }
    return found | ({"EXHAUSTED_RETRY_CONDITION": exhausted} if exhausted else {})

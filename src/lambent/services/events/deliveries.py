"""Brings events from the durable queue to their targets: at least once, with the target's retry policy and dead-letter queue."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from lambent.domain.arns import Arn
from lambent.domain.call import Call
from lambent.domain.caller import Caller
from lambent.domain.documents import Reader
from lambent.domain.errors import AwsError, Unreachable
from lambent.domain.storage import Acknowledge, Enqueue, Lease, Postpone, Write
from lambent.engine.delivery import target_retries as retries
from lambent.engine.delivery.targets import Message, caller_with, kind_of, queue_url, raise_partial_failure
from lambent.services.events import http_targets, inputs
from lambent.services.events.context import Events
from lambent.services.events.names import RuleRef, destination_of_arn
from lambent.services.events.state import CONNECTIONS, DEAD_LETTERS, DESTINATIONS, DeadLetter, Delivery

_log = logging.getLogger(__name__)

PRINCIPAL: Final = "events.amazonaws.com"
DEAD_LETTER_FAILURES_MAX: Final = 12
"""How often a dead-letter queue that fails for the moment is tried: with back-off, for about an hour."""

_deliveries = Reader(Delivery)
_dead_letters = Reader(DeadLetter)
_encode = msgspec.msgpack.Encoder().encode


class Deliveries:
    """Handles the queue of ``Delivery``."""

    def __init__(self, events: Events) -> None:
        self._events = events

    async def handle(self, lease: Lease) -> Sequence[Write]:
        """Deliver once, and say what follows."""
        delivery = _deliveries.decode(lease.body)
        try:
            await self._deliver(delivery)
        except AwsError as error:
            return self._failed(lease, delivery, error)
        return (Acknowledge(lease),)

    async def _deliver(self, delivery: Delivery) -> None:
        platform = self._events.platform
        arn = Arn.parse(delivery.target["Arn"])
        event = msgspec.json.decode(delivery.event)
        rule = RuleRef(*delivery.rule)
        message = self._message(delivery, arn, rule, event)
        if destination_of_arn(arn):
            await self._send(arn, delivery, message.payload)
            return
        kind = kind_of(arn)
        if kind is None:
            raise AwsError("NotImplemented", f"Lambent does not serve targets such as {arn} yet.", 501)
        caller = caller_of(rule, delivery.target.get("RoleArn", ""))
        region, account_id = arn.region or rule.region, arn.account_id or rule.account_id
        for operation, params in kind.steps(message):
            call = Call(
                kind.service,
                operation,
                params,
                caller,
                region,
                account_id,
                platform.ids.uuid(),
                user_agent=PRINCIPAL,
                trace_header=delivery.trace_header,
            )
            raise_partial_failure(await platform.cloud.call(call))

    async def _send(self, arn: Arn, delivery: Delivery, payload: str) -> None:
        """Tell an API destination."""
        store = self._events.platform.store
        destination = await DESTINATIONS.get(store, (arn.account_id, arn.region, destination_of_arn(arn)))
        if destination is None:
            raise AwsError("ResourceNotFoundException", f"The API destination {arn} does not exist.", 404)
        link = Arn.parse(destination.value.settings["ConnectionArn"])
        connection = await CONNECTIONS.get(store, (link.account_id, link.region, link.resource.split("/")[1]))
        if connection is None:
            raise AwsError("ResourceNotFoundException", f"The connection {link} does not exist.", 404)
        request = http_targets.request_of(destination.value, connection.value, delivery.target, payload)
        trace = {"x-amzn-trace-id": delivery.trace_header} if delivery.trace_header else {}
        headers = {**trace, **request.headers}
        try:
            answer = await self._events.outside.send(request.method, request.url, headers, request.body, timeout_s=http_targets.TIMEOUT_S)
        except Unreachable as error:
            raise AwsError("ConnectionFailure", str(error), 503) from None
        http_targets.check_answer(answer)

    def _message(self, delivery: Delivery, arn: Arn, rule: RuleRef, event: Mapping[str, Any]) -> Message:
        platform, target = self._events.platform, delivery.target
        payload = inputs.payload(target, inputs.Occasion(rule, event, delivery.ingested))
        key_path = target.get("KinesisParameters", {}).get("PartitionKeyPath")
        key = inputs.value_at(key_path, event) if key_path else None
        return Message(
            arn=arn,
            payload=payload,
            public_host=platform.public_host,
            now_ms=int(platform.clock.now() * 1000),
            unique=platform.ids.uuid(),
            group_id=target.get("SqsParameters", {}).get("MessageGroupId", ""),
            partition_key=str(event["id"] if key is None else key),
            entry=_entry(event, payload, delivery),
        )

    def _failed(self, lease: Lease, delivery: Delivery, error: AwsError) -> Sequence[Write]:
        platform = self._events.platform
        attempts = delivery.attempts + 1
        policy: Mapping[str, Any] = delivery.target.get("RetryPolicy", {})
        now = platform.clock.now()
        end = retries.decide(error, policy, ingested=delivery.ingested, now=now, attempts=attempts, jitter=platform.ids.random())
        if isinstance(end, retries.Retry):
            return (Postpone(lease, end.due, _encode(msgspec.structs.replace(delivery, attempts=attempts))),)
        rule_arn, target_arn = RuleRef(*delivery.rule).arn, delivery.target["Arn"]
        queue_arn = delivery.target.get("DeadLetterConfig", {}).get("Arn")
        if not queue_arn:
            _log.error("an event of %s did not reach %s after %d attempts and is dropped: %s", rule_arn, target_arn, attempts, error)
            return (Acknowledge(lease),)
        found = attributes(rule_arn, target_arn, error, end, attempts)
        letter = DeadLetter(rule=delivery.rule, queue_arn=queue_arn, body=delivery.event, attributes=found)
        return (Acknowledge(lease), Enqueue(DEAD_LETTERS, lease.message_id, _encode(letter), now))


class DeadLetters:
    """Handles the queue of ``DeadLetter``."""

    def __init__(self, events: Events) -> None:
        self._events = events

    async def handle(self, lease: Lease) -> Sequence[Write]:
        """Send a message to a dead-letter queue; a passing error is tried again, a lasting one is logged."""
        letter = _dead_letters.decode(lease.body)
        platform = self._events.platform
        arn = Arn.parse(letter.queue_arn)
        params = {
            "QueueUrl": queue_url(arn, platform.public_host),
            "MessageBody": letter.body.decode(),
            "MessageAttributes": {name: {"DataType": "String", "StringValue": value} for name, value in letter.attributes.items()},
        }
        rule = RuleRef(*letter.rule)
        call = Call(
            "sqs", "SendMessage", params, caller_of(rule, ""), arn.region, arn.account_id, platform.ids.uuid(), user_agent=PRINCIPAL
        )
        try:
            await platform.cloud.call(call)
        except AwsError as error:
            failures = letter.failures + 1
            if error.retryable and error.status != 501 and failures < DEAD_LETTER_FAILURES_MAX:
                again = msgspec.structs.replace(letter, failures=failures)
                return (Postpone(lease, platform.clock.now() + min(600.0, 2.0**failures), _encode(again)),)
            _log.error("an undelivered event of %s could not be sent to the queue %s and is dropped: %s", rule.arn, letter.queue_arn, error)
        return (Acknowledge(lease),)


def caller_of(rule: RuleRef, role_arn: str) -> Caller:
    """Return who calls a rule's target: EventBridge for the rule, or the role that the target names."""
    if not role_arn:
        return Caller.service(PRINCIPAL, rule.account_id, source_arn=rule.arn)
    return caller_with(role_arn, rule.name, source_arn=rule.arn, source_account=rule.account_id)


def attributes(rule_arn: str, target_arn: str, error: AwsError, end: retries.GiveUp, attempts: int) -> dict[str, str]:
    """Return the attributes of a dead-letter queue's message."""
    found = {
        "RULE_ARN": rule_arn,
        "TARGET_ARN": target_arn,
        "ERROR_CODE": end.code,
        "ERROR_MESSAGE": error.message or error.code,
    }
    if end.exhausted:
        found |= {"EXHAUSTED_RETRY_CONDITION": end.exhausted, "RETRY_ATTEMPTS": str(attempts - 1)}
    return found


def _entry(event: Mapping[str, Any], payload: str, delivery: Delivery) -> dict[str, Any]:
    """Return the entry by which another bus gets the event: with its id, account and time, and how many buses it has passed."""
    changed = any(delivery.target.get(member) is not None for member in ("Input", "InputPath", "InputTransformer"))
    return {
        "Source": event["source"],
        "DetailType": event["detail-type"],
        "Detail": payload if changed else inputs.dump(event["detail"]),
        "Resources": list(event["resources"]),
        "$envelope": {key: event[key] for key in ("id", "account", "region", "time")} | {"hops": delivery.hops + 1},
    }

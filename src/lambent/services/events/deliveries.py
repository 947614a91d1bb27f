"""Brings events from the durable queue to their targets: at least once, with the target's retry policy and dead-letter queue."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from lambent.domain.arns import Arn
from lambent.domain.call import Call
from lambent.domain.caller import Caller, CallerKind
from lambent.domain.errors import AwsError
from lambent.domain.storage import Acknowledge, Enqueue, Lease, Postpone, Write
from lambent.services.events import inputs, retrying
from lambent.services.events.context import Events
from lambent.services.events.names import RuleRef
from lambent.services.events.state import DEAD_LETTERS, DeadLetter, Delivery
from lambent.services.events.target_calls import Occasion, kind_of, queue_url

_log = logging.getLogger(__name__)

PRINCIPAL: Final = "events.amazonaws.com"
DEAD_LETTER_FAILURES_MAX: Final = 12
"""How often a dead-letter queue that fails for the moment is tried: with back-off, for about an hour."""

_delivery = msgspec.msgpack.Decoder(Delivery).decode
_dead_letter = msgspec.msgpack.Decoder(DeadLetter).decode
_encode = msgspec.msgpack.Encoder().encode


class Deliveries:
    """Handles the queue of ``Delivery``."""

    def __init__(self, events: Events) -> None:
        self._events = events

    async def handle(self, lease: Lease) -> Sequence[Write]:
        """Deliver once, and say what follows."""
        delivery = _delivery(lease.body)
        try:
            await self._deliver(delivery)
        except AwsError as error:
            return self._failed(lease, delivery, error)
        return (Acknowledge(lease),)

    async def _deliver(self, delivery: Delivery) -> None:
        platform = self._events.platform
        arn = Arn.parse(delivery.target["Arn"])
        kind = kind_of(arn)
        if kind is None:
            raise AwsError("NotImplemented", f"Lambent does not serve targets such as {arn} yet.", 501)
        event = json.loads(delivery.event)
        rule = RuleRef(*delivery.rule)
        occasion = Occasion(
            target=delivery.target,
            arn=arn,
            payload=inputs.payload(delivery.target, inputs.Occasion(rule, event, delivery.ingested)),
            event=event,
            event_json=inputs.dump(event),
            envelope=_envelope(event, delivery.hops + 1),
            public_host=platform.public_host,
            now_ms=int(platform.clock.now() * 1000),
            message_id=platform.ids.uuid(),
        )
        caller = caller_of(rule, delivery.target.get("RoleArn", ""))
        region, account_id = arn.region or rule.region, arn.account_id or rule.account_id
        for operation, params in kind.steps(occasion):
            call = Call(kind.service, operation, params, caller, region, account_id, platform.ids.uuid(), user_agent=PRINCIPAL)
            result = await platform.cloud.call(call)
            _raise_partial_failure(result)

    def _failed(self, lease: Lease, delivery: Delivery, error: AwsError) -> Sequence[Write]:
        platform = self._events.platform
        attempts = delivery.attempts + 1
        policy: Mapping[str, Any] = delivery.target.get("RetryPolicy", {})
        now = platform.clock.now()
        end = retrying.decide(error, policy, ingested=delivery.ingested, now=now, attempts=attempts, jitter=platform.ids.random())
        if isinstance(end, retrying.Retry):
            return (Postpone(lease, end.due, _encode(msgspec.structs.replace(delivery, attempts=attempts))),)
        rule_arn, target_arn = RuleRef(*delivery.rule).arn, delivery.target["Arn"]
        queue_arn = delivery.target.get("DeadLetterConfig", {}).get("Arn")
        if not queue_arn:
            _log.error("an event of %s did not reach %s after %d attempts and is dropped: %s", rule_arn, target_arn, attempts, error)
            return (Acknowledge(lease),)
        found = retrying.attributes(rule_arn, target_arn, error, end, attempts)
        letter = DeadLetter(rule=delivery.rule, queue_arn=queue_arn, body=delivery.event, attributes=found)
        return (Acknowledge(lease), Enqueue(DEAD_LETTERS, lease.message_id, _encode(letter), now))


class DeadLetters:
    """Handles the queue of ``DeadLetter``."""

    def __init__(self, events: Events) -> None:
        self._events = events

    async def handle(self, lease: Lease) -> Sequence[Write]:
        """Send a message to a dead-letter queue; a passing error is tried again, a lasting one is logged."""
        letter = _dead_letter(lease.body)
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
    role = Arn.parse(role_arn)
    name = role.resource.rpartition("/")[2]
    arn = f"arn:{role.partition}:sts::{role.account_id}:assumed-role/{name}/{rule.name[:64]}"
    return Caller(CallerKind.ROLE, role.account_id, arn, source_arn=rule.arn, source_account=rule.account_id)


def _envelope(event: Mapping[str, Any], hops: int) -> dict[str, Any]:
    return {key: event[key] for key in ("id", "account", "region", "time")} | {"hops": hops}


def _raise_partial_failure(result: Mapping[str, Any]) -> None:
    """Raise what an operation reports within an answer that went well (``PutEvents``, ``PutLogEvents``)."""
    if result.get("FailedEntryCount"):
        failed = next(each for each in result["Entries"] if each.get("ErrorCode"))
        raise AwsError(failed["ErrorCode"], failed.get("ErrorMessage", ""), 500 if failed["ErrorCode"].startswith("Internal") else 400)

"""Delivers invocation records to destinations and dead-letter queues, with the function's execution role."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

import msgspec

from lambent.base.clock import Clock
from lambent.base.ids import Ids
from lambent.domain.arns import Arn
from lambent.domain.call import Call
from lambent.domain.documents import Reader
from lambent.domain.errors import AwsError
from lambent.domain.metrics import Metrics, NoMetrics
from lambent.domain.ports import Cloud
from lambent.domain.storage import Acknowledge, Enqueue, Lease, Postpone, Store, Write
from lambent.engine.delivery.endings import Handled
from lambent.engine.delivery.fair_worker import FairWorker
from lambent.engine.delivery.messages import Dispatch, target_call
from lambent.engine.delivery.queue_urls import queue_url_of
from lambent.engine.environments.shipping import role_caller

_log = logging.getLogger(__name__)

DISPATCHES: Final = "lambda.dispatches/"
"""Queues by function: ``<account>/<region>/<name>`` follows."""
PLACES: Final = 32
FAILURES_MAX: Final = 10
"""How often a destination that answers with a passing error is tried: with back-off, for about an hour."""

_encode = msgspec.msgpack.Encoder().encode
_dispatches = Reader(Dispatch)


class Destinations:
    """The ``Worker`` that delivers records. They are made with ``enqueue``, in the commit of what they tell of, and then ``touched``."""

    name = "invocation records"

    def __init__(self, store: Store, cloud: Cloud, clock: Clock, ids: Ids, metrics: Metrics | None = None) -> None:
        self._cloud = cloud
        self._clock = clock
        self._ids = ids
        self._worker = FairWorker(store, clock, DISPATCHES, self.handle, name=self.name, places=PLACES)
        self._metrics = metrics or NoMetrics()
        self.undelivered = 0  #: records that no destination took, since the start

    def enqueue(self, dispatch: Dispatch) -> Enqueue:
        """Return the write that has a record delivered."""
        lane = f"{dispatch.account_id}/{dispatch.region}/{dispatch.function_name}"
        return self._worker.enqueue(lane, self._ids.ordered(), _encode(dispatch), dispatch.made)

    def touched(self, writes: Sequence[Write]) -> None:
        """Take note that writes were committed; those that aren't records don't matter."""
        self._worker.touched(writes)

    async def run(self) -> None:
        """Deliver until cancelled."""
        await self._worker.run()

    async def handle(self, lease: Lease) -> Handled:
        """Deliver a record. A passing error is tried again; a lasting one is logged, as AWS counts it in DestinationDeliveryFailures."""
        dispatch = _dispatches.decode(lease.body)
        try:
            await self._deliver(dispatch)
        except (AwsError, ValueError) as error:
            failures = dispatch.failures + 1
            if isinstance(error, AwsError) and error.retryable and error.status != 501 and failures < FAILURES_MAX:
                again = msgspec.structs.replace(dispatch, failures=failures)
                return Handled((Postpone(lease, self._clock.now() + min(600.0, 2.0**failures), _encode(again)),))
            self.undelivered += 1
            kind = "dead-letter queue" if dispatch.is_dead_letter else "destination"
            metric = "DeadLetterErrors" if dispatch.is_dead_letter else "DestinationDeliveryFailures"
            by_function = {"FunctionName": dispatch.function_name}
            self._metrics.record(dispatch.account_id, dispatch.region, metric, 1, "Count", by_function)
            _log.error(
                "the record of %s's request %s could not be delivered to its %s %s: %s",
                dispatch.function_arn,
                dispatch.request_id,
                kind,
                dispatch.target_arn,
                error,
            )
        return Handled((Acknowledge(lease),))

    async def _deliver(self, dispatch: Dispatch) -> None:
        target = Arn.parse(dispatch.target_arn)
        region, account_id = target.region or dispatch.region, target.account_id or dispatch.account_id
        caller = role_caller(dispatch.account_id, dispatch.role_arn, dispatch.function_name)
        queue_url = ""
        if target.service == "sqs":
            queue_url = await queue_url_of(self._cloud, self._ids, target)
        service, operation, params_ = target_call(dispatch, queue_url)
        trace = dispatch.trace_header
        result = await self._cloud.call(Call(service, operation, params_, caller, region, account_id, self._ids.uuid(), trace_header=trace))
        if result.get("FailedEntryCount"):
            raise AwsError("InternalException", f"The event bus refused the record: {result.get('Entries')}", 500)

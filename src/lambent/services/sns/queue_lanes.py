"""Sends to queues through ``Cloud``, several messages in one call where several wait for the same queue."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, Final

import msgspec

from lambent.domain.arns import Arn
from lambent.domain.call import Call
from lambent.domain.caller import Caller
from lambent.domain.errors import AwsError
from lambent.domain.ports import Platform
from lambent.services.sns.feedback import Delivered
from lambent.services.sns.state import Topic

PRINCIPAL: Final = "sns.amazonaws.com"
BATCH_MAX: Final = 10
BATCH_BYTES_MAX: Final = 262_144


class Parcel(msgspec.Struct, frozen=True):
    """A message for a queue."""

    params: Mapping[str, Any]  #: of SendMessage, but for the queue
    size: int  #: bytes, at least
    trace_header: str = ""

    @classmethod
    def of(
        cls,
        body: str,
        *,
        attributes: Mapping[str, Any],
        group_id: str | None = None,
        deduplication_id: str | None = None,
        trace_header: str = "",
    ) -> Parcel:
        """Return a message; what isn't there is left out."""
        params: dict[str, Any] = {"MessageBody": body}
        if attributes:
            params["MessageAttributes"] = attributes
        if group_id is not None:
            params["MessageGroupId"] = group_id
        if deduplication_id is not None:
            params["MessageDeduplicationId"] = deduplication_id
        if trace_header:
            params["MessageSystemAttributes"] = {"AWSTraceHeader": {"DataType": "String", "StringValue": trace_header}}
        return cls(params, len(body.encode()) + 1024 * len(attributes), trace_header)


def service_call(
    platform: Platform, topic: Topic, target: Arn, operation: str, params: Mapping[str, Any], *, trace_header: str = ""
) -> Call:
    """Return the call that SNS makes for a topic."""
    return Call(
        service=target.service,
        operation=operation,
        params=params,
        caller=Caller.service(PRINCIPAL, topic.account_id, source_arn=topic.arn),
        region=target.region,
        account_id=target.account_id,
        request_id=platform.ids.uuid(),
        user_agent=PRINCIPAL,
        trace_header=trace_header,
    )


async def send_all(platform: Platform, topic: Topic, queue_arn: str, parcels: Sequence[Parcel]) -> list[AwsError | Delivered]:
    """Send at most ten messages to a queue in one call; say of each what became of it."""
    target = Arn.parse(queue_arn)
    url = f"http://{platform.public_host}/{target.account_id}/{target.resource}"
    try:
        if len(parcels) == 1:
            params = {"QueueUrl": url, **parcels[0].params}
            call = service_call(platform, topic, target, "SendMessage", params, trace_header=parcels[0].trace_header)
            return [_delivered(call, await platform.cloud.call(call))]
        entries = [{"Id": str(number), **each.params} for number, each in enumerate(parcels)]
        call = service_call(platform, topic, target, "SendMessageBatch", {"QueueUrl": url, "Entries": entries})
        answer = await platform.cloud.call(call)
    except AwsError as error:
        return [error] * len(parcels)
    outcomes: list[AwsError | Delivered] = [_delivered(call, {})] * len(parcels)
    for each in answer.get("Successful") or ():
        outcomes[int(each["Id"])] = _delivered(call, each)
    for each in answer.get("Failed") or ():
        status = 400 if each.get("SenderFault", True) else 500
        outcomes[int(each["Id"])] = AwsError(str(each["Code"]), str(each.get("Message", "")), status)
    return outcomes


def _delivered(call: Call, answer: Mapping[str, Any]) -> Delivered:
    return Delivered(200, {"sqsRequestId": call.request_id, "sqsMessageId": str(answer.get("MessageId", ""))})


def batch_of(parcels: Sequence[Parcel]) -> int:
    """Return how many of the parcels, from the first, fit into one call."""
    size = 0
    for count, each in enumerate(parcels[:BATCH_MAX]):
        size += each.size
        if size > BATCH_BYTES_MAX and count:
            return count
    return min(len(parcels), BATCH_MAX)


class QueueLanes:
    """One lane for each pair of topic and queue: while a call is under way, what comes for the lane gathers for the next."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._lanes: dict[tuple[str, ...], deque[tuple[Parcel, asyncio.Future[AwsError | Delivered]]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def send(self, topic: Topic, queue_arn: str, parcel: Parcel) -> asyncio.Future[AwsError | Delivered]:
        """Send a message; the future says when the queue has it, or which error it gave."""
        key = (*topic.key, queue_arn)
        lane = self._lanes.get(key)
        done: asyncio.Future[AwsError | Delivered] = asyncio.get_running_loop().create_future()
        if lane is None:
            lane = self._lanes[key] = deque()
            task = asyncio.create_task(self._run(topic, queue_arn, key), name=f"{topic.name} to {queue_arn}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        lane.append((parcel, done))
        return done

    async def _run(self, topic: Topic, queue_arn: str, key: tuple[str, ...]) -> None:
        lane = self._lanes[key]
        taken: list[tuple[Parcel, asyncio.Future[AwsError | Delivered]]] = []
        try:
            while lane:
                taken = [lane.popleft() for _ in range(batch_of([parcel for parcel, _ in islice(lane, BATCH_MAX)]))]
                outcomes = await send_all(self._platform, topic, queue_arn, [parcel for parcel, _ in taken])
                for (_, done), outcome in zip(taken, outcomes, strict=True):
                    if not done.done():
                        done.set_result(outcome)
        except Exception as error:  # noqa: BLE001 - whoever waits for a message of the lane gets it
            for _, done in (*taken, *lane):
                if not done.done():
                    done.set_exception(error)
        finally:
            del self._lanes[key]
            for _, done in (*taken, *lane):
                done.cancel()

"""Reads a queue for a function: receives, gathers, filters, hands over, and deletes what was handled.

Follows "Using Lambda with Amazon SQS". What fails is left: it becomes visible again, or goes where the queue's redrive policy sends it.
One receiver waits at the queue and wakes with its first message; as many batches run at once as ``scaling`` allows. A FIFO queue locks
a message's group until it is deleted or visible again, so that order holds whatever runs at once here.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import msgspec

from lambent.domain.errors import AwsError
from lambent.domain.mappings import EventSourceMapping
from lambent.engine.delivery.queue_urls import queue_url_of
from lambent.engine.invocation import recursion
from lambent.engine.sources.answers import WholeBatch, failed_items
from lambent.engine.sources.filters import filter_of
from lambent.engine.sources.metrics import count
from lambent.engine.sources.records import QueueMessage, envelope, queue_message
from lambent.engine.sources.running import Ran, Reader, Tools, is_throttle
from lambent.engine.sources.scaling import Scaling

_log = logging.getLogger(__name__)

RECEIVE_MAX: Final = 10
POLL_S: Final = 20  # the longest poll that SQS allows
PAYLOAD_BYTES_MAX: Final = 6_000_000  # of an event, below the 6 MB of an invocation
REFRESH_S: Final = 60.0  # how long the queue's visibility timeout and redrive policy are believed
_ERROR_S_MAX: Final = 60.0
_THROTTLE_S_MAX: Final = 20.0
_MARGIN_S: Final = 2.0  # a batch isn't handed over so shortly before its messages become visible again
_DELETE_TRIES: Final = 3
HELD_BYTES_MAX: Final = 64 << 20
"""Messages that are held in memory; a batch more than that is let through. AWS has as much as it wants: 1,250 batches of 6 MB are 7 GB."""


class Batch(msgspec.Struct, frozen=True):
    """Messages that are handed over together."""

    messages: tuple[QueueMessage, ...]
    received: float  #: when the first of them was

    @property
    def payload(self) -> bytes:
        """The function's event."""
        return envelope([each.data for each in self.messages])


class Queue(msgspec.Struct, frozen=True):
    """What is known of the queue."""

    url: str
    visibility_s: float
    redrives: bool
    at: float


class QueuePoller:
    """A mapping's poller."""

    def __init__(self, tools: Tools, mapping: EventSourceMapping) -> None:
        self._tools = tools
        self._mapping = mapping
        self._reader = Reader(tools, mapping)
        self._filter = filter_of("sqs", mapping.filters)
        self._scaling = Scaling(mapping.concurrency_max or tools.batches_max, tools.concurrency_max, mapping.pollers)
        self._queue: Queue | None = None
        self._carried: list[QueueMessage] = []
        self._batches: set[asyncio.Task[None]] = set()  # under way, until their messages are deleted
        self._running = 0  # of these: the function has not answered yet
        self._held_bytes = 0
        self._left = asyncio.Event()
        self._refused: deque[asyncio.Future[None]] = deque()  # batches that wait to be tried again
        self.ready = asyncio.Event()

    async def run(self) -> None:
        """Read until cancelled; batches that are under way go on, see ``drain``."""
        self.ready.set()
        failures = 0
        while True:
            try:
                await self._turn()
                if failures:
                    failures = 0
                    await self._tools.mappings.resulted(self._mapping, "OK")
            except AwsError as error:
                self._queue = None
                if not failures:
                    _log.warning("%s can't be read for %s: %s", self._mapping.source_arn, self._mapping.function_arn, error)
                    await self._tools.mappings.resulted(self._mapping, f"PROBLEM: {error.message or error.code}")
                failures += 1
                await self._tools.clock.sleep(min(_ERROR_S_MAX, 0.5 * 2.0 ** min(failures, 10)))

    async def drain(self) -> None:
        """Return when no batch is under way any more."""
        while self._batches:
            await asyncio.gather(*self._batches, return_exceptions=True)

    async def close(self) -> None:
        """Abandon what is under way: its messages become visible again."""
        for task in self._batches:
            task.cancel()
        await self.drain()

    async def _turn(self) -> None:
        while self._running >= self._scaling.limit or self._held_bytes >= HELD_BYTES_MAX:
            if self._running >= self._scaling.limit:
                self._scaling.saturated(self._tools.clock.now())
            self._left.clear()
            await self._wait_left()
        queue = await self._known()
        batch = await self._gather(queue)
        if batch is not None:
            self._start(queue, batch)

    async def _wait_left(self) -> None:
        """Wait for a place, or for the limit to grow."""
        timer = self._tools.clock.call_later(1.0, self._left.set)
        try:
            await self._left.wait()
        finally:
            timer.cancel()

    def _start(self, queue: Queue, batch: Batch) -> None:
        self._running += 1
        self._held_bytes += _size(batch.messages)
        task = asyncio.create_task(self._handle(queue, batch), name=f"batch of {self._mapping.uuid}")
        self._batches.add(task)
        task.add_done_callback(partial(self._ended, _size(batch.messages)))

    def _ended(self, size: int, task: asyncio.Task[None]) -> None:
        self._batches.discard(task)
        self._held_bytes -= size
        self._left.set()

    # ── receiving ───────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _known(self) -> Queue:
        now = self._tools.clock.now()
        if self._queue is None or now - self._queue.at > REFRESH_S:
            url = await queue_url_of(self._tools.cloud, self._tools.ids, self._reader.source)
            asked = {"QueueUrl": url, "AttributeNames": ["All"]}
            attributes = (await self._reader.call("sqs", "GetQueueAttributes", asked)).get("Attributes") or {}
            self._queue = Queue(url, float(attributes.get("VisibilityTimeout", 30)), bool(attributes.get("RedrivePolicy")), now)
        return self._queue

    async def _gather(self, queue: Queue) -> Batch | None:
        """Return the next batch, or ``None`` when the queue stayed empty. Messages at hand are not lost to a cancellation."""
        taken, self._carried = self._carried, []
        began = self._tools.clock.now()
        try:
            while len(taken) < self._mapping.batch_size:
                wait_s = POLL_S if not taken else max(0.0, began + self._mapping.window_s - self._tools.clock.now())
                if 0 < wait_s < 1:
                    await self._tools.clock.sleep(wait_s)
                found = await self._receive(queue, self._mapping.batch_size - len(taken), int(wait_s))
                if found and not taken:
                    began = self._tools.clock.now()
                taken += found
                if not taken:
                    self._scaling.idle()
                    return None
                if self._tools.clock.now() >= began + self._mapping.window_s or _size(taken) > PAYLOAD_BYTES_MAX:
                    break
        except BaseException:
            if taken:
                self._start(queue, self._batch(taken, began))
            raise
        return self._batch(taken, began)

    def _batch(self, messages: list[QueueMessage], received: float) -> Batch:
        """Return the first messages that fit into an event; the others are carried over."""
        size = 0
        for number, each in enumerate(messages):
            size += len(each.data) + 1
            if number and size > PAYLOAD_BYTES_MAX:
                self._carried = messages[number:]
                messages = messages[:number]
                break
        return Batch(tuple(messages), received)

    async def _receive(self, queue: Queue, wanted: int, wait_s: int) -> list[QueueMessage]:
        params = {
            "QueueUrl": queue.url,
            "MaxNumberOfMessages": min(RECEIVE_MAX, wanted),
            "WaitTimeSeconds": min(POLL_S, wait_s),
            "AttributeNames": ["All"],
            "MessageAttributeNames": ["All"],
        }
        answer = await self._reader.call("sqs", "ReceiveMessage", params)
        tells = bool(self._mapping.filters or self._mapping.window_s)
        found = [queue_message(each, self._reader.source, tells_absence=tells) for each in answer.get("Messages") or ()]
        passed = [each for each in found if self._filter(each.event)]
        if len(passed) < len(found):
            dropped = [each for each in found if each not in passed]
            self._count("FilteredOutEventCount", len(dropped))
            await self._delete(queue, dropped)
        self._count("PolledEventCount", len(found))
        return passed

    # ── handing over ────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _handle(self, queue: Queue, batch: Batch) -> None:
        placed = True

        def leave() -> None:
            nonlocal placed
            if placed:
                placed = False
                self._running -= 1
                self._left.set()

        try:
            ran = await self._invoke(queue, batch)
            leave()
            self._wake_refused()
            if ran is not None:
                await self._finish(queue, batch, ran)
        except AwsError as error:
            _log.warning("a batch of %s for %s is left to its visibility timeout: %s", queue.url, self._mapping.function_arn, error)
        except Exception:  # noqa: BLE001 - one batch's failure must not stop the others; the messages become visible again
            _log.exception("a batch of %s for %s is left to its visibility timeout", queue.url, self._mapping.function_arn)
        finally:
            leave()

    async def _invoke(self, queue: Queue, batch: Batch) -> Ran | None:
        """Run the function, again and again while it is throttled, until the messages are about to be visible again."""
        ends = batch.received + queue.visibility_s - _MARGIN_S
        tries = 0
        while True:
            try:
                return await self._reader.invoke(batch.payload, self._trace(batch.messages))
            except AwsError as error:
                if error.code == "RecursiveInvocationException":
                    return await self._loop(queue, batch)
                if is_throttle(error):
                    self._scaling.throttled(self._tools.clock.now())
                pause = min(_THROTTLE_S_MAX, 0.5 * 2.0**tries) * (0.75 + self._tools.ids.random() / 4)
                tries += 1
                if self._tools.clock.now() + pause > ends:
                    raise
                await self._wait_again(pause)

    async def _wait_again(self, seconds: float) -> None:
        """Wait so long, or until a batch of this mapping leaves a place: the one that waits longest may have it."""
        again: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._refused.append(again)
        timer = self._tools.clock.call_later(seconds, partial(_wake, again))
        try:
            await again
        finally:
            timer.cancel()
            if again in self._refused:
                self._refused.remove(again)

    def _wake_refused(self) -> None:
        if self._refused:
            _wake(self._refused.popleft())

    async def _finish(self, queue: Queue, batch: Batch, ran: Ran) -> None:
        """Delete what was handled, once its log is safe."""
        if ran.result.logged is not None:
            await ran.result.logged()
        if ran.failed:
            self._count("FailedInvokeEventCount", len(batch.messages))
            return
        handled: Sequence[QueueMessage] = batch.messages
        if self._mapping.reports_failures:
            failed = failed_items(ran.payload, {each.message_id for each in batch.messages})
            handled = () if isinstance(failed, WholeBatch) else [each for each in batch.messages if each.message_id not in failed]
        self._count("DeletedEventCount", len(handled))
        await self._delete(queue, handled)

    async def _delete(self, queue: Queue, messages: Sequence[QueueMessage]) -> None:
        for start in range(0, len(messages), RECEIVE_MAX):
            entries = [
                {"Id": str(number), "ReceiptHandle": each.receipt_handle}
                for number, each in enumerate(messages[start : start + RECEIVE_MAX])
            ]
            await self._delete_entries(queue, entries)

    async def _delete_entries(self, queue: Queue, entries: list[dict[str, str]]) -> None:
        for attempt in range(1, _DELETE_TRIES + 1):
            try:
                answer = await self._reader.call("sqs", "DeleteMessageBatch", {"QueueUrl": queue.url, "Entries": entries})
            except AwsError as error:
                if attempt == _DELETE_TRIES or not error.retryable:
                    raise
                await self._tools.clock.sleep(0.2 * 2.0**attempt)
                continue
            failed: Any = answer.get("Failed") or ()
            if failed:
                _log.warning("%d handled messages of %s could not be deleted: %s", len(failed), queue.url, failed[0].get("Message"))
            return

    # ── recursion ───────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _trace(self, messages: Sequence[QueueMessage]) -> str:
        """Return the header of the message that went through this function most often."""
        arn = self._mapping.function_arn.removesuffix(f":{self._mapping.qualifier}")
        return max((each.trace_header for each in messages), key=lambda trace: (recursion.hops(trace, arn), bool(trace)), default="")

    async def _loop(self, queue: Queue, batch: Batch) -> Ran | None:
        """Drop the messages of a recursive loop, or leave them to the queue's redrive policy, and hand over the others."""
        arn = self._mapping.function_arn.removesuffix(f":{self._mapping.qualifier}")
        looping = [each for each in batch.messages if recursion.hops(each.trace_header, arn) >= recursion.HOPS_MAX]
        _log.warning("%d messages of %s are in a recursive loop with %s", len(looping), queue.url, arn)
        self._count("RecursiveInvocationsDropped", len(looping))
        if not queue.redrives:
            await self._delete(queue, looping)
        others = tuple(each for each in batch.messages if each not in looping)
        if not looping or not others:
            return None
        rest = Batch(others, batch.received)
        ran = await self._invoke(queue, rest)
        if ran is not None:
            await self._finish(queue, rest, ran)
        return None

    def _count(self, name: str, events: int) -> None:
        if events:
            count(self._tools.metrics, self._mapping, name, events)


def _size(messages: Sequence[QueueMessage]) -> int:
    return sum(len(each.data) + 1 for each in messages)


def _wake(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)

"""Takes functions' log lines to CloudWatch Logs in batches, off the path of invocations.

Lines of one stream arrive in order; streams do not wait for each other. What cannot be sent now is sent later; memory is bounded:
above ``high_bytes`` invocations wait for room before they are answered, above ``limit_bytes`` lines are dropped, counted and the
count is logged. A stream bears that alone if it is its own doing: those of whom little waits don't wait, and no stream gets more than a
quarter of the room.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol, TypeAlias

from lambent.base.clock import Clock
from lambent.base.ids import Ids
from lambent.domain.call import Call
from lambent.domain.caller import Caller, CallerKind
from lambent.domain.errors import AwsError
from lambent.domain.functions import FunctionVersion, session_name
from lambent.domain.ports import Cloud

_log = logging.getLogger(__name__)

EVENT_OVERHEAD_BYTES: Final = 26  # CloudWatch counts it with every event
PIECE_BYTES: Final = 150  #: of memory, with every piece that waits, about
WORDED_BYTES: Final = 300  #: what is worded when it is sent counts for so much: more than it has
EVENT_BYTES_MAX: Final = 262_144 - EVENT_OVERHEAD_BYTES
BATCH_BYTES_MAX: Final = 1_048_576
BATCH_EVENTS_MAX: Final = 2_000  # of AWS's 10,000: a batch is judged and encoded at once, which holds up whoever else is served
FLUSH_S: Final = 0.05  # how long lines gather before they are sent
STEADY_FLUSH_S: Final = 0.5
"""The same while lines keep coming: a batch costs much more than a line of it. Nobody who awaits a log waits so long."""

_SHARES: Final = 4
_CROWD: Final = 64
_RETRY_S_MAX: Final = 30.0
_STREAMS_AT_ONCE: Final = 16
_EXPIRE_S: Final = 1.0
_TOLD_MAX: Final = 10_000
SHIPPED_S_MAX: Final = 5.0
"""How long ``wait_shipped`` waits for a log service that does not answer: logs must not hold up events for ever."""


def role_caller(account_id: str, role_arn: str, function_name: str) -> Caller:
    """Return a function acting with its execution role: the session is named after the function, as in AWS."""
    role = role_arn.rpartition("/")[2]
    return Caller(CallerKind.ROLE, account_id, f"arn:aws:sts::{account_id}:assumed-role/{role}/{session_name(function_name)}")


class Worded(Protocol):
    """Lines that are put into words when they are sent: not on the path of an invocation."""

    def texts(self) -> Sequence[str]:
        """Return the lines with their line ends: at most ``WORDED_BYTES`` with CloudWatch's for each event."""
        ...


Piece: TypeAlias = "bytes | Worded"
"""What waits to be sent: a line, with its line end, or lines that are worded then."""


class LogStream:
    """One environment's log stream: lines that wait to be sent."""

    def __init__(self, function: FunctionVersion, name: str, shipper: LogShipper) -> None:
        self.function = function
        self.name = name
        self.waiting: deque[tuple[int, Piece, int]] = deque()  #: milliseconds since 1970, and the bytes of memory that it takes
        self.exists = False
        self.failures = 0
        self.retry_at = 0.0
        self.shipper = shipper
        self.bytes = 0  #: of memory, in what waits
        self.settled = 0  #: pieces that were sent, or given up
        self._waiters: deque[tuple[int, asyncio.Future[None]]] = deque()

    async def wait_shipped(self) -> None:
        """Return when what was logged so far is with the log service, or that fails; see ``LogShipper.wait_shipped``."""
        await self.shipper.wait_shipped(self)

    @property
    def taken(self) -> int:
        """How many pieces were ever added."""
        return self.settled + len(self.waiting)

    def settle(self, pieces: int) -> int:
        """Note that so many pieces, the first that wait, were sent or given up; return their bytes."""
        self.settled += pieces
        while self._waiters and self._waiters[0][0] <= self.settled:
            shipped = self._waiters.popleft()[1]
            if not shipped.done():
                shipped.set_result(None)
        gone = self.waiting.popleft
        size = sum([gone()[2] for _ in range(pieces)])
        self.bytes -= size
        return size

    def shipped(self) -> asyncio.Future[None]:
        """Return what is done once everything that waits now was settled."""
        shipped: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append((self.taken, shipped))
        return shipped


class LogShipper:
    """Sends what environments log; a ``Worker``."""

    name = "function logs"

    def __init__(self, cloud: Cloud, clock: Clock, ids: Ids, *, high_bytes: int = 32 << 20, limit_bytes: int = 256 << 20) -> None:
        self._cloud = cloud
        self._clock = clock
        self._ids = ids
        self._high_bytes = high_bytes
        self._limit_bytes = limit_bytes
        self._stream_bytes_max = limit_bytes // _SHARES
        self._bytes = 0
        self._dirty: dict[LogStream, None] = {}
        self._sending: set[LogStream] = set()
        self._wake = asyncio.Event()
        self._is_awake = False  #: whether it is set, for every line to ask
        self._hurry = asyncio.Event()  #: somebody waits for a log
        self._has_room = asyncio.Event()
        self._has_room.set()
        self._waits: deque[tuple[float, asyncio.Future[None]]] = deque()  # until when each waits, at most
        self._expiring: asyncio.Task[None] | None = None
        self._told: set[tuple[str, str, str]] = set()
        self.dropped = 0  #: lines that found no room since the start

    def open(self, function: FunctionVersion, name: str) -> LogStream:
        """Return a stream to write to; it is created in CloudWatch with its first lines."""
        return LogStream(function, name, self)

    def write(self, stream: LogStream, piece: Piece, time_ms: int) -> None:
        """Take a piece for a stream if there is room; never blocks. What is larger than an event may be becomes several."""
        size = PIECE_BYTES + WORDED_BYTES
        if isinstance(piece, bytes):
            size = PIECE_BYTES + len(piece)
            if size > PIECE_BYTES + EVENT_BYTES_MAX:
                for start in range(0, len(piece), EVENT_BYTES_MAX):
                    self.write(stream, piece[start : start + EVENT_BYTES_MAX], time_ms)
                return
        total = self._bytes + size
        # As long as all have less than one may have, nobody has too much.
        if total <= self._stream_bytes_max or (total <= self._limit_bytes and stream.bytes + size <= self._stream_bytes_max):
            stream.waiting.append((time_ms, piece, size))
            stream.bytes += size
            self._bytes = total
            if total > self._high_bytes:
                self._has_room.clear()
        else:
            self.dropped += 1
        self._dirty[stream] = None
        if not self._is_awake:
            self._is_awake = True
            self._wake.set()

    def is_crowded(self, stream: LogStream) -> bool:
        """Whether a stream's invocations should wait for room before they go on logging."""
        return self._bytes > self._high_bytes and stream.bytes > self._high_bytes // _CROWD

    async def wait_room(self) -> None:
        """Return when less than ``high_bytes`` wait."""
        await self._has_room.wait()

    async def wait_shipped(self, stream: LogStream) -> None:
        """Return when what was logged so far is with the log service, was refused by it, or after ``SHIPPED_S_MAX``; at once while
        the log service is failing."""
        if not stream.waiting or stream.failures:
            return
        self._hurry.set()
        shipped = stream.shipped()
        self._waits.append((self._clock.monotonic() + SHIPPED_S_MAX, shipped))
        if self._expiring is None:
            self._expiring = asyncio.create_task(self._expire(), name="waits for function logs")
        await shipped

    async def _expire(self) -> None:
        """Let go of whoever waited too long, as long as anybody waits: one timer for all, where one for each costs a task for each."""
        try:
            while self._waits:
                await self._clock.sleep(_EXPIRE_S)
                now = self._clock.monotonic()
                while self._waits and (self._waits[0][1].done() or self._waits[0][0] <= now):
                    _, shipped = self._waits.popleft()
                    if not shipped.done():
                        shipped.set_result(None)
        finally:
            self._expiring = None

    async def run(self) -> None:
        """Send until cancelled."""
        steady = False
        while True:
            await self._wake.wait()
            await self._clock.sleep(FLUSH_S)
            if steady and not self._hurry.is_set():
                await self._gather(STEADY_FLUSH_S - FLUSH_S)
            self._wake.clear()
            self._is_awake = False
            self._hurry.clear()
            await self.flush()
            steady = self._is_awake
            self._report_dropped()
            if self._dirty and not self._is_awake:
                self._is_awake = True
                self._wake.set()  # what failed is tried again at its time

    async def _gather(self, seconds: float) -> None:
        """Wait for more lines, unless somebody comes to wait for a log."""
        timer = self._clock.call_later(seconds, self._hurry.set)
        try:
            await self._hurry.wait()
        finally:
            timer.cancel()

    async def flush(self) -> None:
        """Send once what is due now."""
        now = self._clock.monotonic()
        due = [stream for stream in self._dirty if stream.retry_at <= now and stream not in self._sending]
        self._sending.update(due)
        try:
            for start in range(0, len(due), _STREAMS_AT_ONCE):
                await asyncio.gather(*(self._send(stream) for stream in due[start : start + _STREAMS_AT_ONCE]))
        finally:
            self._sending.difference_update(due)

    async def _send(self, stream: LogStream) -> None:
        try:
            goal = stream.taken  # what comes meanwhile gathers for the next time
            while stream.settled < goal:
                await self._put(stream, *_batch(stream))
            if not stream.waiting:
                self._dirty.pop(stream, None)
            stream.failures = 0
        except AwsError as error:
            self._failed(stream, error)
        except Exception as error:  # noqa: BLE001 - a stream's failure must not stop the others'; the operator sees it in the log
            _log.exception("sending a function's log failed")
            self._failed(stream, AwsError("ServiceUnavailable", str(error), 503))

    def _failed(self, stream: LogStream, error: AwsError) -> None:
        if error.retryable or error.code in ("ThrottlingException", "OperationAbortedException"):
            stream.failures += 1
            stream.retry_at = self._clock.monotonic() + min(_RETRY_S_MAX, 0.1 * 2**stream.failures)
            return
        self._refused(stream, error)
        self._discard(stream)

    def _refused(self, stream: LogStream, error: AwsError) -> None:
        """Tell the operator, once for a function with this role and this error: each environment has a stream of its own."""
        function = stream.function
        told = (function.arn, function.role_arn, error.code)
        if told not in self._told:
            if len(self._told) >= _TOLD_MAX:
                self._told.clear()
            self._told.add(told)
            _log.warning("the log of %s cannot be written: %s", function.arn, error)

    async def _put(self, stream: LogStream, pieces: int, events: list[dict[str, Any]]) -> None:
        params = {
            "logGroupName": stream.function.logging.group,
            "logStreamName": stream.name,
            "logEvents": events,
        }
        if not stream.exists:
            await self._create(stream)
        try:
            await self._call(stream, "PutLogEvents", params)
        except AwsError as error:
            if error.code != "ResourceNotFoundException":
                raise
            await self._create(stream)  # somebody deleted the group meanwhile
            await self._call(stream, "PutLogEvents", params)
        self._bytes -= stream.settle(pieces)
        if self._bytes <= self._high_bytes:
            self._has_room.set()

    async def _create(self, stream: LogStream) -> None:
        names = {"logGroupName": stream.function.logging.group, "logStreamName": stream.name}
        for attempt in (0, 1):
            try:
                await self._call(stream, "CreateLogStream", names)
                break
            except AwsError as error:
                if error.code == "ResourceAlreadyExistsException":
                    break
                if attempt or error.code != "ResourceNotFoundException":
                    raise
                await self._create_group(stream)
        stream.exists = True

    async def _create_group(self, stream: LogStream) -> None:
        try:
            await self._call(stream, "CreateLogGroup", {"logGroupName": stream.function.logging.group})
        except AwsError as error:
            if error.code != "ResourceAlreadyExistsException":
                raise

    async def _call(self, stream: LogStream, operation: str, params: Mapping[str, Any]) -> None:
        function = stream.function
        caller = role_caller(function.account_id, function.role_arn, function.name)
        await self._cloud.call(Call("logs", operation, params, caller, function.region, function.account_id, self._ids.uuid()))

    def _discard(self, stream: LogStream) -> None:
        self._bytes -= stream.settle(len(stream.waiting))
        self._dirty.pop(stream, None)
        if self._bytes <= self._high_bytes:
            self._has_room.set()

    def _report_dropped(self) -> None:
        if self.dropped:
            _log.warning("%d log lines of functions were dropped: more than %d bytes were waiting", self.dropped, self._limit_bytes)
            self.dropped = 0


def _batch(stream: LogStream) -> tuple[int, list[dict[str, Any]]]:
    """Return how many pieces, the first that wait, fit into one PutLogEvents, and their events."""
    events: list[dict[str, Any]] = []
    pieces = size = 0
    for time_ms, piece, memory in stream.waiting:
        size += memory - PIECE_BYTES + EVENT_OVERHEAD_BYTES
        if isinstance(piece, bytes):
            text = piece.decode("utf-8", "replace")
            if not text.isascii():
                size += len(text.encode()) - len(piece)  # what is no text is replaced by more
            texts: Sequence[str] = (text,)
        else:
            texts = piece.texts()
        if pieces and (size > BATCH_BYTES_MAX or len(events) >= BATCH_EVENTS_MAX):
            break
        for each in texts:
            events.append({"timestamp": time_ms, "message": each})  # noqa: PERF401 - a comprehension costs more for one or two
        pieces += 1
    return pieces, events

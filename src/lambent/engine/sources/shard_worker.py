"""Reads one shard for a mapping and hands its records over in order; what was dealt with is committed as a checkpoint."""

from __future__ import annotations

import asyncio
import logging
import zlib
from collections import deque
from collections.abc import Sequence
from typing import Final

import msgspec

from lambent.domain.errors import AwsError
from lambent.domain.storage import Write
from lambent.engine.sources import windows
from lambent.engine.sources.answers import WholeBatch, failed_items, window_state
from lambent.engine.sources.checkpoints import CHECKPOINTS, Checkpoint, Tracker, Window
from lambent.engine.sources.failures import dispatch
from lambent.engine.sources.filters import filter_of
from lambent.engine.sources.lanes import Lane, either
from lambent.engine.sources.metrics import count
from lambent.engine.sources.records import StreamRecord, encode, envelope
from lambent.engine.sources.retries import Attempt, Discard, Step, after_error, after_partial, aged, backoff_s
from lambent.engine.sources.running import Ran, Reader, is_throttle
from lambent.engine.sources.stream_readers import LIMIT, Page, Position, StreamReader

_log = logging.getLogger(__name__)

POLL_S: Final = 0.25  # four reads per second and shard; Kinesis allows five
IDLE_POLL_S: Final = 1.0  # what AWS does; here of shards that were empty for a minute
_UNKNOWN_POSITIONS: Final = ("TrimmedDataAccessException", "InvalidArgumentException", "ValidationException")
"""The record that was read last was trimmed, or belongs to an earlier stream of the same name."""
_IDLE_POLLS: Final = 240
_ERROR_S_MAX: Final = 60.0
BUFFERED_BYTES_MAX: Final = 16_000_000  # records of a shard that were read and not dealt with


class ShardWorker:
    """A shard's reader and the hands of its lanes."""

    def __init__(self, reader: Reader, stream: StreamReader, shard_id: str, checkpoint: Checkpoint, start: Position) -> None:
        self._reader = reader
        self._tools = reader.tools
        self._mapping = reader.mapping
        self._stream = stream
        self._shard_id = shard_id
        self._checkpoint = checkpoint
        self._tracker = Tracker(checkpoint.sequence)
        self._read_to = checkpoint.sequence
        self._start = start
        self._filter = filter_of(self._mapping.service, self._mapping.filters)
        self._lanes = [
            Lane(self._mapping, self._tools.clock, _Hands(self, number), checkpoint.windows.get(number))
            for number in range(self._mapping.parallelisation)
        ]
        self._buffered = 0  # bytes
        self._room = asyncio.Event()
        self._stopping = asyncio.Event()

    async def run(self) -> bool:
        """Read and hand over until the shard ends or the worker is stopped; return whether it ended."""
        async with asyncio.TaskGroup() as group:
            for lane in self._lanes:
                group.create_task(lane.run())
            ended = await self._read()
        if ended:
            await self.commit(done=True)
        return ended

    def stop(self) -> None:
        """Begin nothing new; batches that are under way may end."""
        self._stopping.set()
        self._room.set()
        for lane in self._lanes:
            lane.stop()

    # ── reading ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def iterate(self) -> str:
        """Return an iterator for what comes next."""
        return await self._stream.iterator(self._shard_id, self._position())

    def _position(self) -> Position:
        if self._read_to:
            return Position("AFTER_SEQUENCE_NUMBER", self._read_to)
        if self._checkpoint.since is not None:
            return Position("AT_TIMESTAMP", at=self._checkpoint.since)
        return self._start

    async def _read(self) -> bool:
        iterator: str | None = self._start.sequence if self._start.kind == "ITERATOR" else None
        failures = empty = 0
        while not self._stopping.is_set():
            try:
                iterator = iterator or await self.iterate()
                page = await self._stream.read(iterator, self._shard_id, LIMIT)
            except AwsError as error:
                iterator, failures = None, failures + 1
                await self._read_failed(error, failures)
                continue
            failures = 0
            empty = 0 if page.records else empty + 1
            await self._take(page)
            if page.following is None:
                for lane in self._lanes:
                    lane.end()
                return True
            iterator = page.following
            if not page.records:
                await self.pause(POLL_S if empty < _IDLE_POLLS else IDLE_POLL_S)
            await self._wait_room()
        return False

    async def _read_failed(self, error: AwsError, failures: int) -> None:
        if error.code in _UNKNOWN_POSITIONS and self._read_to:
            text = "what comes after record %s of shard %s of %s is gone (%s): reading goes on with the oldest that is there"
            _log.warning(text, self._read_to, self._shard_id, self._mapping.source_arn, error)
            self._read_to, self._checkpoint, self._start = "", Checkpoint(), Position("TRIM_HORIZON")
        elif error.code != "ExpiredIteratorException" or failures > 1:
            if failures == 1:
                _log.warning("shard %s of %s can't be read: %s", self._shard_id, self._mapping.source_arn, error)
                await self._tools.mappings.resulted(self._mapping, f"PROBLEM: {error.message or error.code}")
            await self.pause(min(_ERROR_S_MAX, 0.5 * 2.0 ** min(failures, 10)))

    async def _take(self, page: Page) -> None:
        """Give records to their lanes; what doesn't pass the filter, or came before the start, was dealt with."""
        since = self._checkpoint.since
        dropped = []
        for record in page.records:
            self._tracker.read(record.sequence)
            if (since is not None and not self._read_to and record.arrived < int(since)) or not self._filter(record.event):
                dropped.append(record.sequence)
                continue
            self._buffered += len(record.data)
            self._lanes[self._lane_of(record)].put(record)
        if page.records:
            self._read_to = page.records[-1].sequence
            count(self._tools.metrics, self._mapping, "PolledEventCount", len(page.records))
        for lane in self._lanes:
            lane.tip(not page.records and page.behind_ms == 0)
        if dropped:
            count(self._tools.metrics, self._mapping, "FilteredOutEventCount", len(dropped))
            if self._tracker.done(dropped):
                await self.commit()

    def _lane_of(self, record: StreamRecord) -> int:
        return zlib.crc32(record.partition.encode("utf-8", "surrogatepass")) % len(self._lanes)

    async def _wait_room(self) -> None:
        while self._buffered > BUFFERED_BYTES_MAX and not self._stopping.is_set():
            self._room.clear()
            await self._room.wait()

    async def pause(self, seconds: float) -> None:
        """Wait, but not when there is nothing to wait for any more."""
        await either(self._stopping.wait(), self._tools.clock, seconds)

    # ── handing over ────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def handle(self, lane: int, records: tuple[StreamRecord, ...], window: Window | None) -> None:
        """Hand records over, in parts and again where it takes that, until each was handled or given up."""
        ahead, ran = deque([Attempt(records)]), None
        while ahead and not self._stopping.is_set():
            attempt = ahead.popleft()
            now = self._tools.clock.now()
            old = aged(attempt, self._mapping, self._stream.retention_s, now)
            if old.given_up is not None:
                await self._give_up(old.given_up, Discard.AGE, ran)
                ahead.extendleft(old.ahead)
                continue
            done, step, ran = await self._try(lane, attempt, window, ran)
            window = self._checkpoint.windows.get(lane, window) if window is not None else None
            if done:
                await self._dealt_with(done)
            if step.given_up is not None:
                await self._give_up(step.given_up, Discard.RETRIES, ran)
            ahead.extendleft(reversed(step.ahead))
            if step.ahead and step.ahead[0].errors:
                await self.pause(backoff_s(step.ahead[0].errors))

    async def _try(
        self, lane: int, attempt: Attempt, window: Window | None, before: Ran | None
    ) -> tuple[Sequence[StreamRecord], Step, Ran | None]:
        """Return what was handled, what to do next, and how the function ran."""
        ran = await self._invoke(self._event(attempt.records, window))
        if ran is None:  # stopped while the function was throttled
            return (), Step(), before
        if ran.failed:
            return (), after_error(attempt, self._mapping), ran
        if self._mapping.reports_failures:
            failed = failed_items(ran.payload, {each.sequence for each in attempt.records})
            if isinstance(failed, WholeBatch):
                return (), after_error(attempt, self._mapping), ran
            if failed:
                places = [number for number, each in enumerate(attempt.records) if each.sequence in failed]
                handled, step = after_partial(attempt, places, self._mapping)
                return handled, step, ran
        if window is not None:
            await self._keep_state(lane, window, ran)
        return attempt.records, Step(), ran

    def _event(self, records: tuple[StreamRecord, ...], window: Window | None, *, final: bool = False, early: bool = False) -> bytes:
        if window is None:
            return envelope([each.data for each in records])
        return windows.event(
            records,
            window,
            self._mapping.tumbling_s,
            shard_id=self._shard_id,
            source_arn=self._mapping.source_arn,
            final=final,
            early=early,
        )

    async def _invoke(self, payload: bytes) -> Ran | None:
        """Run the function, again and again while it can't run; ``None`` when the worker was stopped meanwhile."""
        tries = 0
        while not self._stopping.is_set():
            try:
                ran = await self._reader.invoke(payload)
            except AwsError as error:
                tries += 1
                if tries == 1:
                    if not is_throttle(error):
                        _log.warning("%s can't run for %s: %s", self._mapping.function_arn, self._mapping.source_arn, error)
                    await self._tools.mappings.resulted(self._mapping, f"PROBLEM: {error.message or error.code}")
                await self.pause(min(_ERROR_S_MAX, 0.5 * 2.0 ** min(tries, 10)))
                continue
            if ran.result.logged is not None:
                await ran.result.logged()
            await self._tools.mappings.resulted(self._mapping, "PROBLEM: Function call failed" if ran.failed else "OK")
            return ran
        return None

    async def _give_up(self, attempt: Attempt, why: Discard, ran: Ran | None) -> None:
        """Let go of records, and have the destination told in the same commit."""
        writes: list[Write] = []
        if self._mapping.on_failure_arn:
            function = (await self._reader.function()).version
            record = dispatch(
                self._mapping,
                attempt,
                why,
                ran,
                shard_id=self._shard_id,
                role_arn=function.role_arn,
                request_id=self._tools.ids.uuid() if ran is None else ran.request_id,
                now=self._tools.clock.now(),
            )
            writes.append(self._tools.records.enqueue(record))
        _log.info("%d records of %s are given up: %s", len(attempt.records), self._mapping.source_arn, why.value)
        count(self._tools.metrics, self._mapping, "DroppedEventCount", len(attempt.records))
        await self._dealt_with(attempt.records, writes)

    async def _dealt_with(self, records: Sequence[StreamRecord], writes: Sequence[Write] = ()) -> None:
        age_ms = (self._tools.clock.now() - records[-1].arrived) * 1000
        count(self._tools.metrics, self._mapping, "IteratorAge", age_ms)
        self._buffered -= sum(len(each.data) for each in records)
        self._room.set()
        if self._tracker.done([each.sequence for each in records]) or writes:
            await self.commit(writes)

    # ── tumbling windows ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _keep_state(self, lane: int, window: Window, ran: Ran) -> None:
        """Carry the function's state on to the window's next event; it is committed with the records that made it."""
        state = encode(window_state(ran.payload))
        if len(state) > windows.STATE_BYTES_MAX:
            await self.close_window(lane, window, early=True)
            return
        self._set_window(lane, Window(window.start, state))

    async def close_window(self, lane: int, window: Window, *, early: bool = False) -> None:
        """Give the function the window's last event: what it aggregated. One that keeps failing is given up as batches are."""
        window, errors = self._checkpoint.windows.get(lane, window), 0
        while not self._stopping.is_set():
            ran = await self._invoke(self._event((), window, final=True, early=early))
            if ran is None:
                return
            errors += 1
            if not ran.failed or 0 <= self._mapping.retries < errors:
                break
            await self.pause(backoff_s(errors))
        if not self._stopping.is_set():
            self._set_window(lane, None)
            await self.commit()

    def _set_window(self, lane: int, window: Window | None) -> None:
        open_ = {number: each for number, each in self._checkpoint.windows.items() if number != lane}
        if window is not None:
            open_[lane] = window
            self._lanes[lane].window = window
        self._checkpoint = msgspec.structs.replace(self._checkpoint, windows=open_)

    async def commit(self, writes: Sequence[Write] = (), *, done: bool = False) -> None:
        """Write down how far the shard was dealt with."""
        self._checkpoint = msgspec.structs.replace(self._checkpoint, sequence=self._tracker.sequence, done=done)
        key = (self._mapping.uuid, self._shard_id)
        await self._tools.store.commit((CHECKPOINTS.put(key, self._checkpoint), *writes))
        self._tools.records.touched(writes)


class _Hands:
    """A lane's view of its worker."""

    def __init__(self, worker: ShardWorker, lane: int) -> None:
        self._worker = worker
        self._lane = lane

    async def handle(self, records: tuple[StreamRecord, ...], window: Window | None) -> None:
        await self._worker.handle(self._lane, records, window)

    async def close_window(self, window: Window) -> None:
        await self._worker.close_window(self._lane, window)

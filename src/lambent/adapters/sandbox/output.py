"""What an environment writes, from bytes to lines and records, without holding the function up and without loss.

Standard output, standard error and the runtime's framed records share one pipe, so that they keep their order. A record begins with
awslambdaric's telemetry header (type ``a5 5a 00 xx``, length, microseconds since 1970); its length and time must be plausible, so that
binary output is not taken for one.

Reading is fair: what one environment writes costs the event loop a few milliseconds at a time, however short its lines are, and half of
its time at most. The rest waits in the pipe, and whoever fills that waits, too.
"""

from __future__ import annotations

import array
import asyncio
import contextlib
import ctypes
import fcntl
import os
import struct
import sys
import termios

from lambent.base.clock import Clock
from lambent.domain.environments import OutputSink

LINE_BYTES_MAX = 262_117  #: CloudWatch's largest event without its envelope and line end; longer lines are given in pieces
RECORD_BYTES_MAX = 16 * 1_048_576
PIPE_BYTES = 1_048_576
_READ_BYTES = 65_536
_STEPS_AT_ONCE = 300  #: lines, records and what might be one, of about 10 µs each
_PAUSE_STEP_S = 10e-6
PAUSE_S = _STEPS_AT_ONCE * _PAUSE_STEP_S  #: to be made before more is drained
_MAGIC = b"\xa5\x5a\x00"
_HEAD = struct.Struct("!4sIQ")
CLOCK_DRIFT_US_MAX = 20 * 365 * 86_400_000_000  #: the server's clock may be virtual or run fast

#: Not ``fcntl.ioctl``: that lets go of the interpreter's lock for a microsecond of work, at every invocation, and a busy store's thread
#: gives it back only after twenty.
_ioctl = ctypes.PyDLL(None).ioctl
_ioctl.argtypes = (ctypes.c_int, ctypes.c_ulong, ctypes.c_void_p)


class OutputParser:
    """Cuts a stream of bytes into lines and framed records."""

    def __init__(self, sink: OutputSink, clock: Clock) -> None:
        self.sink = sink  #: may be set later, before anything is written
        self._clock = clock
        self.rest = bytearray()  #: what was written and isn't complete
        self._seen = 0  #: so many bytes of the rest have no line end, and no record begins there
        self._needed = 1  #: with fewer bytes there is nothing to be found
        self.steps = 0  #: how much work was done so far

    def feed(self, data: bytes) -> None:
        """Take the next bytes and give what is complete."""
        self.add(data)
        while self.work():
            pass

    def add(self, data: bytes) -> None:
        """Take the next bytes."""
        self.rest += data

    def work(self) -> bool:
        """Give what is complete, as far as that goes in a few milliseconds; return whether there is more."""
        end = self.steps + _STEPS_AT_ONCE
        while len(self.rest) >= self._needed and self._step():
            if self.steps >= end:
                return True
        return False

    def flush(self) -> None:
        """Give what is left, a partial line or a record that was cut short, as a line."""
        self._needed = 1
        while self.rest:
            if not self._step():
                self._emit(len(self.rest), 0)

    def _step(self) -> bool:
        """Give one line or record; False when more bytes are needed."""
        rest = self.rest
        newline = rest.find(b"\n", self._seen)
        start = self._record_start(newline)
        if start == 0:
            length = _HEAD.unpack_from(rest)[1] if len(rest) >= _HEAD.size else 0
            self._needed = _HEAD.size + length
            if len(rest) < self._needed:
                return False
            record = bytes(rest[_HEAD.size : self._needed])
            self._cut(self._needed)
            self.sink(record[:-1] if record.endswith(b"\n") else record, True)
            return True
        end = len(rest) if start < 0 else start
        if 0 <= newline < min(end, LINE_BYTES_MAX + 1):
            self._emit(newline, 1)
            return True
        if end > LINE_BYTES_MAX:
            self._emit(LINE_BYTES_MAX, 0)
            return True
        if start > 0 and len(rest) >= start + _HEAD.size:  # text without a newline, then a record
            self._emit(start, 0)
            return True
        return False

    def _emit(self, length: int, drop: int) -> None:
        line = bytes(self.rest[:length])
        self._cut(length + drop)
        self.sink(line[:-1] if drop and line.endswith(b"\r") else line, False)

    def _cut(self, length: int) -> None:
        del self.rest[:length]
        self._seen, self._needed = max(0, self._seen - length), 1
        self.steps += 1

    def _record_start(self, limit: int) -> int:
        """Return where in the line at hand, which ends at ``limit``, a record begins (or may begin, its header being incomplete); -1 when
        none does."""
        rest = self.rest
        at = rest.find(_MAGIC, self._seen, limit + len(_MAGIC) if limit >= 0 else len(rest))
        while at >= 0 and (limit < 0 or at < limit):
            if len(rest) < at + _HEAD.size or self._plausible(at):
                self._seen = at
                return at
            self.steps += 1
            at = rest.find(_MAGIC, at + 1, limit + len(_MAGIC) if limit >= 0 else len(rest))
        self._seen = limit if limit >= 0 else max(self._seen, len(rest) - len(_MAGIC) + 1)
        return -1

    def _plausible(self, at: int) -> bool:
        _, length, micros = _HEAD.unpack_from(self.rest, at)
        drift_us = abs(int(micros) - int(self._clock.now() * 1e6))
        return int(length) <= RECORD_BYTES_MAX and drift_us < CLOCK_DRIFT_US_MAX


class OutputPipe:
    """The reading end of an environment's output, drained by the event loop."""

    def __init__(self, parser: OutputParser) -> None:
        self.parser = parser
        self._read, self.write = os.pipe()  #: ``write`` goes to the process; see ``started``
        self._count = array.array("i", [0])  #: where the kernel says how much waits
        self._count_at, _ = self._count.buffer_info()
        self._is_draining = False
        self._left = 0  #: bytes that a drain has yet to take
        self._pause: asyncio.TimerHandle | None = None
        os.set_blocking(self._read, False)
        with contextlib.suppress(OSError):  # above the user's limit of pipe buffers: the default will do
            fcntl.fcntl(self._read, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._read, self._readable)

    def started(self) -> None:
        """Close our copy of the writing end: the process has its own."""
        if self.write >= 0:
            os.close(self.write)
            self.write = -1

    def drain(self, *, is_read: bool = False) -> bool:
        """Give what was written up to now, a partial last line included; return whether there is more of it, which the next call gives.

        ``is_read``: whoever writes says that all of it was read.
        """
        if self._read < 0 or (is_read and not self._is_draining and not self.parser.rest):
            return False
        if not self._is_draining:
            self._left = 0 if is_read else self._waiting()
            if not self._left and not self.parser.rest:
                return False
            self._is_draining = True
        end = self.parser.steps + _STEPS_AT_ONCE
        with contextlib.suppress(BlockingIOError):
            while not (more := self.parser.work()) and self._left > 0 and self.parser.steps < end and self._take(self._left):
                pass
            if more or (self._left > 0 and self.parser.steps >= end):
                return True
        self._is_draining = False
        self.parser.flush()
        return False

    def _waiting(self) -> int:
        """Return how many bytes wait in the pipe."""
        if sys.platform != "linux" or _ioctl(self._read, termios.FIONREAD, self._count_at) != 0:
            fcntl.ioctl(
                self._read, termios.FIONREAD, self._count
            )  # elsewhere variable arguments are passed in another way; or for its error
        return self._count[0]

    def close(self) -> None:
        """Give what is left and let go of the pipe. Safe to call twice."""
        self.started()
        if self._read >= 0:
            while self.drain():
                pass
            if self._pause is not None:
                self._pause.cancel()
            self._loop.remove_reader(self._read)
            os.close(self._read)
            self._read = -1

    def _readable(self) -> None:
        with contextlib.suppress(BlockingIOError):
            if not self._take(_READ_BYTES):  # every writer is gone
                self._loop.remove_reader(self._read)
                return
        self._work()

    def _work(self) -> None:
        """Give what is complete; when that was much, or isn't all, read on only after a pause."""
        begun = self.parser.steps
        more = self.parser.work()
        steps = self.parser.steps - begun
        if more or steps > _STEPS_AT_ONCE // 4:
            if self._pause is None:
                self._loop.remove_reader(self._read)
            self._pause = self._loop.call_later(steps * _PAUSE_STEP_S, self._work)
        elif self._pause is not None:
            self._pause = None
            self._loop.add_reader(self._read, self._readable)

    def _take(self, limit: int) -> bytes:
        data = os.read(self._read, min(limit, _READ_BYTES))
        self._left = max(0, self._left - len(data))
        self.parser.add(data)
        return data

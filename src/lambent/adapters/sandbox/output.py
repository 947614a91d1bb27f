"""What an environment writes, from bytes to lines and records, without holding the function up and without loss.

Standard output, standard error and the runtime's framed records share one pipe, so that they keep their order. A record begins with
awslambdaric's telemetry header (type ``a5 5a 00 xx``, length, microseconds since 1970); its length and time must be plausible, so that
binary output is not taken for one.
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
        self._rest = bytearray()

    def feed(self, data: bytes) -> None:
        """Take the next bytes and give what is complete."""
        self._rest += data
        while self._rest and self._step():
            pass

    def flush(self) -> None:
        """Give what is left, a partial line or a record that was cut short, as a line."""
        while self._rest:
            if not self._step():
                self._emit(len(self._rest), 0)

    def _step(self) -> bool:
        """Give one line or record; False when more bytes are needed."""
        rest = self._rest
        start = self._record_start()
        if start == 0:
            length = _HEAD.unpack_from(rest)[1] if len(rest) >= _HEAD.size else None
            if length is None or len(rest) < _HEAD.size + length:
                return False
            record = bytes(rest[_HEAD.size : _HEAD.size + length])
            del rest[: _HEAD.size + length]
            self.sink(record[:-1] if record.endswith(b"\n") else record, True)
            return True
        end = len(rest) if start < 0 else start
        newline = rest.find(b"\n", 0, min(end, LINE_BYTES_MAX + 1))
        if newline >= 0:
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
        line = bytes(self._rest[:length])
        del self._rest[: length + drop]
        self.sink(line[:-1] if drop and line.endswith(b"\r") else line, False)

    def _record_start(self) -> int:
        """Return where in the line at hand a record begins (or may begin, its header being incomplete); -1 when none does."""
        rest = self._rest
        limit = rest.find(b"\n")
        at = rest.find(_MAGIC, 0, limit + len(_MAGIC) if limit >= 0 else len(rest))
        while at >= 0 and (limit < 0 or at < limit):
            if len(rest) < at + _HEAD.size or self._plausible(at):
                return at
            at = rest.find(_MAGIC, at + 1)
        return -1

    def _plausible(self, at: int) -> bool:
        _, length, micros = _HEAD.unpack_from(self._rest, at)
        drift_us = abs(int(micros) - int(self._clock.now() * 1e6))
        return int(length) <= RECORD_BYTES_MAX and drift_us < CLOCK_DRIFT_US_MAX


class OutputPipe:
    """The reading end of an environment's output, drained by the event loop."""

    def __init__(self, parser: OutputParser) -> None:
        self.parser = parser
        self._read, self.write = os.pipe()  #: ``write`` goes to the process; see ``started``
        self._count = array.array("i", [0])  #: where the kernel says how much waits
        self._count_at, _ = self._count.buffer_info()
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

    def drain(self) -> None:
        """Give everything that was written up to now, a partial last line included."""
        if self._read < 0:
            return
        left = self._waiting()
        while left > 0:
            data = self._take(left)
            if not data:
                break
            left -= len(data)
        self.parser.flush()

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
            self.drain()
            self._loop.remove_reader(self._read)
            os.close(self._read)
            self._read = -1

    def _readable(self) -> None:
        with contextlib.suppress(BlockingIOError):
            if not self._take(_READ_BYTES):  # every writer is gone
                self._loop.remove_reader(self._read)

    def _take(self, limit: int) -> bytes:
        data = os.read(self._read, min(limit, _READ_BYTES))
        self.parser.feed(data)
        return data

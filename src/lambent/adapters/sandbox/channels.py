"""How an environment and the runtime in its process talk: frames over a socket pair, or the HTTP Runtime API that ``server/`` plugs in.

A frame is a kind, the sizes of header and body, the header (JSON), and the body. See ``domain.talk`` for what they say.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol, TypeAlias

import msgspec
from msgspec.structs import replace

from lambent.base.fair_reader import FairReader
from lambent.domain.talk import EventHeader, Report, ReportHeader

FRAME_BYTES_MAX = 256 * 1_048_576
HEADER_BYTES_MAX = 65_536
KEPT_BYTES_MAX = 32 * 1_048_576
"""More of a frame isn't kept: the memory would be ours, and not the function's. A piece of a response is passed on as it comes; a whole
response is far above every limit, and told as ``too_large``."""

_FRAMES_AT_ONCE = 64
_FRAMES_FREE = 8  #: of one reading, after which nothing is waited for: a runtime sends one with each answer
_FRAME_PAUSE_S = 30e-6  #: for each frame beyond: as long as one takes at most

_HEAD = struct.Struct("!BII")
_HEAD_BYTES = _HEAD.size
_heads = _HEAD.unpack_from
_INVOKE, _BECOME, _GO = 1, 2, 3
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(ReportHeader).decode
_TEXTS = ("request_id", "content_type", "error_type", "peak_kb", "unread")  #: what a header can say in text
_CHUNK = 21
_KINDS = {16: "ready", 17: "result", 18: "error", 19: "init_error", 20: "stream", 21: "chunk", 22: "end", 23: "snapshot"}


class Channel(Protocol):
    """The server's side of the talk with one runtime."""

    def send(self, header: EventHeader, body: bytes) -> None:
        """Hand over an event."""
        ...

    def pause(self) -> None:
        """Take no further pieces of a response until ``resume``."""
        ...

    def resume(self) -> None:
        """Take pieces again."""
        ...

    async def drained(self) -> None:
        """Return when everything that an ended process sent was reported."""
        ...

    async def close(self) -> None:
        """Let go of sockets. Safe to call twice."""
        ...


class RuntimeApi(Channel, Protocol):
    """A Runtime API server for one environment."""

    address: str  #: ``host:port``, for ``AWS_LAMBDA_RUNTIME_API``


RuntimeApiFactory: TypeAlias = Callable[[Report, socket.socket | None], Awaitable[RuntimeApi]]
"""Starts a Runtime API server on a listening socket, or on a port of its own; ``lambent.runtime_api.server.start`` is one."""


class FrameChannel(FairReader):
    """Length-prefixed frames over one end of a socket pair.

    Reading is fair: many frames at once are followed by a pause as long as they took. A function could send them faster than they are taken
    in, and the event loop would do nothing else.
    """

    def __init__(self, report: Report | None = None, *, kept_bytes_max: int = KEPT_BYTES_MAX) -> None:
        super().__init__()
        self._kept_bytes_max = kept_bytes_max
        self._short_bytes_max = min(kept_bytes_max, HEADER_BYTES_MAX)  #: a frame so short breaks no limit
        self.report = report  #: may be set later, before anything is expected
        self._buffer = bytearray()
        self._skipped: tuple[int, ReportHeader, int] | None = None  #: kind, header and bytes to come of a frame that isn't kept
        self._lost: asyncio.Future[None] = self._loop.create_future()
        self._is_ended = False

    @classmethod
    async def open(cls, report: Report | None = None) -> tuple[FrameChannel, socket.socket]:
        """Return a channel and the end that belongs to the process."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        try:
            _, channel = await asyncio.get_running_loop().create_unix_connection(lambda: cls(report), sock=ours)
        except BaseException:
            ours.close()
            theirs.close()
            raise
        return channel, theirs

    def data_received(self, data: bytes) -> None:
        """Report every frame that is complete. Mostly it is one, and comes as a whole."""
        is_between = not self._buffer and self._skipped is None and self._resting is None
        if is_between and _HEAD_BYTES <= len(data) <= self._short_bytes_max:
            kind, header_bytes, body_bytes = _heads(data)
            body_at = _HEAD_BYTES + header_bytes
            if body_at + body_bytes == len(data) and self.report is not None and kind in _KINDS:
                header = _header(data[_HEAD_BYTES:body_at])
                if header is not None:
                    self.report(_KINDS[kind], header, data[body_at:])
                    return
        self._gather(data)

    def _gather(self, data: bytes) -> None:
        """Keep what isn't complete, and report what is."""
        if self._skipped is not None:
            data = self._skip(data, *self._skipped)
        self._buffer += data
        if self._resting is None:
            self._work()

    def _work(self) -> None:
        """Report frames, and go on at once or after a pause."""
        frames = self._report_frames()
        if frames > _FRAMES_FREE:
            self._rest(frames * _FRAME_PAUSE_S)
        elif self._is_ended and not self._lost.done():
            self._lost.set_result(None)
        self._balance()

    def _report_frames(self) -> int:
        """Report frames that are complete, up to ``_FRAMES_AT_ONCE``; return how many those were."""
        at = frames = 0
        while len(self._buffer) - at >= _HEAD_BYTES and frames < _FRAMES_AT_ONCE:
            frames += 1
            kind, header_bytes, body_bytes = _heads(self._buffer, at)
            # The function wrote to our descriptor:
            if kind not in _KINDS or header_bytes > HEADER_BYTES_MAX or header_bytes + body_bytes > FRAME_BYTES_MAX:
                self.abort()
                return 0
            body_at = at + _HEAD_BYTES + header_bytes
            is_kept = body_bytes <= self._kept_bytes_max
            if len(self._buffer) < body_at + (body_bytes if is_kept else 0):
                break
            header = _header(bytes(self._buffer[at + _HEAD_BYTES : body_at]))
            if header is None:
                self.abort()
                return 0
            if not is_kept:
                rest = bytes(self._buffer[body_at:])
                self._buffer[at:] = self._skip(rest, kind, header, body_bytes)
                continue
            at = body_at + body_bytes
            if self.report is not None:
                self.report(_KINDS[kind], header, bytes(self._buffer[body_at:at]))
        del self._buffer[:at]
        return frames

    def _skip(self, data: bytes, kind: int, header: ReportHeader, left: int) -> bytes:
        """Take more of the body of a frame that isn't kept; return what follows it."""
        left -= len(data)
        self._skipped = (kind, header, left) if left > 0 else None
        if self.report is not None:
            if kind == _CHUNK:
                self.report(_KINDS[kind], header, data[:left] if left < 0 else data)
            elif left <= 0:
                self.report(_KINDS[kind], replace(header, too_large=True), b"")
        return data[left:] if left < 0 else b""

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that nothing more will come; what came is still reported."""
        self._is_ended = True
        if self._resting is None and not self._lost.done():
            self._lost.set_result(None)

    def send(self, header: EventHeader, body: bytes) -> None:
        """Hand over an event."""
        if self._transport is not None and not self._transport.is_closing():
            head = _encode(header)
            self._transport.write(_HEAD.pack(_INVOKE, len(head), len(body)) + head + body)

    def become(self, header: Mapping[str, object]) -> None:
        """Tell a process that waits for it which function it is."""
        if self._transport is not None and not self._transport.is_closing():
            head = _encode(header)
            self._transport.write(_HEAD.pack(_BECOME, len(head), 0) + head)

    def go(self) -> None:
        """Tell a process that was told early which function it is that everything is there."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(_HEAD.pack(_GO, 2, 0) + b"{}")

    async def drained(self) -> None:
        """Return at the end of the stream."""
        await asyncio.shield(self._lost)

    async def close(self) -> None:
        """Close our end."""
        self._buffer.clear()
        if self._transport is not None:
            self._transport.abort()
            await asyncio.shield(self._lost)

    def abort(self) -> None:
        """Drop the connection, and what came of a frame."""
        self._buffer.clear()
        super().abort()


def _header(data: bytes) -> ReportHeader | None:
    """Return a frame's header; ``None`` when it is none. What isn't text in it says nothing."""
    try:
        return _decode(data)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        pass
    try:
        loose = msgspec.json.decode(data)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    if not isinstance(loose, dict):
        return None
    return ReportHeader(**{name: loose[name] for name in _TEXTS if isinstance(loose.get(name), str)})

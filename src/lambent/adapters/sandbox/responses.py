"""A response that comes in pieces, with a bound on what waits for its reader."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from lambent.adapters.sandbox.channels import Channel
from lambent.domain.environments import Ending, Outcome
from lambent.domain.errors import AwsError

WAITING_BYTES_MAX = 1_048_576
_PIECE_BYTES = 64  #: what a piece takes beside its bytes


class StreamBroken(AwsError):
    """The response ended before it was complete; ``outcome`` says how."""

    def __init__(self, outcome: Outcome) -> None:
        payload = outcome.payload if isinstance(outcome.payload, bytes) else b""
        super().__init__(outcome.error_type or "Sandbox.Timedout", payload.decode(errors="replace"), 200)
        self.outcome = outcome


class ResponseStream:
    """Pieces of a response from the channel to whoever iterates, once. The channel pauses while too much waits."""

    def __init__(self, channel: Channel, content_type: str) -> None:
        self.content_type = content_type
        self.ended: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._channel = channel
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._paused = False
        self._news = asyncio.Event()

    def feed(self, piece: bytes) -> None:
        """Take a piece."""
        if not piece:
            return
        self._waiting.append(piece)
        self._bytes += len(piece) + _PIECE_BYTES
        if self._bytes > WAITING_BYTES_MAX and not self._paused:
            self._paused = True
            self._channel.pause()
        self._news.set()

    def end(self, outcome: Outcome) -> None:
        """Note how it ended; the first call counts."""
        if not self.ended.done():
            self.ended.set_result(outcome)
        self._news.set()

    async def pieces(self) -> AsyncIterator[bytes]:
        """Give the pieces as they come; raises ``StreamBroken`` when the response didn't end well."""
        while True:
            while self._waiting:
                piece = self._waiting.popleft()
                self._bytes -= len(piece) + _PIECE_BYTES
                if self._paused and self._bytes < WAITING_BYTES_MAX // 4:
                    self._paused = False
                    self._channel.resume()
                yield piece
            if self.ended.done():
                if self.ended.result().ending is not Ending.SUCCESS:
                    raise StreamBroken(self.ended.result())
                return
            self._news.clear()
            await self._news.wait()

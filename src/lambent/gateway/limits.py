"""How much of a body is read into memory, and how much of all bodies that come from one environment."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Final

from lambent.base.clock import Clock
from lambent.domain.errors import AwsError
from lambent.domain.http import BytesStream, ByteStream

_FREE_BYTES: Final = 65_536


class Allowance:
    """Memory for the bodies of requests that are under way, for whoever could fill ours with them: who finds none left waits its turn."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._taken = 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @contextlib.contextmanager
    def share(self) -> Iterator[None]:
        """Let what ``read_bounded`` reads within count, until the end."""
        share = _Share(self)
        token = _share.set(share)
        try:
            yield
        finally:
            _share.reset(token)
            self._give(share.size)

    async def take(self, size: int) -> int:
        """Wait until there is so much left; return how much it is: at most all."""
        size = min(size, self._bytes_max)
        if self._waiting or self._taken + size > self._bytes_max:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append((size, turn))
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._give(size)
                else:
                    self._waiting.remove((size, turn))
                raise
        else:
            self._taken += size
        return size

    def _give(self, size: int) -> None:
        self._taken -= size
        while self._waiting and self._taken + self._waiting[0][0] <= self._bytes_max:
            size, turn = self._waiting.popleft()
            if not turn.done():
                self._taken += size
                turn.set_result(None)


class Pace:
    """Holds somebody to so many requests per second, after a burst: who could send them faster than they are answered, while everybody else
    waits."""

    def __init__(self, clock: Clock, *, pause_s: float, burst: int) -> None:
        self._clock = clock
        self._pause_s = pause_s
        self._burst_s = burst * pause_s
        self._free_at = 0.0

    async def turn(self) -> None:
        """Return when the next request may be answered."""
        now = self._clock.monotonic()
        self._free_at = max(self._free_at, now) + self._pause_s
        if self._free_at > now + self._burst_s:
            await self._clock.sleep(self._free_at - now - self._burst_s)


class _Share:
    """What one request has taken of an allowance."""

    def __init__(self, allowance: Allowance) -> None:
        self.size = 0
        self._allowance = allowance

    async def add(self, size: int) -> None:
        if size > _FREE_BYTES:
            self.size += await self._allowance.take(size)


_share: ContextVar[_Share | None] = ContextVar("share", default=None)
"""Of the request that is being answered."""


def too_large(service: str, bytes_max: int, operation: str = "") -> AwsError:
    """Return the service's error for a request that is too large."""
    if service == "s3":
        return AwsError("MaxMessageLengthExceeded", "Your request was too big.", 400)
    if service == "lambda":
        what = f" for the {operation} operation" if operation else ""
        return AwsError("RequestEntityTooLargeException", f"Request must be smaller than {bytes_max} bytes{what}", 413)
    return AwsError("RequestEntityTooLarge", "Request Entity Too Large", 413)


async def read_bounded(body: ByteStream, bytes_max: int, service: str, operation: str = "") -> bytes:
    """Return the whole body; raises when it is larger than ``bytes_max``: when that is declared, before anything is read."""
    if type(body) is BytesStream and len(body.data) <= bytes_max:
        return body.data
    if body.length is not None and body.length > bytes_max:
        raise too_large(service, bytes_max, operation)
    if (share := _share.get()) is not None:
        await share.add(bytes_max if body.length is None else body.length)
    return await _read(body, bytes_max, service, operation)


async def _read(body: ByteStream, bytes_max: int, service: str, operation: str) -> bytes:
    pieces: list[bytes] = []
    size = 0
    async for piece in body:
        size += len(piece)
        if size > bytes_max:
            raise too_large(service, bytes_max, operation)
        pieces.append(piece)
    return b"".join(pieces)

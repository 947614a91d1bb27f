"""A request's body as it arrives. What isn't asked for stays in the client's socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Final

from lambent.domain.errors import AwsError

HIGH_BYTES: Final = 262_144
"""More than this waits in no body: the client's socket is not read until half of it was taken."""

_NO_TRAILERS: Final[Mapping[str, str]] = {}


class IncomingBody:
    """A ``ByteStream`` that a connection feeds. ``wanted`` is called when somebody reads, or has made room."""

    __slots__ = ("_pieces", "_size", "_waiter", "_wanted", "broken", "complete", "length", "started")
    trailers = _NO_TRAILERS

    def __init__(self, length: int | None, wanted: Callable[[], None]) -> None:
        self.length = length  #: bytes, when declared
        self.started = False  #: somebody reads it
        self.complete = False  #: all of it has arrived
        self.broken = False  #: the rest will never arrive
        self._wanted = wanted
        self._pieces: list[bytes] = []  # a handful at most: ``HIGH_BYTES`` bounds them
        self._size = 0
        self._waiter: asyncio.Future[None] | None = None

    @property
    def is_full(self) -> bool:
        """Whether no more should be read from the socket for now."""
        return self._size > HIGH_BYTES

    @property
    def is_awaited(self) -> bool:
        """Whether a reader waits for the client."""
        return self._waiter is not None

    def feed(self, data: bytes) -> None:
        """Take a piece from the socket."""
        self._pieces.append(data)
        self._size += len(data)
        if self._waiter is not None:
            self._wake()

    def end(self) -> None:
        """The body is complete."""
        self.complete = True
        if self._waiter is not None:
            self._wake()

    def abort(self) -> None:
        """The client went away, or stopped sending."""
        if not self.complete:
            self.broken = True
            self._wake()

    def whole(self) -> bytes:
        """Return a complete body that nobody has begun to read."""
        return self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Give the bytes; ``IncompleteBody`` when the client went away before the end."""
        self.started = True
        if not self.complete:
            self._wanted()
        while True:
            if self._pieces:
                data = self._pieces.pop(0)
                before, self._size = self._size, self._size - len(data)
                if before > HIGH_BYTES // 2 >= self._size:
                    self._wanted()
                yield data
            elif self.complete:
                return
            elif self.broken:
                text = "You did not provide the number of bytes specified by the Content-Length HTTP header"
                raise AwsError("IncompleteBody", text)
            else:
                self._waiter = asyncio.get_running_loop().create_future()
                try:
                    await self._waiter
                finally:
                    self._waiter = None

    async def drain(self, limit: int) -> None:
        """Take at most ``limit`` bytes of a rest that nobody wanted, so that the client reads the answer instead of failing to send."""
        taken = 0
        try:
            async for data in self:
                taken += len(data)
                if taken > limit:
                    return
        except AwsError:
            return

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def _at_hand() -> IncomingBody:
    body = IncomingBody(0, lambda: None)
    body.complete = True
    return body


AT_HAND: Final = _at_hand()
"""Stands for every body of which nothing is to come any more."""

"""A connection whose reading is fair: whoever sends more than is taken in waits, and the event loop has time for others."""

from __future__ import annotations

import asyncio
from typing import cast


class FairReader(asyncio.Protocol):
    """Reads while nobody has enough (``pause``), and while there is no rest from what came (``_rest``).

    A subclass has ``_work``, which takes up what came and ends with ``_balance``.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._resting: asyncio.TimerHandle | None = None  #: until work goes on
        self._is_full = False  #: nobody wants more for now
        self._is_reading = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        # uvloop's transports have the interface without the base class.
        self._transport = cast("asyncio.Transport", transport)

    def pause(self) -> None:
        """Stop reading until ``resume``."""
        self._is_full = True
        self._balance()

    def resume(self) -> None:
        """Read again."""
        self._is_full = False
        self._balance()

    def abort(self) -> None:
        """Drop the connection."""
        if self._transport is not None:
            self._transport.abort()

    def _work(self) -> None:
        raise NotImplementedError

    def _rest(self, rest_s: float) -> None:
        """Go on with ``_work`` after ``rest_s``."""
        self._resting = self._loop.call_later(rest_s, self._go_on)

    def _go_on(self) -> None:
        self._resting = None
        self._work()

    def _balance(self) -> None:
        """Read, or don't, as it is now."""
        is_reading = not self._is_full and self._resting is None
        if is_reading == self._is_reading or self._transport is None or self._transport.is_closing():
            return
        self._is_reading = is_reading
        if is_reading:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

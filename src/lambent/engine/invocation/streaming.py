"""A streamed response: the environment stays busy until the last piece was taken, or nobody wants it any more."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable


class ResponseStream:
    """Passes pieces on and calls ``ended(error)`` exactly once: with ``None`` at the end, with the error otherwise.

    A stream that is closed early, or dropped without being read, ends with ``GeneratorExit``.
    """

    def __init__(self, pieces: AsyncIterator[bytes], ended: Callable[[BaseException | None], None]) -> None:
        self.log_tail = b""  #: what ``ended`` leaves here
        self._pieces = pieces
        self._ended: Callable[[BaseException | None], None] | None = ended

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        """Return the next piece."""
        try:
            return await self._pieces.__anext__()
        except StopAsyncIteration:
            self._end(None)
            raise
        except BaseException as error:
            self._end(error)
            raise

    async def aclose(self) -> None:
        """Stop reading: nobody wants the rest."""
        self._end(GeneratorExit())

    def __del__(self) -> None:
        self._end(GeneratorExit())

    def _end(self, error: BaseException | None) -> None:
        ended, self._ended = self._ended, None
        if ended is not None:
            ended(error)

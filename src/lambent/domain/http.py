"""An HTTP request and its answer as values, and bodies as streams; the same for the gateway, the wire and raw handlers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from types import MappingProxyType
from typing import Final, Protocol, TypeAlias

import msgspec

_NO_TRAILERS: Final[Mapping[str, str]] = MappingProxyType({})


class ByteStream(Protocol):
    """A body that arrives in pieces. Iterate once.

    ``trailers`` (lower-case names) are complete when the iteration has ended. A body whose chunk signatures or declared length don't
    hold raises ``AwsError`` while iterated.
    """

    @property
    def length(self) -> int | None:
        """The number of bytes of the decoded body, when it was declared."""
        ...

    @property
    def trailers(self) -> Mapping[str, str]:
        """Trailing headers, such as ``x-amz-checksum-crc32``."""
        ...

    def __aiter__(self) -> AsyncIterator[bytes]: ...


class BytesStream(msgspec.Struct, eq=False, gc=False):
    """Bytes at hand, as a ``ByteStream``."""

    data: bytes
    trailers: Mapping[str, str] = _NO_TRAILERS

    @property
    def length(self) -> int:
        """The number of bytes."""
        return len(self.data)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Give the bytes in one piece."""
        if self.data:
            yield self.data


async def read_all(stream: AsyncIterator[bytes] | ByteStream) -> bytes:
    """Return the whole body. Only for bodies whose size was bounded before."""
    return b"".join([chunk async for chunk in stream])


Body: TypeAlias = "bytes | AsyncIterator[bytes]"
"""What an answer may carry: bytes at hand, or pieces that are sent as they come."""


def always() -> bool:
    """Return yes: whoever asks from inside waits for the answer."""
    return True


class HttpRequest(msgspec.Struct, frozen=True):
    """A request as it came in. Header names are lower-case; repeated headers are joined with ``,``."""

    method: str
    raw_path: str  #: still percent-encoded, without the query
    query: str  #: still percent-encoded, without the ``?``
    headers: Mapping[str, str]
    body: ByteStream
    client: str = ""  #: the peer's IP address
    is_connected: Callable[[], bool] = always  #: whether the client still waits
    environment_key: str | None = None  #: from inside an environment: the access key that it was started with

    @property
    def host(self) -> str:
        """The ``Host`` header, with its port."""
        return self.headers.get("host", "")


class HttpResponse(msgspec.Struct):
    """An answer. ``body`` is streamed when it isn't bytes; then ``content-length`` is among the headers or it is sent chunked."""

    status: int
    headers: dict[str, str] = {}  #: lower-case names
    body: Body = b""
    cookies: tuple[str, ...] = ()  #: each becomes a ``set-cookie`` header of its own

"""The head of an answer as bytes. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
LAST_CHUNK: Final = b"0\r\n\r\n"
BODILESS: Final = frozenset({204, 304})
"""Statuses whose answers have no body, whatever the headers say."""

_END: Final = "\r\n"  # after the line break before it: an empty line
_STATUS_LINES: Final = {each.value: f"HTTP/1.1 {each.value} {each.phrase}" for each in HTTPStatus}


def head(status: int, headers: Mapping[str, str], cookies: Sequence[str] = ()) -> bytes:
    """Return status line and headers, with the empty line that ends them.

    A line break in a name or value is sent as a space: it would begin another header.
    """
    lines = [_STATUS_LINES.get(status) or f"HTTP/1.1 {status} ", *map(": ".join, headers.items())]
    if cookies:
        lines += [f"set-cookie: {each}" for each in cookies]
    text = "".join(lines)
    if "\n" in text or "\r" in text:
        clean = {_one_line(name): _one_line(value) for name, value in headers.items()}
        return head(status, clean, [_one_line(each) for each in cookies])
    lines.append(_END)
    return "\r\n".join(lines).encode("latin-1", "replace")


def _one_line(value: str) -> str:
    return value.replace("\r", " ").replace("\n", " ")


def chunk(data: bytes) -> bytes:
    """Return a piece of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def refusal(status: int) -> bytes:
    """Return a whole answer to something that never became a request; the connection closes after it."""
    return head(status, {"content-length": "0", "connection": "close"})

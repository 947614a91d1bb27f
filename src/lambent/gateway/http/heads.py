"""What the head of a request says. Pure, but for what is remembered."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final
from urllib.parse import quote

KEPT_MAX: Final = 1024
"""Names of headers, and paths, that are remembered."""

NAME_BYTES_KEPT: Final = 64
"""Of a name that is remembered: nobody fills the memory with long ones."""

KEYS: Final[dict[bytes, str]] = {}
"""Names of headers as we keep them: clients send the same few. A look into it is quicker than a call."""

_PATH_BYTES_KEPT: Final = 256
_DIGITS_MAX: Final = 20  # of a length: the parser takes none of 2**64 or more, but any number of zeros before it


def keep_key(name: bytes) -> str:
    """Return a header's name as we keep it, and remember it."""
    key = name.decode("latin-1").lower()
    if len(name) <= NAME_BYTES_KEPT:
        if len(KEYS) >= KEPT_MAX:
            KEYS.clear()
        KEYS[name] = key
    return key


def split_target(url: bytes) -> tuple[str, str]:
    """Return the path and the query of a request's target, still percent-encoded."""
    # Queries are not remembered: they may be signatures.
    return kept_target(url) if len(url) <= _PATH_BYTES_KEPT and b"?" not in url else _split(url)


def _split(url: bytes) -> tuple[str, str]:
    text = url.decode("ascii") if url.isascii() else quote(url, safe="%/?&=+:@!$'()*,;~")
    if text[:1] != "/" and "://" in text:  # the absolute form, as sent to proxies
        text = "/" + text.partition("://")[2].partition("/")[2]
    path, _, query = text.partition("?")
    return path, query


kept_target = lru_cache(maxsize=KEPT_MAX)(_split)


def length_of(headers: Mapping[str, str]) -> int | None:
    """Return how many bytes a body has, when that is declared."""
    if "transfer-encoding" in headers:
        return None
    return int(headers.get("content-length", "0").rstrip()[-_DIGITS_MAX:])


def size_of(url: bytes, headers: Mapping[str, str]) -> int:
    """Return how many bytes are kept of a head."""
    return len(url) + sum([len(name) + len(value) for name, value in headers.items()])

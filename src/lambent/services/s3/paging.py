"""How listings are cut into pages and rolled up at a delimiter. Pure, over entries in key order."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Callable
from typing import Generic, TypeVar
from urllib.parse import quote

import msgspec

from lambent.services.s3 import errors

T = TypeVar("T")
KEYS_MAX = 1000
_LAST = "\U0010ffff"
_INTEGER_END = 1 << 31


class Page(msgspec.Struct, Generic[T]):
    """A page of a listing: entries and common prefixes count alike."""

    limit: int
    entries: list[tuple[str, T]] = []
    prefixes: list[str] = []
    truncated: bool = False
    last: str = ""  #: the last key or common prefix of the page

    @property
    def full(self) -> bool:
        """Whether nothing more fits."""
        return len(self.entries) + len(self.prefixes) >= self.limit


Scan = Callable[[str], "AsyncIterator[tuple[str, T]]"]
"""Gives entries in key order, from the given key on (inclusive)."""


async def page_of(
    scan: Callable[[str], AsyncIterator[tuple[str, T]]], prefix: str, delimiter: str, after: str, limit: int, *, again: bool = False
) -> Page[T]:
    """Return the page of entries whose keys begin with ``prefix`` and that come behind ``after``, rolled up at the delimiter.

    What lies under a common prefix is jumped over, not read. With ``again``, entries whose key is ``after`` itself belong to the page.
    """
    page: Page[T] = Page(limit)
    if limit == 0:
        return page
    start = max(prefix, after)
    while True:
        jump = ""
        async for key, entry in scan(start):
            if not key.startswith(prefix):
                return page
            cut = key.find(delimiter, len(prefix)) if delimiter else -1
            common = key[: cut + len(delimiter)] if cut >= 0 else ""
            if common:
                jump = common + _LAST
            if (common or key) > after or (again and key == after):
                if page.full:
                    page.truncated = True
                    return page
                page.last = common or key
                if common:
                    page.prefixes.append(common)
                else:
                    page.entries.append((key, entry))
            if common:
                break
        if not jump:
            return page
        start = jump


def limit_of(wanted: int | None, argument: str = "maxKeys") -> int:
    """Return how many entries a page holds."""
    return KEYS_MAX if wanted is None else min(natural(wanted, argument), KEYS_MAX)


def natural(given: int | str, argument: str) -> int:
    """Return a number that may not be negative, whichever way the model has it; nothing at all is zero."""
    try:
        value = int(given or 0)
    except ValueError:
        value = _INTEGER_END
    if value >= _INTEGER_END:
        raise errors.invalid_argument(f"Provided {argument} not an integer or within integer range", argument, given)
    if value < 0:
        raise errors.invalid_argument(f"Argument {argument} must be an integer between 0 and 2147483647", argument, value)
    return value


def encoder(encoding_type: str | None) -> Callable[[str], str]:
    """Return how keys are written in an answer: as they are, or percent-encoded with ``url``."""
    if not encoding_type:
        return str
    if encoding_type != "url":
        raise errors.invalid_argument("Invalid Encoding Method specified in Request", "encoding-type", encoding_type)
    return lambda text: quote(text, safe="/*-._")


def token_of(key: str) -> str:
    """Return a continuation token for what comes behind ``key``."""
    return base64.urlsafe_b64encode(key.encode("utf-8", "surrogatepass")).decode()


def key_of(token: str) -> str:
    """Return the key in a continuation token; ``InvalidArgument`` for what never was one."""
    try:
        return base64.b64decode(token.encode(), altchars=b"-_", validate=True).decode("utf-8", "surrogatepass")
    except ValueError as error:
        raise errors.invalid_argument("The continuation token provided is incorrect", "continuation-token", token) from error

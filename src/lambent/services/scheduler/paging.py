"""Lists, a page at a time, with a token that clients hand back."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec

from lambent.domain.documents import Table
from lambent.domain.storage import Key, Store
from lambent.services.scheduler.errors import invalid

T = TypeVar("T")
PAGE_MAX = 100


async def read_page(
    store: Store, table: Table[T], within: Key, request: Mapping[str, Any], wants: Callable[[T], bool]
) -> tuple[list[T], str | None]:
    """Return a page of the documents below a key that are wanted, and the next page's token."""
    limit = request.get("MaxResults", PAGE_MAX)
    found: list[T] = []
    after = unseal(request["NextToken"]) if request.get("NextToken") else None
    last = after
    while True:
        page = await table.range(store, within, after=after)
        for each in page:
            if not wants(each.value):
                continue
            if len(found) == limit and last is not None:
                return found, seal(last)
            found.append(each.value)
            last = each.key
        if len(page) < 1000:
            return found, None
        after = page[-1].key


async def read_all(store: Store, table: Table[T], within: Key) -> list[T]:
    """Return every document below a key."""
    found: list[T] = []
    after: Key | None = None
    while True:
        page = await table.range(store, within, after=after)
        found += [each.value for each in page]
        if len(page) < 1000:
            return found
        after = page[-1].key


def seal(key: Key) -> str:
    """Return the token that says what the last page ended with."""
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(key)).decode()


def unseal(token: str) -> Key:
    """Return what the token says; AWS's ``ValidationException`` when it isn't one."""
    try:
        return msgspec.msgpack.decode(base64.b64decode(token, altchars=b"-_", validate=True), type=tuple[str, ...])
    except (binascii.Error, ValueError, msgspec.DecodeError):
        raise invalid("Invalid NextToken.") from None

"""Lists, a page at a time: by name, with a prefix, and a token that clients hand back."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from lambent.domain.documents import Table
from lambent.domain.storage import Key, Store
from lambent.services.events.errors import invalid

T = TypeVar("T")
PAGE_MAX = 100


def seal(name: str) -> str:
    """Return the token that says what the last page ended with."""
    return base64.urlsafe_b64encode(name.encode()).decode()


def unseal(token: str) -> str:
    """Return what the token says; AWS's ``ValidationException`` when it isn't one."""
    try:
        return base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise invalid("Parameter NextToken is not valid.") from None


async def read_page(
    store: Store, table: Table[T], within: Key, request: Mapping[str, Any], *, wants: Callable[[T], bool] = lambda each: True
) -> tuple[list[T], str | None]:
    """Return a page of documents whose last key part begins with ``NamePrefix``, and the next page's token."""
    prefix, limit = request.get("NamePrefix", ""), request.get("Limit", PAGE_MAX)
    found: list[T] = []
    last = unseal(request["NextToken"]) if request.get("NextToken") else None
    start: Key | None = (*within, prefix) if prefix and last is None else None
    after: Key | None = None if last is None else (*within, last)
    while True:
        page = await table.range(store, within, start=start, after=after)
        for each in page:
            name = str(each.key[-1])
            if not name.startswith(prefix):
                return found, None
            if not wants(each.value):
                continue
            if len(found) == limit:
                return found, seal(str(last))
            found.append(each.value)
            last = name
        if len(page) < 1000:
            return found, None
        start, after = None, page[-1].key


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


def slice_page(items: Sequence[T], names: Sequence[str], request: Mapping[str, Any]) -> tuple[list[T], str | None]:
    """Return a page of a list that is at hand; ``names`` are its items', in order."""
    begin = 0
    if request.get("NextToken"):
        last = unseal(request["NextToken"])
        begin = names.index(last) + 1 if last in names else len(names)
    end = begin + request.get("Limit", PAGE_MAX)
    return list(items[begin:end]), seal(names[end - 1]) if end < len(items) else None


def paged(member: str, items: Sequence[Any], token: str | None) -> dict[str, Any]:
    """Return the answer of a list operation."""
    return {member: list(items)} | ({} if token is None else {"NextToken": token})

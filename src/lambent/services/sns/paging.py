"""Lists a page of a hundred at a time; tokens are opaque to clients and checked when they come back."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import msgspec

from lambent.domain.documents import Found, Table
from lambent.domain.storage import Key, Store
from lambent.services.sns.errors import invalid

T = TypeVar("T")
PAGE: Final = 100


def seal(key: Key) -> str:
    """Return a token that holds the last key of a page."""
    return base64.b64encode(msgspec.msgpack.encode(key)).decode()


def unseal(token: str | None, within: Key, parameter: str = "NextToken") -> Key | None:
    """Return the key that the token holds; ``InvalidParameter`` when it isn't one of this list's."""
    if token is None:
        return None
    try:
        parts = msgspec.msgpack.decode(base64.b64decode(token, validate=True), type=list[str])
    except (binascii.Error, ValueError, msgspec.DecodeError):
        raise invalid(parameter) from None
    if tuple(parts[: len(within)]) != within:
        raise invalid(parameter)
    return tuple(parts)


async def page(
    store: Store, table: Table[T], within: Key, token: str | None, *, limit: int = PAGE, parameter: str = "NextToken"
) -> tuple[list[Found[T]], str | None]:
    """Return documents after the token, and the token of what follows them."""
    found = await table.range(store, within, after=unseal(token, within, parameter), limit=limit + 1)
    return found[:limit], seal(found[limit - 1].key) if len(found) > limit else None


def page_of(items: Sequence[T], key: Callable[[T], Key], token: str | None, within: Key) -> tuple[list[T], str | None]:
    """Return a page of items at hand, in the order of their keys."""
    after = unseal(token, within)
    found = sorted((each for each in items if after is None or key(each) > after), key=key)
    return found[:PAGE], seal(key(found[PAGE - 1])) if len(found) > PAGE else None

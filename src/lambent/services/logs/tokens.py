"""Pagination tokens: opaque to clients, checked when they come back."""

from __future__ import annotations

import base64
import binascii
from typing import TypeVar

import msgspec

from lambent.services.logs.errors import invalid

T = TypeVar("T")


def seal(position: object) -> str:
    """Return a token that holds the position."""
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(position)).decode()


def unseal(token: str, kind: type[T]) -> T:
    """Return the position that the token holds; AWS's ``InvalidParameterException`` when it isn't one of ours."""
    try:
        return msgspec.msgpack.decode(base64.urlsafe_b64decode(token), type=kind)
    except (binascii.Error, ValueError, msgspec.DecodeError):
        raise invalid("The specified nextToken is invalid.") from None

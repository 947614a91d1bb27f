"""The MD5 digests by which SDKs check what SQS took and gave. Pure.

Follows "Calculating the MD5 message digest for message attributes" in the developer guide: attributes by name; each name, type and value
with its length before it (4 bytes, most significant first); ``01`` before text, ``02`` before bytes.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping

import msgspec


class Attribute(msgspec.Struct, frozen=True, array_like=True):
    """A message attribute."""

    data_type: str  #: whole: ``Number.float``
    text: str = ""
    data: bytes = b""  #: of a ``Binary`` one

    @property
    def binary(self) -> bool:
        """Whether the value is bytes."""
        return self.data_type.startswith("Binary")

    @property
    def value(self) -> bytes:
        """The value as bytes."""
        return self.data if self.binary else self.text.encode("utf-8", "surrogatepass")


_LENGTH = struct.Struct(">I")


def of_text(text: str) -> str:
    """Return the digest of a message's body."""
    return _hex(text.encode("utf-8", "surrogatepass"))


def of_attributes(attributes: Mapping[str, Attribute]) -> str:
    """Return the digest of a message's attributes."""
    out = bytearray()
    for name in sorted(attributes, key=lambda each: each.encode("utf-16-be", "surrogatepass")):
        attribute = attributes[name]
        out += _sized(name.encode()) + _sized(attribute.data_type.encode())
        out += (b"\x02" if attribute.binary else b"\x01") + _sized(attribute.value)
    return _hex(bytes(out))


def _sized(data: bytes) -> bytes:
    return _LENGTH.pack(len(data)) + data


def _hex(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()

r"""Keys as bytes that SQLite's ``memcmp`` order sorts exactly as ``Key`` is defined.

=========  =====================================================================================================
part       bytes
=========  =====================================================================================================
integer    ``01``, then the value plus 2⁶³ as 8 bytes, most significant first
text       ``02``, then UTF-8 (whose order is that of the code points) with ``00`` written as ``00 FF``, then ``00``
=========  =====================================================================================================

A text's end ``00`` is followed by the next part's ``01`` or ``02``, or by nothing: less than the ``FF`` of a ``00`` inside a longer text.
So ``encode(key)`` begins with ``encode(within)`` and goes on with less than ``FF`` exactly when ``key`` begins with the parts ``within``.
"""

from __future__ import annotations

import struct
from typing import Final

from lambent.domain.storage import Key

_INTEGER: Final = b"\x01"
_TEXT: Final = b"\x02"
_END: Final = 0x00
_ESCAPED: Final = 0xFF
_BIAS: Final = 1 << 63
_UINT64: Final = struct.Struct(">Q")


def encode(key: Key) -> bytes:
    """Return the key's bytes. ``TypeError`` for a part that is neither text nor integer, ``OverflowError`` for one beyond 64 bits."""
    return b"".join([_encode_part(part) for part in key])


def _encode_part(part: str | int) -> bytes:
    match part:
        case str():
            return _TEXT + part.encode("utf-8", "surrogatepass").replace(b"\x00", b"\x00\xff") + b"\x00"
        case int():
            if not -_BIAS <= part < _BIAS:
                raise OverflowError(f"an integer in a key has at most 64 bits, not {part}")
            return _INTEGER + _UINT64.pack(part + _BIAS)
        case _:
            raise TypeError(f"a key is made of texts and integers, not {type(part).__name__}")


def decode(data: bytes) -> Key:
    """Return the key that ``encode`` made these bytes of."""
    parts: list[str | int] = []
    position = 0
    while position < len(data):
        if data[position : position + 1] == _INTEGER:
            parts.append(_UINT64.unpack_from(data, position + 1)[0] - _BIAS)
            position += 1 + _UINT64.size
        else:
            end = _end_of_text(data, position + 1)
            parts.append(data[position + 1 : end].replace(b"\x00\xff", b"\x00").decode("utf-8", "surrogatepass"))
            position = end + 1
    return tuple(parts)


def _end_of_text(data: bytes, position: int) -> int:
    """Return where the text that begins at ``position`` has its closing ``00``."""
    end = data.index(_END, position)
    while data[end + 1 : end + 2] == bytes([_ESCAPED]):
        end = data.index(_END, end + 2)
    return end


def span(within: Key, *, start: Key | None, after: Key | None, reverse: bool, prefix: Key = ()) -> tuple[bytes, bytes]:
    """Return the bytes from which (inclusive) and to which (exclusive) the keys lie that ``Store.range`` asks for.

    ``prefix`` is put before each of the keys.
    """
    low = encode(prefix + within)
    high = low + bytes([_ESCAPED])
    if not reverse:
        low = max(low, b"" if start is None else encode(prefix + start), b"" if after is None else _just_after(prefix + after))
    else:
        high = min(high, high if start is None else _just_after(prefix + start), high if after is None else encode(prefix + after))
    return low, high


def _just_after(key: Key) -> bytes:
    return encode(key) + b"\x00"

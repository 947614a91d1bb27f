"""CBOR (RFC 8949) as Smithy's RPC v2 uses it: no tags but 1 (epoch seconds), text keys."""

from __future__ import annotations

import math
import struct
from typing import Any

from lambent.wire import timestamps
from lambent.wire.faults import Malformed
from lambent.wire.trees import Moment

DEPTH_MAX = 100
_BREAK = object()
_SIZES = {24: 1, 25: 2, 26: 4, 27: 8}


def decode(data: bytes) -> Any:
    """Return the one item in ``data``; times are aware ``datetime``. ``Malformed`` when it isn't one."""
    decoder = _Decoder(data)
    value = decoder.item(0)
    if value is _BREAK or decoder.at != len(data):
        raise Malformed("CBOR ends too early or too late")
    return value


class _Decoder:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, count: int) -> bytes:
        end = self.at + count
        if end > len(self.data):
            raise Malformed("CBOR ends too early")
        piece = self.data[self.at : end]
        self.at = end
        return piece

    def item(self, depth: int) -> Any:
        if depth > DEPTH_MAX:
            raise Malformed("CBOR is nested too deeply")
        first = self.take(1)[0]
        major, info = first >> 5, first & 31
        if major == 7:
            return self._simple(info)
        if info == 31:
            return self._indefinite(major, depth)
        return self._sized(major, self._argument(info), depth)

    def _argument(self, info: int) -> int:
        if info < 24:
            return info
        if info not in _SIZES:
            raise Malformed("CBOR has a reserved length")
        return int.from_bytes(self.take(_SIZES[info]), "big")

    def _sized(self, major: int, argument: int, depth: int) -> Any:
        if major == 0:
            return argument
        if major == 1:
            return -1 - argument
        if major == 2:
            return self.take(argument)
        if major == 3:
            return self._text(self.take(argument))
        if major == 4:
            self._plausible(argument)
            return [self._value(depth) for _ in range(argument)]
        if major == 5:
            self._plausible(2 * argument)
            return dict(self._pair(self._value(depth), depth) for _ in range(argument))
        return self._tagged(argument, self._value(depth))

    def _plausible(self, items: int) -> None:
        if items > len(self.data) - self.at:
            raise Malformed("CBOR ends too early")

    def _value(self, depth: int) -> Any:
        value = self.item(depth + 1)
        if value is _BREAK:
            raise Malformed("CBOR breaks where nothing is open")
        return value

    def _pair(self, key: Any, depth: int) -> tuple[str, Any]:
        if not isinstance(key, str):
            raise Malformed("A CBOR map's key is not text")
        return key, self._value(depth)

    @staticmethod
    def _text(data: bytes) -> str:
        try:
            return data.decode()
        except UnicodeDecodeError:
            raise Malformed("CBOR text is not UTF-8") from None

    @staticmethod
    def _tagged(tag: int, value: Any) -> Any:
        return timestamps.parse(value) if tag == 1 else value

    def _indefinite(self, major: int, depth: int) -> Any:
        if major not in {2, 3, 4, 5}:
            raise Malformed("CBOR has a reserved length")
        items: list[Any] = []
        pairs: dict[str, Any] = {}
        while (value := self.item(depth + 1)) is not _BREAK:
            if major == 5:
                key, each = self._pair(value, depth)
                pairs[key] = each
            else:
                items.append(value)
        if major == 5:
            return pairs
        if major == 4:
            return items
        kind: type[bytes] | type[str] = bytes if major == 2 else str
        if not all(isinstance(each, kind) for each in items):
            raise Malformed("CBOR mixes chunks")
        return b"".join(items) if major == 2 else "".join(items)

    def _simple(self, info: int) -> Any:
        if info in {20, 21, 22, 23}:
            return (False, True, None, None)[info - 20]
        if info == 31:
            return _BREAK
        formats = {25: ">e", 26: ">f", 27: ">d"}
        if info not in formats:
            raise Malformed("CBOR has an unknown simple value")
        return struct.unpack(formats[info], self.take(_SIZES[info]))[0]


def encode(value: Any) -> bytes:
    """Return the item for a value made of dicts, lists and scalars; ``Moment`` becomes a tagged time."""
    out = bytearray()
    _append(out, value)
    return bytes(out)


def _head(out: bytearray, major: int, argument: int) -> None:
    if argument < 24:
        out.append(major << 5 | argument)
        return
    for info, size in _SIZES.items():
        if argument < 1 << (8 * size):
            out.append(major << 5 | info)
            out += argument.to_bytes(size, "big")
            return
    raise ValueError(f"too big for CBOR: {argument}")


def _append(out: bytearray, value: Any) -> None:
    if value is None:
        out.append(0xF6)
    elif isinstance(value, bool):
        out.append(0xF5 if value else 0xF4)
    elif isinstance(value, int):
        _head(out, 0 if value >= 0 else 1, value if value >= 0 else -1 - value)
    elif isinstance(value, float):
        out += b"\xfb" + struct.pack(">d", math.nan if math.isnan(value) else value)
    elif isinstance(value, str):
        data = value.encode()
        _head(out, 3, len(data))
        out += data
    elif isinstance(value, bytes):
        _head(out, 2, len(value))
        out += value
    elif isinstance(value, Moment):
        _head(out, 6, 1)
        _append(out, value.seconds)
    else:
        _append_many(out, value)


def _append_many(out: bytearray, value: Any) -> None:
    if isinstance(value, dict):
        _head(out, 5, len(value))
        for key, each in value.items():
            _append(out, key)
            _append(out, each)
    else:
        _head(out, 4, len(value))
        for each in value:
            _append(out, each)

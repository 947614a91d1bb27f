"""Values as JSON and CBOR carry them, from and to the model's types: one function per shape, compiled at first use."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from lambent.wire import timestamps
from lambent.wire.compiler import Compiler
from lambent.wire.faults import Malformed
from lambent.wire.models import is_list, is_map, is_structure, traits, wire_name

if TYPE_CHECKING:
    from botocore.model import Shape, StructureShape

Convert: TypeAlias = Callable[[Any], Any]
_TOKENS = {bool: "BOOLEAN_VALUE", int: "NUMBER_VALUE", float: "NUMBER_VALUE", str: "STRING_VALUE", bytes: "BINARY_VALUE"}
_SPECIAL = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def _mismatch(value: object, wanted: str) -> Malformed:
    if isinstance(value, list | dict):
        return Malformed("Start of structure or map found where not expected.")
    if isinstance(value, bool):
        return Malformed(f"{'TRUE' if value else 'FALSE'}_VALUE can not be converted to {wanted}")
    return Malformed(f"{_TOKENS.get(type(value), 'VALUE')} can not be converted to {wanted}")


def _string(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise _mismatch(value, "a String")


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise _mismatch(value, "a Boolean")


def _integer(bits: int, wanted: str) -> Convert:
    limit = 1 << (bits - 1)

    def convert(value: Any) -> int:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise _mismatch(value, wanted)
        if not -limit <= value < limit:
            raise Malformed(f"Number {value} is out of range for {wanted}")
        return value

    return convert


def _double(value: Any) -> float:
    if isinstance(value, str) and value in _SPECIAL:
        return _SPECIAL[value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            raise Malformed("Number is out of range for a Double") from None
    raise _mismatch(value, "a Double")


def _base64(value: Any) -> bytes:
    if not isinstance(value, str):
        raise _mismatch(value, "a Blob")
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("Invalid Base64 data") from None


def _binary(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    raise _mismatch(value, "a Blob")


def _document(value: Any) -> Any:
    return value


_INTEGER = _integer(32, "an Integer")
_LONG = _integer(64, "a Long")
_READ: dict[str, Convert] = {
    "string": _string,
    "character": _string,
    "boolean": _boolean,
    "integer": _INTEGER,
    "long": _LONG,
    "bigInteger": _integer(4096, "a BigInteger"),
    "float": _double,
    "double": _double,
    "bigDecimal": _double,
    "timestamp": timestamps.parse,
}


class Reader(Compiler[Convert]):
    """Compiles functions that take a decoded JSON or CBOR value to the model's types; they raise ``Malformed``."""

    def __init__(self, *, binary: bool) -> None:
        super().__init__()
        self._blob = _binary if binary else _base64

    def _make(self, shape: Shape) -> Convert:
        if is_structure(shape):
            return _document if shape.is_document_type else self.members(shape, list(shape.members))
        if is_list(shape):
            return self._list(self.of(shape.member))
        if is_map(shape):
            return self._map(self.of(shape.value))
        return self._blob if shape.type_name == "blob" else _READ[shape.type_name]

    def members(self, shape: StructureShape, members: list[str]) -> Convert:
        """Return the function that reads some members of a structure."""
        wanted = [(wire_name(shape.members[name], name), name, self.of(shape.members[name])) for name in members]

        def convert(value: Any) -> dict[str, Any]:
            if not isinstance(value, dict):
                raise Malformed(f"Unexpected token where a structure was expected: {type(value).__name__}")
            found = {}
            for wire, name, read in wanted:
                each = value.get(wire)
                if each is not None:
                    found[name] = read(each)
            return found

        return convert

    @staticmethod
    def _list(read: Convert) -> Convert:
        def convert(value: Any) -> list[Any]:
            if not isinstance(value, list):
                raise Malformed("Expected list or null")
            return [None if each is None else read(each) for each in value]

        return convert

    @staticmethod
    def _map(read: Convert) -> Convert:
        def convert(value: Any) -> dict[str, Any]:
            if not isinstance(value, dict):
                raise Malformed("Expected map or null")
            return {_string(key): None if each is None else read(each) for key, each in value.items()}

        return convert


class Moment(msgspec.Struct, frozen=True):
    """Seconds since 1970 that CBOR marks as a time."""

    seconds: int | float


def _number_out(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    return value


def _blob_out(value: Any) -> str:
    return base64.b64encode(value.encode() if isinstance(value, str) else value).decode()


def _bytes_out(value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else bytes(value)


class Writer(Compiler[Convert]):
    """Compiles functions that take a service's values to what JSON (or CBOR, ``binary``) can carry."""

    def __init__(self, *, binary: bool) -> None:
        super().__init__()
        self._binary = binary

    def _make(self, shape: Shape) -> Convert:
        if is_structure(shape):
            return _document if shape.is_document_type else self.members(shape, list(shape.members))
        if is_list(shape):
            write = self.of(shape.member)
            return lambda value: [None if each is None else write(each) for each in value]
        if is_map(shape):
            write = self.of(shape.value)
            return lambda value: {str(key): None if each is None else write(each) for key, each in value.items()}
        return self._scalar(shape)

    def _scalar(self, shape: Shape) -> Convert:
        kind = shape.type_name
        if kind == "blob":
            return _bytes_out if self._binary else _blob_out
        if kind == "timestamp":
            if self._binary:
                return lambda value: Moment(timestamps.unix(value))
            style = traits(shape).get("timestampFormat", "unixTimestamp")
            return timestamps.unix if style == "unixTimestamp" else lambda value: timestamps.text(value, style)
        if kind in {"float", "double", "bigDecimal"}:
            return (lambda value: float(value)) if self._binary else _number_out  # noqa: PLW0108 - typed as Convert
        return _document

    def members(self, shape: StructureShape, members: list[str]) -> Convert:
        """Return the function that writes some members of a structure; ``None`` and unknown members are left out."""
        wanted = [(name, wire_name(shape.members[name], name), self.of(shape.members[name])) for name in members]

        def convert(value: Mapping[str, Any]) -> dict[str, Any]:
            found = {}
            for name, wire, write in wanted:
                each = value.get(name)
                if each is not None:
                    found[wire] = write(each)
            return found

        return convert

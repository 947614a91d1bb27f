"""The framing ``application/vnd.amazon.eventstream``: prelude, headers, payload, each with its CRC; and events as the model shapes them."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias
from zlib import crc32

import msgspec

from lambent.domain.errors import AwsError
from lambent.wire import cbor, kit
from lambent.wire.faults import Malformed
from lambent.wire.models import is_structure, traits, wire_name
from lambent.wire.timestamps import unix

if TYPE_CHECKING:
    from botocore.model import Shape, StructureShape

CONTENT_TYPE = "application/vnd.amazon.eventstream"
MESSAGE_BYTES_MAX = 24 * 1024 * 1024
_PRELUDE = struct.Struct(">II")
Header: TypeAlias = "str | int | bool | bytes | datetime"
Frame: TypeAlias = Callable[[Mapping[str, Any]], bytes]


def frame(headers: Mapping[str, Header], payload: bytes) -> bytes:
    """Return one message."""
    head = b"".join(_header(name, value) for name, value in headers.items())
    prelude = _PRELUDE.pack(16 + len(head) + len(payload), len(head))
    message = prelude + struct.pack(">I", crc32(prelude)) + head + payload
    return message + struct.pack(">I", crc32(message))


def _header(name: str, value: Header) -> bytes:
    start = bytes([len(name.encode())]) + name.encode()
    if isinstance(value, bool):
        return start + (b"\0" if value else b"\1")
    if isinstance(value, int):
        return start + (b"\x04" + struct.pack(">i", value) if -(1 << 31) <= value < 1 << 31 else b"\x05" + struct.pack(">q", value))
    if isinstance(value, datetime):
        return start + b"\x08" + struct.pack(">q", round(unix(value) * 1000))
    data = value.encode() if isinstance(value, str) else value
    return start + (b"\x07" if isinstance(value, str) else b"\x06") + struct.pack(">H", len(data)) + data


def unframe(data: bytes) -> tuple[dict[str, Header], bytes, int]:
    """Return (headers, payload, bytes used) of the first message; ``Malformed`` when its lengths or checksums don't hold."""
    if len(data) < 16:
        raise Malformed("An event stream's message is too short")
    total, head = _PRELUDE.unpack_from(data)
    if not 16 + head <= total <= min(len(data), MESSAGE_BYTES_MAX):
        raise Malformed("An event stream's message has impossible lengths")
    if crc32(data[:8]) != int.from_bytes(data[8:12], "big") or crc32(data[: total - 4]) != int.from_bytes(data[total - 4 : total], "big"):
        raise Malformed("An event stream's checksum does not hold")
    try:
        return _headers(data[12 : 12 + head]), data[12 + head : total - 4], total
    except (struct.error, IndexError, UnicodeDecodeError):
        raise Malformed("An event stream's headers can't be read") from None


def _headers(data: bytes) -> dict[str, Header]:
    found: dict[str, Header] = {}
    at = 0
    while at < len(data):
        name_end = at + 1 + data[at]
        name, kind = data[at + 1 : name_end].decode(), data[name_end]
        at = name_end + 1
        if kind in {6, 7}:
            (length,) = struct.unpack_from(">H", data, at)
            raw = data[at + 2 : at + 2 + length]
            found[name] = raw if kind == 6 else raw.decode()
            at += 2 + length
        elif kind in {0, 1}:
            found[name] = kind == 0
        else:
            form, size = (
                {2: (">b", 1), 3: (">h", 2), 4: (">i", 4), 5: (">q", 8), 8: (">q", 8), 9: (">16s", 16)}[kind] if kind < 10 else _bad()
            )
            (found[name],) = struct.unpack_from(form, data, at)
            at += size
    return found


def _bad() -> tuple[str, int]:
    raise IndexError


class Encoder:
    """Frames the events of one stream member of one service and protocol."""

    def __init__(self, service: str, shape: StructureShape, protocol: str) -> None:
        self._service = service
        self._protocol = protocol
        self._events = {name: self._event(name, member) for name, member in shape.members.items() if is_structure(member)}
        self._errors = {member.name: name for name, member in shape.members.items()}

    def _event(self, name: str, shape: StructureShape) -> Frame:
        headers = [(each, wire_name(member, each)) for each, member in shape.members.items() if traits(member).get("eventheader")]
        payload = next((each for each, member in shape.members.items() if traits(member).get("eventpayload")), None)
        content_type, body = self._body(name, shape, payload)
        has_body = payload is not None or len(headers) < len(shape.members)
        start: dict[str, Header] = {":message-type": "event", ":event-type": name}
        if has_body:
            start[":content-type"] = content_type

        def write(value: Mapping[str, Any]) -> bytes:
            own: dict[str, Header] = {wire: value[each] for each, wire in headers if value.get(each) is not None}
            return frame({**start, **own}, body(value) if has_body else b"")

        return write

    def _body(self, name: str, shape: StructureShape, payload: str | None) -> tuple[str, Frame]:
        if payload is not None and shape.members[payload].type_name in {"blob", "string"}:
            text = shape.members[payload].type_name == "string"
            return "text/plain" if text else "application/octet-stream", lambda value: _raw(value.get(payload, b""))
        target: Shape = shape if payload is None else shape.members[payload]
        content_type, encode = body_encoder(self._service, target, self._protocol, name if payload is None else payload)
        return content_type, encode if payload is None else lambda value: encode(value.get(payload) or {})

    async def stream(self, events: AsyncIterator[Mapping[str, Any]], first: bytes = b"") -> AsyncIterator[bytes]:
        """Give the frames of the events; an ``AwsError`` while iterating becomes the stream's last frame."""
        if first:
            yield first
        try:
            async for event in events:
                for name, value in event.items():
                    yield self._events[name](value)
        except AwsError as error:
            yield self._failure(error)

    def _failure(self, error: AwsError) -> bytes:
        event = self._errors.get(error.code)
        if event is None:
            return frame({":message-type": "error", ":error-code": error.code, ":error-message": error.message}, b"")
        headers: dict[str, Header] = {":message-type": "exception", ":exception-type": event}
        values = {"message": error.message, "Message": error.message, **error.members}
        if self._protocol == "rest-xml":
            return frame({**headers, ":content-type": "application/xml"}, b"")
        encode = cbor.encode if self._protocol == "smithy-rpc-v2-cbor" else msgspec.json.encode
        return frame({**headers, ":content-type": "application/json"}, encode(values))


def _raw(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value


def body_encoder(service: str, shape: Shape, protocol: str, root: str) -> tuple[str, Frame]:
    """Return the content type and the function that writes a value of the shape as a whole body."""
    kits = kit.of(service)
    if protocol == "smithy-rpc-v2-cbor":
        to_cbor = kits.cbor_writer.of(shape)
        return "application/cbor", lambda value: cbor.encode(to_cbor(value))
    if protocol == "rest-xml":
        to_xml = kits.xml_writer.of(shape)

        def write(value: Mapping[str, Any]) -> bytes:
            out: list[str] = []
            to_xml(value, root, out)
            return "".join(out).encode()

        return "text/xml", write
    to_json = kits.json_writer.of(shape)
    return "application/json", lambda value: msgspec.json.encode(to_json(value))


def initial_response(protocol: str, body: bytes) -> bytes:
    """Return the frame that carries an answer's other members, first, in the protocols without headers."""
    content_type = "application/cbor" if protocol == "smithy-rpc-v2-cbor" else "application/json"
    return frame({":message-type": "event", ":event-type": "initial-response", ":content-type": content_type}, body)

"""Members of rest-json and rest-xml that travel in the path, the query, headers and the status."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import parse_qs, unquote

import msgspec

from lambent.base.memory import KEPT_CHARACTERS_MAX
from lambent.domain.http import HttpRequest
from lambent.wire import timestamps
from lambent.wire.faults import Malformed
from lambent.wire.models import is_list, traits, wire_name
from lambent.wire.xmltext import text_reader, value_text

if TYPE_CHECKING:
    from botocore.model import OperationModel, Shape, StructureShape

_NUMBERS = frozenset({"integer", "long"})  #: an empty one in a query says nothing
Fill: TypeAlias = Callable[[HttpRequest, dict[str, Any]], None]
"""Reads something from a request's head into the parameters."""


def body_members(shape: StructureShape) -> list[str]:
    """Return the members that have no place in the head."""
    return [name for name, member in shape.members.items() if "location" not in traits(member)]


def readers(operation: OperationModel) -> tuple[list[Fill], Fill | None]:
    """Return what fills the members of an operation's input from the head, and what does so from its query, if there is one."""
    shape = operation.input_shape
    places: dict[str, dict[str, Shape]] = {}
    for name, member in shape.members.items() if shape is not None else ():
        places.setdefault(str(traits(member).get("location", "")), {})[name] = member
    fills: list[Fill] = []
    if "uri" in places:
        fills.append(_labels(str(operation.http["requestUri"]).partition("?")[0], places["uri"]))
    if "header" in places:
        fills.append(_headers(places["header"]))
    fills += [_prefixed(name, wire_name(member, name).lower()) for name, member in places.get("headers", {}).items()]
    return fills, _query(places["querystring"]) if "querystring" in places else None


def _reader(shape: Shape, name: str, where: str) -> Callable[[str], Any]:
    read = text_reader(shape, where)

    def convert(text: str) -> Any:
        try:
            return read(text)
        except Malformed as fault:
            raise Malformed(fault.message, where, name, fault.value) from None

    return str if shape.type_name == "string" else convert


def _labels(template: str, members: Mapping[str, Shape]) -> Fill:
    names = {wire_name(member, name): (name, _reader(member, name, "label")) for name, member in members.items()}
    single: list[tuple[int, str, Callable[[str], Any] | None]] = []
    greedy: list[tuple[int, int, str, Callable[[str], Any]]] = []
    parts = template.split("/")
    for index, part in enumerate(parts):
        if part.startswith("{"):
            label = part.strip("{}")
            name, read = names[label.rstrip("+")]
            if label.endswith("+"):
                greedy.append((index, len(parts) - index - 1, name, read))
            else:
                single.append((index, name, None if read is str else read))

    def find(path: str) -> dict[str, Any]:
        found, values = path.split("/"), dict[str, Any]()
        for index, name, read in single:
            if index < len(found) and (text := found[index]):
                if "%" in text:
                    text = _unquoted(text, name)
                values[name] = text if read is None else read(text)
        for index, after, name, read in greedy:
            text = "/".join(found[index : len(found) - after])
            if text:
                values[name] = read(_unquoted(text, name))
        return values

    def fill(request: HttpRequest, params: dict[str, Any]) -> None:
        path = request.raw_path
        params.update(_known_labels(find, path) if len(path) <= KEPT_CHARACTERS_MAX else find(path))

    return fill


@lru_cache(maxsize=4096)
def _known_labels(find: Callable[[str], dict[str, Any]], path: str) -> dict[str, Any]:
    """Return what the labels of a path say. They are texts, numbers and times: nobody changes one for the next request."""
    return find(path)


def _unquoted(text: str, name: str) -> str:
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise Malformed("The URI is not valid UTF-8", "label", name, text[:100]) from None


def _query(members: Mapping[str, Shape]) -> Fill:
    wanted: list[tuple[str, str, Shape, Callable[[str], Any]]] = []
    for name, member in members.items():
        one = member.member if is_list(member) else member
        wanted.append((name, wire_name(member, name), member, _reader(one, wire_name(member, name), "head")))

    def fill(request: HttpRequest, params: dict[str, Any]) -> None:
        try:
            found = parse_qs(request.query, keep_blank_values=True, errors="strict", max_num_fields=1000)
        except ValueError:
            raise Malformed("The query string is not valid", "head") from None
        for name, wire, member, read in wanted:
            if member.type_name == "map":
                params[name] = {key: values[-1] for key, values in found.items()}
            elif wire in found and member.type_name == "list":
                params[name] = [read(each) for each in found[wire]]
            elif wire in found and (found[wire][-1] or member.type_name not in _NUMBERS):
                params[name] = read(found[wire][-1])

    return fill


def _headers(members: Mapping[str, Shape]) -> Fill:
    wanted = [(name, wire_name(member, name).lower(), _header_reader(member, name)) for name, member in members.items()]
    has_none = frozenset(header for _, header, _ in wanted).isdisjoint

    def fill(request: HttpRequest, params: dict[str, Any]) -> None:
        headers = request.headers
        if has_none(headers):  # most requests have none of an operation's many
            return
        for name, header, read in wanted:
            text = headers.get(header)
            if text is not None:
                value = read(text)
                if value is not None:
                    params[name] = value

    return fill


def _header_reader(shape: Shape, name: str) -> Callable[[str], Any]:
    if is_list(shape):
        read = _reader(shape.member, name, "head")
        return lambda text: [read(each) for each in _split(text)]
    if traits(shape).get("jsonvalue"):
        return _json_value
    if shape.type_name == "timestamp" and traits(shape).get("timestampFormat", "rfc822") == "rfc822":
        return _http_date
    return _reader(shape, name, "head")


def _http_date(text: str) -> Any:
    """HTTP says that a date which can't be read is as good as none (``If-Modified-Since``, ``Expires``)."""
    try:
        return timestamps.parse(text)
    except Malformed:
        return None


def _json_value(text: str) -> Any:
    try:
        return msgspec.json.decode(base64.b64decode(text, validate=True))
    except (msgspec.MsgspecError, binascii.Error, ValueError, RecursionError):
        raise Malformed("A header is not Base64 of JSON", "head", value=text[:100]) from None


def _split(text: str) -> list[str]:
    """Split a header at its commas, but not inside quotes."""
    found: list[str] = []
    piece, quoted, escaped = "", False, False
    for char in text:
        if escaped:
            piece, escaped = piece + char, False
        elif quoted and char == "\\":
            escaped = True
        elif char == '"':
            quoted = not quoted
        elif char == "," and not quoted:
            found.append(piece.strip())
            piece = ""
        else:
            piece += char
    return [*found, piece.strip()]


def _prefixed(name: str, prefix: str) -> Fill:
    def fill(request: HttpRequest, params: dict[str, Any]) -> None:
        found = {key[len(prefix) :]: value for key, value in request.headers.items() if key.startswith(prefix)}
        if found:
            params[name] = found

    return fill


Emit: TypeAlias = Callable[[Mapping[str, Any], dict[str, str]], None]
"""Writes some members of a result into headers."""


def writer(shape: StructureShape | None, *, skip: frozenset[str] = frozenset()) -> Emit:
    """Return what writes a structure's header members; ``skip`` names headers that are somebody else's."""
    plain: dict[str, tuple[str, Callable[[Any], str]]] = {}
    prefixed: list[tuple[str, str]] = []
    for name, member in shape.members.items() if shape is not None else ():
        location = traits(member).get("location")
        header = wire_name(member, name).lower()
        if location == "header" and header not in skip:
            plain[name] = (header, header_text(member))
        elif location == "headers":
            prefixed.append((name, header))

    def emit(value: Mapping[str, Any], headers: dict[str, str]) -> None:
        for name, found in value.items():
            if name in plain and found is not None:
                header, to_text = plain[name]
                text = to_text(found)
                headers[header] = text if text.isprintable() else clean(text)
        for name, prefix in prefixed:
            for key, each in (value.get(name) or {}).items():
                headers[prefix + str(key).lower()] = clean(str(each))

    return emit


def header_text(shape: Shape) -> Callable[[Any], str]:
    """Return the function that writes a value as a header."""
    if is_list(shape):
        one = header_text(shape.member)
        return lambda value: ",".join(one(each) for each in value)
    if traits(shape).get("jsonvalue"):
        return lambda value: base64.b64encode(msgspec.json.encode(value)).decode()
    return value_text(shape, style="rfc822")


def clean(text: str) -> str:
    """Return a header's value without line breaks, which would begin another header."""
    return text if text.isprintable() else "".join(" " if char in "\r\n\0" else char for char in text)

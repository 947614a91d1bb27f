"""Values as XML carries them, for rest-xml both ways and for the answers of query and ec2."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from lambent.base.regexes import Regex
from lambent.wire import timestamps
from lambent.wire.compiler import Compiler
from lambent.wire.faults import Malformed
from lambent.wire.models import is_list, is_map, is_structure, traits, wire_name

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element, TreeBuilder

    from botocore.model import ListShape, MapShape, Shape, StructureShape

Read: TypeAlias = "Callable[[Element], Any]"
Write: TypeAlias = Callable[[Any, str, list[str]], None]
"""Appends the element (value, tag, pieces)."""

DEPTH_MAX = 100
_CONTROLS = Regex("[\x00-\x08\x0b-\x1f\ufffe\uffff\ud800-\udfff]")


def parse(data: bytes) -> Element:
    """Return the root element; ``Malformed`` for what isn't XML, and for document types, which can hold bombs."""
    if b"<!DOCTYPE" in data or b"\x00" in data:
        raise Malformed("Document types are not allowed")
    from xml.etree import ElementTree  # noqa: PLC0415 - 3 ms that a start doesn't need, and botocore brings it along

    try:
        parser = ElementTree.XMLParser(target=_Bounded(ElementTree.TreeBuilder()))  # noqa: S314 - no document types, and expat bounds its own expansion
        parser.feed(data)
        root: Element = parser.close()
        return root
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise Malformed(f"Unable to parse XML: {error}") from None


class _Bounded:
    """Has a tree built, to a bounded depth: whoever reads it recurses."""

    def __init__(self, builder: TreeBuilder) -> None:
        self._builder = builder
        self._depth = 0
        self.data = builder.data
        self.close = builder.close

    def start(self, tag: Any, attrs: dict[Any, Any], /) -> Element:
        """Open an element."""
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise Malformed("XML is nested too deeply")
        return self._builder.start(tag, attrs)

    def end(self, tag: Any, /) -> Element:
        """Close an element."""
        self._depth -= 1
        return self._builder.end(tag)


def local(tag: str) -> str:
    """Return a tag without its namespace."""
    return tag.rpartition("}")[2]


def text_reader(shape: Shape, where: str = "body") -> Callable[[str], Any]:
    """Return the function that reads a scalar from its text."""
    kind = shape.type_name

    def bad(text: str, wanted: str) -> Malformed:
        return Malformed(f"{text[:100]!r} is not {wanted}", where, value=text[:100])

    def integer(text: str) -> int:
        found = _whole_number(text, 32 if kind == "integer" else 64)
        if found is None:
            raise bad(text, "an integer")
        return found

    def number(text: str) -> float:
        try:
            return float(text)
        except ValueError:
            raise bad(text, "a number") from None

    def boolean(text: str) -> bool:
        if text.lower() not in {"true", "false"}:
            raise bad(text, "a boolean")
        return text.lower() == "true"

    def blob(text: str) -> bytes:
        try:
            return base64.b64decode("".join(text.split()), validate=True)
        except (binascii.Error, ValueError):
            raise bad(text, "Base64") from None

    if kind in {"integer", "long", "bigInteger"}:
        return integer
    if kind in {"float", "double", "bigDecimal"}:
        return number
    if kind == "timestamp":
        return lambda text: timestamps.parse(text, where)
    return {"boolean": boolean, "blob": blob}.get(kind, str)


def _whole_number(text: str, bits: int) -> int | None:
    """Return the integer, ``None`` when it isn't one or has more bits (its sign among them)."""
    try:
        found = int(text) if len(text) <= 40 else None
    except ValueError:
        return None
    return found if found is not None and -1 << (bits - 1) <= found < 1 << (bits - 1) else None


def value_text(shape: Shape, *, milliseconds: bool = True, style: str = "iso8601") -> Callable[[Any], str]:
    """Return the function that writes a scalar as text."""
    kind = shape.type_name
    if kind == "boolean":
        return lambda value: "true" if value else "false"
    if kind == "timestamp":
        chosen = traits(shape).get("timestampFormat", style)
        return lambda value: timestamps.text(value, chosen, milliseconds=milliseconds)
    if kind == "blob":
        return lambda value: base64.b64encode(value.encode() if isinstance(value, str) else value).decode()
    if kind in {"float", "double"}:
        return lambda value: {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(repr(value), repr(value))
    return str


class Reader(Compiler[Read]):
    """Compiles functions that take an element to the model's types."""

    def _make(self, shape: Shape) -> Read:
        if is_structure(shape):
            return self.members(shape, list(shape.members))
        if is_list(shape):
            read = self.of(shape.member)
            return lambda element: [read(child) for child in element]
        if is_map(shape):
            return self._map(shape)
        read_text = text_reader(shape)
        if shape.type_name == "string":
            return lambda element: element.text or ""
        return lambda element: read_text((element.text or "").strip())

    def _map(self, shape: MapShape) -> Read:
        pair = self._pair(shape)
        return lambda element: dict(pair(entry) for entry in element)

    def _pair(self, shape: MapShape) -> Read:
        key_tag, value_tag = wire_name(shape.key, "key"), wire_name(shape.value, "value")
        read_key, read_value = self.of(shape.key), self.of(shape.value)

        def convert(entry: Element) -> tuple[Any, Any]:
            found = {local(child.tag): child for child in entry}
            if key_tag not in found or value_tag not in found:
                raise Malformed("An entry of a map lacks its key or value")
            return read_key(found[key_tag]), read_value(found[value_tag])

        return convert

    def members(self, shape: StructureShape, members: list[str]) -> Read:
        """Return the function that reads some members of a structure."""
        once: dict[str, tuple[str, Read]] = {}
        many: dict[str, tuple[str, Read]] = {}
        pairs: dict[str, tuple[str, Read]] = {}
        attributes: list[tuple[str, str]] = []
        for name in members:
            member = shape.members[name]
            tag = flat_tag(member, name)
            if traits(member).get("xmlAttribute"):
                attributes.append((wire_name(member, name), name))
            elif is_list(member) and traits(member).get("flattened"):
                many[tag] = (name, self.of(member.member))
            elif is_map(member) and traits(member).get("flattened"):
                pairs[tag] = (name, self._pair(member))
            else:
                once[tag] = (name, self.of(member))

        def convert(element: Element) -> dict[str, Any]:
            found: dict[str, Any] = {}
            for child in element:
                tag = local(child.tag)
                if tag in once:
                    name, read = once[tag]
                    found[name] = read(child)
                elif tag in many:
                    name, read = many[tag]
                    found.setdefault(name, []).append(read(child))
                elif tag in pairs:
                    name, read = pairs[tag]
                    key, value = read(child)
                    found.setdefault(name, {})[key] = value
            for attribute, name in attributes:
                wanted = local(attribute.replace(":", "}"))
                for key, value in element.attrib.items():
                    if local(key) == wanted:
                        found[name] = value
            return found

        return convert


def flat_tag(member: Shape, name: str) -> str:
    """Return a member's tag; a flattened list is named after what it holds, when that has a name."""
    if is_list(member) and traits(member).get("flattened"):
        return wire_name(member.member, wire_name(member, name))
    return wire_name(member, name)


def escaped(text: str) -> str:
    """Return text for an element; what XML can't hold goes as a character reference, as S3 does it."""
    plain = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")
    return _CONTROLS.sub(lambda found: f"&#x{ord(found.group()):x};", plain)


class Writer(Compiler[Write]):
    """Compiles functions that append elements; ``milliseconds`` writes them in every time, as S3 does."""

    def __init__(self, *, milliseconds: bool) -> None:
        super().__init__()
        self._milliseconds = milliseconds

    def _make(self, shape: Shape) -> Write:
        if is_structure(shape):
            return self._structure(shape)
        if is_list(shape):
            return self._list(shape)
        if is_map(shape):
            return self._map(shape)
        to_text = value_text(shape, milliseconds=self._milliseconds)

        def write(value: Any, tag: str, out: list[str]) -> None:
            out.append(f"<{tag}>{escaped(to_text(value))}</{tag}>")

        return write

    def _structure(self, shape: StructureShape) -> Write:
        content = self.members(shape, list(shape.members))
        attributes = [(name, wire_name(member, name)) for name, member in shape.members.items() if traits(member).get("xmlAttribute")]

        def write(value: Mapping[str, Any], tag: str, out: list[str]) -> None:
            head = f"<{tag}"
            for name, attribute in attributes:
                if ":" in attribute:
                    head += ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
                quoted = escaped(str(value.get(name, ""))).replace('"', "&quot;")
                head += f' {attribute}="{quoted}"'
            out.append(head + ">")
            content(value, out)
            out.append(f"</{tag}>")

        return write

    def members(self, shape: StructureShape, members: list[str]) -> Callable[[Mapping[str, Any], list[str]], None]:
        """Return the function that appends some members of a structure, without an element round them."""
        wanted = [
            (name, flat_tag(shape.members[name], name), self.of(shape.members[name]))
            for name in members
            if not traits(shape.members[name]).get("xmlAttribute")
        ]

        def write(value: Mapping[str, Any], out: list[str]) -> None:
            for name, tag, each in wanted:
                found = value.get(name)
                if found is not None:
                    each(found, tag, out)

        return write

    def _list(self, shape: ListShape) -> Write:
        write_item = self.of(shape.member)
        item_tag = wire_name(shape.member, "member")
        if traits(shape).get("flattened"):

            def write(value: Any, tag: str, out: list[str]) -> None:
                for each in value:
                    write_item(each, tag, out)
        else:

            def write(value: Any, tag: str, out: list[str]) -> None:
                out.append(f"<{tag}>")
                for each in value:
                    write_item(each, item_tag, out)
                out.append(f"</{tag}>")

        return write

    def _map(self, shape: MapShape) -> Write:
        flat = traits(shape).get("flattened")
        key_tag, value_tag = wire_name(shape.key, "key"), wire_name(shape.value, "value")
        write_key, write_value = self.of(shape.key), self.of(shape.value)

        def write(value: Mapping[str, Any], tag: str, out: list[str]) -> None:
            entry = tag if flat else "entry"
            if not flat:
                out.append(f"<{tag}>")
            for key, each in value.items():
                out.append(f"<{entry}>")
                write_key(key, key_tag, out)
                write_value(each, value_tag, out)
                out.append(f"</{entry}>")
            if not flat:
                out.append(f"</{tag}>")

        return write

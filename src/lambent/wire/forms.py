"""Forms (``a.member.1.b=c``) as the query and ec2 protocols send them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import parse_qsl

import msgspec

from lambent.wire.compiler import Compiler
from lambent.wire.faults import Malformed
from lambent.wire.models import is_list, is_map, is_structure, traits, wire_name
from lambent.wire.xmltext import text_reader

if TYPE_CHECKING:
    from botocore.model import ListShape, MapShape, Shape, StructureShape

FIELDS_MAX = 10_000
DEPTH_MAX = 60


class Node(msgspec.Struct):
    """A place in the form: its text, and what is below it."""

    text: str | None = None
    below: dict[str, Node] = {}

    def numbered(self) -> list[Node]:
        """Return what is below, in the order of its numbers."""
        try:
            numbers = sorted((int(key), node) for key, node in self.below.items() if len(key) <= 6)
        except (ValueError, TypeError):
            raise Malformed("A list's index is not a number") from None
        return [node for _, node in numbers]


Read: TypeAlias = Callable[[Node], Any]


def parse(data: bytes) -> dict[str, str]:
    """Return the form's fields; ``Malformed`` when it isn't one."""
    try:
        return dict(parse_qsl(data.decode(), keep_blank_values=True, errors="strict", max_num_fields=FIELDS_MAX))
    except ValueError:
        raise Malformed("The form could not be read") from None


def tree(fields: dict[str, str]) -> Node:
    """Return the fields as a tree."""
    root = Node()
    for name, text in fields.items():
        node = root
        parts = name.split(".")
        if len(parts) > DEPTH_MAX:
            raise Malformed("A parameter is nested too deeply")
        for part in parts:
            node = node.below.setdefault(part, Node())
        node.text = text
    return root


class Reader(Compiler[Read]):
    """Compiles functions that take a node of the form to the model's types."""

    def __init__(self, *, ec2: bool) -> None:
        super().__init__()
        self._ec2 = ec2

    def _make(self, shape: Shape) -> Read:
        if is_structure(shape):
            return self._structure(shape)
        if is_list(shape):
            return self._list(shape)
        if is_map(shape):
            return self._map(shape)
        read = text_reader(shape)
        strip = shape.type_name != "string"

        def convert(node: Node) -> Any:
            if node.text is None:
                raise Malformed("A structure was found where a value was expected")
            return read(node.text.strip() if strip else node.text)

        return convert

    def _name(self, shape: Shape, default: str) -> str:
        if self._ec2:
            name = str(traits(shape).get("queryName") or traits(shape).get("name", default))
            return name[:1].upper() + name[1:] if "queryName" not in traits(shape) else name
        if is_list(shape) and traits(shape).get("flattened"):
            return wire_name(shape.member, wire_name(shape, default))
        return wire_name(shape, default)

    def _structure(self, shape: StructureShape) -> Read:
        wanted = [(self._name(member, name), name, self.of(member)) for name, member in shape.members.items()]

        def convert(node: Node) -> dict[str, Any]:
            return {name: read(node.below[wire]) for wire, name, read in wanted if wire in node.below}

        return convert

    def _list(self, shape: ListShape) -> Read:
        read = self.of(shape.member)
        inner = None if self._ec2 or traits(shape).get("flattened") else wire_name(shape.member, "member")

        def convert(node: Node) -> list[Any]:
            holder = node if inner is None else node.below.get(inner, Node())
            return [read(each) for each in holder.numbered()]

        return convert

    def _map(self, shape: MapShape) -> Read:
        read_key, read_value = self.of(shape.key), self.of(shape.value)
        key_name, value_name = wire_name(shape.key, "key"), wire_name(shape.value, "value")
        flat = traits(shape).get("flattened")

        def convert(node: Node) -> dict[str, Any]:
            holder = node if flat else node.below.get("entry", Node())
            found = {}
            for entry in holder.numbered():
                if key_name not in entry.below or value_name not in entry.below:
                    raise Malformed("An entry of a map lacks its key or value")
                found[read_key(entry.below[key_name])] = read_value(entry.below[value_name])
            return found

        return convert

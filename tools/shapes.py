"""Write ``_generated_shapes.py`` of a service: its operations' inputs and outputs as TypedDicts, from botocore's model.

``python tools/shapes.py lambda src/lambent/services/lambda_``

The file is for the type checker only: import it under ``TYPE_CHECKING``.
"""

from __future__ import annotations

import keyword
import sys
from pathlib import Path

from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StructureShape

SCALARS = {
    "string": "str",
    "character": "str",
    "boolean": "bool",
    "integer": "int",
    "long": "int",
    "bigInteger": "int",
    "float": "float",
    "double": "float",
    "bigDecimal": "float",
    "timestamp": "datetime",
    "blob": "bytes",
}


def annotation(shape: Shape, streaming: set[str]) -> str:
    """Return the annotation of a shape, structures by name."""
    if isinstance(shape, StructureShape):
        return "Any" if getattr(shape, "is_document_type", False) else shape.name
    if isinstance(shape, ListShape):
        return f"list[{annotation(shape.member, streaming)}]"
    if isinstance(shape, MapShape):
        return f"dict[{annotation(shape.key, streaming)}, {annotation(shape.value, streaming)}]"
    if shape.type_name == "blob" and shape.name in streaming:
        return "bytes | ByteStream | AsyncIterator[bytes]"
    return SCALARS[shape.type_name]


def structures(shape: Shape, seen: dict[str, StructureShape]) -> None:
    """Collect every structure below a shape."""
    if isinstance(shape, StructureShape):
        if shape.name in seen:
            return
        seen[shape.name] = shape
        for member in shape.members.values():
            structures(member, seen)
    elif isinstance(shape, ListShape):
        structures(shape.member, seen)
    elif isinstance(shape, MapShape):
        structures(shape.key, seen)
        structures(shape.value, seen)


def main(service: str, folder: Path) -> None:
    """Write the file."""
    model = ServiceModel(Loader().load_service_model(service, "service-2"), service)
    seen: dict[str, StructureShape] = {}
    streaming: set[str] = set()
    for name in model.operation_names:
        operation = model.operation_model(name)
        for shape, body in (
            (operation.input_shape, operation.get_streaming_input()),
            (operation.output_shape, operation.get_streaming_output()),
        ):
            if body is not None:
                streaming.add(body.name)
            if shape is not None:
                structures(shape, seen)
    lines = [
        f'"""Shapes of AWS\'s ``{service}`` API. Generated from botocore\'s model by ``tools/shapes.py``; do not edit."""',
        "",
        "from __future__ import annotations",
        "",
        "from collections.abc import AsyncIterator",
        "from datetime import datetime",
        "from typing import Any, Required, TypedDict",
        "",
        "from lambent.domain.http import ByteStream",
    ]
    for name, shape in sorted(seen.items()):
        members = []
        for member, target in shape.members.items():
            kind = annotation(target, streaming)
            if (
                shape.serialization.get("eventstream")
                or getattr(target, "is_eventstream", False)
                or target.serialization.get("eventstream")
            ):
                kind = "AsyncIterator[dict[str, Any]]" if not shape.serialization.get("eventstream") else kind
            members.append((member, f"Required[{kind}]" if member in shape.required_members else kind))
        lines += ["", ""]
        if any(keyword.iskeyword(member) or not member.isidentifier() for member, _ in members):
            body = ", ".join(f'"{member}": "{kind}"' for member, kind in members)
            lines.append(f'{name} = TypedDict("{name}", {{{body}}}, total=False)')
        elif members:
            lines.append(f"class {name}(TypedDict, total=False):")
            lines += [f"    {member}: {kind}" for member, kind in members]
        else:
            lines += [f"class {name}(TypedDict, total=False):", "    pass"]
    (folder / "_generated_shapes.py").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))

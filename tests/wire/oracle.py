"""botocore as the other side: it writes what we read, and reads what we wrote; and values of the model's shapes."""

from __future__ import annotations

import string
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from botocore import parsers, serialize
from botocore.awsrequest import HeadersDict, prepare_request_dict
from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape
from hypothesis import strategies as st

from lambent.domain.http import BytesStream, HttpRequest, HttpResponse
from lambent.wire import models

ENDPOINT = "http://localhost:4566"
DEPTH = 4
WORDS = st.text(string.ascii_letters + string.digits + "-_.~ /&=+%<>\"'é漢😀", min_size=1, max_size=8)
KEYS = st.text(string.ascii_lowercase + string.digits + "-", min_size=1, max_size=6)
TOKENS = st.text(string.ascii_letters + string.digits + "-_.", min_size=1, max_size=8)
TIMES = st.integers(0, 4_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "string": WORDS,
    "character": st.sampled_from("abc"),
    "boolean": st.booleans(),
    "integer": st.integers(-(2**31), 2**31 - 1),
    "long": st.integers(-(2**53), 2**53),
    "bigInteger": st.integers(-(2**53), 2**53),
    "float": st.floats(-1e6, 1e6, width=32),
    "double": st.floats(-1e12, 1e12, allow_nan=False),
    "bigDecimal": st.floats(-1e6, 1e6),
    "timestamp": TIMES,
    "blob": st.binary(max_size=12),
}


def values(shape: Shape, depth: int = 0) -> st.SearchStrategy[Any]:
    """Return values of a shape; lists, maps and structures stay small."""
    if isinstance(shape, StructureShape):
        if shape.is_document_type:
            return st.dictionaries(KEYS, st.integers(0, 9), max_size=2)
        return structures(shape, depth)
    if isinstance(shape, ListShape):
        return st.lists(values(shape.member, depth + 1), min_size=1, max_size=2) if depth < DEPTH else st.just([])
    if isinstance(shape, MapShape):
        return st.dictionaries(KEYS, values(shape.value, depth + 1), min_size=1, max_size=2) if depth < DEPTH else st.just({})
    location = shape.serialization.get("location")
    if shape.type_name == "string" and location in {"header", "headers"}:
        return TOKENS
    return SCALARS[shape.type_name]


def structures(shape: StructureShape, depth: int = 0) -> st.SearchStrategy[dict[str, Any]]:
    """Return structures: required members always, a few others; of a union exactly one member."""
    members = {
        name: member
        for name, member in shape.members.items()
        if not member.serialization.get("eventstream")
        and member.serialization.get("location") != "statusCode"
        and not (member.serialization.get("location") == "querystring" and isinstance(member, MapShape))
    }
    if not members:
        return st.just({})
    required = [name for name in members if name in shape.required_members]

    @st.composite
    def build(draw: st.DrawFn) -> dict[str, Any]:
        if shape.is_tagged_union:
            chosen = [draw(st.sampled_from(sorted(members)))]
        elif depth >= DEPTH:
            chosen = required
        else:
            others = sorted(members.keys() - set(required))
            more = draw(st.lists(st.sampled_from(others), max_size=4, unique=True)) if others else []
            chosen = [*required, *more]
        return {name: draw(values(members[name], depth + 1)) for name in chosen}

    return build()


def request_of(operation: OperationModel, params: dict[str, Any], protocol: str) -> tuple[HttpRequest, bytes]:
    """Return what botocore would send."""
    made = serialize.create_serializer(protocol, include_validation=False).serialize_to_request(params, operation)
    prepare_request_dict(made, ENDPOINT)
    body = made["body"]
    if isinstance(body, dict):
        body = urlencode(body, doseq=True)
    data = body.encode() if isinstance(body, str) else body
    url = urlsplit(made["url"])
    headers = {name.lower(): value for name, value in made["headers"].items()}
    return HttpRequest(made["method"], url.path, url.query, headers, BytesStream(data)), data


def result_of(operation: OperationModel, response: HttpResponse, protocol: str) -> dict[str, Any]:
    """Return what botocore makes of an answer."""
    streams = operation.has_streaming_output
    found: dict[str, Any] = parsers.create_parser(protocol).parse(
        {
            "status_code": response.status,
            "headers": HeadersDict(response.headers),
            "body": bytearray(response.body) if streams else response.body,  # botocore takes whatever isn't bytes for a stream
            "context": {"operation_name": operation.name},
        },
        operation.output_shape,
    )
    return found


def operations(*services: str) -> list[tuple[str, str]]:
    """Return (service, operation) of every operation of the services."""
    return [(name, operation) for name in services for operation in sorted(models.service(name).operation_names)]

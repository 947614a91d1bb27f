"""The other side of the wire: requests to an upstream that speaks AWS's protocols, and what its answers mean.

botocore is imported where it is needed, as in ``models``.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import msgspec

from lambent.domain.call import Params, Result
from lambent.domain.errors import AwsError
from lambent.wire import models
from lambent.wire.models import streaming_blob, traits

if TYPE_CHECKING:
    from botocore.model import StructureShape


class OutgoingRequest(msgspec.Struct, frozen=True):
    """A request to send, not signed yet."""

    method: str
    url: str
    headers: Mapping[str, str]  #: names as AWS writes them
    body: Any  #: bytes, or what was given for a streaming member


@cache
def _serializer(protocol: str) -> Any:
    from botocore.serialize import create_serializer  # noqa: PLC0415

    return create_serializer(protocol, include_validation=False)


@cache
def _parser(protocol: str) -> Any:
    from botocore.parsers import create_parser  # noqa: PLC0415

    return create_parser(protocol)


def build(service: str, operation: str, params: Params, endpoint: str) -> OutgoingRequest:
    """Return the request for ``endpoint`` (``http://host:port``). ``AwsError`` when the parameters can't be written."""
    from botocore.awsrequest import prepare_request_dict  # noqa: PLC0415
    from botocore.exceptions import BotoCoreError  # noqa: PLC0415

    model = models.service(service)
    try:
        made: dict[str, Any] = _serializer(model.upstream_protocol).serialize_to_request(dict(params), model.operation(operation))
    except (BotoCoreError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise AwsError("ValidationException", f"{service}:{operation} can't be sent on: {error}") from None
    made.pop("host_prefix", None)  # an upstream is one host, whatever AWS would put before its name
    prepare_request_dict(made, endpoint.rstrip("/"))
    body = made["body"]
    if isinstance(body, dict):
        body = urlencode(body, doseq=True)
    return OutgoingRequest(
        made["method"],
        made["url"],
        {name: str(value) for name, value in made["headers"].items()},
        body.encode() if isinstance(body, str) else body,
    )


def is_streaming_output(service: str, operation: str) -> bool:
    """Return whether a good answer's body is handed on as a stream; ``parse`` then takes an ``AsyncIterator`` for it."""
    return streaming_blob(models.service(service).operation(operation).output_shape) is not None


def parse(service: str, operation: str, status: int, headers: Mapping[str, str], body: Any) -> Result:
    """Return the operation's output; ``AwsError`` when the answer is an error, or isn't an answer at all (502)."""
    model = models.service(service)
    shape = model.operation(operation).output_shape
    if status < 300 and is_streaming_output(service, operation):
        # botocore takes bytes of a stream for text: it is given an empty body, and the stream is put in afterwards.
        found = _parsed(model, operation, status, headers, bytearray())
        return {**found, str(streaming_blob(shape)): body}
    if status < 300:
        payload = None if shape is None else traits(shape).get("payload")
        raw = shape is not None and payload is not None and shape.members[payload].type_name == "blob"
        return _parsed(model, operation, status, headers, _Raw(body) if raw else body)
    raise _error(model, operation, status, headers, body)


class _Raw(bytearray):
    """Bytes that botocore leaves alone."""


def _parsed(model: models.Service, operation: str, status: int, headers: Mapping[str, str], body: Any) -> dict[str, Any]:
    try:
        found = _read(model, operation, model.operation(operation).output_shape, status, headers, body)
    except ValueError as error:
        raise AwsError("BadGateway", f"the upstream of {model.name} answered {operation} with what can't be read: {error}", 502) from None
    found.pop("ResponseMetadata", None)
    return {name: bytes(value) if isinstance(value, _Raw) else value for name, value in found.items()}


def _error(model: models.Service, operation: str, status: int, headers: Mapping[str, str], body: Any) -> AwsError:
    found = _parsed(model, operation, status, headers, body)
    said = found.get("Error") or {}
    code, message = str(said.get("Code") or status), str(said.get("Message") or said.get("message") or "")
    members = {name: value for name, value in said.items() if name not in {"Code", "Message", "message", "Type", "QueryErrorCode"}}
    if code not in model.errors:
        code = str(said.get("QueryErrorCode") or code)  # SQS: the model's name, not the query protocol's
    shape = model.errors.get(code)
    if shape is not None:
        try:
            modelled = _read(model, operation, shape, status, headers, body)
            members |= {name: value for name, value in modelled.items() if name.lower() != "message" and name != "ResponseMetadata"}
        except ValueError:
            pass  # the code and the message are enough
    return AwsError(code, message, status, members=members)


def _read(
    model: models.Service, operation: str, shape: StructureShape | None, status: int, headers: Mapping[str, str], body: Any
) -> dict[str, Any]:
    """Return a shape's members as an answer has them. ``ValueError`` when it can't be read."""
    from botocore.awsrequest import HeadersDict  # noqa: PLC0415
    from botocore.parsers import ResponseParserError  # noqa: PLC0415

    response = {"status_code": status, "headers": HeadersDict(dict(headers)), "body": body, "context": {"operation_name": operation}}
    try:
        found: dict[str, Any] = _parser(model.upstream_protocol).parse(response, shape)
    except (ResponseParserError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise ValueError(str(error)) from error
    return found

"""Requests → parameters: the protocol is picked, the operation found, the input read and checked."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from lambent.domain.call import Params
from lambent.domain.errors import AwsError
from lambent.domain.http import ByteStream, HttpRequest
from lambent.wire import cbor, constraints, digests, forms, heads, kit, models, routing, sqs_query, xmltext
from lambent.wire.faults import Malformed, invalid, malformed, manner, unknown_operation
from lambent.wire.models import streaming_blob, traits

if TYPE_CHECKING:
    from botocore.model import OperationModel, StructureShape

Body: TypeAlias = "bytes | ByteStream"
_Read: TypeAlias = Callable[[HttpRequest, Body], dict[str, Any]]
_READ_WHOLE = frozenset({"lambda"})
"""Services whose streaming inputs are small (an event is at most 6 MB) and are wanted as bytes."""


class ParsedRequest(msgspec.Struct, frozen=True):
    """What a request asks for, and how the answer must be shaped."""

    service: str  #: botocore's service name
    operation: str
    params: Params
    protocol: str  #: ``rest-json``, ``json``, ``query`` …: what the request spoke
    content_type: str = ""  #: of a request in the ``json`` protocol, which answers in the same version
    head_only: bool = False  #: a HEAD request, whose answer has no body


def is_streaming_input(service: str, operation: str | None) -> bool:
    """Return whether ``parse`` wants the body as a stream, not as bytes."""
    return operation is not None and service not in _READ_WHOLE and _streams(service, operation)


@cache
def _streams(service: str, operation: str) -> bool:
    return streaming_blob(models.service(service).operation(operation).input_shape) is not None


def parse(service: str, request: HttpRequest, operation: str | None, body: Body, protocol: str = "") -> ParsedRequest:
    """Return the request's operation and parameters, by the model.

    ``operation`` is what ``route`` said, and ``protocol`` what ``protocol_of`` did; what is not given is found here. Raises ``AwsError`` in
    the service's own manner.
    """
    protocol = protocol or routing.protocol_of(models.service(service), request)
    try:
        if operation is None:
            operation = routing.route(service, request) or _action(models.service(service), protocol, body)
        read, check = _input(service, operation, protocol)
        params = read(request, body)
    except Malformed as fault:
        raise malformed(service, protocol, fault) from None
    if check is not None:
        problems: list[str] = []
        check(params, "", problems)
        if problems:
            raise _unfit(service, operation, protocol, params, problems)
    content_type = request.headers.get("content-type", "") if protocol == "json" else ""
    return ParsedRequest(service, operation, params, protocol, content_type, request.method == "HEAD")


def _action(model: models.Service, protocol: str, body: Body) -> str:
    name = forms.parse(body).get("Action", "") if isinstance(body, bytes) else ""
    if name not in model.operation_names:
        raise unknown_operation(model.name, protocol, name)
    return name


@cache
def _input(service: str, operation: str, protocol: str) -> tuple[_Read, constraints.Check | None]:
    """Return what reads an operation's input, and what checks it."""
    read = _vetted(service, operation, protocol, reader(service, operation, protocol))
    shape = models.service(service).operation(operation).input_shape
    if shape is None:
        return read, None
    kits = kit.of(service)
    return read, (kits.checker if manner(service, protocol).constraints else kits.presence_checker).of(shape)


def _vetted(service: str, operation: str, protocol: str, read: _Read) -> _Read:
    """Return what reads an input when the request is as the service wants all of them."""

    def read_sqs_form(request: HttpRequest, body: Body) -> dict[str, Any]:
        if sqs_query.is_misplaced(request, operation):
            raise unknown_operation(service, protocol, operation)
        return read(request, body)

    def read_s3(request: HttpRequest, body: Body) -> dict[str, Any]:
        if isinstance(body, bytes):
            digests.check(request, body)
        return read(request, body)

    if service == "s3":
        return read_s3
    return read_sqs_form if (service, protocol) == ("sqs", "query") else read


def _unfit(service: str, operation: str, protocol: str, params: Params, problems: list[str]) -> AwsError:
    """Return the error of an input that doesn't meet the model's constraints."""
    shape = models.service(service).operation(operation).input_shape
    assert shape is not None
    missing = constraints.missing(shape, params, scalars_only=manner(service, protocol).missing_scalars_only)
    return invalid(service, protocol, missing, problems, is_body=missing is not None and missing == traits(shape).get("payload"))


@cache
def reader(service: str, operation: str, protocol: str) -> _Read:
    """Return what reads an operation's input, without checking the model's constraints; raises ``Malformed``."""
    found = models.spoken(service, protocol).operation(operation)
    shape = found.input_shape
    if protocol in routing.REST:
        return _rest(service, found, protocol)
    if shape is None or not shape.members:
        return lambda request, body: {}
    kits = kit.of(service)
    if protocol == "json":
        read_json = kits.json_reader.of(shape)
        return lambda request, body: read_json(_or_nothing(from_json(whole(body))))
    if protocol == "smithy-rpc-v2-cbor":
        read_cbor = kits.cbor_reader.of(shape)
        return lambda request, body: read_cbor(cbor.decode(whole(body)) if body else {})
    read_form = (kits.ec2_reader if protocol == "ec2" else kits.form_reader).of(shape)
    if service == "sqs" and "QueueUrl" in shape.members:
        empty: dict[str, Any] = {"Entries": []} if "Entries" in shape.members else {}
        return lambda request, body: empty | _sent_to_a_queue(request, _form(request, whole(body), read_form))
    return lambda request, body: _form(request, whole(body), read_form)


def _sent_to_a_queue(request: HttpRequest, params: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters with the queue that a form was sent to. A form can't say that a list is empty."""
    url = sqs_query.addressed(request)
    return params if url is None else {"QueueUrl": url, **params}


def _form(request: HttpRequest, body: bytes, read: Callable[[forms.Node], Any]) -> dict[str, Any]:
    fields = forms.parse(request.query.encode()) if request.query else {}
    fields.update(forms.parse(body))
    found: dict[str, Any] = read(forms.tree(fields))
    return found


def _or_nothing(value: Any) -> Any:
    return {} if value is None else value


def whole(body: Body) -> bytes:
    """Return a body that was read before; a stream here is a mistake of the caller's."""
    if not isinstance(body, bytes):
        raise TypeError("this operation's body must be read before it is parsed: see is_streaming_input")
    return body


def from_json(data: bytes) -> Any:
    """Return the JSON value, ``None`` for nothing at all; ``Malformed`` when it isn't JSON."""
    if not data:
        return None
    try:
        return msgspec.json.decode(data)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise Malformed("Could not parse request body into json: it is not valid JSON") from None


def _rest(service: str, operation: OperationModel, protocol: str) -> _Read:
    fills, fill_from_query = heads.readers(operation)
    shape = operation.input_shape
    read_body = None if shape is None else _rest_body(service, shape, protocol)

    def read(request: HttpRequest, body: Body) -> dict[str, Any]:
        params: dict[str, Any] = {}
        for fill in fills:
            fill(request, params)
        if fill_from_query is not None and request.query:
            fill_from_query(request, params)
        if read_body is not None:
            read_body(body, params)
        return params

    return read


def _rest_body(service: str, shape: StructureShape, protocol: str) -> Callable[[Body, dict[str, Any]], None] | None:
    payload = traits(shape).get("payload")
    kits = kit.of(service)
    if payload is not None:
        member = shape.members[payload]
        if member.type_name in {"blob", "string"}:
            return _raw_payload(payload, text=member.type_name == "string")
        read_json, read_xml = kits.json_reader.of(member), kits.xml_reader.of(member)

        def fill_payload(body: Body, params: dict[str, Any]) -> None:
            data = whole(body)
            if data:
                params[payload] = read_json(from_json(data)) if protocol == "rest-json" else read_xml(xmltext.parse(data))

        return fill_payload
    members = heads.body_members(shape)
    if not members:
        return None
    json_members, xml_members = kits.json_reader.members(shape, members), kits.xml_reader.members(shape, members)

    def fill_members(body: Body, params: dict[str, Any]) -> None:
        data = whole(body)
        if protocol == "rest-json":
            params.update(json_members(_or_nothing(from_json(data))))
        elif data:
            params.update(xml_members(xmltext.parse(data)))

    return fill_members


def _raw_payload(payload: str, *, text: bool) -> Callable[[Body, dict[str, Any]], None]:
    def fill(body: Body, params: dict[str, Any]) -> None:
        if not text:
            if body or not isinstance(body, bytes):
                params[payload] = body
            return
        try:
            decoded = whole(body).decode()
        except UnicodeDecodeError:
            raise Malformed("The body is not UTF-8") from None
        if decoded:
            params[payload] = decoded

    return fill

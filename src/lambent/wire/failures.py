"""Errors → answers, as the protocol of the request shapes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from lambent.domain.errors import AwsError
from lambent.domain.http import HttpResponse
from lambent.wire import cbor, heads, kit, models, sqs_query
from lambent.wire.models import error_trait, traits
from lambent.wire.serialising import XML_HEAD, host_id, request_id_headers
from lambent.wire.xmltext import escaped

if TYPE_CHECKING:
    from botocore.model import StructureShape


def serialise_error(service: str, protocol: str, error: AwsError, request_id: str, operation: str | None) -> HttpResponse:
    """Return the answer for an error; a HEAD operation's has no body."""
    model = models.spoken(service, protocol)
    shape = model.errors.get(error.code)
    response = HttpResponse(_status(error, shape), request_id_headers(service, request_id))
    heads.writer(shape)(error.members, response.headers)
    if protocol in {"query", "ec2"}:
        _query(model, error, shape, request_id, response, ec2=protocol == "ec2")
    elif protocol == "rest-xml":
        _xml(model, error, shape, request_id, response)
    else:
        _structured(model, protocol, error, shape, response)
    response.headers.update({name.lower(): heads.clean(value) for name, value in error.headers.items()})
    if _is_head(model, operation) or response.status == 304:
        response.body = b""
    return response


def _status(error: AwsError, shape: StructureShape | None) -> int:
    """The error's own status wins; where it is the default, the model's."""
    if shape is None or error.status != 400:
        return error.status
    return int(error_trait(shape).get("httpStatusCode", error.status))


def _is_head(model: models.Service, operation: str | None) -> bool:
    return operation in model.operation_names and model.operation(str(operation)).http.get("method") == "HEAD"


def _members(model: models.Service, protocol: str, error: AwsError, shape: StructureShape | None, status: int) -> dict[str, Any]:
    """Return the body's members: the message under the shape's own spelling, and the type of fault where it is modelled."""
    values: dict[str, Any] = dict(error.members)
    if shape is None:
        return {"message": error.message, **{name: value for name, value in values.items() if _plain(value)}}
    message = next((name for name in shape.members if name.lower() == "message"), "message")
    values.setdefault(message, error.message)
    if "Type" in shape.members:
        values.setdefault("Type", "User" if status < 500 else "Service")
        if values["Type"] is None:  # the service says that AWS leaves it out here
            del values["Type"]
    kits = kit.of(model.name)
    writer = kits.cbor_writer if protocol == "smithy-rpc-v2-cbor" else kits.json_writer
    body: dict[str, Any] = writer.members(shape, heads.body_members(shape))(values)
    body.setdefault(message, error.message)
    return body


def _plain(value: object) -> bool:
    return isinstance(value, str | int | float | bool | list | dict)


def _structured(model: models.Service, protocol: str, error: AwsError, shape: StructureShape | None, response: HttpResponse) -> None:
    name = error.code if shape is None else shape.name
    old_codes, json_names = (sqs_query.CODES, sqs_query.JSON_NAMES) if model.name == "sqs" else ({}, {})
    body = _members(model, protocol, error, shape, response.status)
    headers = response.headers
    if model.query_compatible:
        code = old_codes.get(name) or (name if shape is None else error_trait(shape).get("code", name))
        headers["x-amzn-query-error"] = f"{code};{'Sender' if response.status < 500 else 'Receiver'}"
    name = json_names.get(name, name)
    if protocol == "smithy-rpc-v2-cbor":
        headers |= {"content-type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}
        response.body = cbor.encode({"__type": _qualified(model, name), **body})
        return
    headers["x-amzn-errortype"] = heads.clean(_qualified(model, name) if model.query_compatible else name)
    if protocol == "rest-json":
        headers["content-type"] = "application/json"
    else:
        headers["content-type"] = f"application/x-amz-json-{model.json_version}"
        body = {"__type": _qualified(model, name), **body}
    response.body = msgspec.json.encode(body)


def _qualified(model: models.Service, name: str) -> str:
    """DynamoDB and SQS say the namespace of an error's shape too; clients cut it off."""
    if model.name in {"dynamodb", "dynamodbstreams"}:
        own = "com.amazonaws.dynamodb.v20120810" if name in model.errors else "com.amazon.coral.service"
        return f"{own if name != 'ValidationException' else 'com.amazon.coral.validate'}#{name}"
    return f"com.amazonaws.{model.name}#{name}" if model.query_compatible else name


def _code(error: AwsError, shape: StructureShape | None) -> str:
    return error.code if shape is None else str(error_trait(shape).get("code", error.code))


def _more(model: models.Service, error: AwsError, shape: StructureShape | None) -> str:
    """Return further members as elements."""
    out: list[str] = []
    for name, value in error.members.items():
        member = None if shape is None else shape.members.get(name)
        if name.lower() == "message" or (member is not None and "location" in traits(member)):
            continue
        if member is not None:
            kit.of(model.name).xml_writer.of(member)(value, name, out)
        elif isinstance(value, str | int | float):
            out.append(f"<{name}>{escaped(str(value))}</{name}>")
    return "".join(out)


def _query(
    model: models.Service, error: AwsError, shape: StructureShape | None, request_id: str, response: HttpResponse, *, ec2: bool
) -> None:
    text = error.message if shape is None or model.name != "sqs" else sqs_query.TEXTS.get(shape.name, error.message)
    code, message = escaped(_code(error, shape)), escaped(text)
    response.headers["content-type"] = "text/xml"
    if error.code == "UnknownOperationException":
        response.body = b"<UnknownOperationException/>"
        return
    if ec2:
        fault = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
        text = f"<Response><Errors>{fault}</Errors><RequestID>{request_id}</RequestID></Response>"
    else:
        xmlns = model.metadata.get("xmlNamespace") or ""
        fault = "Sender" if response.status < 500 else "Receiver"
        detail = "<Detail/>" if model.name == "sqs" else ""
        text = (
            f'<ErrorResponse xmlns="{xmlns}"><Error><Type>{fault}</Type><Code>{code}</Code><Message>{message}</Message>{detail}'
            f"{_more(model, error, shape)}</Error><RequestId>{request_id}</RequestId></ErrorResponse>"
        )
    response.body = text.encode()


def _xml(model: models.Service, error: AwsError, shape: StructureShape | None, request_id: str, response: HttpResponse) -> None:
    if model.name != "s3":
        _query(model, error, shape, request_id, response, ec2=False)
        return
    response.headers["content-type"] = "application/xml"
    text = (
        f"<Error><Code>{escaped(_code(error, shape))}</Code><Message>{escaped(error.message)}</Message>{_more(model, error, shape)}"
        f"<RequestId>{request_id}</RequestId><HostId>{host_id(request_id)}</HostId></Error>"
    )
    response.body = (XML_HEAD + text).encode()

"""Results → answers, as the protocol of the request shapes them."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec

from lambent.domain.call import Result
from lambent.domain.http import Body, HttpResponse
from lambent.wire import cbor, eventstream, heads, kit, models
from lambent.wire.models import event_stream, is_structure, traits, wire_name
from lambent.wire.parsing import ParsedRequest
from lambent.wire.routing import REST
from lambent.wire.xmltext import escaped

if TYPE_CHECKING:
    from botocore.model import OperationModel, StructureShape

Fill: TypeAlias = Callable[[Result, HttpResponse, str], None]
"""Writes a result (and the request's id) into an answer."""

XML_HEAD: Final = '<?xml version="1.0" encoding="UTF-8"?>\n'
S3_XMLNS: Final = "http://s3.amazonaws.com/doc/2006-03-01/"
_S3_ROOTS: Final = {
    "CompleteMultipartUpload": "CompleteMultipartUploadResult",
    "CreateMultipartUpload": "InitiateMultipartUploadResult",
    "CreateSession": "CreateSessionResult",
    "DeleteObjects": "DeleteResult",
    "GetBucketAccelerateConfiguration": "AccelerateConfiguration",
    "GetBucketAcl": "AccessControlPolicy",
    "GetBucketCors": "CORSConfiguration",
    "GetBucketLifecycle": "LifecycleConfiguration",
    "GetBucketLifecycleConfiguration": "LifecycleConfiguration",
    "GetBucketLogging": "BucketLoggingStatus",
    "GetBucketRequestPayment": "RequestPaymentConfiguration",
    "GetBucketTagging": "Tagging",
    "GetBucketVersioning": "VersioningConfiguration",
    "GetBucketWebsite": "WebsiteConfiguration",
    "GetObjectAcl": "AccessControlPolicy",
    "GetObjectAttributes": "GetObjectAttributesResponse",
    "GetObjectTagging": "Tagging",
    "ListBucketAnalyticsConfigurations": "ListBucketAnalyticsConfigurationResult",
    "ListBuckets": "ListAllMyBucketsResult",
    "ListDirectoryBuckets": "ListAllMyDirectoryBucketsResult",
    "ListMultipartUploads": "ListMultipartUploadsResult",
    "ListObjectVersions": "ListVersionsResult",
    "ListObjects": "ListBucketResult",
    "ListObjectsV2": "ListBucketResult",
    "ListParts": "ListPartsResult",
}
_RAW_TYPES: Final = {"lambda": "application/json", "s3": "binary/octet-stream"}
_BODILESS: Final = frozenset({204, 304})


def request_id_headers(service: str, request_id: str) -> dict[str, str]:
    """Return the headers by which the service names the request."""
    if service == "s3":
        return {"x-amz-request-id": request_id, "x-amz-id-2": host_id(request_id), "server": "AmazonS3"}
    return {"x-amzn-requestid": request_id}


def host_id(request_id: str) -> str:
    """Return S3's second id of a request."""
    return base64.b64encode(hashlib.sha384(request_id.encode()).digest()).decode()


def serialise(parsed: ParsedRequest, result: Result, request_id: str) -> HttpResponse:
    """Return the answer. ``$status`` and ``$headers`` of the result come last and win."""
    response = HttpResponse(200, request_id_headers(parsed.service, request_id))
    _writer(parsed.service, parsed.operation, parsed.protocol)(result, response, request_id)
    if parsed.protocol == "json" and response.headers["content-type"] == "application/json":
        response.headers["content-type"] = parsed.content_type or f"application/x-amz-json-{models.service(parsed.service).json_version}"
    if "$status" in result:
        response.status = result["$status"]
    if "$headers" in result:
        response.headers.update({name.lower(): heads.clean(value) for name, value in result["$headers"].items()})
    if parsed.head_only or response.status in _BODILESS:
        response.body = b""
    return response


@cache
def _writer(service: str, operation: str, protocol: str) -> Fill:
    model = models.spoken(service, protocol)
    found = model.operation(operation)
    shape = found.output_shape
    streamed = event_stream(shape)
    if shape is not None and streamed is not None:
        return _event_stream(service, shape, protocol, streamed)
    if protocol in REST:
        return _rest(service, found, protocol)
    if protocol == "json":
        to_json = None if shape is None else kit.of(service).json_writer.of(shape)
        return lambda result, response, _: _json(response, {} if to_json is None else to_json(result))
    if protocol == "smithy-rpc-v2-cbor":
        to_cbor = None if shape is None else kit.of(service).cbor_writer.of(shape)
        return lambda result, response, _: _cbor(response, {} if to_cbor is None else to_cbor(result))
    return _query(model, found, ec2=protocol == "ec2")


def _json(response: HttpResponse, value: Any) -> None:
    response.headers["content-type"] = "application/json"
    response.body = msgspec.json.encode(value)


def _cbor(response: HttpResponse, value: Any) -> None:
    response.headers |= {"content-type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}
    response.body = cbor.encode(value)


def _query(model: models.Service, operation: OperationModel, *, ec2: bool) -> Fill:
    name, shape = operation.name, operation.output_shape
    xmlns = model.metadata.get("xmlNamespace", "")
    members = None if shape is None else kit.of(model.name).xml_writer.members(shape, list(shape.members))
    wrapper = None if shape is None else traits(shape).get("resultWrapper")

    def fill(result: Result, response: HttpResponse, request_id: str) -> None:
        out = [f'<{name}Response xmlns="{xmlns}">']
        if ec2:
            out.append(f"<requestId>{request_id}</requestId>")
        begin = len(out)
        if members is not None:
            members(result, out)
        if wrapper and len(out) == begin:
            out.append(f"<{wrapper}/>")
        elif wrapper:
            out.insert(begin, f"<{wrapper}>")
            out.append(f"</{wrapper}>")
        if not ec2:
            out.append(f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>")
        out.append(f"</{name}Response>")
        response.headers["content-type"] = "text/xml"
        response.body = "".join(out).encode()

    return fill


def _rest(service: str, operation: OperationModel, protocol: str) -> Fill:
    shape = operation.output_shape
    usual_status = int(operation.http.get("responseCode", 200))
    emit = heads.writer(shape)
    status_member = _status_member(shape)
    body = _rest_body(service, operation, protocol)

    def fill(result: Result, response: HttpResponse, request_id: str) -> None:
        del request_id
        response.status = usual_status if status_member is None else result.get(status_member) or usual_status
        if body is not None:
            body(result, response)
        emit(result, response.headers)

    return fill


def _status_member(shape: StructureShape | None) -> str | None:
    members = {} if shape is None else shape.members
    return next((name for name, member in members.items() if traits(member).get("location") == "statusCode"), None)


def _rest_body(service: str, operation: OperationModel, protocol: str) -> Callable[[Result, HttpResponse], None] | None:
    shape = operation.output_shape
    if shape is None:
        return None
    payload = traits(shape).get("payload")
    if payload is None:
        return _rest_members(service, operation.name, shape, protocol)
    member = shape.members[payload]
    if member.type_name in {"blob", "string"}:
        return _raw(payload, _RAW_TYPES.get(service, "application/octet-stream"))
    if protocol == "rest-json":
        to_json = kit.of(service).json_writer.of(member)
        return lambda result, response: _json(response, to_json(result.get(payload) or {}))
    root = str(traits(member).get("name") or member.name)
    to_xml = kit.of(service).xml_writer.of(member)

    def fill(result: Result, response: HttpResponse) -> None:
        out: list[str] = []
        to_xml(result.get(payload) or {}, root, out)
        if service == "s3" and out:
            out[0] = out[0].replace(f"<{root}", f'<{root} xmlns="{S3_XMLNS}"', 1)
        _xml(response, "".join(out))

    return fill


def _xml(response: HttpResponse, text: str) -> None:
    response.headers["content-type"] = "application/xml"
    response.body = (XML_HEAD + text).encode()


def _raw(payload: str, content_type: str) -> Callable[[Result, HttpResponse], None]:
    def fill(result: Result, response: HttpResponse) -> None:
        body: Body | str = result.get(payload) or b""
        response.headers["content-type"] = content_type
        response.body = body.encode() if isinstance(body, str) else body

    return fill


def _rest_members(service: str, operation: str, shape: StructureShape, protocol: str) -> Callable[[Result, HttpResponse], None] | None:
    members = heads.body_members(shape)
    if protocol == "rest-json":
        to_json = kit.of(service).json_writer.members(shape, members)
        return lambda result, response: _json(response, to_json(result))
    if not members:
        return None
    if (service, operation) == ("s3", "GetBucketLocation"):
        return _bucket_location
    root = _S3_ROOTS.get(operation, operation + "Result") if service == "s3" else wire_name(shape, shape.name)
    xmlns = S3_XMLNS if service == "s3" else models.service(service).metadata.get("xmlNamespace") or ""
    write = kit.of(service).xml_writer.members(shape, members)

    def fill(result: Result, response: HttpResponse) -> None:
        out = [f'<{root} xmlns="{xmlns}">' if xmlns else f"<{root}>"]
        write(result, out)
        out.append(f"</{root}>")
        _xml(response, "".join(out))

    return fill


def xml_document(root: str, members: Mapping[str, str]) -> bytes:
    """Return a flat document that no model describes."""
    inner = "".join(f"<{name}>{escaped(text)}</{name}>" for name, text in members.items())
    return f"{XML_HEAD}<{root}>{inner}</{root}>".encode()


def _bucket_location(result: Result, response: HttpResponse) -> None:
    """S3 answers with the bare region, which the model doesn't show; nothing at all stands for us-east-1."""
    _xml(response, f'<LocationConstraint xmlns="{S3_XMLNS}">{result.get("LocationConstraint") or ""}</LocationConstraint>')


def _event_stream(service: str, shape: StructureShape, protocol: str, streamed: str) -> Fill:
    member = shape.members[streamed]
    assert is_structure(member)
    encoder = eventstream.Encoder(service, member, protocol)
    rest = protocol in REST
    emit = heads.writer(shape if rest else None, skip=frozenset({"content-type"}))
    status_member = _status_member(shape)
    _, others = eventstream.body_encoder(service, shape, protocol, shape.name) if not rest else ("", None)

    def fill(result: Result, response: HttpResponse, request_id: str) -> None:
        del request_id
        response.headers["content-type"] = eventstream.CONTENT_TYPE
        if status_member is not None and result.get(status_member):
            response.status = result[status_member]
        emit(result, response.headers)
        first = b""
        if others is not None:
            first = eventstream.initial_response(protocol, others({name: each for name, each in result.items() if name != streamed}))
        response.body = encoder.stream(result.get(streamed) or _nothing(), first)

    return fill


async def _nothing() -> AsyncIterator[Mapping[str, Any]]:
    nothing: tuple[Mapping[str, Any], ...] = ()
    for event in nothing:
        yield event

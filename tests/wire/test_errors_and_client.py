"""Errors as botocore reads them, in every protocol; and the client's side of the wire."""

from __future__ import annotations

from typing import Any

import pytest
from botocore import parsers
from botocore.awsrequest import HeadersDict

from lambent import wire
from lambent.domain.errors import AwsError
from lambent.domain.http import BytesStream, HttpRequest
from lambent.wire import client, models
from lambent.wire.client import OutgoingRequest

CASES = [
    ("lambda", "rest-json", "GetFunction", "ResourceNotFoundException", 404),
    ("lambda", "rest-json", "GetFunction", "NobodyModelledThis", 418),
    ("s3", "rest-xml", "GetObject", "NoSuchKey", 404),
    ("s3", "rest-xml", "GetObject", "SlowDown", 503),
    ("logs", "json", "CreateLogGroup", "ResourceAlreadyExistsException", 400),
    ("dynamodb", "json", "PutItem", "ConditionalCheckFailedException", 400),
    ("sns", "query", "Publish", "AuthorizationError", 403),
    ("cloudwatch", "smithy-rpc-v2-cbor", "PutMetricData", "LimitExceeded", 400),
    ("ec2", "ec2", "RunInstances", "InvalidAMIID.NotFound", 400),
]


@pytest.mark.parametrize(("service", "protocol", "operation", "code", "status"), CASES)
def test_errors_as_botocore_reads_them(service: str, protocol: str, operation: str, code: str, status: int) -> None:
    response = wire.serialise_error(service, protocol, AwsError(code, "it <is> so", status), "request-1", operation)
    found: dict[str, Any] = parsers.create_parser(protocol).parse(
        {"status_code": response.status, "headers": HeadersDict(response.headers), "body": response.body, "context": {}},
        models.service(service).operation(operation).output_shape,
    )
    assert response.status == status
    assert (found["Error"]["Code"], found["Error"]["Message"]) == (code, "it <is> so")
    assert found["ResponseMetadata"]["RequestId"] == "request-1"


@pytest.mark.parametrize(("service", "protocol", "operation", "code", "status"), CASES)
def test_errors_of_an_upstream(service: str, protocol: str, operation: str, code: str, status: int) -> None:
    del protocol
    spoken = models.service(service).upstream_protocol
    response = wire.serialise_error(service, spoken, AwsError(code, "so", status), "request-1", operation)
    with pytest.raises(AwsError) as caught:
        client.parse(service, operation, response.status, response.headers, response.body)
    assert (caught.value.code, caught.value.message, caught.value.status) == (code, "so", status)


def test_sqs_says_the_old_code_too() -> None:
    response = wire.serialise_error("sqs", "json", AwsError("QueueDoesNotExist", "none"), "id", "SendMessage")
    assert response.headers["x-amzn-query-error"] == "AWS.SimpleQueueService.NonExistentQueue;Sender"
    with pytest.raises(AwsError) as caught:
        client.parse("sqs", "SendMessage", response.status, response.headers, response.body)
    assert caught.value.code == "QueueDoesNotExist"


@pytest.mark.parametrize(
    ("code", "query_code", "json_name", "status"),
    [
        ("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist", 400),
        ("QueueNameExists", "QueueAlreadyExists", "QueueNameExists", 400),
        ("PurgeQueueInProgress", "AWS.SimpleQueueService.PurgeQueueInProgress", "PurgeQueueInProgress", 403),
        ("InvalidParameterValue", "InvalidParameterValue", "InvalidParameterValueException", 400),
        ("MissingParameter", "MissingParameter", "MissingRequiredParameterException", 400),
        ("ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid", 404),
    ],
)
def test_sqs_in_both_protocols(code: str, query_code: str, json_name: str, status: int) -> None:
    for protocol in ("query", "json"):
        response = wire.serialise_error("sqs", protocol, AwsError(code, "so", status), "id", "SendMessage")
        found = parsers.create_parser(protocol).parse(
            {"status_code": response.status, "headers": HeadersDict(response.headers), "body": response.body, "context": {}},
            models.spoken("sqs", protocol).operation("SendMessage").output_shape,
        )
        said = "The specified queue does not exist for this wsdl version." if code == "QueueDoesNotExist" and protocol == "query" else "so"
        assert response.status == status
        assert found["Error"]["Message"] == said
        assert found["Error"].get("QueryErrorCode", json_name) == json_name
        if protocol == "query":
            assert (found["Error"]["Code"], found["Error"]["Type"]) == (query_code, "Sender")
        else:
            assert response.headers["x-amzn-query-error"] == f"{query_code};Sender"


def test_head_has_no_body() -> None:
    assert wire.serialise_error("s3", "rest-xml", AwsError("NoSuchKey", "none", 404), "id", "HeadObject").body == b""
    parsed = wire.ParsedRequest("s3", "HeadObject", {}, "rest-xml", head_only=True)
    response = wire.serialise(parsed, {"ContentLength": 7, "Metadata": {"a": "b\r\nx: y"}, "$headers": {"X-Own": "1"}}, "id")
    assert (response.body, response.headers["content-length"], response.headers["x-own"]) == (b"", "7", "1")
    assert response.headers["x-amz-meta-a"] == "b  x: y"


def test_status_override() -> None:
    parsed = wire.ParsedRequest("s3", "GetObject", {}, "rest-xml")
    assert wire.serialise(parsed, {"Body": b"part", "$status": 206}, "id").status == 206


def test_bucket_location() -> None:
    parsed = wire.ParsedRequest("s3", "GetBucketLocation", {}, "rest-xml")
    body = wire.serialise(parsed, {"LocationConstraint": "eu-west-1"}, "id").body
    assert isinstance(body, bytes)
    assert body.endswith(b'<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/">eu-west-1</LocationConstraint>')


def received(sent: OutgoingRequest) -> HttpRequest:
    path, _, query = sent.url.removeprefix("http://up:1").partition("?")
    return HttpRequest(sent.method, path, query, {name.lower(): value for name, value in sent.headers.items()}, BytesStream(sent.body))


@pytest.mark.parametrize(
    ("service", "operation", "params", "result"),
    [
        ("lambda", "Invoke", {"FunctionName": "f", "Payload": b"{}"}, {"StatusCode": 200, "Payload": b"\xff", "ExecutedVersion": "1"}),
        ("s3", "GetObject", {"Bucket": "b", "Key": "a b/c"}, {"Body": b"\xff\xfe", "ContentLength": 2, "ContentType": "x/y"}),
        ("logs", "CreateLogGroup", {"logGroupName": "g"}, {}),
        ("dynamodb", "GetItem", {"TableName": "ttt", "Key": {"a": {"S": "b"}}}, {"Item": {"a": {"L": [{"B": b"\0"}]}}}),
        ("sts", "GetCallerIdentity", {}, {"Account": "1", "UserId": "u", "Arn": "a"}),
        ("cloudwatch", "DeleteAlarms", {"AlarmNames": ["a"]}, {}),
    ],
)
def test_client_and_server_understand_each_other(service: str, operation: str, params: dict[str, Any], result: dict[str, Any]) -> None:
    sent = client.build(service, operation, params, "http://up:1/")
    parsed = wire.parse(service, received(sent), None, sent.body)
    assert (parsed.operation, parsed.params) == (operation, params)
    response = wire.serialise(parsed, result, "id")
    found = client.parse(service, operation, response.status, response.headers, response.body)
    assert {name: value for name, value in found.items() if value != {}} == result


def test_an_upstream_that_talks_nonsense() -> None:
    with pytest.raises(AwsError) as caught:
        client.parse("s3", "ListBuckets", 200, {}, b"<html>")
    assert (caught.value.code, caught.value.status) == ("BadGateway", 502)


def test_streams() -> None:
    assert wire.is_streaming_input("s3", "PutObject")
    assert not wire.is_streaming_input("s3", "PutBucketTagging")
    assert not wire.is_streaming_input("lambda", "Invoke")
    assert not wire.is_streaming_input("sns", None)
    stream = BytesStream(b"data")
    request = HttpRequest("PUT", "/b/k", "", {}, stream)
    assert wire.parse("s3", request, "PutObject", stream).params["Body"] is stream
    assert client.is_streaming_output("s3", "GetObject")

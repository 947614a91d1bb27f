"""Whatever comes in, the wire answers with AWS's error and never with another exception."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.wire import oracle

from lambent import wire
from lambent.domain.errors import AwsError
from lambent.domain.http import BytesStream, HttpRequest
from lambent.wire import cbor, models
from lambent.wire.eventstream import unframe
from lambent.wire.faults import Malformed

FUZZ = settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
JSONISH = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
BODIES = st.binary(max_size=60) | JSONISH.map(lambda value: json.dumps(value).encode()) | st.text(max_size=40).map(str.encode)


def request(method: str, path: str, query: str = "", headers: dict[str, str] | None = None) -> HttpRequest:
    return HttpRequest(method, path, query, headers or {}, BytesStream(b""))


def refused(service: str, asked: HttpRequest, body: bytes = b"") -> AwsError:
    with pytest.raises(AwsError) as caught:
        wire.parse(service, asked, None, body)
    return caught.value


CREATE = request("POST", "/2015-03-31/functions")
LOGS = request("POST", "/", headers={"x-amz-target": "Logs_20140328.CreateLogGroup", "content-type": "application/x-amz-json-1.1"})
QUERY = {"content-type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    ("service", "asked", "body", "code", "status"),
    [
        ("lambda", CREATE, b"{", "SerializationException", 400),
        ("lambda", CREATE, b"[]", "SerializationException", 400),
        ("lambda", CREATE, b'{"MemorySize":"x"}', "SerializationException", 400),
        ("lambda", CREATE, b'{"Code":{"ZipFile":"?"}}', "SerializationException", 400),
        ("lambda", CREATE, b"[" * 100_000, "SerializationException", 400),
        ("lambda", CREATE, b"{}", "ValidationException", 400),
        ("lambda", request("GET", "/nowhere"), b"", "UnknownOperationException", 404),
        ("logs", LOGS, b'{"logGroupName":""}', "InvalidParameterException", 400),
        ("logs", LOGS, b'{"logGroupName":1}', "SerializationException", 400),
        ("logs", request("POST", "/", headers={"x-amz-target": "Logs_20140328.Nothing"}), b"{}", "UnknownOperationException", 400),
        ("s3", request("PUT", "/bucket", "tagging"), b"<Tagging>", "MalformedXML", 400),
        ("s3", request("PUT", "/bucket", "tagging"), b"<!DOCTYPE a []><a/>", "MalformedXML", 400),
        ("s3", request("PUT", "/bucket", "tagging"), b"<a>" * 5000, "MalformedXML", 400),
        ("s3", request("POST", "/bucket", "delete"), b"", "MissingRequestBodyError", 400),
        ("s3", request("POST", "/bucket", "delete"), b"<Delete/>", "MalformedXML", 400),
        ("s3", request("POST", "/bucket", "delete"), b"<Delete><Object/></Delete>", "MalformedXML", 400),
        ("logs", LOGS, b"[]", "SerializationException", 400),
        ("s3", request("GET", "/bucket", "list-type=2&max-keys=many"), b"", "InvalidArgument", 400),
        ("s3", request("PATCH", "/bucket"), b"", "MethodNotAllowed", 405),
        ("sns", request("POST", "/", headers=QUERY), b"Action=Nothing", "InvalidAction", 400),
        ("sns", request("POST", "/", headers=QUERY), b"\xff\xfe", "MalformedInput", 400),
        ("sns", request("POST", "/", headers=QUERY), b"Action=Publish&MessageAttributes.entry.x.Name=1", "MalformedInput", 400),
        ("cloudwatch", request("POST", "/service/GraniteServiceVersion20100801/operation/PutMetricData"), b"\xff", "MalformedInput", 400),
        ("sqs", request("POST", "/", headers={"x-amz-target": "AmazonSQS.SendMessage"}), b"{}", "MissingParameter", 400),
    ],
)
def test_aws_code_for_what_is_wrong(service: str, asked: HttpRequest, body: bytes, code: str, status: int) -> None:
    error = refused(service, asked, body)
    assert (error.code, error.status) == (code, status)


def test_texts_of_constraints_are_aws_own() -> None:
    body = json.dumps({"FunctionName": "f", "Role": "r", "Code": {}, "MemorySize": 1, "Architectures": ["x"], "Layers": [None]}).encode()
    said = refused("lambda", CREATE, body).message
    assert said.startswith("4 validation errors detected: ")
    assert "Value '1' at 'memorySize' failed to satisfy constraint: Member must have value greater than or equal to 128" in said
    assert "Value '[x]' at 'architectures' failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy enum" in said
    assert "Value null at 'layers.1.member' failed to satisfy constraint: Member must not be null" in said
    assert refused("logs", LOGS, b"{}").message == (
        "1 validation error detected: Value null at 'logGroupName' failed to satisfy constraint: Member must not be null"
    )


def test_some_values_are_shown_as_aws_own_classes_are_or_not_at_all() -> None:
    def said(operation: str, body: dict[str, Any]) -> str:
        asked = request("POST", "/", headers={"x-amz-target": f"Logs_20140328.{operation}"})
        return refused("logs", asked, json.dumps(body).encode()).message

    assert said("DescribeLogStreams", {"logGroupIdentifier": "a:*"}) == (
        "1 validation error detected: Value at 'logGroupIdentifier' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: [\\w#+=/:,.@-]*"
    )
    metric = {"metricName": "m", "metricNamespace": "n", "metricValue": "1"}
    shown = "MetricTransformation(metricName=m, metricNamespace=n, metricValue=1, defaultValue=null, unit=null, dimensions=null)"
    filters = {"logGroupName": "g", "filterName": "f", "filterPattern": "", "metricTransformations": [metric, metric]}
    assert f"Value '[{shown}, {shown}]' at 'metricTransformations' failed" in said("PutMetricFilter", filters)


OPERATIONS = [
    ("lambda", "CreateFunction"),
    ("lambda", "Invoke"),
    ("s3", "PutBucketLifecycleConfiguration"),
    ("s3", "DeleteObjects"),
    ("s3", "ListObjectsV2"),
    ("logs", "PutLogEvents"),
    ("dynamodb", "PutItem"),
    ("sns", "Publish"),
    ("iam", "CreateRole"),
    ("cloudwatch", "PutMetricData"),
    ("ec2", "RunInstances"),
]


@pytest.mark.parametrize(("service", "name"), OPERATIONS)
def test_fuzzed_requests_are_read_or_refused(service: str, name: str) -> None:
    operation = models.service(service).operation(name)
    assert operation.input_shape is not None
    shape = operation.input_shape

    @FUZZ
    @given(st.data(), BODIES, st.text(max_size=10), st.integers(0, 1 << 16))
    def check(data: st.DataObject, junk: bytes, text: str, place: int) -> None:
        params: dict[str, Any] = data.draw(oracle.structures(shape))
        for protocol in models.service(service).protocols:
            good, body = oracle.request_of(operation, params, protocol)
            cut = place % (len(body) + 1)
            spoilt = HttpRequest(good.method, good.raw_path, good.query + f"&{text}=%ff", {**good.headers, "x-amz-meta-a": text}, good.body)
            for asked, sent in ((good, junk), (good, body[:cut]), (good, body[:cut] + junk + body[cut:]), (spoilt, body)):
                try:
                    parsed = wire.parse(service, asked, None, sent)
                except AwsError as error:
                    assert 400 <= error.status < 500
                    answer = wire.serialise_error(service, protocol, error, "request-1", name)
                    assert answer.status == error.status
                else:
                    assert parsed.service == service

    check()


@FUZZ
@given(st.binary(max_size=80))
def test_fuzzed_cbor_and_frames(data: bytes) -> None:
    for read in (cbor.decode, unframe):
        with contextlib.suppress(Malformed):
            read(data)


@FUZZ
@given(JSONISH.filter(lambda value: "inf" not in repr(value) and "nan" not in repr(value)))
def test_cbor_round_trip(value: Any) -> None:
    def small(each: Any) -> Any:
        if isinstance(each, dict):
            return {key: small(inner) for key, inner in each.items()}
        if isinstance(each, list):
            return [small(inner) for inner in each]
        return each % (1 << 64) if isinstance(each, int) and not isinstance(each, bool) else each

    assert cbor.decode(cbor.encode(small(value))) == small(value)


@FUZZ
@given(
    st.sampled_from(["lambda", "s3"]), st.sampled_from(["GET", "PUT", "POST", "DELETE", "HEAD"]), st.text(max_size=20), st.text(max_size=12)
)
def test_fuzzed_paths(service: str, method: str, path: str, query: str) -> None:
    try:
        wire.parse(service, request(method, "/" + path, query), None, b"")
    except AwsError as error:
        assert 400 <= error.status < 500


def test_faults_are_said_in_the_models_order_whatever_the_order_of_the_members() -> None:
    asked = request("POST", "/", headers={"x-amz-target": "AWSEvents.PutRule", "content-type": "application/x-amz-json-1.1"})
    members = ['"Name":"?"', '"ScheduleExpression":"' + "x" * 300 + '"', '"State":"odd"', '"Description":"' + "x" * 600 + '"']
    forwards, backwards = (
        refused("events", asked, f"{{{','.join(each)}}}".encode()).message for each in (members, list(reversed(members)))
    )
    assert forwards == backwards
    assert forwards.startswith("4 validation errors detected")
    places = [forwards.index(f"at '{name}'") for name in ("name", "scheduleExpression", "state", "description")]
    assert places == sorted(places)


def test_what_a_path_says_is_each_requests_own() -> None:
    asked = request("POST", "/2015-03-31/functions/f/invocations")
    first = wire.parse("lambda", asked, "Invoke", b"1", "rest-json").params
    assert isinstance(first, dict)
    first["FunctionName"] = "other"
    first["Qualifier"] = "1"
    with_header = request("POST", asked.raw_path, headers={"x-amz-invocation-type": "Event", "x-amz-log-type": "Tail"})
    found = wire.parse("lambda", with_header, "Invoke", b"", "rest-json").params
    assert found == {"FunctionName": "f", "InvocationType": "Event", "LogType": "Tail"}
    assert wire.parse("lambda", asked, "Invoke", b"2", "rest-json").params == {"FunctionName": "f", "Payload": b"2"}
    assert wire.parse("lambda", asked, "InvokeWithResponseStream", b"", "rest-json").params == {"FunctionName": "f"}


def test_a_path_that_cannot_be_read_is_refused_each_time() -> None:
    for _ in range(2):
        assert refused("lambda", request("GET", "/2015-03-31/functions/%FF")).code == "SerializationException"

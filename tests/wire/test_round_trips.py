"""botocore serialises → we parse → equal; we serialise → botocore parses → equal; for every operation."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.model import StructureShape
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.wire import oracle

from lambent import wire
from lambent.wire import models, parsing

NATIVE = ("lambda", "s3", "logs", "sqs", "sns", "events", "scheduler")
OTHERS = ("dynamodb", "iam", "sts", "cloudwatch")
BRIEF = settings(
    max_examples=2, deadline=None, database=None, suppress_health_check=list(HealthCheck), derandomize=True, report_multiple_bugs=False
)
ALL = [
    each
    for each in oracle.operations(*NATIVE, *OTHERS)
    if each[1] not in {"GetBucketNotification", "PutBucketNotification"}  # deprecated: two of their members have one tag
]
TWINS = {  # operations that only their bodies' owners can tell apart: the newer one is meant
    "GetBucketLifecycle": "GetBucketLifecycleConfiguration",
    "GetBucketNotification": "GetBucketNotificationConfiguration",
    "ListDirectoryBuckets": "ListBuckets",
    "PutBucketLifecycle": "PutBucketLifecycleConfiguration",
    "PutBucketNotification": "PutBucketNotificationConfiguration",
}


def plain(value: Any) -> Any:
    """Return the value as it is compared: no empty collections, times in UTC, approximate numbers."""
    if isinstance(value, dict):
        found = {key: plain(each) for key, each in value.items() if each is not None}
        return {key: each for key, each in found.items() if each not in ({}, [], "", b"")}
    if isinstance(value, list | tuple):
        return [each for each in map(plain, value) if each not in ({}, [], "", b"")]
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    return pytest.approx(value) if isinstance(value, float) else value


def protocols(service: str) -> list[str]:
    """Return what the service speaks: SQS more than its model says."""
    return [*models.service(service).protocols, *(["query"] if service == "sqs" else [])]


@pytest.mark.parametrize(("service", "name"), ALL)
def test_what_botocore_sends_is_what_we_read(service: str, name: str) -> None:
    operation = models.service(service).operation(name)

    @BRIEF
    @given(st.data())
    def check(data: st.DataObject) -> None:
        params = {} if operation.input_shape is None else data.draw(oracle.structures(operation.input_shape))
        for protocol in protocols(service):
            request, body = oracle.request_of(models.spoken(service, protocol).operation(name), params, protocol)
            assert wire.protocol_of(models.service(service), request) == protocol
            assert wire.route(service, request) in {name, TWINS.get(name), None}
            found = parsing.reader(service, name, protocol)(request, body)
            assert plain(found) == plain(params)

    check()


@pytest.mark.parametrize(("service", "name"), ALL)
def test_what_we_write_is_what_botocore_reads(service: str, name: str) -> None:
    operation = models.service(service).operation(name)
    shape = operation.output_shape
    if not isinstance(shape, StructureShape) or operation.has_event_stream_output or name == "GetBucketLocation":
        return

    @BRIEF
    @given(oracle.structures(shape))
    def check(result: dict[str, Any]) -> None:
        for protocol in protocols(service):
            parsed = wire.ParsedRequest(service, name, {}, protocol)
            response = wire.serialise(parsed, result, "request-1")
            found = oracle.result_of(models.spoken(service, protocol).operation(name), response, protocol)
            assert found.pop("ResponseMetadata")["RequestId"] == "request-1"
            for member, each in shape.members.items():
                if each.serialization.get("location") == "statusCode":
                    assert found.pop(member) == response.status
                elif isinstance(found.get(member), bytearray):
                    found[member] = bytes(found[member])
                elif member == "ContentType" and member not in result:
                    found.pop(member, None)  # a streamed body always says what it is
            assert plain(found) == plain(result)

    check()

"""Event streams as botocore reads them: Lambda's response stream, a live tail, S3 Select."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from botocore import parsers
from botocore.awsrequest import HeadersDict
from botocore.exceptions import EventStreamError

from lambent import wire
from lambent.domain.errors import AwsError
from lambent.wire import models


class Raw:
    """What botocore reads a stream from."""

    def __init__(self, chunks: list[bytes]) -> None:
        self._chunks = chunks

    def stream(self) -> list[bytes]:
        return self._chunks

    def close(self) -> None:
        pass


async def given_events(events: list[dict[str, Any]], error: AwsError | None = None) -> AsyncIterator[dict[str, Any]]:
    for event in events:
        yield event
    if error is not None:
        raise error


async def read(service: str, operation: str, result: dict[str, Any]) -> dict[str, Any]:
    model = models.service(service)
    response = wire.serialise(wire.ParsedRequest(service, operation, {}, model.protocol), result, "id")
    assert response.headers["content-type"] == "application/vnd.amazon.eventstream"
    assert not isinstance(response.body, bytes)
    chunks = [chunk async for chunk in response.body]
    answer = {
        "status_code": response.status,
        "headers": HeadersDict(response.headers),
        "body": Raw(chunks),
        "context": {"operation_name": operation},
    }
    found: dict[str, Any] = parsers.create_parser(model.protocol).parse(answer, model.operation(operation).output_shape)
    return found


async def test_lambda_response_stream() -> None:
    events = [{"PayloadChunk": {"Payload": b"one"}}, {"PayloadChunk": {"Payload": b"\xff"}}, {"InvokeComplete": {"LogResult": "bG9n"}}]
    found = await read(
        "lambda", "InvokeWithResponseStream", {"StatusCode": 200, "ExecutedVersion": "7", "EventStream": given_events(events)}
    )
    assert found["ExecutedVersion"] == "7"
    assert found["StatusCode"] == 200
    assert list(found["EventStream"]) == events


async def test_live_tail_begins_with_the_initial_response() -> None:
    events = [
        {"sessionStart": {"sessionId": "s", "logGroupIdentifiers": ["g"]}},
        {"sessionUpdate": {"sessionMetadata": {"sampled": False}, "sessionResults": [{"message": "m", "timestamp": 5}]}},
    ]
    found = await read("logs", "StartLiveTail", {"responseStream": given_events(events)})
    assert list(found["responseStream"]) == events


async def test_s3_select() -> None:
    events = [
        {"Records": {"Payload": b"a,b\n"}},
        {"Cont": {}},
        {"Stats": {"Details": {"BytesScanned": 4, "BytesProcessed": 4, "BytesReturned": 4}}},
        {"End": {}},
    ]
    found = await read("s3", "SelectObjectContent", {"Payload": given_events(events)})
    assert list(found["Payload"]) == events


@pytest.mark.parametrize("code", ["SessionTimeoutException", "SomethingElse"])
async def test_an_error_ends_the_stream(code: str) -> None:
    found = await read("logs", "StartLiveTail", {"responseStream": given_events([], AwsError(code, "too long"))})
    with pytest.raises(EventStreamError, match="too long") as caught:
        list(found["responseStream"])
    assert caught.value.response["Error"]["Code"] == code

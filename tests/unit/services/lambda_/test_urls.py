"""Function URLs: who may use one, the event, the answer, browsers."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec.structs import replace
from tests.unit.services.lambda_.conftest import Bench

from lambent.domain.caller import Caller
from lambent.domain.http import BytesStream, HttpRequest, HttpResponse, read_all
from lambent.domain.invocations import FunctionError, InvocationResult
from lambent.services.lambda_ import url_cors, url_responses
from lambent.services.lambda_.url_serving import FunctionUrls

PUBLIC = {"Action": "lambda:InvokeFunctionUrl", "Principal": "*", "FunctionUrlAuthType": "NONE", "StatementId": "public"}


def handler_of(bench: Bench) -> FunctionUrls:
    return next(each for each in bench.service.raw_handlers if isinstance(each, FunctionUrls))


async def ask(bench: Bench, url_id: str, path: str = "/", *, method: str = "GET", body: bytes = b"", **headers: str) -> HttpResponse:
    sent = {"host": f"{url_id}.lambda-url.us-east-1.localhost:4566"} | {name.replace("_", "-"): value for name, value in headers.items()}
    raw_path, _, query = path.partition("?")
    request = HttpRequest(method, raw_path, query, sent, BytesStream(body), "10.0.0.1")
    assert handler_of(bench).claims(request)
    return await handler_of(bench).handle(request)


async def create_url(bench: Bench, **params: Any) -> str:
    await bench.create()
    made = await bench.call("CreateFunctionUrlConfig", **{"FunctionName": "f", "AuthType": "NONE"} | params)
    return str(made["FunctionUrl"]).removeprefix("http://").partition(".")[0]


async def test_an_open_url_needs_a_statement_that_opens_it(bench: Bench) -> None:
    url_id = await create_url(bench)
    assert (await ask(bench, url_id)).status == 403
    await bench.call("AddPermission", FunctionName="f", **PUBLIC)
    assert (await ask(bench, url_id)).status == 200
    await bench.call("UpdateFunctionUrlConfig", FunctionName="f", AuthType="AWS_IAM")
    bench.url_caller = Caller.root("999999999999")
    assert (await ask(bench, url_id)).status == 403, "the statement is for unsigned requests"


async def test_a_signed_url_knows_its_own_account(bench: Bench) -> None:
    url_id = await create_url(bench, AuthType="AWS_IAM")
    assert (await ask(bench, url_id)).status == 200
    event = json.loads(bench.invoker.seen[-1][1].payload)
    assert event["requestContext"]["authorizer"]["iam"]["accountId"] == "123456789012"


async def test_a_signed_url_asks_the_policies_of_its_own_account(bench: Bench) -> None:
    url_id = await create_url(bench, AuthType="AWS_IAM")
    bench.roles.denied = {("lambda", "InvokeFunctionUrl")}
    assert (await ask(bench, url_id)).status == 403
    [asked] = bench.roles.asked
    assert asked.caller == bench.url_caller
    assert asked.params == {"FunctionName": "arn:aws:lambda:us-east-1:123456789012:function:f", "FunctionUrlAuthType": "AWS_IAM"}


async def test_the_event_tells_the_request(bench: Bench) -> None:
    url_id = await create_url(bench)
    await bench.call("AddPermission", FunctionName="f", **PUBLIC)
    response = await ask(
        bench, url_id, "/a%20b?q=1&q=%2F2&e=", method="POST", body=b"{}", content_type="application/json", cookie="a=1; b=2"
    )
    _, invocation = bench.invoker.seen[-1]
    event = json.loads(invocation.payload)
    assert (event["version"], event["rawPath"], event["rawQueryString"]) == ("2.0", "/a%20b", "q=1&q=%2F2&e=")
    assert event["queryStringParameters"] == {"q": "1,/2", "e": ""}
    assert (event["cookies"], event["body"], event["isBase64Encoded"]) == (["a=1", "b=2"], "{}", False)
    context = event["requestContext"]
    assert context["http"] == {"method": "POST", "path": "/a b", "protocol": "HTTP/1.1", "sourceIp": "10.0.0.1", "userAgent": ""}
    assert context["requestId"] == invocation.request_id == response.headers["x-amzn-requestid"]
    assert event["headers"]["x-forwarded-for"] == "10.0.0.1"


@pytest.mark.parametrize(
    ("kind", "body", "encoded"),
    [
        ("text/plain", "é".encode(), False),
        ("application/vnd.api+json", b"{}", False),
        ("application/x-www-form-urlencoded", b"a=b", True),
        ("text/plain", b"\xff", True),
        ("image/png", b"x", True),
        ("", b"x", True),
    ],
)
async def test_only_text_is_passed_on_as_it_is(bench: Bench, kind: str, body: bytes, encoded: bool) -> None:
    url_id = await create_url(bench, AuthType="AWS_IAM")
    await ask(bench, url_id, method="POST", body=body, content_type=kind)
    assert json.loads(bench.invoker.seen[-1][1].payload)["isBase64Encoded"] is encoded


async def test_a_url_goes_with_its_configuration(bench: Bench) -> None:
    url_id = await create_url(bench, AuthType="AWS_IAM")
    assert (await ask(bench, url_id)).status == 200
    await bench.call("DeleteFunctionUrlConfig", FunctionName="f")
    gone = await ask(bench, url_id)
    assert (gone.status, gone.body) == (403, b'{"Message":null}')
    assert (await ask(bench, "0" * 32)).status == 403


async def test_a_failing_function_is_a_bad_gateway(bench: Bench) -> None:
    url_id = await create_url(bench, AuthType="AWS_IAM")
    bench.invoker.result = InvocationResult(b'{"errorMessage":"secret"}', "$LATEST", FunctionError.UNHANDLED)
    response = await ask(bench, url_id)
    assert (response.status, response.body) == (502, b"Internal Server Error")


async def test_browsers_are_answered_by_the_configuration(bench: Bench) -> None:
    cors = {"AllowOrigins": ["https://a.example"], "AllowMethods": ["GET"], "MaxAge": 5}
    url_id = await create_url(bench, AuthType="AWS_IAM", Cors=cors)
    asked = {"origin": "https://a.example", "access_control_request_method": "GET"}
    response = await ask(bench, url_id, method="OPTIONS", **asked)
    assert response.headers["access-control-allow-methods"] == "GET"
    assert bench.invoker.seen == []
    other = await ask(bench, url_id, origin="https://b.example")
    assert "access-control-allow-origin" not in other.headers


@pytest.mark.parametrize(
    ("payload", "status", "body"),
    [
        (b'"text"', 200, b"text"),
        ('{"a": 1, "ü": [true, null]}'.encode(), 200, '{"a":1,"ü":[true,null]}'.encode()),
        (b"not json", 200, b"not json"),
        (b'{"statusCode": 201, "body": {"a": 1}}', 201, b'{"a":1}'),
        (b'{"statusCode": "404", "body": "gone"}', 404, b"gone"),
        (b'{"statusCode": 200, "body": "AAE=", "isBase64Encoded": true}', 200, b"\x00\x01"),
        (b'{"statusCode": 200, "body": "!", "isBase64Encoded": true}', 502, b"Internal Server Error"),
        (b'{"statusCode": 99}', 502, b"Internal Server Error"),
        (b'{"statusCode": 1e400}', 502, b"Internal Server Error"),
        (b'{"statusCode": NaN}', 502, b"Internal Server Error"),
        (b"[" * 100_000, 200, b"[" * 100_000),
        (b'{"statusCode": 200, "headers": {"a b": "c"}}', 502, b"Internal Server Error"),
        (b'{"statusCode": 200, "headers": {"a": "b\\r\\nc: d"}}', 502, b"Internal Server Error"),
        (b'{"statusCode": 202}' + b"\0" * 8 + b"rest", 202, b"rest"),
    ],
)
def test_results_become_answers(payload: bytes, status: int, body: bytes) -> None:
    response = url_responses.answer_of(payload)
    assert (response.status, response.body) == (status, body)


def test_headers_that_belong_to_the_connection_are_renamed() -> None:
    given = {"Date": "x", "Transfer-Encoding": "chunked", "X-A": True}
    response = url_responses.head_of({"statusCode": 200, "headers": given, "cookies": ["a=1", "b=2"]})
    assert response is not None
    assert response.headers == {"content-type": "application/json", "x-amzn-remapped-date": "x", "x-a": "true"}
    assert response.cookies == ("a=1", "b=2")


async def pieces(*given: bytes) -> AsyncIterator[bytes]:
    for each in given:
        yield each


async def test_a_streamed_head_may_come_in_any_pieces() -> None:
    head = b'{"statusCode": 203, "headers": {"a": "b"}}' + b"\0" * 8
    response = await url_responses.streamed(pieces(head[:10], head[10:-3], head[-3:] + b"x", b"y"), url_responses.HEADED)
    assert (response.status, response.headers["a"]) == (203, "b")
    assert not isinstance(response.body, bytes)
    assert await read_all(response.body) == b"xy"
    broken = await url_responses.streamed(pieces(b"no head"), url_responses.HEADED)
    assert broken.status == 502


def test_any_origin_with_credentials_is_told_its_own_name() -> None:
    request = HttpRequest("GET", "/", "", {"origin": "https://x"}, BytesStream(b""))
    assert url_cors.origin_headers({"AllowOrigins": ["*"]}, request)["access-control-allow-origin"] == "*"
    told = url_cors.origin_headers({"AllowOrigins": ["*"], "AllowCredentials": True}, request)
    assert told["access-control-allow-origin"] == "https://x"


async def test_streamed_mode_is_asked_of_the_engine(bench: Bench) -> None:
    url_id = await create_url(bench, AuthType="AWS_IAM", InvokeMode="RESPONSE_STREAM")
    bench.invoker.result = replace(bench.invoker.result, payload=pieces(b"a", b"b"), content_type="text/plain")
    response = await ask(bench, url_id)
    assert bench.invoker.seen[-1][1].streamed
    assert not isinstance(response.body, bytes)
    assert await read_all(response.body) == b"ab"

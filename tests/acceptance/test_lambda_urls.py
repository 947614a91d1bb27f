"""Function URLs with ordinary HTTP clients against a real server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from tests.acceptance.conftest import RunningServer
from tests.acceptance.lambda_kit import NODE, create, package

ANSWERS = """
def handler(event, context):
    path = event["rawPath"]
    if path == "/text": return "text"
    if path == "/made": return {"statusCode": 201, "headers": {"X-Made": "by hand", "content-type": "text/html"},
                                "cookies": ["a=1", "b=2; Path=/"], "body": "<p>"}
    if path == "/bytes": return {"statusCode": 200, "isBase64Encoded": True, "body": "AAEC", "headers": {"content-type": "x/y"}}
    if path == "/raise": raise ValueError("as asked")
    if path == "/id": return context.aws_request_id
    return event
"""
OPEN = {"StatementId": "url", "Action": "lambda:InvokeFunctionUrl", "Principal": "*", "FunctionUrlAuthType": "NONE"}


@pytest.fixture(scope="module")
def functions(server: RunningServer) -> Any:
    return server.client("lambda")


@pytest.fixture(scope="module")
def http(server: RunningServer) -> Iterator[httpx.Client]:
    """A client that finds every host of the server, whatever the machine's resolver knows."""
    with httpx.Client(base_url=server.url, trust_env=False, timeout=30) as client:
        yield client


def open_url(functions: Any, name: str, **params: Any) -> str:
    """Give a function a URL that everybody may use; return its host."""
    made = functions.create_function_url_config(FunctionName=name, AuthType="NONE", **params)
    functions.add_permission(FunctionName=name, **OPEN)
    return str(made["FunctionUrl"]).split("/")[2]


@pytest.fixture(scope="module")
def host(functions: Any) -> str:
    return open_url(functions, create(functions, ANSWERS))


def test_the_event(http: httpx.Client, host: str) -> None:
    answer = http.post(
        "/pa%2Fth/1?q=query&multi=foo&multi=%2Fbar", headers={"host": host, "Extra": "CapS", "cookie": "a=1; b=2"}, json={"foo": "bar"}
    )
    event = answer.json()
    assert (event["version"], event["routeKey"], event["rawPath"]) == ("2.0", "$default", "/pa%2Fth/1")
    assert event["rawQueryString"] == "q=query&multi=foo&multi=%2Fbar"
    assert event["queryStringParameters"] == {"q": "query", "multi": "foo,/bar"}
    assert event["cookies"] == ["a=1", "b=2"]
    assert json.loads(event["body"]) == {"foo": "bar"}
    assert event["isBase64Encoded"] is False
    assert event["headers"]["extra"] == "CapS"
    assert {"x-forwarded-for", "x-forwarded-proto", "x-forwarded-port", "x-amzn-trace-id", "host"} <= event["headers"].keys()
    context = event["requestContext"]
    assert (context["accountId"], context["stage"], context["domainPrefix"]) == ("anonymous", "$default", host.partition(".")[0])
    assert (context["http"]["method"], context["http"]["path"]) == ("POST", "/pa/th/1")  # decoded, unlike the raw path
    assert http.post("/", headers={"host": host}, data={"a": "b"}).json()["isBase64Encoded"] is True
    assert "body" not in http.get("/", headers={"host": host}).json()


def test_answers(http: httpx.Client, host: str) -> None:
    text = http.get("/text", headers={"host": host})
    assert (text.status_code, text.text, text.headers["content-type"]) == (200, "text", "application/json")
    made = http.get("/made", headers={"host": host})
    assert (made.status_code, made.text, made.headers["x-made"], made.headers["content-type"]) == (201, "<p>", "by hand", "text/html")
    assert made.headers.get_list("set-cookie") == ["a=1", "b=2; Path=/"]
    assert http.get("/bytes", headers={"host": host}).content == b"\x00\x01\x02"
    failed = http.get("/raise", headers={"host": host})
    assert (failed.status_code, failed.text) == (502, "Internal Server Error")
    told = http.get("/id", headers={"host": host})
    assert told.text == told.headers["x-amzn-requestid"]


def test_every_address_of_a_url(http: httpx.Client, host: str) -> None:
    url_id = host.partition(".")[0]
    for other in (f"{url_id}.lambda-url.us-east-1.on.aws", f"{url_id}.lambda-url.us-east-1.localhost.localstack.cloud:4566"):
        assert http.get("/text", headers={"host": other}).text == "text"
    assert http.get(f"/_lambent/url/{url_id}/a/b?c=d").json()["rawPath"] == "/a/b"
    gone = http.get("/", headers={"host": f"{'0' * 32}.lambda-url.us-east-1.localhost"})
    assert (gone.status_code, gone.json(), gone.headers["x-amzn-errortype"]) == (403, {"Message": None}, "AccessDeniedException")


def test_an_open_url_needs_a_permission(functions: Any, http: httpx.Client) -> None:
    name = create(functions, ANSWERS)
    host = str(functions.create_function_url_config(FunctionName=name, AuthType="NONE")["FunctionUrl"]).split("/")[2]
    assert http.get("/text", headers={"host": host}).json() == {"Message": "Forbidden"}
    functions.add_permission(FunctionName=name, **OPEN)
    assert http.get("/text", headers={"host": host}).status_code == 200
    functions.delete_function(FunctionName=name)
    assert http.get("/text", headers={"host": host}).status_code == 403


def test_a_signed_url(functions: Any, http: httpx.Client) -> None:
    name = create(functions, ANSWERS)
    host = str(functions.create_function_url_config(FunctionName=name, AuthType="AWS_IAM")["FunctionUrl"]).split("/")[2]
    assert http.get("/text", headers={"host": host}).status_code == 403

    def signed(path: str, key: str, body: bytes = b"") -> httpx.Response:
        request = AWSRequest("POST", f"http://{host}{path}", headers={"host": host, "content-type": "text/plain"}, data=body)
        SigV4Auth(Credentials(key, "secret"), "lambda", "us-east-1").add_auth(request)
        return http.post(path, headers=dict(request.headers), content=body)

    assert signed("/text", "test").text == "text"
    event = signed("/", "test", b"body").json()
    assert (event["body"], event["requestContext"]["accountId"]) == ("body", "000000000000")
    assert event["requestContext"]["authorizer"]["iam"]["userArn"] == "arn:aws:iam::000000000000:root"
    assert signed("/text", "123456789012").status_code == 403
    functions.add_permission(FunctionName=name, **{**OPEN, "Principal": "123456789012", "FunctionUrlAuthType": "AWS_IAM"})
    assert signed("/text", "123456789012").text == "text"


def test_an_alias_has_a_url_of_its_own(functions: Any, http: httpx.Client) -> None:
    name = create(functions, "def handler(e, c): return c.invoked_function_arn", Publish=True)
    arn = functions.create_alias(FunctionName=name, Name="live", FunctionVersion="1")["AliasArn"]
    host = str(functions.create_function_url_config(FunctionName=name, Qualifier="live", AuthType="NONE")["FunctionUrl"]).split("/")[2]
    functions.add_permission(FunctionName=name, Qualifier="live", **OPEN)
    assert http.get("/", headers={"host": host}).text == arn


def test_browsers(functions: Any, http: httpx.Client) -> None:
    rules = {
        "AllowOrigins": ["https://a.example"],
        "AllowMethods": ["GET"],
        "AllowHeaders": ["x-own"],
        "MaxAge": 60,
        "ExposeHeaders": ["x-made"],
    }
    host = open_url(functions, create(functions, ANSWERS), Cors=rules)
    asked = {"host": host, "origin": "https://a.example", "access-control-request-method": "GET", "access-control-request-headers": "x-own"}
    preflight = http.options("/", headers=asked)
    assert preflight.headers["access-control-allow-origin"] == "https://a.example"
    assert preflight.headers["access-control-allow-methods"] == "GET"
    assert preflight.headers["access-control-max-age"] == "60"
    answer = http.get("/text", headers={"host": host, "origin": "https://a.example"})
    assert (answer.text, answer.headers["access-control-expose-headers"]) == ("text", "x-made")
    other = http.get("/text", headers={"host": host, "origin": "https://b.example"})
    assert "access-control-allow-origin" not in other.headers


def test_streams(functions: Any, http: httpx.Client, host: str) -> None:
    source = (
        "export const handler = awslambda.streamifyResponse(async (event, stream) => {\n"
        "  if (event.rawPath === '/head') stream = awslambda.HttpResponseStream.from(stream,\n"
        "    {statusCode: 202, headers: {'content-type': 'text/x', 'x-made': '1'}, cookies: ['a=1']});\n"
        "  for (const part of ['one ', 'two ', 'three']) { stream.write(part); await new Promise(done => setTimeout(done, 50)); }\n"
        "  stream.end();\n})"
    )
    name = create(functions, package({"app.mjs": source}), Runtime=NODE)
    streamed = open_url(functions, name, InvokeMode="RESPONSE_STREAM")
    with http.stream("GET", "/", headers={"host": streamed}) as answer:
        assert "content-length" not in answer.headers
        pieces = list(answer.iter_bytes())
    assert b"".join(pieces) == b"one two three"
    headed = http.get("/head", headers={"host": streamed})
    assert (headed.status_code, headed.text, headed.headers["x-made"]) == (202, "one two three", "1")
    assert headed.headers["set-cookie"] == "a=1"
    functions.update_function_url_config(FunctionName=name, InvokeMode="BUFFERED")
    assert http.get("/", headers={"host": streamed}).text == "one two three"


def test_limits(functions: Any, http: httpx.Client, host: str) -> None:
    assert http.post("/", headers={"host": host, "content-type": "text/plain"}, content=b"x" * (6 * 1024 * 1024 + 200)).status_code == 413
    name = create(functions, ANSWERS)
    throttled = open_url(functions, name)
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    answer = http.get("/text", headers={"host": throttled})
    assert (answer.status_code, answer.headers["x-amzn-errortype"]) == (429, "TooManyRequestsException")

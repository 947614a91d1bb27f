"""The path of a request through the gateway, with a cloud that only remembers what it was asked."""

from __future__ import annotations

import gc
import json
import weakref
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from msgspec.structs import replace

from lambent.base.clock import VirtualClock
from lambent.base.ids import SeededIds
from lambent.domain.call import Call, Result
from lambent.domain.caller import Caller, CallerKind
from lambent.domain.errors import AwsError
from lambent.domain.http import BytesStream, HttpRequest, HttpResponse, read_all
from lambent.domain.quotas import Quotas
from lambent.gateway.app import Gateway
from lambent.gateway.authentication import Identity
from lambent.gateway.health import Health

USER = Caller(CallerKind.USER, "111122223333", "arn:aws:iam::111122223333:user/u", "AKIAUSER")


class Cloud:
    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.serve: Callable[[Call], Result] = lambda call: {}

    async def call(self, call: Call) -> Result:
        self.calls.append(call)
        body = call.params.get("Body")
        if body is not None and not isinstance(body, bytes):
            body = await read_all(body)
            self.calls[-1] = replace(call, params={**call.params, "Body": body})
        return self.serve(call)


class Keys:
    def find(self, access_key_id: str) -> Identity | None:
        return {
            "test": Identity(Caller.root()),
            "AKIAUSER": Identity(USER, "secret"),
            "ASIAROLE": Identity(USER, "secret", "token"),
            "ASIAOLD": Identity(USER, "secret", "token", 1.0),
            "ASIAOWN": Identity(USER, "secret", "token", begun_by="ASIAOWN"),
            "ASIABEGUN": Identity(USER, "secret", "token", begun_by="ASIAOWN"),
        }.get(access_key_id)

    def trusts(self, request: HttpRequest) -> bool:
        return "x-foreign" not in request.headers


class Fixture:
    def __init__(self, **quotas: int) -> None:
        self.cloud = Cloud()
        clock = VirtualClock(datetime.now(UTC).timestamp())
        health = Health(lambda: {"services": {"lambda": "native"}})
        self.gateway = Gateway(self.cloud, Keys(), [health], clock, SeededIds(), replace(Quotas(), **quotas), "eu-north-1")

    async def send(self, request: HttpRequest) -> HttpResponse:
        return await self.gateway.answer(request)


@pytest.fixture
def edge() -> Fixture:
    return Fixture()


def signed(
    service: str = "logs",
    method: str = "POST",
    path: str = "/",
    body: bytes = b"{}",
    headers: Mapping[str, str] | None = None,
    *,
    keys: tuple[str, ...] = ("test", "test"),
) -> HttpRequest:
    if service == "logs":
        headers = {"X-Amz-Target": "Logs_20140328.DescribeLogGroups", "Content-Type": "application/x-amz-json-1.1", **(headers or {})}
    request = AWSRequest(method, "http://localhost:4566" + path, headers=dict(headers or {}), data=body)
    signer = S3SigV4Auth if service == "s3" else SigV4Auth
    signer(Credentials(*keys), service, "us-west-2").add_auth(request)
    prepared = request.prepare()
    parts = urlsplit(prepared.url)
    found = {k.lower(): v.decode() if isinstance(v, bytes) else v for k, v in prepared.headers.items()}
    return HttpRequest(method, parts.path, parts.query, {"host": parts.netloc, **found}, BytesStream(body))


async def test_a_call_reaches_the_cloud_with_its_caller(edge: Fixture) -> None:
    edge.cloud.serve = lambda call: {"logGroups": [{"logGroupName": "g"}]}
    response = await edge.send(signed(body=b'{"limit": 3}', keys=("AKIAUSER", "secret")))
    assert response.status == 200
    assert isinstance(response.body, bytes)
    assert json.loads(response.body) == {"logGroups": [{"logGroupName": "g"}]}
    assert response.headers["x-amzn-requestid"]
    assert response.headers["date"].endswith("GMT")
    [call] = edge.cloud.calls
    assert (call.service, call.operation, call.params) == ("logs", "DescribeLogGroups", {"limit": 3})
    assert (call.caller, call.account_id, call.region, call.host) == (USER, "111122223333", "us-west-2", "localhost:4566")


@pytest.mark.parametrize(
    ("keys", "code"),
    [
        (("AKIAUSER", "wrong"), "InvalidSignatureException"),
        (("AKIANOBODY", "x"), "UnrecognizedClientException"),
        (("ASIAROLE", "secret"), "UnrecognizedClientException"),
        (("ASIAROLE", "secret", "other"), "UnrecognizedClientException"),
        (("ASIAOLD", "secret", "token"), "ExpiredTokenException"),
    ],
)
async def test_who_is_not_believed_is_turned_away(edge: Fixture, keys: tuple[str, ...], code: str) -> None:
    response = await edge.send(signed(keys=keys))
    assert response.status == 400
    assert code.encode() in response.body  # type: ignore[operator]
    assert not edge.cloud.calls


async def test_temporary_credentials_are_believed(edge: Fixture) -> None:
    assert (await edge.send(signed(keys=("ASIAROLE", "secret", "token")))).status == 200


@pytest.mark.parametrize(("key", "inside"), [("ASIAOWN", "ASIAOWN"), ("ASIABEGUN", "ASIAOWN"), ("ASIABEGUN", None), ("test", None)])
async def test_inside_an_environment_its_own_sessions_count(edge: Fixture, key: str, inside: str | None) -> None:
    keys = (key, "secret", "token") if key.startswith("ASIA") else (key, "test")
    assert (await edge.send(replace(signed(keys=keys), environment_key=inside))).status == 200


@pytest.mark.parametrize("inside", ["", "ASIANEW", "ASIABEGUN"])
@pytest.mark.parametrize("key", ["test", "AKIAUSER", "ASIAROLE", "ASIAOWN", "ASIABEGUN"])
async def test_and_nobody_elses(edge: Fixture, key: str, inside: str) -> None:
    keys = (key, "secret", "token") if key.startswith("ASIA") else (key, "secret")
    response = await edge.send(replace(signed(keys=keys), environment_key=inside))
    assert b"UnrecognizedClientException" in response.body  # type: ignore[operator]
    assert not edge.cloud.calls


async def test_a_changed_body_is_refused(edge: Fixture) -> None:
    request = signed(keys=("AKIAUSER", "secret"))
    response = await edge.send(replace(request, body=BytesStream(b'{"limit": 9}')))
    assert b"InvalidSignatureException" in response.body  # type: ignore[operator]
    assert not edge.cloud.calls


@pytest.mark.parametrize(
    ("service", "path", "member", "code"),
    [("s3", "/bucket/key", "Body", "InvalidRequest"), ("mediastore-data", "/key", "Body", "InvalidSignatureException")],
)
async def test_a_body_that_is_streamed_is_as_it_was_signed(edge: Fixture, service: str, path: str, member: str, code: str) -> None:
    def sent(secret: str, body: bytes) -> HttpRequest:
        request = AWSRequest("PUT", "http://localhost:4566" + path, data=b"data")
        SigV4Auth(Credentials("AKIAUSER", secret), service, "us-west-2").add_auth(request)
        headers = {"host": "localhost:4566", **{name.lower(): value for name, value in request.headers.items()}}
        return HttpRequest("PUT", path, "", headers, BytesStream(body))

    for secret, body in [("wrong", b"data"), ("secret", b"other"), ("wrong", b"")]:
        response = await edge.send(sent(secret, body))
        assert response.status in {400, 403}
        assert isinstance(response.body, bytes)
        assert not body or code.encode() in response.body + response.headers.get("x-amzn-errortype", "").encode()
    assert edge.cloud.calls == []
    if service != "s3":
        assert (await edge.send(sent("secret", b"data"))).status == 200
        assert edge.cloud.calls[0].params[member] == b"data"


async def test_unsigned_requests_are_anonymous_to_s3_and_refused_elsewhere(edge: Fixture) -> None:
    bare = HttpRequest("GET", "/bucket/key", "", {"host": "localhost:4566"}, BytesStream(b""))
    await edge.send(bare)
    assert edge.cloud.calls[0].caller == Caller.anonymous()
    response = await edge.send(replace(bare, raw_path="/2015-03-31/functions"))
    assert (response.status, response.headers["x-amzn-errortype"]) == (403, "MissingAuthenticationTokenException")
    form = {"host": "localhost", "content-type": "application/x-www-form-urlencoded"}
    body = b"Action=GetCallerIdentity&Version=2011-06-15"
    response = await edge.send(HttpRequest("POST", "/", "", form, BytesStream(body)))
    assert response.status == 403
    assert b"<Code>MissingAuthenticationToken</Code>" in response.body  # type: ignore[operator]
    assert len(edge.cloud.calls) == 1


async def test_operations_that_need_no_signature_are_served(edge: Fixture) -> None:
    form = {"host": "localhost", "content-type": "application/x-www-form-urlencoded"}
    body = b"Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn:aws:iam::000000000000:role/r&RoleSessionName=s1&WebIdentityToken=abcdef"
    assert (await edge.send(HttpRequest("POST", "/", "", form, BytesStream(body)))).status == 200
    assert edge.cloud.calls[0].operation == "AssumeRoleWithWebIdentity"


async def test_s3_by_virtual_host_and_chunked_body(edge: Fixture) -> None:
    body = b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"
    headers = {
        "host": "bucket.s3.localhost:4566",
        "content-encoding": "aws-chunked",
        "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "x-amz-decoded-content-length": "5",
        "x-amz-trailer": "x-amz-checksum-crc32",
    }
    response = await edge.send(HttpRequest("PUT", "/a/k", "", headers, BytesStream(body)))
    assert response.status == 200
    assert response.headers["x-amz-request-id"]
    params = edge.cloud.calls[0].params
    assert (params["Bucket"], params["Key"], params["Body"]) == ("bucket", "a/k", b"hello")
    assert "ContentEncoding" not in params


async def test_s3_says_its_own_errors(edge: Fixture) -> None:
    for keys, code in ((("AKIANOBODY", "x"), b"InvalidAccessKeyId"), (("AKIAUSER", "x"), b"SignatureDoesNotMatch")):
        response = await edge.send(signed("s3", "GET", "/bucket/key", b"", keys=keys))
        assert response.status == 403
        assert b"<Code>" + code + b"</Code>" in response.body  # type: ignore[operator]
    request = signed("s3", "PUT", "/bucket/key", b"data")
    response = await edge.send(replace(request, body=BytesStream(b"tada")))
    assert (response.status, b"XAmzContentSHA256Mismatch" in response.body) == (400, True)  # type: ignore[operator]


async def test_a_refusal_is_shaped_for_the_operation_even_when_the_signature_cannot_be_read(edge: Fixture) -> None:
    for method, is_empty in [("HEAD", True), ("PUT", False)]:
        headers = {"host": "localhost:4566", "authorization": "AWS4-HMAC-SHA256"}
        response = await edge.send(HttpRequest(method, "/bucket", "", headers, BytesStream(b"")))
        assert (response.status, response.body == b"") == (400, is_empty)


async def test_too_large_requests_are_not_read() -> None:
    edge = Fixture(request_bytes_max=10)
    response = await edge.send(signed(body=b"{}" + b" " * 20))
    assert (response.status, b"RequestEntityTooLarge" in response.body) == (413, True)  # type: ignore[operator]

    class Endless:
        length = None
        trailers: Mapping[str, str] = {}

        async def __aiter__(self) -> AsyncIterator[bytes]:
            while True:
                yield b" " * 8

    response = await edge.send(replace(signed(), body=Endless()))
    assert response.status == 413


async def test_errors_become_aws_shapes(edge: Fixture, caplog: pytest.LogCaptureFixture) -> None:
    def refuse(call: Call) -> Result:
        raise AwsError("ResourceNotFoundException", "no such group")

    def fail(call: Call) -> Result:
        raise RuntimeError("a defect")

    edge.cloud.serve = refuse
    response = await edge.send(signed())
    assert (response.status, b"no such group" in response.body) == (400, True)  # type: ignore[operator]
    edge.cloud.serve = fail
    response = await edge.send(signed())
    assert (response.status, b"InternalFailure" in response.body, b"defect" in response.body) == (500, True, False)  # type: ignore[operator]
    assert "a defect" in caplog.text


async def test_unknown_service_and_operation_are_clear(edge: Fixture) -> None:
    assert (await edge.send(signed("nosuchthing"))).status == 404
    response = await edge.send(signed(headers={"X-Amz-Target": "Logs_20140328.Fly"}))
    assert (response.status, b"UnknownOperationException" in response.body) == (400, True)  # type: ignore[operator]


async def test_health_and_browsers(edge: Fixture) -> None:
    bare = HttpRequest("GET", "/_lambent/health", "", {"host": "localhost:4566"}, BytesStream(b""))
    response = await edge.send(bare)
    assert isinstance(response.body, bytes)
    assert json.loads(response.body) == {"status": "ok", "services": {"lambda": "native"}}
    browser = {
        "host": "localhost:4566",
        "origin": "http://app",
        "access-control-request-method": "POST",
        "access-control-request-headers": "x-a",
    }
    response = await edge.send(replace(bare, method="OPTIONS", raw_path="/", headers=browser))
    assert (response.status, response.headers["access-control-allow-headers"]) == (200, "x-a")
    response = await edge.send(signed(headers={"Origin": "http://app"}))
    assert response.headers["access-control-allow-origin"] == "*"


async def test_a_foreign_page_needs_a_key_that_proves_itself(edge: Fixture) -> None:
    response = await edge.send(signed(headers={"x-foreign": "1"}))
    assert (response.status, json.loads(response.body)["__type"]) == (403, "AccessDeniedException")
    assert (await edge.send(signed())).status == 200


async def test_a_signature_that_cannot_be_read_does_not_keep_its_request(edge: Fixture) -> None:
    class Watched(BytesStream, gc=True, weakref=True):
        pass

    body = Watched(b"x" * 1000)
    watched = weakref.ref(body)
    gc.disable()
    try:
        response = await edge.send(HttpRequest("PUT", "/bucket/key", "", {"authorization": "AWS4-HMAC-SHA256 nothing"}, body))
        assert response.status == 400
        del body
        assert watched() is None
    finally:
        gc.enable()

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from lambent.domain.caller import Caller
from lambent.domain.errors import AwsError
from lambent.domain.http import BytesStream, HttpRequest, HttpResponse, read_all
from lambent.services.s3 import postpolicy
from lambent.services.s3.browsers import Browsers
from lambent.services.s3.formdata import Form, boundary_of

LATER = "2999-01-01T00:00:00Z"


def form_of(fields: Mapping[str, str], file: bytes | None = b"hello", filename: str = "a.txt") -> bytes:
    parts = [f'--B\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'.encode() for name, text in fields.items()]
    if file is not None:
        head = f'--B\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\nContent-Type: text/plain\r\n\r\n'
        parts.append(head.encode() + file + b"\r\n")
    return b"".join(parts) + b"--B--\r\n"


class Slowly:
    """A body that comes a few bytes at a time."""

    def __init__(self, data: bytes, step: int) -> None:
        self.length = len(data)
        self.trailers: Mapping[str, str] = {}
        self._data, self._step = data, step

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self._data), self._step):
            yield self._data[start : start + self._step]


@pytest.mark.parametrize("step", [1, 2, 3, 7, 1000])
async def test_a_form_in_any_pieces(step: int) -> None:
    file = b"\r\n--B\r\n--"[:4] + b"x\r\n-" + bytes(range(256))
    form = Form(Slowly(form_of({"Key": "k", "a": "ä"}, file), step), "B")
    await form.read_fields()
    assert form.fields == {"key": "k", "a": "ä"}
    assert (form.filename, await read_all(form)) == ("a.txt", file)


@pytest.mark.parametrize("data", [b"", b"--B", b"--B\r\nnothing\r\n\r\nx\r\n--B--", form_of({"key": "k"})[:-9]])
async def test_what_is_no_form(data: bytes) -> None:
    form = Form(BytesStream(data), "B")
    with pytest.raises(AwsError, match="MalformedPOSTRequest"):
        await form.read_fields()
        await read_all(form)


async def test_fields_are_bounded() -> None:
    with pytest.raises(AwsError, match="MaxPostPreDataLengthExceeded"):
        await Form(BytesStream(form_of({"key": "k" * 30_000})), "B").read_fields()


def test_boundaries() -> None:
    assert boundary_of('multipart/form-data; boundary="a b"') == "a b"
    assert boundary_of("multipart/form-data") == boundary_of("text/plain; boundary=x") == ""


def policy(*conditions: Any, expiration: str = LATER) -> str:
    return base64.b64encode(json.dumps({"expiration": expiration, "conditions": conditions}).encode()).decode()


def test_conditions() -> None:
    fields = {
        "key": "up/x",
        "acl": "private",
        "policy": policy({"bucket": "b"}, ["starts-with", "$Key", "up/"], {"ACL": "private"}, ["content-length-range", 1, 9]),
    }
    size = postpolicy.check(fields, "b", 0.0)
    assert size == postpolicy.SizeRange(1, 9)
    for bucket, changes, text in (
        ("c", {}, "Policy Condition failed"),
        ("b", {"key": "other"}, "Policy Condition failed"),
        ("b", {"extra": "1"}, "Extra input fields: extra"),
        ("b", {"policy": policy(expiration="2000-01-01T00:00:00Z")}, "Policy expired"),
    ):
        with pytest.raises(AwsError, match=text) as caught:
            postpolicy.check({**fields, **changes}, bucket, 1e9)
        assert (caught.value.code, caught.value.status) == ("AccessDenied", 403)


@pytest.mark.parametrize(
    "document", [b"", b"[]", b"{", b"{}", b'{"expiration": "x", "conditions": []}', b'{"expiration": "2999-01-01T00:00:00Z"}']
)
def test_documents_that_are_no_policy(document: bytes) -> None:
    with pytest.raises(AwsError, match="InvalidPolicyDocument"):
        postpolicy.check({"key": "k", "policy": base64.b64encode(document).decode()}, "b", 0.0)


@dataclass
class Known:
    caller: Caller
    secret: str | None
    session_token: str = ""
    expires: float | None = None


class Keys:
    def find(self, access_key_id: str) -> Known | None:
        return {"AKID": Known(Caller.root("111111111111"), "secret"), "open": Known(Caller.root("111111111111"), None)}.get(access_key_id)

    def trusts(self, request: HttpRequest) -> bool:
        return "origin" not in request.headers


def signed(document: str, access_key_id: str = "AKID") -> dict[str, str]:
    signature = base64.b64encode(hmac.digest(b"secret", document.encode(), "sha1")).decode()
    return {"AWSAccessKeyId": access_key_id, "policy": document, "signature": signature}


async def post(s3: Any, bucket: str, fields: Mapping[str, str], file: bytes | None = b"hello") -> HttpResponse:
    handler = Browsers(s3.service._context, Keys())
    headers = {"content-type": "multipart/form-data; boundary=B", "host": "localhost:4566"}
    request = HttpRequest("POST", f"/{bucket}", "", headers, BytesStream(form_of(fields, file)))
    assert handler.claims(request)
    return await handler.handle(request)


async def test_a_signed_form_becomes_an_object(s3: Any, bucket: str) -> None:
    document = policy(
        {"bucket": bucket},
        ["starts-with", "$key", "up/"],
        {"success_action_status": "201"},
        {"x-amz-meta-who": "me"},
        ["starts-with", "$Content-Type", ""],
    )
    fields = {
        "key": "up/${filename}",
        "success_action_status": "201",
        "x-amz-meta-who": "me",
        "Content-Type": "image/png",
        **signed(document),
    }
    answer = await post(s3, bucket, fields)
    assert answer.status == 201 and b"<Key>up/a.txt</Key>" in answer.body, answer.body
    got = await s3("GetObject", Bucket=bucket, Key="up/a.txt")
    assert (got["Body"], got["ContentType"], got["Metadata"]) == (b"hello", "image/png", {"who": "me"})


async def test_forms_that_are_refused(s3: Any, bucket: str) -> None:
    document = policy({"bucket": bucket}, ["starts-with", "$key", ""], ["content-length-range", 2, 4])
    good = {"key": "k", **signed(document)}
    for fields, file, code in (
        (good, b"hello", b"EntityTooLarge"),
        (good, b"h", b"EntityTooSmall"),
        ({**good, "signature": "x"}, b"abc", b"SignatureDoesNotMatch"),
        ({**good, "AWSAccessKeyId": "who"}, b"abc", b"InvalidAccessKeyId"),
        ({"key": "k"}, b"abc", b"AccessDenied"),
        (signed(document), b"abc", b"field named &apos;key&apos;"),
        (good, None, b"exactly one file"),
        ({"key": "k", "AWSAccessKeyId": "AKID"}, b"abc", b"policy"),
    ):
        answer = await post(s3, bucket, fields, file)
        assert answer.status >= 400
        assert code.replace(b"&apos;", b"'") in answer.body, (code, answer.body)
    assert (await post(s3, bucket, good, b"abc")).status == 204
    assert (await s3("ListObjectsV2", Bucket=bucket))["KeyCount"] == 1


async def test_a_form_may_wish_for_a_redirect(s3: Any, bucket: str) -> None:
    answer = await post(
        s3,
        bucket,
        {
            "key": "k",
            "success_action_redirect": "http://me/done",
            **signed(
                policy({"bucket": bucket}, {"key": "k"}, ["starts-with", "$success_action_redirect", ""]),
                "open",
            ),
        },
    )
    assert answer.status == 303
    assert answer.headers["location"].startswith(f"http://me/done?bucket={bucket}&key=k&etag=%22")

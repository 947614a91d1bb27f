"""Signatures made by botocore, an independent signer, hold; whatever is changed afterwards does not."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

import pytest
from botocore.auth import HmacV1Auth, HmacV1QueryAuth, S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from lambent.domain.http import BytesStream, HttpRequest
from lambent.signing import Fault, SignatureRefused, credential_of, signed_body_sha256, signed_headers, verify

KEYS = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "a/session+token==")


def as_received(signed: AWSRequest, body: bytes) -> HttpRequest:
    prepared = signed.prepare()
    parts = urlsplit(prepared.url)
    headers: Mapping[str, str] = {
        "host": parts.netloc,
        **{name.lower(): value.decode() if isinstance(value, bytes) else value for name, value in prepared.headers.items()},
    }
    return HttpRequest(prepared.method, parts.path, parts.query, headers, BytesStream(body))


def check(request: HttpRequest, body: bytes = b"", now: float | None = None, secret: str = KEYS.secret_key, bucket: str = "") -> None:
    credential = credential_of(request)
    assert credential is not None
    digest = signed_body_sha256(request, credential)
    digest = hashlib.sha256(body).hexdigest() if digest is None else digest
    verify(request, credential, secret, now=datetime.now(UTC).timestamp() if now is None else now, body_sha256=digest, bucket=bucket)


def refused(request: HttpRequest, body: bytes = b"", **how: object) -> Fault:
    with pytest.raises(SignatureRefused) as caught:
        check(request, body, **how)  # type: ignore[arg-type]
    return caught.value.fault


text = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0\r\n"), max_size=12)


@settings(max_examples=60, deadline=None)
@given(
    path=text,
    query=st.lists(st.tuples(text.filter(bool), text), max_size=3),
    body=st.binary(max_size=30),
    service=st.sampled_from(["lambda", "logs"]),
)
def test_header_signature_holds(path: str, query: list[tuple[str, str]], body: bytes, service: str) -> None:
    url = "http://localhost:4566/" + quote(path, safe="") + ("?" if query else "")
    url += "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in query)
    request = AWSRequest("POST", url, headers={"Content-Type": "application/json"}, data=body)
    SigV4Auth(KEYS, service, "eu-central-1").add_auth(request)
    received = as_received(request, body)
    credential = credential_of(received)
    assert credential is not None
    assert (credential.terms.access_key_id, credential.terms.region, credential.terms.service) == ("AKIDEXAMPLE", "eu-central-1", service)
    assert credential.session_token == KEYS.token
    check(received, body)
    assert refused(replace(received, body=BytesStream(body + b"!")), body + b"!") is Fault.MISMATCH
    assert refused(received, body, secret="another") is Fault.MISMATCH


def test_a_plus_in_a_query_is_a_space() -> None:
    request = AWSRequest("POST", "http://localhost:4566/", params={"Message": "two words"})
    SigV4Auth(KEYS, "sns", "eu-central-1").add_auth(request)
    request.url, request.params = "http://localhost:4566/?Message=two+words", {}
    check(as_received(request, b""), b"")


@settings(max_examples=60, deadline=None)
@given(key=text, body=st.binary(max_size=30))
def test_s3_header_signature_holds_for_any_key(key: str, body: bytes) -> None:
    url = "http://localhost:4566/bucket/" + quote(key, safe="/~")
    request = AWSRequest("PUT", url, headers={"x-amz-meta-a": " two   spaces "}, data=body)
    S3SigV4Auth(KEYS, "s3", "us-east-1").add_auth(request)
    check(as_received(request, body), body)


@pytest.mark.parametrize("key", ["a/b c/ü.txt", "a+b=c&d", "..%2F", "a//b/./c", "~x*'()!"])
def test_presigned_s3_url_holds(key: str) -> None:
    request = AWSRequest("GET", "http://localhost:4566/bucket/" + quote(key, safe="/~"))
    S3SigV4QueryAuth(KEYS, "s3", "us-east-1", expires=60).add_auth(request)
    received = as_received(request, b"")
    check(received)
    now = datetime.now(UTC).timestamp()
    assert refused(received, now=now + 62) is Fault.EXPIRED
    assert refused(received, now=now - 1000) is Fault.SKEWED
    assert refused(replace(received, raw_path="/bucket/other")) is Fault.MISMATCH
    assert refused(replace(received, method="PUT")) is Fault.MISMATCH
    assert refused(replace(received, headers={**received.headers, "x-amz-acl": "public-read"})) is Fault.UNSIGNED_HEADERS


def test_presigned_sts_url_holds() -> None:
    request = AWSRequest("GET", "http://sts.localhost/?Action=GetCallerIdentity&Version=2011-06-15", headers={"x-k8s-aws-id": "cluster"})
    SigV4QueryAuth(KEYS, "sts", "us-east-1", expires=60).add_auth(request)
    check(as_received(request, b""))


def test_version_2_presigned_and_header_hold() -> None:
    request = AWSRequest("GET", "http://localhost:4566/bucket/a%20b?response-content-type=text/plain&versionId=7")
    request.auth_path = "/bucket/a%20b"
    HmacV1QueryAuth(KEYS, expires=60).add_auth(request)
    received = as_received(request, b"")
    check(received)
    assert refused(received, now=datetime.now(UTC).timestamp() + 61) is Fault.EXPIRED
    assert refused(replace(received, raw_path="/bucket/b")) is Fault.MISMATCH
    request = AWSRequest("PUT", "http://localhost:4566/bucket/k?acl", headers={"x-amz-acl": "private", "Content-Type": "text/plain"})
    request.auth_path = "/bucket/k"
    HmacV1Auth(KEYS).add_auth(request)
    check(as_received(request, b""))


def test_time_is_checked_both_ways() -> None:
    request = AWSRequest("POST", "http://localhost:4566/", data=b"")
    SigV4Auth(KEYS, "logs", "us-east-1").add_auth(request)
    now = datetime.now(UTC).timestamp()
    check(as_received(request, b""), now=now + 890)
    assert refused(as_received(request, b""), now=now + 910) is Fault.SKEWED
    assert refused(as_received(request, b""), now=now - 910) is Fault.SKEWED


@pytest.mark.parametrize(
    "authorization",
    [
        "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=0",
        "AWS4-HMAC-SHA256 Credential=A/20250101/r/s/aws4_request, SignedHeaders=host",
        "AWS4-ECDSA-P256-SHA256 Credential=A/20250101/s/aws4_request, SignedHeaders=host, Signature=0",
        "AWS4-HMAC-SHA256 Credential=A/20250101/r/s/aws4_request, SignedHeaders=host, Signature=0",  # no date
    ],
)
def test_malformed_header_is_refused(authorization: str) -> None:
    with pytest.raises(SignatureRefused) as caught:
        credential_of(HttpRequest("GET", "/", "", {"authorization": authorization}, BytesStream(b"")))
    assert caught.value.fault is Fault.MALFORMED


@given(st.text(), st.text())
def test_garbage_is_refused_or_unsigned(authorization: str, query: str) -> None:
    request = HttpRequest("GET", "/", "X-Amz-Signature=" + query, {"authorization": "AWS4-HMAC-SHA256 " + authorization}, BytesStream(b""))
    for each in (request, replace(request, headers={})):
        with pytest.raises(SignatureRefused):
            credential_of(each)


def test_unsigned_request_has_no_credential() -> None:
    assert credential_of(HttpRequest("GET", "/", "prefix=a", {"authorization": "Bearer x"}, BytesStream(b""))) is None


def test_our_own_signature_holds() -> None:
    body = b'{"a": 1}'
    digest = hashlib.sha256(body).hexdigest()
    bare = HttpRequest("POST", "/a b", "x=1", {"host": "localhost", "content-type": "application/json"}, BytesStream(body))
    headers = signed_headers(bare, access_key_id="A", secret="s", region="r", service="sqs", now=1e9, body_sha256=digest, session_token="t")
    check(replace(bare, headers=headers), body, now=1e9, secret="s")

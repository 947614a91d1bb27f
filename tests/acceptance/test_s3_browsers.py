"""Browsers and S3: forms made by boto3, and CORS, against a real server process."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

import pytest
from tests.acceptance.conftest import RunningServer
from tests.acceptance.test_s3_objects import http


@pytest.fixture
def s3(server: RunningServer) -> Any:
    return server.client("s3")


@pytest.fixture
def bucket(s3: Any) -> str:
    name = f"browsers-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    return name


def post(url: str, fields: Mapping[str, str], file: bytes) -> tuple[int, Any, bytes]:
    parts = [f'--B\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'.encode() for name, text in fields.items()]
    head = b'--B\r\nContent-Disposition: form-data; name="file"; filename="f"\r\nContent-Type: text/plain\r\n\r\n'
    return http("POST", url, b"".join(parts) + head + file + b"\r\n--B--\r\n", {"content-type": "multipart/form-data; boundary=B"})


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_forms(server: RunningServer, bucket: str, version: str) -> None:
    signer = server.client("s3", signature_version=version)
    made = signer.generate_presigned_post(
        bucket,
        "up/${filename}",
        Fields={"success_action_status": "201", "x-amz-meta-who": "me"},
        Conditions=[{"success_action_status": "201"}, {"x-amz-meta-who": "me"}, ["content-length-range", 1, 1000]],
    )
    status, headers, body = post(made["url"], made["fields"], b"hello\r\n--x")
    assert status == 201, body
    assert b"<Key>up/f</Key>" in body and headers["etag"]
    got = signer.get_object(Bucket=bucket, Key="up/f")
    assert (got["Body"].read(), got["Metadata"]) == (b"hello\r\n--x", {"who": "me"})
    assert b"EntityTooLarge" in post(made["url"], made["fields"], b"x" * 2000)[2]
    assert b"Extra input fields" in post(made["url"], {**made["fields"], "acl": "private"}, b"x")[2]


def test_cors(server: RunningServer, s3: Any, bucket: str) -> None:
    url = f"{server.url}/{bucket}/k"
    asking = {"origin": "http://localhost:3000", "access-control-request-method": "PUT", "access-control-request-headers": "content-type"}
    assert http("OPTIONS", url, headers=asking)[0] == 403
    rule = {"AllowedMethods": ["PUT", "GET"], "AllowedOrigins": ["http://localhost:*"], "AllowedHeaders": ["*"], "ExposeHeaders": ["ETag"]}
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})
    status, headers, _ = http("OPTIONS", url, headers=asking)
    assert (status, headers["access-control-allow-origin"], headers["access-control-allow-headers"]) == (
        200,
        "http://localhost:3000",
        "content-type",
    )
    signed = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "k"})
    status, headers, _ = http("PUT", signed, b"x", {"origin": "http://localhost:3000", "content-type": ""})
    assert (status, headers["access-control-allow-origin"], headers["access-control-expose-headers"]) == (
        200,
        "http://localhost:3000",
        "ETag",
    )
    assert "access-control-allow-origin" not in http("GET", url, headers={"origin": "http://example.org"})[1]

from __future__ import annotations

from typing import Any

import pytest

from lambent.domain.http import BytesStream, HttpRequest, HttpResponse
from lambent.services.s3 import cors

RULE = {"AllowedOrigins": ["https://*.example.com"], "AllowedMethods": ["GET", "PUT"], "AllowedHeaders": ["x-amz-*"], "MaxAgeSeconds": 30}


def test_a_rule_that_fits_echoes_the_origin() -> None:
    found = cors.answer([RULE], {"origin": "https://a.example.com", "access-control-request-headers": "X-AMZ-Date, x-amz-acl"}, "PUT")
    assert found == {
        "access-control-allow-origin": "https://a.example.com",
        "access-control-allow-methods": "GET, PUT",
        "access-control-allow-headers": "x-amz-date, x-amz-acl",
        "access-control-max-age": "30",
        "access-control-allow-credentials": "true",
        "vary": "Origin, Access-Control-Request-Headers, Access-Control-Request-Method",
    }


def test_a_star_lets_everybody_in_without_credentials() -> None:
    found = cors.answer(
        [{"AllowedOrigins": ["*"], "AllowedMethods": ["GET"], "ExposeHeaders": ["ETag", "x-amz-id-2"]}], {"origin": "http://x"}, "GET"
    )
    assert found is not None
    assert (found["access-control-allow-origin"], found["access-control-expose-headers"]) == ("*", "ETag, x-amz-id-2")
    assert "access-control-allow-credentials" not in found


@pytest.mark.parametrize(
    ("origin", "method", "headers"),
    [("https://example.org", "GET", ""), ("https://a.example.com", "DELETE", ""), ("https://a.example.com", "GET", "content-type")],
)
def test_no_rule_fits(origin: str, method: str, headers: str) -> None:
    assert cors.answer([RULE], {"origin": origin, "access-control-request-headers": headers}, method) is None


async def _options(s3: Any, path: str, *, certain: bool = False, **headers: str) -> HttpResponse | None:
    request = HttpRequest("OPTIONS", path, "", {name.replace("_", "-"): value for name, value in headers.items()}, BytesStream(b""))
    answer: HttpResponse | None = await s3.service.raw_handlers[0].preflight(request, certain=certain)
    return answer


async def test_preflights(s3: Any, bucket: str) -> None:
    asking = {"origin": "https://a.example.com", "access_control_request_method": "GET"}
    refused = await _options(s3, f"/{bucket}/k", **asking)
    assert refused is not None
    assert refused.status == 403 and b"CORS is not enabled for this bucket." in refused.body
    await s3("PutBucketCors", Bucket=bucket, CORSConfiguration={"CORSRules": [RULE]})
    allowed = await _options(s3, f"/{bucket}/k", **asking)
    assert allowed is not None
    assert (allowed.status, allowed.headers["access-control-allow-origin"]) == (200, "https://a.example.com")
    bad = await _options(s3, f"/{bucket}/k", origin="http://other", access_control_request_method="GET")
    assert bad is not None
    assert bad.status == 403 and b"<ResourceType>OBJECT</ResourceType>" in bad.body
    unasked = await _options(s3, f"/{bucket}")
    assert unasked is not None
    assert unasked.status == 400 and b"Origin request header needed" in unasked.body


async def test_a_question_that_may_be_for_another_service_is_left_alone(s3: Any) -> None:
    asking = {"origin": "http://x", "access_control_request_method": "GET"}
    assert await _options(s3, "/nowhere", **asking) is None
    answer = await _options(s3, "/nowhere", certain=True, **asking)
    assert answer is not None
    assert answer.status == 403 and b"Bucket not found" in answer.body

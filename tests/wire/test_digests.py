from __future__ import annotations

import base64
import hashlib

import pytest

from lambent import wire
from lambent.domain.errors import AwsError
from lambent.domain.http import BytesStream, HttpRequest

BODY = b"<Delete><Object><Key>k</Key></Object></Delete>"


def parse(**headers: str) -> object:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = HttpRequest("POST", "/bucket", "delete", named, BytesStream(BODY))
    return wire.parse("s3", request, "DeleteObjects", BODY).params["Delete"]


def md5(data: bytes) -> str:
    return base64.b64encode(hashlib.md5(data).digest()).decode()


def test_a_digest_that_holds() -> None:
    assert parse(content_md5=md5(BODY)) == parse() == {"Objects": [{"Key": "k"}]}


@pytest.mark.parametrize(
    ("headers", "code"),
    [({"content_md5": "x"}, "InvalidDigest"), ({"content_md5": md5(b"other")}, "BadDigest")],
)
def test_digests_that_do_not(headers: dict[str, str], code: str) -> None:
    with pytest.raises(AwsError, match=code):
        parse(**headers)

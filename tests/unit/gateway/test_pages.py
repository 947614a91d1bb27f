"""Which pages are foreign."""

from __future__ import annotations

import pytest

from lambent.domain.http import BytesStream, HttpRequest
from lambent.gateway.pages import is_foreign


@pytest.mark.parametrize(
    ("headers", "foreign"),
    [
        ({}, False),
        ({"origin": "http://localhost:3000"}, False),
        ({"origin": "http://127.0.0.1:8080"}, False),
        ({"origin": "http://[::1]:8080"}, False),
        ({"origin": "http://app.localhost"}, False),
        ({"origin": "https://app.example"}, False),  # named in the settings
        ({"origin": "https://evil.example"}, True),
        ({"origin": "https://localhost.evil.example"}, True),
        ({"origin": "null"}, True),  # a sandboxed frame, a file
        ({"sec-fetch-site": "cross-site"}, True),
        ({"sec-fetch-site": "none"}, False),  # the address bar
        ({"sec-fetch-site": "same-origin"}, False),
        ({"sec-fetch-site": "same-origin", "host": "rebound.evil.example:4566"}, True),
        ({"origin": "http://rebound.evil.example:4566", "host": "rebound.evil.example:4566"}, True),
    ],
)
def test_foreign(headers: dict[str, str], foreign: bool) -> None:
    request = HttpRequest("GET", "/", "", {"host": "localhost:4566", **headers}, BytesStream(b""))
    assert is_foreign(request, ("https://app.example",)) is foreign

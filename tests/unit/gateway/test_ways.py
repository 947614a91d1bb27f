"""Whose a request is: remembered for all that are alike, and for no others."""

from __future__ import annotations

import pytest

from lambent.domain.http import BytesStream, HttpRequest, HttpResponse
from lambent.gateway.ways import Way, Ways
from lambent.signing import credential_of

SIGNED = "AWS4-HMAC-SHA256 Credential=test/20250101/eu-west-1/{}/aws4_request, SignedHeaders=host, Signature=0"


class Handler:
    """Takes what is below a path, unless it is signed or comes from inside an environment; counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def claims(self, request: HttpRequest) -> bool:
        self.asked += 1
        return request.raw_path.startswith("/mine") and "authorization" not in request.headers and request.environment_key is None

    async def handle(self, request: HttpRequest) -> HttpResponse:
        raise NotImplementedError


def request(path: str = "/", query: str = "", method: str = "POST", key: str | None = None, **headers: str) -> HttpRequest:
    given = {"x-amz-date": "20250101T000000Z"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpRequest(method, path, query, given, BytesStream(b""), environment_key=key)


def way(ways: Ways, one: HttpRequest) -> Way:
    return ways.of(one, credential_of(one))


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_alike_heads_of_different_people_have_ways_of_their_own(order: tuple[int, ...]) -> None:
    handler = Handler()
    ways = Ways([handler])
    unsigned, signed, inside = request("/mine"), request("/mine", authorization=SIGNED.format("lambda")), request("/mine", key="k")
    found = dict[int, Way]()
    for which in (*order, *order):
        found[which] = way(ways, (unsigned, signed, inside)[which])
    assert [found[which].handler for which in range(3)] == [handler, None, None]
    assert [found[which].service for which in range(3)] == ["", "lambda", "s3"]
    assert handler.asked == 3


def test_a_bodys_own_boundary_makes_no_difference() -> None:
    handler = Handler()
    ways = Ways([handler])
    for boundary in "abc":
        way(ways, request("/bucket", content_type=f"multipart/form-data; boundary={boundary}"))
    assert handler.asked == 1


def test_a_target_that_is_empty_is_one() -> None:
    ways = Ways([])
    authorization = SIGNED.format("sqs")
    assert way(ways, request(authorization=authorization)).protocol == "query"
    assert way(ways, request(authorization=authorization, x_amz_target="")).protocol == "json"


@pytest.mark.parametrize(
    "long",
    [{"path": "/" + "x" * 5000}, {"query": "x" * 5000}, *({name: "x" * 5000} for name in ("host", "x_amz_target", "smithy_protocol"))],
)
def test_long_heads_are_not_remembered(long: dict[str, str]) -> None:
    handler = Handler()
    ways = Ways([handler])
    assert way(ways, request(**long)) == way(ways, request(**long))  # type: ignore[arg-type]
    assert handler.asked == 2

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


def test_the_region_is_what_the_signature_says_else_the_host() -> None:
    ways = Ways([])
    here, there = SIGNED.format("lambda"), SIGNED.format("lambda").replace("eu-west-1", "us-west-2")
    odd = SIGNED.format("lambda").replace("eu-west-1", "a.b")
    for _ in range(2):
        assert way(ways, request("/f", authorization=here)).region == "eu-west-1"
        assert way(ways, request("/f", authorization=there)).region == "us-west-2"
        assert way(ways, request("/f", authorization=odd, host="lambda.eu-north-1.amazonaws.com")).region == "eu-north-1"
        assert way(ways, request("/f", host="lambda.eu-south-1.amazonaws.com")).region == "eu-south-1"
        assert way(ways, request("/f", authorization=odd)).region == ""
    long = SIGNED.format("lambda").replace("eu-west-1", "x" * 5000)
    kept = len(ways._known)
    assert way(ways, request("/f", authorization=long)).region == ""
    assert len(ways._known) == kept


def test_only_the_last_few_thousand_are_kept() -> None:
    ways = Ways([])
    for number in range(5000):
        way(ways, request(f"/{number}"))
    assert 0 < len(ways._known) <= 4096


INVOKE = "/2015-03-31/functions/f/invocations"


@pytest.mark.parametrize(
    ("one", "is_usual", "is_whole"),
    [
        (request(INVOKE, authorization=SIGNED.format("lambda")), True, True),
        (request(INVOKE, method="OPTIONS", authorization=SIGNED.format("lambda")), False, False),
        (request("/bucket/key", method="PUT", authorization=SIGNED.format("s3")), False, False),
        (request("/", authorization=SIGNED.format("sqs")), False, False),
        (request("/", authorization=SIGNED.format("sqs"), x_amz_target="AmazonSQS.SendMessage"), True, True),
        (request(INVOKE, authorization=SIGNED.format("lambda"), host="b.s3.localhost"), False, False),
        (request("/", authorization=SIGNED.format("nothing")), False, False),
        (request("/", content_type="application/x-www-form-urlencoded"), False, False),
    ],
)
def test_what_is_usual(one: HttpRequest, is_usual: bool, is_whole: bool) -> None:
    found = way(Ways([]), one)
    assert (found.is_usual, found.is_whole) == (is_usual, is_whole)

"""What is remembered of signatures never makes one hold that wouldn't hold anew, and nobody fills the memory with it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from lambent.domain.http import BytesStream, HttpRequest
from lambent.signing import Credential, Fault, SignatureRefused, credential_of, verify
from lambent.signing.canonical import Signatures, signature
from lambent.signing.credential import Terms

NOW = 1_738_324_800.0
STAMP = "20250131T120000Z"
EVENT = "e" * 64
SIGNED = ("host", "x-amz-date", "x-amz-meta", "x-amz-security-token")


def credential(names: tuple[str, ...] = SIGNED, *, key: str = "AKID", service: str = "lambda", stamp: str = STAMP) -> Credential:
    return Credential(Terms(key, stamp[:8], "eu-west-1", service, names), "", stamp, NOW)


def request(headers: Mapping[str, str], path: str = "/f", query: str = "", method: str = "POST") -> HttpRequest:
    return HttpRequest(method, path, query, headers, BytesStream(b"{}"))


HEADERS = {"host": "localhost", "x-amz-date": STAMP, "x-amz-meta": "a b", "x-amz-security-token": "token"}


def signed(asked: HttpRequest, body_sha256: str = EVENT, secret: str = "secret", names: tuple[str, ...] = SIGNED) -> HttpRequest:
    found = signature(asked, credential(names), secret, body_sha256)
    scope = "AKID/20250131/eu-west-1/lambda/aws4_request"
    text = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders={';'.join(names)}, Signature={found}"
    return replace(asked, headers={**asked.headers, "authorization": text})


def check(asked: HttpRequest, secret: str = "secret", body_sha256: str = EVENT) -> None:
    said = credential_of(asked)
    assert said is not None
    verify(asked, said, secret, now=NOW, body_sha256=body_sha256)


def refused(asked: HttpRequest, **how: str) -> Fault:
    with pytest.raises(SignatureRefused) as caught:
        check(asked, **how)
    return caught.value.fault


values = st.sampled_from(["", "a", "b", "a b", "a  b", " a b ", "a\tb", "a b\xa0"])
requests = st.builds(
    request,
    st.dictionaries(st.sampled_from(["host", "x-amz-date", "x-amz-meta", "free"]), values),
    st.sampled_from(["/f", "/g", "/f/../g", "/%66"]),
    st.sampled_from(["", "a=1", "a=2", "a=1&X-Amz-Signature=0"]),
    st.sampled_from(["GET", "POST"]),
)
terms = [
    credential(names, key=key, service=service).terms
    for names in [("host",), ("host", "x-amz-meta"), ("x-amz-meta", "host"), ("host", "host")]
    for key in ("AKID", "AKIE")
    for service in ("lambda", "sqs", "s3")
]


@given(st.lists(st.tuples(requests, st.sampled_from(terms), st.sampled_from(["s", "t"]), st.sampled_from([STAMP, "20250131T120001Z"]))))
def test_what_is_remembered_is_what_would_be_found_anew(asked: list[tuple[HttpRequest, Terms, str, str]]) -> None:
    signatures = Signatures()
    for one, those, secret, stamp in asked * 2:
        said = Credential(those, "", stamp, NOW)
        for body_sha256 in ("0" * 64, EVENT):
            assert signatures.of(one, said, secret, body_sha256) == signature(one, said, secret, body_sha256)


def test_whoever_changes_a_thing_after_the_same_was_believed_is_refused() -> None:
    asked = signed(request(HEADERS, query="Qualifier=1"))
    for _ in range(3):
        check(asked)
    for name, text in HEADERS.items():
        assert refused(replace(asked, headers={**asked.headers, name: "20250131T120001Z"})) is Fault.MISMATCH
        assert refused(replace(asked, headers={each: value for each, value in asked.headers.items() if each != name})) in {
            Fault.MISMATCH,
            Fault.MALFORMED,  # there is no date then
        }
        joined = {**asked.headers, name: f"{text},{text}"}  # as a header that came twice
        assert refused(replace(asked, headers=joined)) in {Fault.MISMATCH, Fault.MALFORMED}
    for other in ({"method": "PUT"}, {"raw_path": "/g"}, {"query": "Qualifier=2"}, {"query": ""}):
        assert refused(replace(asked, **other)) is Fault.MISMATCH
    assert refused(asked, secret="another") is Fault.MISMATCH
    assert refused(asked, body_sha256="f" * 64) is Fault.MISMATCH
    check(asked)


def test_another_key_with_the_same_head_is_not_the_first_one() -> None:
    asked = signed(request(HEADERS))
    check(asked)
    check(asked)
    stolen = {**asked.headers, "authorization": asked.headers["authorization"].replace("eu-west-1", "eu-west-2")}
    assert refused(replace(asked, headers=stolen)) is Fault.MISMATCH
    fewer = {**asked.headers, "authorization": asked.headers["authorization"].replace(";x-amz-meta", "")}
    assert refused(replace(asked, headers=fewer)) is Fault.MISMATCH


def test_odd_spaces_and_absent_headers_count_as_ever() -> None:
    asked = signed(request(HEADERS))
    check(asked)
    check(replace(asked, headers={**asked.headers, "x-amz-meta": "  a   b "}))
    assert refused(replace(asked, headers={**asked.headers, "x-amz-meta": "ab"})) is Fault.MISMATCH
    absent = signed(request({name: text for name, text in HEADERS.items() if name != "x-amz-meta"}))
    check(absent)
    check(replace(absent, headers={**absent.headers, "x-amz-meta": ""}))
    assert refused(replace(absent, headers={**absent.headers, "x-amz-meta": "None"})) is Fault.MISMATCH


@pytest.mark.parametrize("given_signature", ["é" * 64, "", "A B", "０" * 64])  # noqa: RUF001 - digits, though not ours
def test_a_signature_that_is_none_is_refused(given_signature: str) -> None:
    asked = signed(request(HEADERS))
    before = asked.headers["authorization"].rpartition("=")[0]
    odd = replace(asked, headers={**asked.headers, "authorization": f"{before}={given_signature}"})
    assert refused(odd) in {Fault.MISMATCH, Fault.MALFORMED}
    upper = replace(asked, headers={**asked.headers, "authorization": asked.headers["authorization"].upper()})
    assert refused(upper) is Fault.MALFORMED
    loud = f"{before}={asked.headers['authorization'].rpartition('=')[2].upper()}"
    assert refused(replace(asked, headers={**asked.headers, "authorization": loud})) is Fault.MISMATCH


def test_nobody_fills_the_memory() -> None:
    signatures, said = Signatures(), credential()
    for number in range(2000):
        signatures.of(request(HEADERS, f"/{number}"), said, "secret", EVENT)
    assert 0 < len(signatures._begun) <= 512
    kept = len(signatures._begun)
    long = "x" * 2000
    spaces = {**HEADERS, "x-amz-meta": "a" + " " * 2000}
    for asked in (request(HEADERS, f"/{long}"), request(HEADERS, query=long), request({**HEADERS, "host": long}), request(spaces)):
        signatures.of(asked, said, "secret", EVENT)
    signatures.of(request(HEADERS), credential((*SIGNED, long)), "secret", EVENT)
    signatures.of(request(HEADERS, "/bucket/key"), credential(service="s3"), "secret", EVENT)
    assert len(signatures._begun) == kept

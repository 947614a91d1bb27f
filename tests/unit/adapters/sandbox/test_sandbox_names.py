"""DNS messages of environments: read whatever they are, and answered as resolvers expect."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent.adapters.sandbox import names

HEAD = struct.Struct("!6H")


def query(name: str, kind: int = 1, *, flags: int = 0x0100, number: int = 7, more: bytes = b"") -> bytes:
    labels = b"".join(bytes([len(each)]) + each.encode() for each in name.split(".")) if name else b""
    return HEAD.pack(number, flags, 1, 0, 0, 1 if more else 0) + labels + b"\0" + struct.pack("!2H", kind, 1) + more


def test_a_name_has_its_address_and_no_other() -> None:
    question = names.read(query("Bucket.S3.localhost", more=b"\0\0)\x10\0\0\0\0\0\0\0"))
    assert question is not None
    assert question.name == "bucket.s3.localhost"
    found = names.answer(question, "127.0.0.1")
    assert HEAD.unpack_from(found) == (7, 0x8580, 1, 1, 0, 0)
    assert found[HEAD.size :].startswith(question.text)
    assert found.endswith(b"\0\x04\x7f\0\0\x01")
    six = names.read(query("bucket.s3.localhost", 28))
    assert six is not None
    assert HEAD.unpack_from(names.answer(six, "127.0.0.1")) == (7, 0x8580, 1, 0, 0, 0)
    assert names.answer(six, "fd00::5").endswith(b"\0\x10" + bytes.fromhex("fd" + "0" * 29 + "5"))


def test_a_refusal_repeats_the_question() -> None:
    question = names.read(query("example.com", flags=0))
    assert question is not None
    assert names.refusal(question, names.NO_NAME) == HEAD.pack(7, 0x8483, 1, 0, 0, 0) + question.text


@pytest.mark.parametrize(
    ("name", "here"),
    [
        ("localhost", True),
        ("a.b.localhost", True),
        ("notlocalhost", False),
        ("x.localhost.localstack.cloud", True),
        ("localstack.cloud", False),
    ],
)
def test_what_means_the_gateway(name: str, here: bool) -> None:
    assert names.is_here(name) is here


@pytest.mark.parametrize(
    "data",
    [
        b"",
        query("a")[:-1],
        query("a", flags=0x8100),  # an answer
        query("a", flags=0x0900),  # another operation
        HEAD.pack(1, 0, 2, 0, 0, 0) + query("a")[12:],
        HEAD.pack(1, 0, 1, 0, 0, 0) + b"\xc0\x0c\0\x01\0\x01",  # a pointer
        HEAD.pack(1, 0, 1, 0, 0, 0) + b"\x3f" + b"a" * 20,
        query(".".join(["a" * 63] * 5)),
        query("a")[:-1] + b"\x03",  # another class
    ],
)
def test_what_is_no_query_is_passed_over(data: bytes) -> None:
    assert names.read(data) is None


@given(st.binary(max_size=600))
def test_nothing_breaks_it(data: bytes) -> None:
    question = names.read(data)
    if question is not None:
        assert names.read(HEAD.pack(1, 0, 1, 0, 0, 0) + question.text) is not None
        names.answer(question, "127.0.0.1")


def test_only_the_answer_to_a_question_is_one() -> None:
    asked = names.read(query("a.example"))
    assert asked is not None
    assert names.answers(asked, query("A.example", flags=0x8180))
    for other in (query("b.example", flags=0x8180), query("a.example", flags=0x8180, number=8), query("a.example"), b"\0\x07"):
        assert not names.answers(asked, other)

"""Heads of requests."""

from __future__ import annotations

import pytest

from lambent.gateway.http import heads


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (b"/a/%20b", ("/a/%20b", "")),
        (b"/a?b=c?d", ("/a", "b=c?d")),
        (b"*", ("*", "")),
        (b"http://host:1/p/q?a=b", ("/p/q", "a=b")),
        (b"http://host", ("/", "")),
        (b"/a/http://b", ("/a/http://b", "")),
        ("/\u00fc".encode(), ("/%C3%BC", "")),
    ],
)
def test_targets(url: bytes, expected: tuple[str, str]) -> None:
    assert heads.split_target(url) == expected == heads.split_target(url)


def test_only_so_many_short_paths_are_remembered_and_no_queries() -> None:
    for number in range(2000):
        assert heads.split_target(b"/%d" % number) == (f"/{number}", "")
    kept = heads.kept_target.cache_info()
    assert kept.currsize == heads.KEPT_MAX
    heads.split_target(b"/" + b"p" * 300)
    heads.split_target(b"/secret?X-Amz-Signature=1")
    assert heads.kept_target.cache_info() == kept


def test_only_so_many_short_names_are_remembered() -> None:
    for number in range(2500):
        assert heads.keep_key(b"X-%d" % number) == f"x-{number}"
        assert len(heads.KEYS) <= heads.KEPT_MAX
    assert heads.KEYS[b"X-2499"] == "x-2499"
    assert heads.keep_key(b"Y" * 65) == "y" * 65
    assert b"Y" * 65 not in heads.KEYS


@pytest.mark.parametrize(
    ("headers", "length"),
    [
        ({}, 0),
        ({"content-length": "12 "}, 12),
        ({"content-length": "0" * 5000 + "12"}, 12),
        ({"content-length": str(2**64 - 1)}, 2**64 - 1),
        ({"transfer-encoding": "chunked"}, None),
    ],
)
def test_lengths(headers: dict[str, str], length: int | None) -> None:
    assert heads.length_of(headers) == length

"""Heads of answers as bytes."""

from __future__ import annotations

from lambent.gateway.http import answers


def test_a_head_is_a_status_line_headers_and_an_empty_line() -> None:
    assert answers.head(404, {"a": "b", "c": "ü"}) == b"HTTP/1.1 404 Not Found\r\na: b\r\nc: \xfc\r\n\r\n"


def test_cookies_are_a_header_each() -> None:
    assert answers.head(200, {}, ["a=1", "b=2\r\nx: y"]) == b"HTTP/1.1 200 OK\r\nset-cookie: a=1\r\nset-cookie: b=2  x: y\r\n\r\n"


def test_a_line_break_begins_no_header() -> None:
    assert answers.head(200, {"a\r\nb": "1", "c": "2\n3"}) == b"HTTP/1.1 200 OK\r\na  b: 1\r\nc: 2 3\r\n\r\n"


def test_statuses_without_a_name_are_written_too() -> None:
    assert answers.head(599, {}) == b"HTTP/1.1 599 \r\n\r\n"


def test_what_latin_1_cannot_say_is_replaced() -> None:
    assert answers.head(200, {"a": "日"}) == b"HTTP/1.1 200 OK\r\na: ?\r\n\r\n"


def test_chunks() -> None:
    assert answers.chunk(b"x" * 17) == b"11\r\n" + b"x" * 17 + b"\r\n"

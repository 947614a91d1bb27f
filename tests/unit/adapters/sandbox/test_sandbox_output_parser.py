"""Bytes become lines and records, however they are cut."""

from __future__ import annotations

import os
import struct

from hypothesis import given
from hypothesis import strategies as st

from lambent.adapters.sandbox.output import LINE_BYTES_MAX, OutputParser, OutputPipe
from lambent.base.clock import VirtualClock

_NOW = VirtualClock().now()


def _record(text: bytes, level: int = 0x0F) -> bytes:
    return struct.pack("!4sIQ", b"\xa5\x5a\x00" + bytes([level]), len(text), int(_NOW * 1e6)) + text


def _parsed(*pieces: bytes) -> list[tuple[bytes, bool]]:
    seen: list[tuple[bytes, bool]] = []
    parser = OutputParser(lambda data, framed: seen.append((data, framed)), VirtualClock())
    for piece in pieces:
        parser.feed(piece)
    parser.flush()
    return seen


def test_lines_partial_lines_and_records_keep_their_order() -> None:
    data = b"one\r\n\npart" + _record(b"a\nrecord\n") + b"after\n" + _record(b"") + b"end"
    assert _parsed(data) == [
        (b"one", False),
        (b"", False),
        (b"part", False),
        (b"a\nrecord", True),
        (b"after", False),
        (b"", True),
        (b"end", False),
    ]


def test_long_lines_come_in_pieces() -> None:
    assert [len(line) for line, _ in _parsed(b"x" * (2 * LINE_BYTES_MAX + 5) + b"\n")] == [LINE_BYTES_MAX, LINE_BYTES_MAX, 5]


def test_what_only_looks_like_a_record_is_text() -> None:
    fake = b"\xa5\x5a\x00\x0f" + b"\xff" * 12
    assert _parsed(fake + b"text\n") == [(fake + b"text", False)]
    assert _parsed(b"cut \xa5\x5a\x00") == [(b"cut \xa5\x5a\x00", False)]


@given(st.lists(st.tuples(st.binary(max_size=40), st.booleans())), st.lists(st.integers(1, 30)))
def test_cuts_do_not_matter(parts: list[tuple[bytes, bool]], cuts: list[int]) -> None:
    data = b"".join(_record(text) if framed else text.replace(b"\xa5", b"?") + b"\n" for text, framed in parts)
    pieces, at = [], 0
    for cut in cuts:
        pieces.append(data[at : at + cut])
        at += cut
    assert _parsed(*pieces, data[at:]) == _parsed(data)
    assert sum(framed for _, framed in _parsed(data)) == sum(framed for _, framed in parts)


def test_a_flood_is_taken_in_small_steps() -> None:
    seen: list[bytes] = []
    parser = OutputParser(lambda data, framed: seen.append(data), VirtualClock())
    parser.add(b"\n" * 10_000)
    turns = 1
    while parser.work():
        assert len(seen) <= turns * 1_000
        turns += 1
    assert turns > 10
    assert len(seen) == 10_000


def test_what_looks_like_records_is_looked_at_once() -> None:
    parser = OutputParser(lambda data, framed: None, VirtualClock())
    for _ in range(1_000):
        parser.feed(b"\xa5\x5a\x00" * 20)
    assert parser.steps < 25_000


async def test_a_drain_gives_way_and_ends_though_more_is_written() -> None:
    seen: list[bytes] = []
    pipe = OutputPipe(OutputParser(lambda data, framed: seen.append(data), VirtualClock()))
    os.write(pipe.write, b"\n" * 5_000 + b"rest")
    assert pipe.drain()
    os.write(pipe.write, b"later\n" * 1_000)
    turns = 1
    while pipe.drain():
        turns += 1
    assert 5 < turns < 30
    assert b"later" not in b"".join(seen)
    pipe.close()
    assert seen.count(b"later") == 1_000

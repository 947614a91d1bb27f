"""What comes in frames, however it is cut and whoever wrote it."""

from __future__ import annotations

import asyncio
import json
import struct
from typing import Any

import msgspec
import pytest

from lambent.adapters.sandbox.channels import FrameChannel
from lambent.adapters.sandbox.responses import ResponseStream
from lambent.domain.talk import ReportHeader

READY, RESULT, ERROR, CHUNK = 16, 17, 18, 21


class FakeTransport:
    def __init__(self) -> None:
        self.aborted = False
        self.reading = True

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def abort(self) -> None:
        self.aborted = True

    def is_closing(self) -> bool:
        return self.aborted


class Talk:
    """A channel, and what it reports."""

    def __init__(self, **more: Any) -> None:
        self.heard: list[tuple[str, dict[str, Any], bytes]] = []
        self.channel = FrameChannel(self.report, **more)
        self.transport = FakeTransport()
        self.channel.connection_made(self.transport)  # type: ignore[arg-type]

    def report(self, kind: str, header: ReportHeader, body: bytes) -> None:
        self.heard.append((kind, msgspec.to_builtins(header), body))

    def send(self, data: bytes, step: int) -> None:
        for at in range(0, len(data), step):
            self.channel.data_received(data[at : at + step])


def frame(kind: int, header: Any, body: bytes = b"") -> bytes:
    head = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("!BII", kind, len(head), len(body)) + head + body


@pytest.mark.parametrize("step", [1, 7, 1_000])
async def test_frames_are_told_one_by_one(step: int) -> None:
    talk = Talk()
    talk.send(frame(READY, {}) + frame(RESULT, {"request_id": "r"}, b"body") + frame(ERROR, {"error_type": "E"}, b"{}"), step)
    assert talk.heard == [("ready", {}, b""), ("result", {"request_id": "r"}, b"body"), ("error", {"error_type": "E"}, b"{}")]


@pytest.mark.parametrize("step", [1, 13, 1_000_000])
async def test_what_is_far_too_large_is_told_and_not_kept(step: int) -> None:
    talk = Talk(kept_bytes_max=100)
    talk.send(frame(RESULT, {"request_id": "r"}, b"x" * 300) + frame(READY, {}), step)
    assert talk.heard == [("result", {"request_id": "r", "too_large": True}, b""), ("ready", {}, b"")]


async def test_its_memory_is_not_ours() -> None:
    talk = Talk(kept_bytes_max=100)
    talk.send(frame(RESULT, {}, b"x" * 100_000)[:-1], 1_000)
    assert talk.heard == []
    assert len(talk.channel._buffer) < 1_000


@pytest.mark.parametrize("step", [1, 13, 1_000_000])
async def test_a_large_piece_is_passed_on_as_it_comes(step: int) -> None:
    talk = Talk(kept_bytes_max=100)
    piece = bytes(range(256)) * 4
    talk.send(frame(CHUNK, {"request_id": "r"}, piece) + frame(READY, {}), step)
    assert b"".join(body for kind, header, body in talk.heard if kind == "chunk" and header == {"request_id": "r"}) == piece
    assert talk.heard[-1] == ("ready", {}, b"")


async def test_what_is_not_text_in_a_header_says_nothing() -> None:
    talk = Talk()
    talk.send(frame(RESULT, {"request_id": "r", "error_type": ["x"], "peak_kb": 5, "content_type": None}, b"1"), 1_000)
    assert talk.heard == [("result", {"request_id": "r"}, b"1")]


@pytest.mark.parametrize(
    "data",
    [
        frame(99, {}),
        frame(RESULT, b"[]"),
        frame(RESULT, b"[" * 60_000),
        frame(RESULT, b"not JSON"),
        frame(RESULT, b"{" + b" " * 70_000 + b"}"),
        struct.pack("!BII", RESULT, 2, 0xFFFFFFFF),
    ],
)
async def test_what_no_runtime_sends_ends_the_talk(data: bytes) -> None:
    talk = Talk()
    talk.send(data, 1_000_000)
    assert talk.transport.aborted
    assert talk.heard == []


async def test_a_flood_of_frames_lets_others_have_their_turns() -> None:
    talk = Talk()
    talk.send(frame(RESULT, {"request_id": "old"}) * 500, 1_000_000)
    assert len(talk.heard) < 100
    assert not talk.transport.reading
    talk.channel.pause()
    talk.channel.connection_lost(None)
    async with asyncio.timeout(5):
        await talk.channel.drained()
    assert len(talk.heard) == 500
    assert not talk.transport.reading, "somebody has enough"
    talk.channel.resume()
    assert talk.transport.reading


async def test_pieces_are_counted_whatever_is_in_them() -> None:
    talk = Talk()
    stream = ResponseStream(talk.channel, "text/plain")
    for _ in range(1_000):
        stream.feed(b"")
    assert not stream._waiting
    for _ in range(20_000):
        stream.feed(b"x")
    assert not talk.transport.reading


async def test_a_frame_that_comes_whole_is_told_wherever_others_were_cut() -> None:
    whole = frame(RESULT, {"request_id": "r", "unread": "0"}, b"body")
    for cut in range(1, len(whole)):
        talk = Talk()
        for piece in (whole, whole[:cut], whole[cut:], whole, whole + whole[:cut], whole[cut:] + whole, frame(READY, {})):
            talk.channel.data_received(piece)
        assert talk.heard == [("result", {"request_id": "r", "unread": "0"}, b"body")] * 6 + [("ready", {}, b"")]
        assert not talk.channel._buffer


async def test_a_whole_frame_is_no_way_around_the_limits() -> None:
    talk = Talk(kept_bytes_max=100)
    talk.channel.data_received(frame(RESULT, {}, b"x" * 101))
    talk.channel.data_received(frame(RESULT, {}, b"x" * 60))
    assert talk.heard == [("result", {"too_large": True}, b""), ("result", {}, b"x" * 60)]
    talk.channel.data_received(frame(RESULT, b"{" + b" " * 65_536 + b"}"))
    assert talk.transport.aborted


async def test_a_frame_that_comes_whole_waits_for_those_before_it() -> None:
    talk = Talk()
    talk.channel.data_received(frame(RESULT, {"request_id": "old"}) * 70)
    talk.channel.data_received(frame(RESULT, {"request_id": "new"}))
    async with asyncio.timeout(5):
        while len(talk.heard) < 71:
            await asyncio.sleep(0)
    assert [header["request_id"] for _, header, _ in talk.heard] == ["old"] * 70 + ["new"]

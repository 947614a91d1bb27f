"""A connection is read while there is nobody who has enough, and no rest."""

from __future__ import annotations

import asyncio

import pytest

from lambent.base.fair_reader import FairReader


class FakeTransport:
    def __init__(self) -> None:
        self.closing = False
        self.told: list[str] = []

    def pause_reading(self) -> None:
        self.told.append("pause")

    def resume_reading(self) -> None:
        self.told.append("resume")

    def abort(self) -> None:
        self.closing = True

    def is_closing(self) -> bool:
        return self.closing


class Reader(FairReader):
    """Rests after each work for as long as it was told to."""

    def __init__(self) -> None:
        super().__init__()
        self.rests: list[float] = []
        self.worked = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self._work()

    def _work(self) -> None:
        if self.rests:
            self._rest(self.rests.pop())
        else:
            self.worked.set()
        self._balance()


@pytest.fixture
async def transport() -> FakeTransport:
    return FakeTransport()


@pytest.fixture
async def reader(transport: FakeTransport) -> Reader:
    reader = Reader()
    reader.connection_made(transport)  # type: ignore[arg-type]
    return reader


async def test_the_transport_is_told_changes_only(reader: Reader, transport: FakeTransport) -> None:
    reader.resume()
    reader.data_received(b"")
    assert transport.told == []
    reader.pause()
    reader.pause()
    assert transport.told == ["pause"]
    reader.resume()
    reader.resume()
    assert transport.told == ["pause", "resume"]


async def test_it_rests_and_works_on(reader: Reader, transport: FakeTransport) -> None:
    reader.rests = [0.0, 0.0]
    reader.data_received(b"")
    assert transport.told == ["pause"]
    await reader.worked.wait()
    assert transport.told == ["pause", "resume"]


async def test_the_end_of_a_rest_is_not_enough_for_who_has_enough(reader: Reader, transport: FakeTransport) -> None:
    reader.rests = [0.0]
    reader.pause()
    reader.data_received(b"")
    await reader.worked.wait()
    assert transport.told == ["pause"]
    reader.resume()
    assert transport.told == ["pause", "resume"]


async def test_resuming_does_not_end_a_rest(reader: Reader, transport: FakeTransport) -> None:
    reader.rests = [0.0]
    reader.data_received(b"")
    reader.pause()
    reader.resume()
    assert transport.told == ["pause"]
    await reader.worked.wait()
    assert transport.told == ["pause", "resume"]


async def test_a_connection_that_ends_or_has_not_begun_is_left_alone(reader: Reader, transport: FakeTransport) -> None:
    reader.abort()
    reader.pause()
    assert transport.told == []
    early = Reader()
    early.pause()
    early.abort()

"""One suite for every ``Blobs``."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lambent.adapters.blobs import FileBlobs
from lambent.adapters.memory import MemoryBlobs, MemoryStore
from lambent.base.clock import VirtualClock
from lambent.domain.documents import drop, keep
from lambent.domain.http import BytesStream, read_all
from lambent.domain.storage import Blob, Blobs

LARGE = bytes(range(256)) * 12_500  # 3.2 MB: several pieces, the last one not full


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(5000.0)


@pytest.fixture(params=["memory", "files"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path, clock: VirtualClock) -> Blobs:
    return MemoryBlobs(clock) if request.param == "memory" else FileBlobs(tmp_path / "blobs", clock)


async def in_pieces(data: bytes, size: int, fail_at: int | None = None) -> AsyncIterator[bytes]:
    for offset in range(0, len(data), size):
        if fail_at is not None and offset >= fail_at:
            raise ConnectionError("the client went away")
        yield data[offset : offset + size]


@pytest.mark.parametrize("data", [b"", b"x", LARGE])
async def test_what_was_put_is_read(blobs: Blobs, data: bytes) -> None:
    blob = await blobs.put(in_pieces(data, 70_001))
    assert blob == Blob(hashlib.sha256(data).hexdigest(), len(data))
    assert await read_all(blobs.read(blob.digest)) == data
    assert (await blobs.path(blob.digest)).read_bytes() == data


async def test_a_stream_is_put(blobs: Blobs) -> None:
    assert await blobs.put(BytesStream(b"abc")) == Blob(hashlib.sha256(b"abc").hexdigest(), 3)


@pytest.mark.parametrize(
    ("start", "end"), [(0, 1), (5, 5), (1 << 20, (1 << 20) + 1), (100, 2_500_000), (3_199_999, None), (0, 99_999_999), (4_000_000, None)]
)
async def test_ranges(blobs: Blobs, start: int, end: int | None) -> None:
    blob = await blobs.put(in_pieces(LARGE, 300_000))
    assert await read_all(blobs.read(blob.digest, start, end)) == LARGE[start:end]


@pytest.mark.parametrize("digest", ["0" * 64, "", "../../etc/passwd", "A" * 64])
async def test_no_such_blob(blobs: Blobs, digest: str) -> None:
    with pytest.raises(KeyError):
        blobs.read(digest)
    with pytest.raises(KeyError):
        await blobs.path(digest)


@pytest.mark.parametrize("fail_at", [0, 100_000, 3_000_000])
async def test_a_broken_stream_leaves_nothing(blobs: Blobs, tmp_path: Path, fail_at: int) -> None:
    with pytest.raises(ConnectionError):
        await blobs.put(in_pieces(LARGE, 50_000, fail_at))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    with pytest.raises(KeyError):
        blobs.read(hashlib.sha256(LARGE).hexdigest())


async def test_a_cancelled_put_leaves_nothing(blobs: Blobs, tmp_path: Path) -> None:
    arrived = asyncio.Event()

    async def stalling() -> AsyncIterator[bytes]:
        yield LARGE
        arrived.set()
        await asyncio.Event().wait()

    putting = asyncio.ensure_future(blobs.put(stalling()))
    await arrived.wait()
    putting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await putting
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


async def test_equal_bytes_are_one_blob(blobs: Blobs, tmp_path: Path) -> None:
    put = await asyncio.gather(*(blobs.put(in_pieces(LARGE, 100_000 + index)) for index in range(4)))
    assert len(set(put)) == 1
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) <= 1
    assert await read_all(blobs.read(put[0].digest)) == LARGE


async def test_what_nobody_keeps_is_swept(blobs: Blobs, clock: VirtualClock) -> None:
    store = MemoryStore(clock)
    kept, loose = await blobs.put(BytesStream(b"kept")), await blobs.put(BytesStream(b"loose"))
    await store.commit([keep(kept.digest, "a"), keep(kept.digest, "b")])
    assert await blobs.sweep(store, older_than=5000.0) == 0
    assert await blobs.sweep(store, older_than=5001.0) == 1
    with pytest.raises(KeyError):
        blobs.read(loose.digest)
    await store.commit([drop(kept.digest, "a")])
    assert await blobs.sweep(store, older_than=5001.0) == 0
    await store.commit([drop(kept.digest, "b")])
    assert await blobs.sweep(store, older_than=5001.0) == 1


async def test_putting_again_makes_it_young(blobs: Blobs, clock: VirtualClock) -> None:
    store = MemoryStore(clock)
    blob = await blobs.put(BytesStream(b"again"))
    await clock.advance(100)
    await blobs.put(BytesStream(b"again"))
    assert await blobs.sweep(store, older_than=5050.0) == 0
    assert await read_all(blobs.read(blob.digest)) == b"again"


async def test_a_read_goes_on_while_the_blob_is_swept(blobs: Blobs, clock: VirtualClock) -> None:
    blob = await blobs.put(BytesStream(LARGE))
    reading = blobs.read(blob.digest)
    first = await anext(reading)
    assert await blobs.sweep(MemoryStore(clock), older_than=9999.0) == 1
    assert first + await read_all(reading) == LARGE

"""``MemoryBlobs``: large bytes in a dictionary."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import weakref
from collections.abc import AsyncIterator
from pathlib import Path

from lambent.base.clock import Clock
from lambent.domain.documents import is_kept
from lambent.domain.http import ByteStream
from lambent.domain.storage import Blob, Store

_CHUNK_BYTES = 1 << 20


class MemoryBlobs:
    """``Blobs`` in memory. Only a blob whose ``path`` was asked for is written to a file, in a directory that goes when this does."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._blobs: dict[str, tuple[bytes, float]] = {}
        self._directory: Path | None = None

    async def put(self, chunks: AsyncIterator[bytes] | ByteStream) -> Blob:
        """Store the bytes; see ``Blobs.put``."""
        data = b"".join([chunk async for chunk in chunks])
        digest = hashlib.sha256(data).hexdigest()
        self._blobs[digest] = (data, self._clock.now())
        return Blob(digest, len(data))

    def read(self, digest: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """Give the bytes of a range; ``KeyError``, here already, when there is no such blob."""
        data, _ = self._blobs[digest]
        return _pieces(data, start, len(data) if end is None else min(end, len(data)))

    async def path(self, digest: str) -> Path:
        """Return a file with the blob; it is written at the first call."""
        data, _ = self._blobs[digest]
        if self._directory is None:
            self._directory = Path(tempfile.mkdtemp(prefix="lambent-blobs-"))
            weakref.finalize(self, shutil.rmtree, self._directory, ignore_errors=True)
        path = self._directory / digest
        if not path.exists():
            path.write_bytes(data)
        return path

    async def sweep(self, store: Store, *, older_than: float) -> int:
        """Remove what no document keeps; see ``Blobs.sweep``."""
        swept = 0
        for digest, (_, put_at) in list(self._blobs.items()):
            if put_at < older_than and not await is_kept(store, digest):
                del self._blobs[digest]
                if self._directory is not None:
                    (self._directory / digest).unlink(missing_ok=True)
                swept += 1
        return swept


async def _pieces(data: bytes, start: int, end: int) -> AsyncIterator[bytes]:
    for offset in range(start, end, _CHUNK_BYTES):
        yield data[offset : min(offset + _CHUNK_BYTES, end)]

"""What is particular to blobs in files."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from lambent.adapters.blobs import FileBlobs
from lambent.base.clock import VirtualClock
from lambent.domain.errors import StartupError
from lambent.domain.http import BytesStream, read_all


async def test_blobs_outlive_the_process_and_unfinished_uploads_do_not(tmp_path: Path) -> None:
    blob = await FileBlobs(tmp_path, VirtualClock()).put(BytesStream(b"lasting"))
    (tmp_path / "incoming" / "7").write_bytes(b"half an upl")
    again = FileBlobs(tmp_path, VirtualClock())
    assert await read_all(again.read(blob.digest)) == b"lasting"
    assert list((tmp_path / "incoming").iterdir()) == []


async def test_files_are_their_owners_alone(tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path / "blobs", VirtualClock())
    path = await blobs.path((await blobs.put(BytesStream(b"secret"))).digest)
    assert stat.S_IMODE(path.stat().st_mode) == 0o400
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_directory_that_cannot_be_made_is_said_clearly(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StartupError, match="can't be used"):
        FileBlobs(tmp_path / "file", VirtualClock())

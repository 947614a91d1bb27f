"""Unpacking code: once, atomically, read-only, and never outside of its folder."""

from __future__ import annotations

import asyncio
import io
import stat
import zipfile
from pathlib import Path

import pytest
from tests.unit.engine.fakes import FileBlobs, zip_of

from lambent.domain.errors import AwsError
from lambent.engine.environments.code import CodeCache


def archive(*entries: tuple[str, bytes, int]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name, data, mode in entries:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            target.writestr(info, data)
    return out.getvalue()


FILE = stat.S_IFREG | 0o644
LINK = stat.S_IFLNK | 0o777


@pytest.fixture
def blobs(tmp_path: Path) -> FileBlobs:
    (tmp_path / "blobs").mkdir()
    return FileBlobs(tmp_path / "blobs")


@pytest.fixture
def cache(tmp_path: Path, blobs: FileBlobs) -> CodeCache:
    return CodeCache(tmp_path / "code", blobs, bytes_max=1_000_000)


async def test_files_are_read_only_and_programs_stay_executable(cache: CodeCache, blobs: FileBlobs) -> None:
    blobs.add("d", archive(("a/b.txt", b"text", FILE), ("bootstrap", b"#!/bin/sh", stat.S_IFREG | 0o755), ("a/link", b"b.txt", LINK)))
    code = await cache.unpacked("d")
    assert (code / "a/link").read_text() == "text"
    modes = {each.name: stat.S_IMODE(each.lstat().st_mode) for each in (code, code / "a", code / "a/b.txt", code / "bootstrap")}
    assert modes == {"d": 0o555, "a": 0o555, "b.txt": 0o444, "bootstrap": 0o555}
    await cache.forget("d")
    assert not code.exists()


async def test_those_who_ask_at_once_wait_for_one_unpacking(cache: CodeCache, blobs: FileBlobs) -> None:
    blobs.add("d", zip_of(**{"a.py": "1"}))
    assert len(set(await asyncio.gather(*(cache.unpacked("d") for _ in range(20))))) == 1


@pytest.mark.parametrize(
    "data",
    [
        archive(("../evil", b"x", FILE)),
        archive(("/etc/evil", b"x", FILE)),
        archive(("a\\..\\..\\evil", b"x", FILE)),
        archive(("link", b"../../blobs", LINK)),
        archive(("link", b"/etc/passwd", LINK)),
        archive(("a", b".", LINK), ("b", b"a/../..", LINK)),
        archive(("link", b"..", LINK), ("link/evil", b"x", FILE)),
        archive(("bomb", b"\0" * 2_000_000, FILE)),
        archive(("a", b"x", FILE), ("a/b", b"y", FILE)),
        b"not a zip",
    ],
    ids=[
        "dots",
        "absolute",
        "backslashes",
        "link out",
        "link absolute",
        "links together",
        "through a link",
        "bomb",
        "file as folder",
        "no zip",
    ],
)
async def test_a_bad_archive_is_refused_and_leaves_nothing(cache: CodeCache, blobs: FileBlobs, tmp_path: Path, data: bytes) -> None:
    blobs.add("d", data)
    before = sorted(blobs.directory.iterdir())
    with pytest.raises(AwsError, match="InvalidZipFileException"):
        await cache.unpacked("d")
    assert list((tmp_path / "code").iterdir()) == []
    assert sorted(blobs.directory.iterdir()) == before
    assert not (tmp_path / "evil").exists()


async def test_what_a_killed_process_left_is_tidied(cache: CodeCache, tmp_path: Path) -> None:
    (tmp_path / "code" / ".unfinished-1" / "x").mkdir(parents=True)
    cache.tidy()
    assert list((tmp_path / "code").iterdir()) == []


async def test_missing_code_is_said(cache: CodeCache) -> None:
    with pytest.raises(AwsError):
        await cache.unpacked("nowhere")

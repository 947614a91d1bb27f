"""Files that are set aside when they are full."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambent.server.rotating import RotatingFile


def lines(first: int, last: int) -> list[bytes]:
    return [b"%04d\n" % number for number in range(first, last)]


def contents(folder: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in folder.iterdir()}


def test_full_files_are_set_aside_and_the_oldest_goes(tmp_path: Path) -> None:
    file = RotatingFile(tmp_path / "log", bytes_max=50, files_max=3)
    for number in range(0, 36, 4):
        file.append(lines(number, number + 4))
    assert contents(tmp_path) == {
        "log": b"".join(lines(30, 36)),
        "log.1": b"".join(lines(20, 30)),
        "log.2": b"".join(lines(10, 20)),
    }
    file.append(lines(36, 100))
    assert contents(tmp_path) == {
        "log": b"".join(lines(90, 100)),
        "log.1": b"".join(lines(80, 90)),
        "log.2": b"".join(lines(70, 80)),
    }


def test_a_line_that_is_larger_than_a_file_has_one_of_its_own(tmp_path: Path) -> None:
    file = RotatingFile(tmp_path / "log", bytes_max=10, files_max=4)
    file.append([b"a\n", b"b" * 30 + b"\n", b"c\n"])
    assert contents(tmp_path) == {"log": b"c\n", "log.1": b"b" * 30 + b"\n", "log.2": b"a\n"}


def test_one_file_alone_begins_anew(tmp_path: Path) -> None:
    file = RotatingFile(tmp_path / "log", bytes_max=50, files_max=1)
    file.append(lines(0, 25))
    assert contents(tmp_path) == {"log": b"".join(lines(20, 25))}


def test_a_line_that_a_kill_cut_off_does_not_spoil_the_next(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"0000\n00")
    RotatingFile(tmp_path / "log", bytes_max=50, files_max=2).append(lines(1, 2))
    assert contents(tmp_path) == {"log": b"0000\n00\n0001\n"}


@pytest.mark.parametrize("missing", ["log", "log.1", "log.2"])
def test_a_kill_in_the_middle_of_setting_aside_loses_nothing(tmp_path: Path, missing: str) -> None:
    for name in {"log", "log.1", "log.2", "log.3"} - {missing}:
        (tmp_path / name).write_bytes(name.encode() * 9 + b"\n")
    RotatingFile(tmp_path / "log", bytes_max=50, files_max=4).append(lines(0, 11))
    kept = b"".join(contents(tmp_path).values())
    for name in {"log", "log.1", "log.2"} - {missing}:
        assert name.encode() * 9 in kept
    assert len(contents(tmp_path)) == 4


def test_fewer_files_than_before_are_kept(tmp_path: Path) -> None:
    for number in range(1, 6):
        (tmp_path / f"log.{number}").write_bytes(b"old\n")
    RotatingFile(tmp_path / "log", bytes_max=50, files_max=2).append(lines(0, 11))
    assert set(contents(tmp_path)) == {"log", "log.1"}

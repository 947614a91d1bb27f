"""Deployment packages that must not be unpacked, and some that may."""

import io
import stat
import struct
import zipfile

import pytest

from lambent.domain.errors import AwsError
from lambent.services.lambda_.packages import unpacked_size


def package(*entries, **replaced) -> io.BytesIO:
    """Zip ``(name, data, mode)``."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content, mode in entries:
            info = zipfile.ZipInfo("placeholder")
            info.filename = info.orig_filename = name
            info.external_attr = mode << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(info, content)
    return data


FILE, LINK, PIPE = stat.S_IFREG | 0o644, stat.S_IFLNK | 0o777, stat.S_IFIFO | 0o644


@pytest.mark.parametrize(
    "entries",
    [
        [("a.py", "12", FILE), ("pkg/b.py", "3", 0), ("empty/", "", stat.S_IFDIR | 0o755)],
        [("bin/node", "1", FILE), ("bin/link", "node", LINK)],
        [("a/b/c", "1", FILE), ("a/b/up", "../../a/b/c", LINK)],
        [("dangling", "no/where", LINK)],
    ],
)
def test_what_is_fine(entries):
    assert unpacked_size(package(*entries), 1000) == sum(len(content) for _, content, _ in entries)


@pytest.mark.parametrize(
    "entries",
    [
        [("../a", "1", FILE)],
        [("a/../../b", "1", FILE)],
        [("/etc/passwd", "1", FILE)],
        [("C:/x", "1", FILE)],
        [("a\\..\\b", "1", FILE)],
        [("out", "../x", LINK)],
        [("out", "/etc/passwd", LINK)],
        [("d/l", "..", LINK), ("x", "d/l/../y", LINK)],
        [("loop", "loop", LINK)],
        [("l", "d", LINK), ("l/x", "1", FILE)],
        [("pipe", "", PIPE)],
        [],
    ],
)
def test_what_is_refused(entries):
    with pytest.raises(AwsError) as caught:
        unpacked_size(package(*entries), 1000)
    assert caught.value.code == "InvalidParameterValueException"


def test_bombs_are_refused_whether_declared_or_not():
    bomb = package(("zeros", "\0" * 1_000_000, FILE)).getvalue()
    assert len(bomb) < 2000
    with pytest.raises(AwsError, match="Unzipped size must be smaller than 1000 bytes"):
        unpacked_size(io.BytesIO(bomb), 1000)
    lying = bomb.replace(struct.pack("<L", 1_000_000), struct.pack("<L", 10))
    with pytest.raises(AwsError, match="Could not unzip"):
        unpacked_size(io.BytesIO(lying), 1000)


@pytest.mark.parametrize("cut", [1, 10, 30, 60])
def test_damaged_packages_are_refused(cut):
    whole = package(("a.py", "x" * 100, FILE)).getvalue()
    with pytest.raises(AwsError):
        unpacked_size(io.BytesIO(whole[:-cut]), 1000)


def test_folders_count_and_are_not_endlessly_deep():
    assert unpacked_size(package(("d/" * 100 + "f", "x", FILE)), 1000) == 1
    with pytest.raises(AwsError, match="Could not unzip"):
        unpacked_size(package(("d/" * 200 + "f", "x", FILE)), 1000)
    many = package(*((f"{number}/" + "d/" * 120 + "f", "x", FILE) for number in range(1_700)))
    with pytest.raises(AwsError, match="more than 200000 entries"):
        unpacked_size(many, 10_000)

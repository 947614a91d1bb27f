from __future__ import annotations

import zlib

from hypothesis import given
from hypothesis import strategies as st

from lambent.services.s3.crc import CRC32, CRC32C, CRC64NVME

CHECKED = b"123456789"


def test_check_values() -> None:
    assert CRC32C.update(CHECKED) == 0xE3069283
    assert CRC64NVME.update(CHECKED) == 0xAE8B14860A799888


@given(first=st.binary(max_size=50), second=st.binary(max_size=50))
def test_going_on(first: bytes, second: bytes) -> None:
    for each in (CRC32, CRC32C, CRC64NVME):
        assert each.update(second, each.update(first)) == each.update(first + second)


@given(first=st.binary(max_size=50), second=st.binary(max_size=50))
def test_combining(first: bytes, second: bytes) -> None:
    assert CRC32.combine(zlib.crc32(first), zlib.crc32(second), len(second)) == zlib.crc32(first + second)
    for each in (CRC32C, CRC64NVME):
        assert each.combine(each.update(first), each.update(second), len(second)) == each.update(first + second)

from __future__ import annotations

import zlib

from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.services.s3.crc import CRC32, CRC32C, CRC64NVME, Crc

CHECKED = b"123456789"


def test_check_values() -> None:
    assert CRC32C.update(CHECKED) == 0xE3069283
    assert CRC64NVME.update(CHECKED) == 0xAE8B14860A799888


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 255), size=st.integers(4096, 30_000), value=st.integers(0, 2**32 - 1))
def test_folding_gives_what_the_table_gives(seed: int, size: int, value: int) -> None:
    data = bytes((seed + each * each) & 0xFF for each in range(size))
    for each in (CRC32C, CRC64NVME):
        assert each.update(data, value) == Crc(each.width, each._reflected).update(data, value)


@given(first=st.binary(max_size=50), second=st.binary(max_size=50))
def test_combining(first: bytes, second: bytes) -> None:
    assert CRC32.combine(zlib.crc32(first), zlib.crc32(second), len(second)) == zlib.crc32(first + second)
    for each in (CRC32C, CRC64NVME):
        assert each.combine(each.update(first), each.update(second), len(second)) == each.update(first + second)

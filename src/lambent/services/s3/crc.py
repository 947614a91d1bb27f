"""Cyclic redundancy checks in pure Python: CRC32C and CRC64NVME at speeds that a table can't reach, and combining over parts.

No dependency offers these two, so the bulk of a buffer is folded with whole-buffer integer operations: where x^k is congruent to a
polynomial of few terms modulo the generator, the first bits of a message can be moved k bits on and XORed there once per term. Squaring
such a relation gives one for 2k with as many terms. What is left (about a kilobyte) goes through a table.
"""

from __future__ import annotations

from functools import cached_property

_FOLD_FROM = 4096  #: bytes; below, the table is as quick


class Crc:
    """A reflected CRC with all bits set at the start and inverted at the end; works like ``zlib.crc32``."""

    def __init__(self, width: int, reflected: int, sparse_exponent: int = 0) -> None:
        self.width = width  #: bits
        self._mask = (1 << width) - 1
        self._reflected = reflected
        self._exponent = sparse_exponent  #: a multiple of 8; x to this power has few terms modulo the generator

    def update(self, data: bytes, value: int = 0) -> int:
        """Return the CRC of what ``value`` is the CRC of, followed by ``data``."""
        register = value ^ self._mask
        if self._exponent and len(data) >= _FOLD_FROM:
            data, register = self._folded(data, register), 0
        table = self._table
        for byte in data:
            register = table[(register ^ byte) & 0xFF] ^ (register >> 8)
        return register ^ self._mask

    def combine(self, first: int, second: int, second_bytes: int) -> int:
        """Return the CRC of two runs of bytes, one behind the other, from each one's CRC."""
        return self._times(first, self._power(8 * second_bytes)) ^ second

    def _folded(self, data: bytes, register: int) -> bytes:
        """Return a short message that leaves the register as ``data`` would, from zero."""
        message, bits = int.from_bytes(data, "little") ^ register, 8 * len(data)
        doublings = max(0, (bits // self._exponent).bit_length() - 1)
        for doubling in range(doublings, -1, -1):
            k = self._exponent << doubling
            terms = [each << doubling for each in self._terms]
            while bits > k:
                moved = min(bits - k, k - terms[-1])
                head = message & ((1 << moved) - 1)
                message >>= moved
                for term in terms:
                    message ^= head << (k - term - moved)
                bits -= moved
        return message.to_bytes(bits // 8, "little")

    @cached_property
    def _table(self) -> list[int]:
        table = []
        for byte in range(256):
            value = byte
            for _ in range(8):
                value = (value >> 1) ^ (self._reflected if value & 1 else 0)
            table.append(value)
        return table

    @cached_property
    def _terms(self) -> list[int]:
        """The exponents, ascending, of x to the sparse exponent modulo the generator."""
        power = self._power(self._exponent)
        return [each for each in range(self.width) if power >> (self.width - 1 - each) & 1]

    def _power(self, exponent: int) -> int:
        """Return x to the power, modulo the generator, reflected: the highest bit is 1, the next x, …"""
        result, base = 1 << (self.width - 1), 1 << (self.width - 2)
        while exponent:
            if exponent & 1:
                result = self._times(result, base)
            base = self._times(base, base)
            exponent >>= 1
        return result

    def _times(self, first: int, second: int) -> int:
        """Return the product of two reflected polynomials modulo the generator."""
        product = 0
        for position in range(self.width - 1, -1, -1):
            if second >> position & 1:
                product ^= first
            first = (first >> 1) ^ (self._reflected if first & 1 else 0)
        return product


CRC32 = Crc(32, 0xEDB88320)  #: for ``combine``; ``zlib`` computes it
CRC32C = Crc(32, 0x82F63B78, sparse_exponent=7368)  #: 7 terms
CRC64NVME = Crc(64, 0x9A6C9329AC4BC9B5, sparse_exponent=7472)  #: 19 terms

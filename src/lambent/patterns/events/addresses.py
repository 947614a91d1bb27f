"""IP addresses and blocks of them, as ``cidr`` and exact texts compare them."""

from __future__ import annotations

import ipaddress
import re

from lambent.base.regexes import Regex
from lambent.patterns.events.errors import PatternError

_V4 = Regex(r"[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+", re.ASCII)
_V6 = Regex(r"[0-9a-fA-F:]*:[0-9a-fA-F:]*", re.ASCII)
_INTEGER = Regex(r"[+-]?[0-9]+", re.ASCII)

Block = tuple[int, int, int]
"""Bits of the address family, first and last address."""


def parse_address(text: str) -> tuple[int, int] | None:
    """Return an address's family in bits and its number; ``None`` when the text isn't an address."""
    if _V4.fullmatch(text):
        parts = [int(part) for part in text.split(".")]
        if any(part > 255 for part in parts):
            return None
        return 32, int.from_bytes(parts, "big")
    if _V6.fullmatch(text):
        try:
            return 128, int(ipaddress.IPv6Address(text))
        except ValueError:
            return None
    return None


def parse_block(text: str) -> Block:
    """Return the addresses that ``10.0.0.0/24`` names. Raises ``PatternError`` with AWS's reason."""
    parts = text.split("/")
    if len(parts) != 2 or not parts[1]:
        raise PatternError("Malformed CIDR, one '/' required")
    if not _INTEGER.fullmatch(parts[1]):
        raise PatternError("Malformed CIDR, mask bits must be an integer")
    mask = int(parts[1])
    if mask < 0:
        raise PatternError("Malformed CIDR, mask bits must not be negative")
    address = parse_address(parts[0])
    if address is None:
        looks_like_one = _V4.fullmatch(parts[0]) or _V6.fullmatch(parts[0])
        raise PatternError(f"{'Invalid' if looks_like_one else 'Nonstandard'} IP address: {parts[0]}")
    bits, number = address
    if mask >= bits:
        raise PatternError(f"IPv{4 if bits == 32 else 6} mask bits must be < {bits}")
    hosts = (1 << (bits - mask)) - 1
    return bits, number & ~hosts, number | hosts


def in_block(block: Block, text: str) -> bool:
    """Return whether the text is an address of the block."""
    address = parse_address(text)
    return address is not None and address[0] == block[0] and block[1] <= address[1] <= block[2]

"""The checksums that S3 keeps: computed as bytes pass, combined over parts. Pure.

``zlib`` and ``hashlib`` do most; CRC32C and CRC64NVME are in ``crc.py``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import zlib
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from lambent.domain.errors import AwsError
from lambent.services.s3 import crc, errors
from lambent.services.s3.state import Checksum

ALGORITHMS: Final = ("CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256", "SHA512", "MD5")
DEFAULT: Final = "CRC64NVME"
"""What S3 computes for a write that brings no checksum."""
_CRCS: Final = {"CRC32": crc.CRC32, "CRC32C": crc.CRC32C, "CRC64NVME": crc.CRC64NVME}
_NOT_SERVED: Final = ("XXHASH64", "XXHASH3", "XXHASH128")
_SIZES: Final = {"CRC32": 4, "CRC32C": 4, "CRC64NVME": 8, "SHA1": 20, "SHA256": 32, "SHA512": 64, "MD5": 16}


class Hasher(Protocol):
    """Takes bytes, gives a digest."""

    def update(self, data: bytes, /) -> None:
        """Take the next bytes."""
        ...

    def digest(self) -> bytes:
        """Return the digest of all bytes taken."""
        ...


class _Crc32:
    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes, /) -> None:
        self._value = zlib.crc32(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(4, "big")


class _TableCrc:
    def __init__(self, polynomial: crc.Crc) -> None:
        self._polynomial = polynomial
        self._value = 0

    def update(self, data: bytes, /) -> None:
        self._value = self._polynomial.update(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(self._polynomial.width // 8, "big")


def hasher(algorithm: str) -> Hasher:
    """Return a fresh hasher. ``InvalidRequest`` for an algorithm that isn't served."""
    match algorithm:
        case "CRC32":
            return _Crc32()
        case "CRC32C" | "CRC64NVME":
            return _TableCrc(_CRCS[algorithm])
        case "SHA1" | "SHA256" | "SHA512" | "MD5":
            return hashlib.new(algorithm.lower(), usedforsecurity=False)
        case _:
            raise _unsupported()


def _unsupported() -> AwsError:
    return errors.invalid_request("Checksum algorithm provided is unsupported. Please try again with any of the valid types.")


def text(digest: bytes) -> str:
    """Return a digest as S3 writes it: base64."""
    return base64.b64encode(digest).decode()


def header(algorithm: str) -> str:
    """Return the header that carries a checksum."""
    return f"x-amz-checksum-{algorithm.lower()}"


def given(params: Mapping[str, object]) -> tuple[str, str] | None:
    """Return the algorithm and value among a request's ``Checksum…`` members. ``InvalidRequest`` for several or a malformed one."""
    if any(params.get(f"Checksum{each}") for each in _NOT_SERVED):
        raise _unsupported()
    found = [(each, str(params[f"Checksum{each}"])) for each in ALGORITHMS if params.get(f"Checksum{each}")]
    if len(found) > 1:
        raise errors.invalid_request("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
    if found:
        check_form(*found[0])
    return found[0] if found else None


def check_form(algorithm: str, value: str) -> None:
    """Raise ``InvalidRequest`` unless the value could be a checksum of that algorithm."""
    if len(decoded(value.partition("-")[0])) != _SIZES[algorithm]:
        raise errors.invalid_request(f"Value for {header(algorithm)} header is invalid.")


def decoded(value: str) -> bytes:
    """Return base64's bytes; nothing when it isn't base64."""
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return b""


def members(checksum: Checksum | None, *, with_type: bool = True) -> dict[str, str]:
    """Return the checksum as an answer's members."""
    if checksum is None:
        return {}
    found = {f"Checksum{checksum.algorithm}": checksum.value}
    return {**found, "ChecksumType": checksum.type} if with_type else found


def default_type(algorithm: str) -> str:
    """Return the type that an upload's checksum has unless the request says otherwise."""
    return "FULL_OBJECT" if algorithm == "CRC64NVME" else "COMPOSITE"


def check_type(algorithm: str, kind: str) -> None:
    """Raise ``InvalidRequest`` when the algorithm can't make a checksum of that type."""
    if (kind == "FULL_OBJECT" and algorithm not in _CRCS) or (kind == "COMPOSITE" and algorithm == "CRC64NVME"):
        raise errors.invalid_request(f"The {kind} checksum type cannot be used with the {algorithm.lower()} checksum algorithm.")


def of_parts(algorithm: str, kind: str, parts: Sequence[tuple[Checksum, int]]) -> Checksum:
    """Return the checksum of an object from its parts' checksums and sizes, without reading a byte."""
    digests = [base64.b64decode(checksum.value) for checksum, _ in parts]
    if kind == "COMPOSITE":
        whole = hasher(algorithm)
        for each in digests:
            whole.update(each)
        return Checksum(algorithm, f"{text(whole.digest())}-{len(parts)}", kind)
    polynomial = _CRCS[algorithm]
    value = 0
    for digest, (_, size) in zip(digests, parts, strict=True):
        value = polynomial.combine(value, int.from_bytes(digest, "big"), size)
    return Checksum(algorithm, text(value.to_bytes(polynomial.width // 8, "big")), kind)

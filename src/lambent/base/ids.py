"""Randomness and ids as a parameter, so that a simulation with a seed repeats itself."""

from __future__ import annotations

import itertools
import os
import random
import secrets
import uuid
from functools import lru_cache
from typing import Final, Protocol

_MANY: Final = 100
_PIECE: Final = 40  #: digits: what a trace begins with
_UUID: Final = 32  #: digits
_VARIANTS: Final = {f"{digit:x}": "89ab"[digit & 3] for digit in range(16)}


class Ids(Protocol):
    """Where ids and other randomness come from."""

    def uuid(self) -> str:
        """Return a random UUID, as in ``x-amzn-RequestId``."""
        ...

    def ordered(self) -> str:
        """Return a name that nobody else has, and that comes right after the one before: what is stored under such names lies together,
        where each random one touches a page of its own."""
        ...

    def hex(self, digits: int) -> str:
        """Return that many random lower-case hexadecimal digits."""
        ...

    def text(self, length: int, alphabet: str) -> str:
        """Return a random text of that length from the alphabet, which is ASCII."""
        ...

    def random(self) -> float:
        """Return a number in [0, 1), for weights and jitter."""
        ...


class SystemIds:
    """Ids from the operating system's secure randomness, made many at once: a system call lets go of the interpreter's lock, and on a busy
    server it takes a while to get it back."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._uuids: list[str] = []
        self._mark = os.urandom(12).hex()  #: nobody else's
        self._number = itertools.count()

    def uuid(self) -> str:
        """Return a random UUID."""
        while True:
            try:
                return self._uuids.pop()  # one step: no two threads get the same
            except IndexError:
                self._uuids += [_uuid(digits) for digits in _random_digits(_UUID)]

    def ordered(self) -> str:
        """Return the next name."""
        return f"{self._mark}{next(self._number):08x}"

    def hex(self, digits: int) -> str:
        """Return random hexadecimal digits."""
        found = self._piece()
        while len(found) < digits:
            found += self._piece()
        return found if len(found) == digits else found[:digits]

    def _piece(self) -> str:
        while True:
            try:
                return self._pieces.pop()  # see uuid
            except IndexError:
                self._pieces += _random_digits(_PIECE)

    def text(self, length: int, alphabet: str) -> str:
        """Return random text. Bytes that would make some letters likelier than others are left out."""
        letters, left_out = _letters(alphabet)
        found = b""
        while len(found) < length:
            found += os.urandom(2 * length).translate(letters, left_out)
        return found[:length].decode()

    def random(self) -> float:
        """Return a number in [0, 1)."""
        return secrets.randbits(53) / (1 << 53)


@lru_cache
def _letters(alphabet: str) -> tuple[bytes, bytes]:
    """Return the letter for each byte, and the bytes that have none; the alphabet is ASCII."""
    fair = 256 - 256 % len(alphabet)
    return bytes(ord(alphabet[byte % len(alphabet)]) for byte in range(256)), bytes(range(fair, 256))


def _random_digits(each: int) -> list[str]:
    """Return hexadecimal digits many times, so many of them ``each`` time."""
    digits = os.urandom(_MANY * each // 2).hex()
    return [digits[start : start + each] for start in range(0, len(digits), each)]


def _uuid(digits: str) -> str:
    """Return what ``str(uuid.uuid4())`` gives, at a fraction of its cost: every request has one."""
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{_VARIANTS[digits[16]]}{digits[17:20]}-{digits[20:]}"


class SeededIds:
    """Ids from a seed: the same run gives the same ids. For tests only."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self._mark = f"{seed:024x}"
        self._number = itertools.count()

    def uuid(self) -> str:
        """Return the next UUID of the seed."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def ordered(self) -> str:
        """Return the next name of the seed."""
        return f"{self._mark}{next(self._number):08x}"

    def hex(self, digits: int) -> str:
        """Return the next hexadecimal digits of the seed."""
        return f"{self._random.getrandbits(4 * digits):0{digits}x}"

    def text(self, length: int, alphabet: str) -> str:
        """Return the next text of the seed."""
        return "".join(self._random.choice(alphabet) for _ in range(length))

    def random(self) -> float:
        """Return the next number in [0, 1)."""
        return self._random.random()

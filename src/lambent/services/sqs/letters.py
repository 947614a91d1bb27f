"""A message that was received, and what every kind of queue can do with its messages. Pure.

A queue's messages are known by their *sequence*: the time of their arrival in milliseconds, times 2²⁰, and a number that tells messages of
one millisecond apart. It grows from message to message, over restarts too.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Final, Protocol

import msgspec

from lambent.services.sqs.tenants import Loads

_SHIFT: Final = 20
_STALE_MAX: Final = 1024


def next_sequence(last: int, now_ms: int) -> int:
    """Return the sequence of a message that arrives now, after ``last``."""
    return max(last + 1, now_ms << _SHIFT)


def arrival_ms(sequence: int) -> int:
    """Return when a message arrived, in milliseconds since 1970."""
    return sequence >> _SHIFT


class Letter(msgspec.Struct):
    """A message that was received at least once and is still there."""

    sequence: int
    group: str = ""
    receives: int = 0
    first_received_ms: int = 0
    nonce: str = ""  #: of the latest receive: what its receipt handle must say
    until_ms: int = 0  #: invisible until then
    held: bool = False  #: invisible: somebody is at work on it


class Box(Protocol):
    """The order of a queue's messages. Times are in milliseconds since 1970; call ``settle`` before anything that depends on the time."""

    @property
    def in_flight(self) -> int:
        """How many are held."""
        ...

    @property
    def delayed(self) -> int:
        """How many were sent with a delay that has not passed."""
        ...

    @property
    def available(self) -> int:
        """How many are neither held nor delayed."""
        ...

    def arrive(self, sequence: int, *, due_ms: int, now_ms: int, group: str = "") -> None:
        """Take in a message that was never received, to be given from ``due_ms`` on."""
        ...

    def restore(self, letter: Letter) -> None:
        """Take in a message that was received before."""
        ...

    def settle(self, now_ms: int) -> None:
        """Let delays and visibility timeouts pass."""
        ...

    def ready(self) -> bool:
        """Return whether ``take`` would give something."""
        ...

    def take(self, limit: int, *, now_ms: int, until_ms: int, nonce: Callable[[], str]) -> list[Letter]:
        """Receive messages: they are held until ``until_ms``."""
        ...

    def find(self, sequence: int) -> Letter | None:
        """Return a message that was received and is still there."""
        ...

    def hold(self, letter: Letter, until_ms: int) -> None:
        """Make a message invisible until another time; one that became visible again is held anew."""
        ...

    def remove(self, letter: Letter) -> None:
        """Forget a message."""
        ...

    def drop_before(self, limit_ms: int) -> list[int]:
        """Forget messages that arrived before a time, were never received and are next in line; return their sequences."""
        ...

    def next_due_ms(self) -> int | None:
        """Return when a delay or visibility timeout passes next."""
        ...


class Held:
    """The messages that were received, and when those that are held become visible again."""

    def __init__(self) -> None:
        self.letters: dict[int, Letter] = {}
        self.count = 0  #: of those that are held
        self._expiries: list[tuple[int, int]] = []
        self._loads = Loads()

    def add(self, letter: Letter) -> None:
        """Note a letter that is held until its ``until_ms``; it may have been noted before."""
        self.letters[letter.sequence] = letter
        letter.held = True
        self.count += 1
        self._loads.add(letter.group, 1)
        self._watch(letter)

    def extend(self, letter: Letter, until_ms: int) -> None:
        """Hold a held letter until another time."""
        letter.until_ms = until_ms
        self._watch(letter)

    def let_go(self, letter: Letter) -> None:
        """Hold a letter no longer."""
        letter.held = False
        self.count -= 1
        self._loads.add(letter.group, -1)

    def noise(self) -> dict[str, int]:
        """Return the groups that hold more than their share, and how many each holds; see ``tenants``."""
        return self._loads.noise(self.count)

    def expire(self, now_ms: int) -> list[Letter]:
        """Let go of the letters whose time has passed, and return them."""
        gone = []
        while self._expiries and self._expiries[0][0] <= now_ms:
            until_ms, sequence = heapq.heappop(self._expiries)
            letter = self.letters.get(sequence)
            if letter is not None and letter.held and letter.until_ms == until_ms:
                self.let_go(letter)
                gone.append(letter)
        return gone

    def next_ms(self) -> int | None:
        """Return when the next letter's time passes (perhaps: it may have been deleted meanwhile)."""
        return self._expiries[0][0] if self._expiries else None

    def _watch(self, letter: Letter) -> None:
        heapq.heappush(self._expiries, (letter.until_ms, letter.sequence))
        if len(self._expiries) > 2 * self.count + _STALE_MAX:
            self._expiries = [(each.until_ms, each.sequence) for each in self.letters.values() if each.held]
            heapq.heapify(self._expiries)

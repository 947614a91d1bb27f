"""The order of a standard queue's messages. Pure.

- Messages are given in the order of their arrival (of the end of their delay), each to one receiver.
- A message that came back (its visibility timeout passed) is given again before newer ones, but in turn with messages that were never
  received, so that messages which nobody can handle don't keep the rest waiting.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Final

from lambent.services.sqs.letters import Held, Letter, arrival_ms
from lambent.services.sqs.lines import Delays, Line

_RETURNED_MAX: Final = 10_000
"""When so many came back they alone are given: what is known of each takes memory, which a message that was never received does not."""


class StandardBox:
    """A standard queue's messages; see ``letters.Box``."""

    def __init__(self) -> None:
        self._fresh = Line()
        self._delays = Delays()
        self._held = Held()
        self._returned: list[int] = []  #: a heap; may name letters that are gone or held again
        self._gave_returned = False

    @property
    def in_flight(self) -> int:
        """How many are held."""
        return self._held.count

    @property
    def delayed(self) -> int:
        """How many wait for the end of their delay."""
        return len(self._delays)

    @property
    def available(self) -> int:
        """How many could be received."""
        return len(self._fresh) + self._came_back

    @property
    def _came_back(self) -> int:
        return len(self._held.letters) - self._held.count

    def arrive(self, sequence: int, *, due_ms: int, now_ms: int, group: str = "") -> None:
        """Take in a new message; groups mean nothing here."""
        del group
        if due_ms > now_ms:
            self._delays.push(sequence, due_ms)
        else:
            self._fresh.push(sequence)

    def restore(self, letter: Letter) -> None:
        """Take in a message that was received before."""
        self._held.add(letter)

    def settle(self, now_ms: int) -> None:
        """Let delays and visibility timeouts pass."""
        for sequence in self._delays.pop_due(now_ms):
            self._fresh.push(sequence)
        for letter in self._held.expire(now_ms):
            heapq.heappush(self._returned, letter.sequence)

    def ready(self) -> bool:
        """Return whether a message could be received."""
        return self.available > 0

    def take(self, limit: int, *, now_ms: int, until_ms: int, nonce: Callable[[], str]) -> list[Letter]:
        """Receive messages."""
        taken: list[Letter] = []
        while len(taken) < limit and (letter := self._next()) is not None:
            letter.receives += 1
            letter.first_received_ms = letter.first_received_ms or now_ms
            letter.nonce, letter.until_ms = nonce(), until_ms
            self._held.add(letter)
            taken.append(letter)
        return taken

    def _next(self) -> Letter | None:
        fresh_is_next = self._gave_returned and self._came_back < _RETURNED_MAX
        if self._came_back and not (fresh_is_next and len(self._fresh)):
            self._gave_returned = True
            return self._next_returned()
        self._gave_returned = False
        return Letter(self._fresh.pop()) if len(self._fresh) else None

    def _next_returned(self) -> Letter | None:
        while self._returned:
            letter = self._held.letters.get(heapq.heappop(self._returned))
            if letter is not None and not letter.held:
                return letter
        return None

    def find(self, sequence: int) -> Letter | None:
        """Return a message that was received and is still there."""
        return self._held.letters.get(sequence)

    def hold(self, letter: Letter, until_ms: int) -> None:
        """Make a message invisible until another time."""
        if letter.held:
            self._held.extend(letter, until_ms)
        else:
            letter.until_ms = until_ms
            self._held.add(letter)

    def remove(self, letter: Letter) -> None:
        """Forget a message."""
        if self._held.letters.pop(letter.sequence, None) is not None and letter.held:
            self._held.let_go(letter)

    def drop_before(self, limit_ms: int) -> list[int]:
        """Forget messages that were never received and arrived before a time."""
        gone = []
        while len(self._fresh) and arrival_ms(self._fresh.peek()) < limit_ms:
            gone.append(self._fresh.pop())
        return gone

    def next_due_ms(self) -> int | None:
        """Return when a delay or a visibility timeout passes next."""
        return min((each for each in (self._delays.next_due_ms(), self._held.next_ms()) if each is not None), default=None)

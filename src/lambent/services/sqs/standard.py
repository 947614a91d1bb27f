"""The order of a standard queue's messages. Pure.

- Messages are given in the order of their arrival, each to one receiver; messages of noisy neighbours after all others (``tenants``).
- A message that came back (its visibility timeout passed) is given again before newer ones, but in turn with messages that were never
  received, so that messages which nobody can handle don't keep the rest waiting.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from lambent.services.sqs.letters import Held, Letter, arrival_ms
from lambent.services.sqs.lines import Delays, Line
from lambent.services.sqs.tenants import Sorted, Tenants

_RETURNED_MAX: Final = 10_000
"""When so many came back they alone are given: what is known of each takes memory, which a message that was never received does not."""


class StandardBox:
    """A standard queue's messages; see ``letters.Box``."""

    def __init__(self) -> None:
        self._fresh = Tenants(Line)
        self._delays = Delays()
        self._delayed_groups: dict[int, str] = {}  #: of delayed messages that have one
        self._held = Held()
        self._returned = Tenants(Sorted)  #: may name letters that are gone or held again
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
        """Take in a new message."""
        if due_ms <= now_ms:
            self._fresh.push(group, sequence)
            return
        self._delays.push(sequence, due_ms)
        if group:
            self._delayed_groups[sequence] = group

    def restore(self, letter: Letter) -> None:
        """Take in a message that was received before."""
        self._held.add(letter)

    def settle(self, now_ms: int) -> None:
        """Let delays and visibility timeouts pass."""
        for sequence in self._delays.pop_due(now_ms):
            self._fresh.push(self._delayed_groups.pop(sequence, ""), sequence)
        for letter in self._held.expire(now_ms):
            self._returned.push(letter.group, letter.sequence)

    def ready(self) -> bool:
        """Return whether a message could be received."""
        return self.available > 0

    def take(self, limit: int, *, now_ms: int, until_ms: int, nonce: Callable[[], str]) -> list[Letter]:
        """Receive messages."""
        taken: list[Letter] = []
        noise = self._held.noise()
        while len(taken) < limit and (letter := self._next(noise)) is not None:
            letter.receives += 1
            letter.first_received_ms = letter.first_received_ms or now_ms
            letter.nonce, letter.until_ms = nonce(), until_ms
            self._held.add(letter)
            taken.append(letter)
        return taken

    def _next(self, noise: Mapping[str, int]) -> Letter | None:
        fresh_is_next = self._gave_returned and self._came_back < _RETURNED_MAX
        if noise and self._fresh.has_quiet(noise) and not self._returned.has_quiet(noise):
            fresh_is_next = True
        elif noise and self._returned.has_quiet(noise) and not self._fresh.has_quiet(noise):
            fresh_is_next = False
        if self._came_back and not (fresh_is_next and len(self._fresh)):
            self._gave_returned = True
            return self._next_returned(noise)
        self._gave_returned = False
        found = self._fresh.pop(noise)
        return None if found is None else Letter(*found)

    def _next_returned(self, noise: Mapping[str, int]) -> Letter | None:
        while (found := self._returned.pop(noise)) is not None:
            letter = self._held.letters.get(found[0])
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
        while (oldest := self._fresh.oldest()) is not None and arrival_ms(oldest) < limit_ms:
            found = self._fresh.pop({})
            if found is not None:
                gone.append(found[0])
        return gone

    def next_due_ms(self) -> int | None:
        """Return when a delay or a visibility timeout passes next."""
        return min((each for each in (self._delays.next_due_ms(), self._held.next_ms()) if each is not None), default=None)

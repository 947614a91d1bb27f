"""The order of a FIFO queue's messages. Pure.

Follows "FIFO queue delivery logic" in the developer guide:

- Messages of one group are given strictly in the order in which they were sent; one receive may take several of a group, in order.
- While a message is held, no later message of its group is given. An earlier one that became visible again is.
- Groups don't wait for each other. They stand in line: the one that has been ready longest is served first, with as many messages as
  are asked for.
- Of a long queue only the first ``lookahead`` messages are looked at, as AWS does it; the rest stays on disk until they have moved up.
"""

from __future__ import annotations

import heapq
from bisect import insort
from collections import deque
from collections.abc import Callable
from typing import Final

import msgspec

from lambent.services.sqs.letters import Held, Letter, arrival_ms

LOOKAHEAD: Final = 120_000
"""Messages; see "Avoid large message backlogs with the same message group ID" in the developer guide."""


class _Group(msgspec.Struct):
    """One group's messages."""

    name: str
    fresh: deque[int] = msgspec.field(default_factory=deque)  #: never received, in order
    returned: list[int] = []  #: received before and visible again, in order
    held: list[int] = []  #: in order

    def head(self) -> int | None:
        """Return the group's next message."""
        if self.returned:
            return min(self.returned[0], self.fresh[0]) if self.fresh else self.returned[0]
        return self.fresh[0] if self.fresh else None

    def may_give(self, sequence: int) -> bool:
        """Return whether nothing earlier is held."""
        return not self.held or sequence < self.held[0]


class FifoBox:
    """A FIFO queue's messages; see ``letters.Box``."""

    def __init__(self, lookahead: int = LOOKAHEAD) -> None:
        self.beyond = 0  #: messages after ``last`` that are only on disk
        self.last = 0  #: the last message that was taken in
        self.read_to = 0  #: the last message that was read from disk when there was room again
        self._lookahead = lookahead
        self._held = Held()
        self._groups: dict[str, _Group] = {}
        self._ready: dict[str, None] = {}  #: groups that have a message to give, in line
        self._delays: list[tuple[int, int, str]] = []  #: a heap of (due, message, group)
        self._delayed: set[int] = set()
        self._waiting = 0  #: in all groups' ``fresh``

    @property
    def in_flight(self) -> int:
        """How many are held."""
        return self._held.count

    @property
    def delayed(self) -> int:
        """How many wait for the end of their delay."""
        return len(self._delayed)

    @property
    def available(self) -> int:
        """How many are neither held nor delayed; those that wait for others of their group are counted too."""
        return self._waiting + len(self._held.letters) - self._held.count - len(self._delayed) + self.beyond

    @property
    def wants_more(self) -> bool:
        """Whether messages should be read from disk, after ``last``."""
        return self.beyond > 0 and self._waiting + len(self._held.letters) <= self._lookahead // 2

    @property
    def room(self) -> int:
        """How many messages may be taken in."""
        return max(0, self._lookahead - self._waiting - len(self._held.letters))

    def arrive(self, sequence: int, *, due_ms: int, now_ms: int, group: str = "") -> None:
        """Take in a message that was just sent; when there is no room it is only counted."""
        if sequence <= self.read_to:
            return  # it was read from disk before it was told
        if self.beyond or not self.room:
            self.beyond += 1
            return
        self.admit(sequence, due_ms=due_ms, now_ms=now_ms, group=group)

    def admit(self, sequence: int, *, due_ms: int, now_ms: int, group: str) -> None:
        """Take in a message that was never received."""
        self.last = max(self.last, sequence)
        found = self._groups.setdefault(group, _Group(group))
        if found.fresh and found.fresh[-1] > sequence:
            found.fresh.insert(next(at for at, each in enumerate(found.fresh) if each > sequence), sequence)
        else:
            found.fresh.append(sequence)
        self._waiting += 1
        if due_ms > now_ms:
            self._delayed.add(sequence)
            heapq.heappush(self._delays, (due_ms, sequence, group))
        self._offer(found)

    def restore(self, letter: Letter) -> None:
        """Take in a message that was received before."""
        self.last = max(self.last, letter.sequence)
        self._held.add(letter)
        insort(self._groups.setdefault(letter.group, _Group(letter.group)).held, letter.sequence)

    def _offer(self, group: _Group) -> None:
        """Put a group in line when its next message can be given, or take it out; forget it when it has no messages."""
        head = group.head()
        if head is not None and head not in self._delayed and group.may_give(head):
            self._ready.setdefault(group.name)
            return
        self._ready.pop(group.name, None)
        if head is None and not group.held:
            self._groups.pop(group.name, None)

    def settle(self, now_ms: int) -> None:
        """Let delays and visibility timeouts pass."""
        while self._delays and self._delays[0][0] <= now_ms:
            _, sequence, name = heapq.heappop(self._delays)
            self._delayed.discard(sequence)
            if name in self._groups:
                self._offer(self._groups[name])
        for letter in self._held.expire(now_ms):
            self._give_back(letter)

    def _give_back(self, letter: Letter) -> None:
        group = self._groups[letter.group]
        group.held.remove(letter.sequence)
        insort(group.returned, letter.sequence)
        self._offer(group)

    def ready(self) -> bool:
        """Return whether a message could be received."""
        return bool(self._ready)

    def take(self, limit: int, *, now_ms: int, until_ms: int, nonce: Callable[[], str]) -> list[Letter]:
        """Receive messages."""
        taken: list[Letter] = []
        while len(taken) < limit and self._ready:
            group = self._groups[next(iter(self._ready))]
            held = list(group.held)
            while len(taken) < limit and (head := self._next(group, held)) is not None:
                letter = self._pop(group, head)
                letter.receives += 1
                letter.first_received_ms = letter.first_received_ms or now_ms
                letter.nonce, letter.until_ms = nonce(), until_ms
                self._held.add(letter)
                insort(group.held, head)
                taken.append(letter)
            self._offer(group)
        return taken

    def _next(self, group: _Group, held: list[int]) -> int | None:
        """Return the group's next message, if it can be given although those in ``held`` were held before."""
        head = group.head()
        return head if head is not None and head not in self._delayed and (not held or head < held[0]) else None

    def _pop(self, group: _Group, head: int) -> Letter:
        if group.returned and group.returned[0] == head:
            return self._held.letters[group.returned.pop(0)]
        self._waiting -= 1
        return Letter(group.fresh.popleft(), group.name)

    def find(self, sequence: int) -> Letter | None:
        """Return a message that was received and is still there."""
        return self._held.letters.get(sequence)

    def hold(self, letter: Letter, until_ms: int) -> None:
        """Make a message invisible until another time."""
        if letter.held:
            self._held.extend(letter, until_ms)
            return
        letter.until_ms = until_ms
        group = self._groups[letter.group]
        group.returned.remove(letter.sequence)
        insort(group.held, letter.sequence)
        self._held.add(letter)
        self._offer(group)

    def remove(self, letter: Letter) -> None:
        """Forget a message; the next of its group may be given when no other of it is held."""
        if self._held.letters.pop(letter.sequence, None) is None:
            return
        group = self._groups[letter.group]
        if letter.held:
            self._held.let_go(letter)
            group.held.remove(letter.sequence)
        else:
            group.returned.remove(letter.sequence)
        self._offer(group)

    def drop_before(self, limit_ms: int) -> list[int]:
        """Forget messages that were never received and arrived before a time."""
        gone: list[int] = []
        for group in list(self._groups.values()):
            before = len(gone)
            while group.fresh and arrival_ms(group.fresh[0]) < limit_ms:
                gone.append(group.fresh.popleft())
            if len(gone) > before:
                self._offer(group)
        self._waiting -= len(gone)
        self._delayed.difference_update(gone)
        return gone

    def next_due_ms(self) -> int | None:
        """Return when a delay or a visibility timeout passes next."""
        delay = self._delays[0][0] if self._delays else None
        return min((each for each in (delay, self._held.next_ms()) if each is not None), default=None)

"""Fair queues: a standard queue's messages by tenant, which is their message group. Pure.

Follows "How Amazon SQS fair queues work": a tenant that has 30 messages in flight or more, and more than a tenth of all that are in
flight, is a noisy neighbour. Others' messages go first as long as there are any; of several noisy ones the one with the fewest in flight.
A message without a group is a tenant of its own, and so never noisy. AWS looks at shares of the time of processing, too; this does not.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping
from typing import Final, Generic, Protocol, TypeVar

_NOISY_MIN: Final = 30
_NOISY_SHARE: Final = 10  #: a tenth


class Waiting(Protocol):
    """Sequences of one tenant, in the order in which they are given."""

    def __len__(self) -> int: ...

    def push(self, sequence: int) -> None:
        """Add one."""
        ...

    def peek(self) -> int:
        """Return the first, and leave it."""
        ...

    def pop(self) -> int:
        """Remove the first and return it."""
        ...


class Sorted:
    """Sequences, the least first."""

    def __init__(self) -> None:
        self._heap: list[int] = []

    def __len__(self) -> int:
        return len(self._heap)

    def push(self, sequence: int) -> None:
        """Add one."""
        heapq.heappush(self._heap, sequence)

    def peek(self) -> int:
        """Return the least, and leave it."""
        return self._heap[0]

    def pop(self) -> int:
        """Remove the least and return it."""
        return heapq.heappop(self._heap)


W = TypeVar("W", bound=Waiting)


class Tenants(Generic[W]):
    """Sequences by tenant. Across tenants, the one whose first is the oldest is next."""

    def __init__(self, line: Callable[[], W]) -> None:
        self._line = line
        self._lines: dict[str, W] = {}
        self._firsts: list[tuple[int, str]] = []  #: a heap: of each tenant that has any, the first
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def push(self, tenant: str, sequence: int) -> None:
        """Add one."""
        line = self._lines.get(tenant)
        if line is None:
            line = self._lines[tenant] = self._line()
        line.push(sequence)
        self._count += 1
        if len(line) == 1 or line.peek() == sequence:  # it is the first: the only one, or less than the one that was
            heapq.heappush(self._firsts, (sequence, tenant))

    def oldest(self) -> int | None:
        """Return the least of all tenants' firsts."""
        self._settle()
        return self._firsts[0][0] if self._firsts else None

    def pop(self, noise: Mapping[str, int]) -> tuple[int, str] | None:
        """Remove the next and return it with its tenant; of noisy tenants, whose messages in flight ``noise`` tells, only when no other has
        any."""
        aside: list[tuple[int, str]] = []
        while True:
            self._settle()
            if not self._firsts or self._firsts[0][1] not in noise:
                break
            aside.append(heapq.heappop(self._firsts))
        if not self._firsts and aside:
            aside.sort(key=lambda first: (noise[first[1]], first))
            heapq.heappush(self._firsts, aside.pop(0))
        found = self._take() if self._firsts else None
        for each in aside:
            heapq.heappush(self._firsts, each)
        return found

    def has_quiet(self, noise: Mapping[str, int]) -> bool:
        """Return whether a tenant that isn't noisy has any."""
        if not noise:
            return self._count > 0
        return any(tenant not in noise for tenant in self._lines)

    def _take(self) -> tuple[int, str]:
        sequence, tenant = heapq.heappop(self._firsts)
        line = self._lines[tenant]
        line.pop()
        self._count -= 1
        if len(line):
            heapq.heappush(self._firsts, (line.peek(), tenant))
        else:
            del self._lines[tenant]
        return sequence, tenant

    def _settle(self) -> None:
        """Drop entries at the front that are no tenant's first any more."""
        while self._firsts:
            sequence, tenant = self._firsts[0]
            line = self._lines.get(tenant)
            if line is not None and line.peek() == sequence:
                return
            heapq.heappop(self._firsts)


class Loads:
    """How many messages each tenant has in flight."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._many: set[str] = set()  #: who has enough to be noisy

    def add(self, tenant: str, count: int) -> None:
        """Count messages that are in flight now, or no longer."""
        if not tenant:
            return
        now = self._counts.get(tenant, 0) + count
        if now:
            self._counts[tenant] = now
        else:
            self._counts.pop(tenant, None)
        if now >= _NOISY_MIN:
            self._many.add(tenant)
        else:
            self._many.discard(tenant)

    def noise(self, in_flight: int) -> dict[str, int]:
        """Return the noisy tenants, and how many messages each has in flight."""
        return {each: self._counts[each] for each in self._many if self._counts[each] * _NOISY_SHARE > in_flight}

"""What an environment may use, and when: nothing between invocations, all CPU for a moment, its share after that, its memory always.

The share of CPU is enforced from an invocation's ``GRACE_S`` on: work that is over by then runs at full speed, which costs others little,
and longer work gets what its memory buys. An init has no cap, as in Lambda. Freezing is lazy: an invocation that follows soon
finds the environment awake, and nothing is written on the warm path. Memory is looked at as often as it could be filled up, no
oftener: with a thousand busy environments, looking is most of what they cost. The kernel's limit is behind it. While environments are being
made nothing is frozen, for ``UNREST_S`` at most: the kernel lets one join its group or freeze at a time, and the server would wait.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

from lambent.adapters.sandbox.cgroups import MB_PER_CPU, Group
from lambent.adapters.sandbox.rounds import Rounds

GRACE_S = 0.02
REST_S = 0.01
LOOK_S_MAX = 1.0
UNREST_S = 1.0
_FILLED_BYTES_S = 2 << 30  # what a processor can fill in a second, at most


class Governor:
    """Governs one environment. ``stop`` and ``go`` are how it is frozen when its group can't; ``exceeded`` is told of too much memory."""

    def __init__(
        self,
        group: Group | None,
        memory_mb: int,
        rounds: Rounds,
        *,
        stop: Callable[[], None],
        go: Callable[[], None],
        exceeded: Callable[[], None],
        is_calm: Callable[[], bool] = lambda: True,
        by_group: bool = True,
    ) -> None:
        self.pid = 0  #: of the runtime; known later
        self._group = group
        self._memory_mb = memory_mb
        self._rounds = rounds
        self._monotonic = rounds.monotonic
        freezer = group if group is not None and group.can_freeze and by_group else None
        self._stop = stop if freezer is None else freezer.freeze
        self._go = go if freezer is None else freezer.thaw
        self._exceeded = exceeded
        self._is_calm = is_calm
        self._due = math.inf  #: when the next look is, monotonic; infinite: there is none to come
        self._memory_due = 0.0  #: until when the memory that was left can't be filled, monotonic
        self._since = 0.0  #: the last change between busy and idle, monotonic
        self._is_busy = False
        self._is_frozen = False
        self._is_capped = False
        self._is_initialised = False
        self._is_closed = False

    def busy(self) -> None:
        """An init or an invocation follows."""
        self._is_busy = True
        self._since = self._monotonic()
        if self._is_frozen:
            self._is_frozen = False
            self._go()
        if self._due == math.inf:
            self._ask(self._since + GRACE_S)

    def idle(self) -> None:
        """It is over. Nothing happens when it was over before."""
        self._is_busy = False
        self._is_initialised = True
        self._since = self._monotonic()
        if self._is_capped and self._group is not None:
            self._is_capped = False
            self._group.uncap()
            self._memory_due = 0.0  # it was reckoned with the cap
        if self._due - self._since > GRACE_S:
            self._ask(self._since + REST_S)

    def close(self) -> None:
        """Govern no more."""
        self._is_closed = True
        self._due = math.inf

    def look(self, due: float) -> None:
        """Do what is to be done by now; see ``Looking``."""
        if due != self._due:
            return  # another time was asked for since
        self._due, now = math.inf, self._monotonic()
        if self._is_busy:
            self._cap(now)
        if now >= self._memory_due and not self._fits(now):
            self._exceeded()
        elif self._is_busy:
            is_to_be_capped = self._group is not None and self._is_initialised and not self._is_capped
            self._ask(self._since + GRACE_S if is_to_be_capped else self._memory_due)
        elif now < self._since + REST_S:
            self._ask(self._since + REST_S)
        elif now < self._since + UNREST_S and not self._is_calm():
            self._ask(now + REST_S)
        else:
            self._is_frozen = True
            self._stop()

    def _ask(self, due: float) -> None:
        if not self._is_closed:
            self._due = due
            self._rounds.ask(due, self)

    def _cap(self, now: float) -> None:
        """See to the share of CPU."""
        if self._group is not None and self._is_initialised and not self._is_capped and now >= self._since + GRACE_S:
            self._is_capped = True
            self._group.cap(self._memory_mb)

    def _fits(self, now: float) -> bool:
        """Whether the processes have no more memory than they may; if so, note until when they can't have filled up what is left."""
        left = self._left_bytes()
        share = min(1.0, self._memory_mb / MB_PER_CPU) if self._is_capped else 1.0
        self._memory_due = now + min(LOOK_S_MAX, max(GRACE_S, left / _FILLED_BYTES_S / share))
        return left >= 0

    def _left_bytes(self) -> int:
        """Return how much more memory the processes may take; negative when they have too much."""
        if self._group is not None and self._group.limits_memory:
            return self._group.left_bytes(self._memory_mb)
        return (self._memory_mb << 20) - own_bytes(self.pid) if self.pid > 0 else self._memory_mb << 20


def own_bytes(pid: int) -> int:
    """Return how much of a process's resident memory isn't of files; 0 when it has ended."""
    try:
        _, resident, shared, *_ = Path(f"/proc/{pid}/statm").read_text().split()
    except (OSError, ValueError):
        return 0
    return (int(resident) - int(shared)) * 4096

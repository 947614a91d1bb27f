"""What an environment may use, and when: nothing between invocations, all CPU for a moment, its share after that, its memory always.

The share of CPU is enforced from an invocation's ``GRACE_S`` on: work that is over by then runs at full speed, which costs others little,
and longer work gets what its memory buys. An init has no cap, as in Lambda. Freezing is lazy: an invocation that follows soon
finds the environment awake, and nothing is written on the warm path. Memory is looked at as often as it could be filled up, no
oftener: with a thousand busy environments, looking is most of what they cost. The kernel's limit is behind it. While environments are being
made nothing is frozen, for ``UNREST_S`` at most: the kernel lets one join its group or freeze at a time, and the server would wait.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lambent.adapters.sandbox.cgroups import MB_PER_CPU, Group
from lambent.base.clock import Clock, Timer

GRACE_S = 0.02
REST_S = 0.01
LOOK_S_MAX = 1.0
UNREST_S = 1.0
_STEP_S_MIN = 0.001
_FILLED_BYTES_S = 2 << 30  # what a processor can fill in a second, at most


class Governor:
    """Governs one environment. ``stop`` and ``go`` are how it is frozen when its group can't; ``exceeded`` is told of too much memory."""

    def __init__(
        self,
        group: Group | None,
        memory_mb: int,
        clock: Clock,
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
        self._clock = clock
        freezer = group if group is not None and group.can_freeze and by_group else None
        self._stop = stop if freezer is None else freezer.freeze
        self._go = go if freezer is None else freezer.thaw
        self._exceeded = exceeded
        self._is_calm = is_calm
        self._timer: Timer | None = None
        self._due = 0.0  #: when the timer ends, monotonic
        self._since = 0.0  #: the last change between busy and idle, monotonic
        self._is_busy = False
        self._is_frozen = False
        self._is_capped = False
        self._is_initialised = False
        self._is_closed = False

    def busy(self) -> None:
        """An init or an invocation follows."""
        self._is_busy = True
        self._since = self._clock.monotonic()
        if self._is_frozen:
            self._is_frozen = False
            self._go()
        if self._timer is None:
            self._arm(GRACE_S)

    def idle(self) -> None:
        """It is over. Nothing happens when it was over before."""
        self._is_busy = False
        self._is_initialised = True
        self._since = self._clock.monotonic()
        if self._is_capped and self._group is not None:
            self._is_capped = False
            self._group.uncap()
        if self._timer is not None and self._due - self._since > GRACE_S:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            self._arm(REST_S)

    def close(self) -> None:
        """Govern no more."""
        self._is_closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self, seconds: float) -> None:
        if not self._is_closed:
            self._due = self._clock.monotonic() + seconds
            self._timer = self._clock.call_later(seconds, self._tick)

    def _tick(self) -> None:
        self._timer = None
        passed = self._clock.monotonic() - self._since
        if self._is_busy:
            self._watch(passed)
        elif passed < REST_S:
            self._arm(max(_STEP_S_MIN, REST_S - passed))
        elif passed < UNREST_S and not self._is_calm():
            self._arm(REST_S)
        else:
            self._is_frozen = True
            self._stop()

    def _watch(self, passed: float) -> None:
        left = self._left_bytes()
        if left < 0:
            self._exceeded()
            return
        pause, least = left / _FILLED_BYTES_S, GRACE_S
        if self._is_initialised and self._group is not None:
            if not self._is_capped and passed >= GRACE_S:
                self._is_capped = True
                self._group.cap(self._memory_mb)
            if self._is_capped:
                pause /= min(1.0, self._memory_mb / MB_PER_CPU)
            else:
                pause, least = GRACE_S - passed, _STEP_S_MIN
        self._arm(min(LOOK_S_MAX, max(least, pause)))

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

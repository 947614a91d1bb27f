"""Who may go next: one lane per function, so that none waits for another's events; pure, the time is passed in, in seconds.

A lane has ``OWN`` places of its own, whatever the others do, and shares in the common ``places`` beyond them. It begins with few and
doubles them while it is behind and that helps: events that keep a processor busy go no faster in 64 processes than in as many as there
are processors (short ones cost twice as much), slow ones get there in two seconds. A lane whose function is throttled rests; the others
don't notice. Only lanes with messages are in memory.
"""

from __future__ import annotations

import heapq
from typing import Final

import msgspec

PLACES: Final = 64
"""Common places: each may cost a cold start, and a burst must not fill a laptop with processes."""
OWN: Final = 4
START: Final = 4
GROW_S: Final = 0.5
GAIN_MIN: Final = 1.2  # how much faster twice the places must be to be kept
PLATEAU_S: Final = 5.0  # until more places are tried again where they didn't help
SPARED: Final = 2
"""Places of a lane while something else matters more: while one event is with its environment the other one's turn comes, and both fit
into the time in which whoever matters waits for the disk. With one the loop was idle a quarter of the time; with three both were slower
than with two."""
REST_S_MIN: Final = 0.5
REST_S_MAX: Final = 30.0
_NEVER: Final = float("inf")


class Lane(msgspec.Struct, eq=False):
    """One function's events, or records."""

    name: str
    limit: int  #: how many may run at once, for now
    due: float = _NEVER  #: when its next message may be taken, as far as is known
    running: int = 0
    asked: int = 0  #: of ``running``: places that are kept for messages that are just being taken
    cap: int | None = None  #: the function's reserved concurrency
    grew: float = 0.0  #: when the limit last changed
    done: int = 0  #: since then
    rate: float = 0.0  #: messages per second before that; 0 when there is nothing to compare with
    queued: float = _NEVER  #: its time among the later
    rests_until: float = 0.0
    rest_s: float = 0.0

    @property
    def room(self) -> int:
        """How many more may run at once."""
        limit = self.limit if self.cap is None else min(self.limit, max(1, self.cap))
        return limit - self.running


def first_places(processors: int) -> int:
    """Return how many events of a function a machine begins with."""
    return min(8, max(2, processors))


class Lanes:
    """Every lane that has messages. ``grants`` says which may take how many; what happened then is told to the other methods."""

    def __init__(self, places: int = PLACES, own: int = OWN, start: int = START) -> None:
        self._places = places
        self._own = own
        self._start = start
        self._lanes: dict[str, Lane] = {}
        self._ready: dict[str, Lane] = {}  # due and awake, in the order in which they get their turn
        self._later: list[tuple[float, str]] = []
        self._shared = 0  # places in use beyond the lanes' own
        self.sparing = False  #: something else matters more: each lane runs few at a time

    def __len__(self) -> int:
        return len(self._lanes)

    @property
    def running(self) -> int:
        """How many messages are being handled."""
        return sum(lane.running for lane in self._lanes.values())

    def touched(self, name: str, due: float, now: float) -> None:
        """A message was enqueued."""
        lane = self._lanes.get(name)
        if lane is None:
            lane = self._lanes[name] = Lane(name, self._start)
        if due < lane.due:
            lane.due = due
            self._place(lane, now)

    def grants(self, now: float) -> list[tuple[str, int]]:
        """Return who may take how many messages now; the places are kept for them until ``taken``."""
        while self._later and self._later[0][0] <= now:
            at, name = heapq.heappop(self._later)
            lane = self._lanes.get(name)
            if lane is not None and lane.queued == at:
                lane.queued = _NEVER
                self._place(lane, now)
        granted = []
        for lane in sorted(self._ready.values(), key=lambda each: each.running):
            if not self.sparing:
                self._grow(lane, now)
            count = self._grant(lane)
            if count:
                granted.append((lane.name, count))
        return granted

    def _grant(self, lane: Lane) -> int:
        free = self._places - self._shared
        fair = -(-free // max(1, len(self._ready)))  # rounded up: what is left over goes to the first
        room = min(lane.room, SPARED - lane.running) if self.sparing else lane.room
        count = min(room, max(0, self._own - lane.running) + max(0, min(free, fair)))
        if count <= 0:
            return 0
        del self._ready[lane.name]
        self._occupy(lane, count)
        lane.asked += count
        lane.due = _NEVER
        return count

    def _grow(self, lane: Lane, now: float) -> None:
        """Double the places of a lane that is behind; take them back where that didn't help."""
        if lane.room > 0 or now < lane.grew + GROW_S:
            return
        rate = lane.done / (now - lane.grew)
        if lane.done and rate < lane.rate * GAIN_MIN:
            lane.limit, lane.rate, lane.grew = max(self._start, lane.limit // 2), 0.0, now + PLATEAU_S
        elif lane.limit < self._places:
            lane.limit, lane.rate, lane.grew = min(self._places, lane.limit * 2), rate, now
        lane.done = 0

    def taken(self, name: str, asked: int, found: int, due: float | None, now: float) -> None:
        """``found`` messages were taken of ``asked``; the lane's next one is due at ``due`` (``None``: there is none)."""
        lane = self._lanes[name]
        lane.asked -= asked
        self._vacate(lane, asked - found)
        if found and not lane.grew:
            lane.grew = now
        if due is not None:
            lane.due = min(lane.due, due)
        self._place(lane, now)

    def keeps(self, name: str, now: float) -> bool:
        """A message's place is free again: return whether the lane has it for another one at once. If not, it is to be ``left``."""
        lane = self._lanes[name]
        if lane.room < 0 or now < lane.rests_until or (self.sparing and lane.running > SPARED):
            return False
        others = len(self._ready) - (name in self._ready)
        if others and lane.running > self._own:
            return False
        lane.done += 1
        return True

    def left(self, name: str, now: float) -> None:
        """A message's place is free again."""
        lane = self._lanes[name]
        lane.done += 1
        self._vacate(lane, 1)
        self._place(lane, now)

    def capped(self, name: str, cap: int | None) -> None:
        """The function's reserved concurrency is known: to run more at once would only be refused."""
        self._lanes[name].cap = cap

    def rest(self, name: str, now: float) -> None:
        """The function was throttled: leave it alone for a while, twice as long as the last time."""
        lane = self._lanes[name]
        if now < lane.rests_until:
            return
        lane.rest_s = min(REST_S_MAX, max(REST_S_MIN, lane.rest_s * 2))
        lane.rests_until = now + lane.rest_s
        lane.limit = max(1, min(self._start, lane.limit // 2))
        lane.grew = lane.rests_until
        self._place(lane, now)

    def went_well(self, name: str) -> None:
        """The function ran: it is throttled no more."""
        self._lanes[name].rest_s = 0.0

    def next_turn(self, now: float) -> float | None:
        """Return when ``grants`` should be asked again, though nothing happens."""
        growing = () if self.sparing else self._ready.values()
        times = [lane.grew + GROW_S for lane in growing if lane.room <= 0 and lane.limit < self._places and lane.cap is None]
        if self._later:
            times.append(self._later[0][0])
        return max(now, min(times)) if times else None

    def _occupy(self, lane: Lane, count: int) -> None:
        before = max(0, lane.running - self._own)
        lane.running += count
        self._shared += max(0, lane.running - self._own) - before

    def _vacate(self, lane: Lane, count: int) -> None:
        self._occupy(lane, -count)

    def _place(self, lane: Lane, now: float) -> None:
        """Put the lane where it belongs: among the ready, the later, or nowhere."""
        if lane.due == _NEVER:
            if not lane.running:
                self._lanes.pop(lane.name, None)
            return
        at = max(lane.due, lane.rests_until)
        if at <= now:
            self._ready.setdefault(lane.name, lane)
        else:
            self._ready.pop(lane.name, None)
            if at < lane.queued:
                lane.queued = at
                heapq.heappush(self._later, (at, lane.name))

"""The environments of one function version, as a pure state machine: events in, instructions out.

No clock, no process, no lock: the caller passes the time and carries out what is returned, in order.
The shape is dask's ``worker_state_machine``; the states are ``lifecycle``'s.
"""

from __future__ import annotations

import math
from collections import deque
from enum import Enum
from typing import Final, TypeAlias

import msgspec

from lambent.engine.environments.lifecycle import Happening, State, after


class StopReason(Enum):
    """Why an environment is stopped."""

    INIT_FAILED = "init failed"
    BROKEN = "broken"
    OUTDATED = "outdated"
    EXPIRED = "expired"
    RELEASED = "released"


class Start(msgspec.Struct, frozen=True):
    """Start an environment and run the invocation in it."""

    environment_id: str


class Stop(msgspec.Struct, frozen=True):
    """Stop this environment; nobody waits for it."""

    environment_id: str
    reason: StopReason


Instruction: TypeAlias = "Start | Stop"

# Python 3.11 takes a fifth of a microsecond to find a member of an Enum by its name, and each invocation asks for both.
_TAKEN: Final = Happening.TAKEN
_FINISHED: Final = Happening.FINISHED


class _Member:
    """An environment as the pool knows it. No Struct: its state is set twice an invocation, and that takes a Struct five times as long."""

    __slots__ = ("born", "idle_since", "provisioned", "revision", "state")

    def __init__(self, revision: str, born: float, *, provisioned: bool = False) -> None:
        self.state = State.STARTING
        self.revision = revision
        self.born = born  #: when it was asked for; this and the next in monotonic seconds
        self.idle_since = 0.0
        self.provisioned = provisioned


class Pool:
    """Environments of one function version (and tenant). ``idle_s`` is how long an idle one is kept, ``life_s`` how long one is used
    at all: its credentials are issued once."""

    def __init__(self, idle_s: float, life_s: float = math.inf) -> None:
        self.idle_s = idle_s
        self.life_s = life_s
        self._members: dict[str, _Member] = {}
        self._idle: deque[str] = deque()  # the longest idle first; taken from the other end
        self._ready: deque[str] = deque()  # idle provisioned ones, which are taken before the others
        self._revision = ""

    def __len__(self) -> int:
        return len(self._members)

    def states(self) -> dict[str, State]:
        """Return the state of every environment that isn't stopped."""
        return {each: member.state for each, member in self._members.items()}

    @property
    def provisioned(self) -> int:
        """How many provisioned environments there are, initialised or on the way."""
        return sum(each.provisioned for each in self._members.values())

    @property
    def prepared_count(self) -> int:
        """How many provisioned environments are initialised, busy or not."""
        return sum(each.provisioned and each.state is not State.STARTING for each in self._members.values())

    def has_ready(self, revision: str) -> bool:
        """Return whether an invocation of the revision would find a provisioned environment; otherwise it spills over."""
        return bool(self._ready) and revision == self._revision

    def warm(self, revision: str) -> str:
        """An invocation arrived: return the warm environment that runs it, most recently used first; empty when there is none."""
        waiting = self._ready or self._idle
        if not waiting or revision != self._revision:
            return ""
        environment_id = waiting.pop()
        member = self._members[environment_id]
        member.state = after(member.state, _TAKEN)
        return environment_id

    def begin(self, environment_id: str, revision: str, now: float) -> list[Instruction]:
        """An invocation found no warm environment: start this one for it (always the last instruction)."""
        return self._add(environment_id, _Member(revision, now))

    def initialised(self, environment_id: str) -> list[Instruction]:
        """The environment's init went well; it has its invocation now."""
        self._step(environment_id, Happening.INITIALISED)
        return []

    def provision(self, environment_id: str, revision: str, now: float) -> list[Instruction]:
        """Another provisioned environment is wanted: start it for nobody (always the last instruction)."""
        return self._add(environment_id, _Member(revision, now, provisioned=True))

    def _add(self, environment_id: str, member: _Member) -> list[Instruction]:
        """Take in an environment; the first one of a revision ends those of the one before."""
        instructions: list[Instruction] = []
        if member.revision != self._revision:
            instructions.extend(self.retired())
            self._revision = member.revision
        self._members[environment_id] = member
        return [*instructions, Start(environment_id)]

    def prepared(self, environment_id: str, now: float) -> list[Instruction]:
        """A provisioned environment's init went well: it waits for invocations."""
        member = self._members[environment_id]
        if member.revision != self._revision:
            self._step(environment_id, Happening.PREPARED)
            return self._end(environment_id, Happening.OUTDATED, StopReason.OUTDATED)
        member.state, member.idle_since = after(member.state, Happening.PREPARED), now
        (self._ready if member.provisioned else self._idle).append(environment_id)
        return []

    def release(self, wanted: int) -> list[Instruction]:
        """Fewer provisioned environments are wanted: idle ones go, the others become ordinary ones."""
        gone: list[Instruction] = []
        surplus = self.provisioned - wanted
        while surplus > 0 and self._ready:
            gone += self._end(self._ready.popleft(), Happening.RELEASED, StopReason.RELEASED)
            surplus -= 1
        for member in [each for each in self._members.values() if each.provisioned][: max(0, surplus)]:
            member.provisioned = False
        return gone

    def init_failed(self, environment_id: str) -> list[Instruction]:
        """The environment's init failed; it is of no use."""
        return self._end(environment_id, Happening.INIT_FAILED, StopReason.INIT_FAILED)

    def init_redone(self, environment_id: str, revision: str, now: float) -> list[Instruction]:
        """Init timed out and is done again in the invoke phase, in a fresh environment."""
        self._members[environment_id] = _Member(revision, now)
        return [Start(environment_id)]

    def finished(self, environment_id: str, now: float) -> list[Instruction]:
        """The handler returned or raised: the environment is warm, unless a newer revision came meanwhile or its life is over."""
        member = self._members[environment_id]
        if member.revision != self._revision or now - member.born > self.life_s:
            return self._end(environment_id, Happening.OUTDATED, StopReason.OUTDATED)
        member.state, member.idle_since = after(member.state, _FINISHED), now
        (self._ready if member.provisioned else self._idle).append(environment_id)
        return []

    def broken(self, environment_id: str) -> list[Instruction]:
        """The process exited, timed out, or was lost."""
        member = self._members[environment_id]
        if member.state is State.IDLE:
            (self._ready if member.provisioned else self._idle).remove(environment_id)
        return self._end(environment_id, Happening.BROKEN, StopReason.BROKEN)

    def retired(self) -> list[Instruction]:
        """The function changed or was deleted: idle environments go now, busy ones when they finish."""
        self._revision = ""
        gone: list[Instruction] = []
        for waiting in (self._idle, self._ready):
            while waiting:
                gone += self._end(waiting.popleft(), Happening.OUTDATED, StopReason.OUTDATED)
        return gone

    def expired(self, now: float) -> list[Instruction]:
        """Time has passed: environments that were idle for ``idle_s`` go, and provisioned ones whose life is over."""
        gone: list[Instruction] = []
        while self._idle and self._members[self._idle[0]].idle_since + self.idle_s <= now:
            gone += self._end(self._idle.popleft(), Happening.EXPIRED, StopReason.EXPIRED)
        for each in [each for each in self._ready if now - self._members[each].born > self.life_s]:
            self._ready.remove(each)
            gone += self._end(each, Happening.EXPIRED, StopReason.EXPIRED)
        return gone

    def _step(self, environment_id: str, happening: Happening) -> None:
        member = self._members[environment_id]
        member.state = after(member.state, happening)

    def _end(self, environment_id: str, happening: Happening, reason: StopReason) -> list[Instruction]:
        self._step(environment_id, happening)
        del self._members[environment_id]
        return [Stop(environment_id, reason)]

"""The life of an environment, as one table.

The rules
=========
1. An environment is born for an invocation that found no idle one: it is STARTING, and bound to that invocation.
2. When its init ends well it is BUSY with that invocation. When init fails, times out or exits, it is STOPPED: the next invocation
   starts another (AWS: the init error is answered to the invocation that paid for it, and init runs anew at the next).
3. A handler that returns or raises leaves it IDLE, warm for the next invocation. An exit or a timeout leaves it STOPPED.
4. The first invocation of a newer revision makes idle environments of older ones OUTDATED at once, busy ones when they finish.
5. An idle environment that nobody took for the idle time is EXPIRED.
6. A provisioned environment is born for nobody: it is STARTING, and IDLE (PREPARED) when its init ends well. It does not expire; it is
   RELEASED when fewer are wanted, and replaced when it ends in any other way.
7. STOPPED is the end: no event leads out of it.

An event that has no row is a bug in the pool and raises ``LifecycleError``; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final


class State(Enum):
    """Where an environment is in its life."""

    __hash__ = object.__hash__  # Enum's is written in Python, and the table is asked twice per invocation

    STARTING = "starting"
    BUSY = "busy"
    IDLE = "idle"
    STOPPED = "stopped"


class Happening(Enum):
    """What happens to an environment."""

    __hash__ = object.__hash__

    INITIALISED = "initialised"
    INIT_FAILED = "init failed"
    TAKEN = "taken"
    FINISHED = "finished"
    BROKEN = "broken"
    OUTDATED = "outdated"
    EXPIRED = "expired"
    PREPARED = "prepared"
    RELEASED = "released"


TRANSITIONS: Final[Mapping[State, Mapping[Happening, State]]] = {
    State.STARTING: {
        Happening.INITIALISED: State.BUSY,
        Happening.INIT_FAILED: State.STOPPED,
        Happening.PREPARED: State.IDLE,
    },
    State.BUSY: {
        Happening.FINISHED: State.IDLE,
        Happening.BROKEN: State.STOPPED,
        Happening.OUTDATED: State.STOPPED,
    },
    State.IDLE: {
        Happening.TAKEN: State.BUSY,
        Happening.EXPIRED: State.STOPPED,
        Happening.RELEASED: State.STOPPED,
        Happening.OUTDATED: State.STOPPED,
        Happening.BROKEN: State.STOPPED,
    },
    State.STOPPED: {},
}


class LifecycleError(RuntimeError):
    """Something happened to an environment that cannot happen in its state."""


def after(state: State, happening: Happening) -> State:
    """Return the state that follows; ``LifecycleError`` when the table has no such row."""
    try:
        return TRANSITIONS[state][happening]
    except KeyError:
        raise LifecycleError(f"an environment that is {state.value} cannot be {happening.value}") from None

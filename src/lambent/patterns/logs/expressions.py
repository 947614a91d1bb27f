"""Regular expressions between percent signs: AWS's small dialect, searched in time linear to the message.

AWS allows alphanumerics, ``_ # = @ / ; , -`` and the operators ``^ $ ? [ ] { } | \\ * + .``; no parentheses. Python's ``re`` would
backtrack (``%a*a*a*a*b%`` over a long line stops a server), so an expression becomes a set of positions that advances with each
character. The sets are states of a graph that is built as far as texts need it; a known step costs one look into a dictionary.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

import msgspec

from lambent.base.regexes import Regex
from lambent.patterns.logs.errors import InvalidPattern

_Positions: TypeAlias = frozenset[tuple[int, int]]

_ALLOWED = Regex(r"[A-Za-z0-9_#=@/;,\-^$?\[\]{}|\\*+. ]|\\.")
_CLASS = Regex(r"\[\^?(?:\\.|[^\]\\])+\]")
_ESCAPE = Regex(r"\\(?:x[0-9A-Fa-f]{2}|.)")
_BRACES = Regex(r"\{(\d+)(,(\d*))?\}")
_SET_OPERATOR = Regex(r"(?<!\\)([\[|&~])")
_REPEATS_MAX = 250
_ITEMS_MAX = 2_000
_STEPS_MAX = 20_000


class _Item(msgspec.Struct, frozen=True):
    """One step of an alternative: a character that may be skipped, may repeat, or both."""

    accepts: Callable[[str], object]
    skippable: bool
    repeats: bool


class _Alternative(msgspec.Struct, frozen=True):
    items: tuple[_Item, ...]
    at_start: bool
    at_end: bool


def compile_expression(source: str) -> Callable[[str], bool]:
    """Return the test whether a text holds a match. Raises ``InvalidPattern``."""
    if not source:
        raise InvalidPattern("A regular expression is empty.")
    bare = re.sub(r"\\.", "", source)
    for character in bare:
        if not _ALLOWED.fullmatch(character):
            raise InvalidPattern(f"The character {character!r} is not supported in a regular expression.")
    return _Automaton([_alternative(each) for each in _split(source)]).search


def _split(source: str) -> list[str]:
    parts, at, begin = [], 0, 0
    while at < len(source):
        if source[at] == "|":
            parts.append(source[begin:at])
            begin = at + 1
        match = _CLASS.match(source, at) or _ESCAPE.match(source, at)
        at = match.end() if match else at + 1
    return [*parts, source[begin:]]


def _alternative(source: str) -> _Alternative:
    at_start = source.startswith("^")
    at = int(at_start)
    end = len(source)
    at_end = source.endswith("$") and not re.search(r"(?<!\\)(?:\\\\)*\\\$$", source)
    end -= int(at_end)
    items: list[_Item] = []
    while at < end:
        accepts, at = _atom(source, at)
        low, high, at = _quantifier(source, at)
        items += [_Item(accepts, False, False)] * low
        if high is None:
            items.append(_Item(accepts, True, True))
        else:
            items += [_Item(accepts, True, False)] * (high - low)
        if len(items) > _ITEMS_MAX:
            raise InvalidPattern("A regular expression is too large.")
    return _Alternative(tuple(items), at_start, at_end)


def _atom(source: str, at: int) -> tuple[Callable[[str], object], int]:
    match = _CLASS.match(source, at) or _ESCAPE.match(source, at)
    piece = match[0] if match else source[at]
    if match is None and piece in "*+?{}[]^$\\":
        raise InvalidPattern(f"A regular expression has a misplaced {piece!r}.")
    if match is not None and re.fullmatch(r"\\[0-9A-Za-z]", piece) and piece[1] not in "dDsSwWtnr":
        raise InvalidPattern(f"The escape {piece!r} is not supported in a regular expression.")
    if piece.startswith("[") and "--" in piece:
        raise InvalidPattern("A regular expression is malformed.")
    # Python keeps these for set operations to come and would warn.
    expression = "[" + _SET_OPERATOR.sub(r"\\\1", piece[1:]) if piece.startswith("[") else piece
    try:
        return re.compile(expression, re.ASCII).fullmatch, at + len(piece)
    except re.error:
        raise InvalidPattern("A regular expression is malformed.") from None


def _quantifier(source: str, at: int) -> tuple[int, int | None, int]:
    symbol = source[at : at + 1]
    simple: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
    if symbol in simple:
        return (*simple[symbol], at + 1)
    match = _BRACES.match(source, at)
    if match is None:
        return 1, 1, at
    low = int(match[1])
    high = low if match[2] is None else int(match[3]) if match[3] else None
    if low > _REPEATS_MAX or (high is not None and not low <= high <= _REPEATS_MAX):
        raise InvalidPattern("A regular expression repeats too often.")
    return low, high, match.end()


class _State(dict[str, "_State"]):
    """Where a match may have got to: from each character the next state, found out when it is first needed."""

    __slots__ = ("_automaton", "found", "positions")

    def __init__(self, automaton: _Automaton, positions: _Positions, found: bool) -> None:
        super().__init__()
        self._automaton = automaton
        self.positions = positions  #: (alternative, item) pairs
        self.found = found  #: there is a match, whatever follows

    def __missing__(self, character: str) -> _State:
        following = self if self.found else self._automaton.step(self, character)
        self[character] = following
        return following


class _Automaton:
    """The alternatives as a graph of states that grows while it is used, up to a bound."""

    def __init__(self, alternatives: list[_Alternative]) -> None:
        self._alternatives = alternatives
        self._states: dict[_Positions, _State] = {}
        self._steps = 0
        self._floating = self._closed({(index, 0) for index, each in enumerate(alternatives) if not each.at_start})
        self._first = self._closed({(index, 0) for index in range(len(alternatives))})

    def search(self, text: str) -> bool:
        """Return whether the text holds a match."""
        state = self._state(self._first)
        for character in text:
            state = state[character]
        return state.found or any(self._is_end(position) for position in state.positions)

    def step(self, state: _State, character: str) -> _State:
        """Return the state after the character."""
        reached: set[tuple[int, int]] = set()
        for index, at in state.positions:
            items = self._alternatives[index].items
            if at < len(items) and items[at].accepts(character):
                reached.add((index, at if items[at].repeats else at + 1))
        self._steps += 1
        if self._steps > _STEPS_MAX:
            self._forget()
        return self._state(self._closed(reached) | self._floating)

    def _state(self, positions: _Positions) -> _State:
        state = self._states.get(positions)
        if state is None:
            found = any(self._is_end(each) and not self._alternatives[each[0]].at_end for each in positions)
            state = self._states[positions] = _State(self, positions, found)
        return state

    def _forget(self) -> None:
        for state in self._states.values():
            state.clear()
        self._states.clear()
        self._steps = 0

    def _is_end(self, position: tuple[int, int]) -> bool:
        return position[1] == len(self._alternatives[position[0]].items)

    def _closed(self, positions: set[tuple[int, int]]) -> _Positions:
        closed = set(positions)
        for index, at in positions:
            items = self._alternatives[index].items
            while at < len(items) and items[at].skippable:
                at += 1
                closed.add((index, at))
        return frozenset(closed)

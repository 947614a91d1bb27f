"""One alternative against an event.

Nearly always the paths form a tree that is walked together with the event: a look-up per key, and for a list the first element that
suits. Three rare things need AWS's full rule, where an event is a list of (path, value, place in each list passed) and the places of all
paths taken must agree: keys of the event that hold dots, fields that may be missing below a list, and a path that goes on beyond a value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import msgspec

from lambent.patterns.events.conditions import Condition, asks_for_texts, compile_conditions, exact_texts, is_absent_allowed

_Places: TypeAlias = frozenset[tuple[int, int]]
"""Which element was taken of each list: (the list's number in the event, index)."""

_MISSING = object()


class _NeedsPlaces(Exception):
    """The event holds something that the walk along the tree cannot judge."""


class _Node(msgspec.Struct):
    """A point of the tree of paths."""

    children: dict[str, _Node] = {}
    leaf: tuple[Condition, ...] | None = None


class Matcher:
    """The paths of one alternative, all of which must suit."""

    def __init__(self, paths: Mapping[str, tuple[Condition, ...]]) -> None:
        self._fields = [(path, compile_conditions(paths[path]), is_absent_allowed(paths[path])) for path in sorted(paths)]
        tree = _Node()
        for path, conditions in paths.items():
            node = tree
            for key in path.split("."):
                node = node.children.setdefault(key, _Node())
            node.leaf = conditions
        self._walk: Callable[[Any], bool] | None = None if _is_mixed(tree) else _compile(tree, any(each[2] for each in self._fields))

    def matches(self, event: Mapping[str, Any]) -> bool:
        """Return whether the event suits every path."""
        if self._walk is not None:
            try:
                return self._walk(event if type(event) is dict else dict(event))
            except _NeedsPlaces:
                pass
        return self._match_by_places(event)

    def _match_by_places(self, event: Mapping[str, Any]) -> bool:
        found: dict[str, list[tuple[Any, _Places]]] = {path: [] for path, _, _ in self._fields}
        _flatten(event, "", frozenset(), found, [0])
        needed = _lists_needed([found[path] for path, _, _ in self._fields])
        states: set[_Places] = {frozenset()}
        for index, (path, test, may_be_missing) in enumerate(self._fields):
            following: set[_Places] = set()
            for taken in states:
                agreeing = [(value, places) for value, places in found[path] if _agree(taken, places)]
                if may_be_missing and not agreeing:
                    following.add(taken)
                following.update(_only(taken | places, needed[index]) for value, places in agreeing if test(value))
            states = following
            if not states:
                return False
        return True


def _is_mixed(node: _Node) -> bool:
    return (node.leaf is not None and bool(node.children)) or any(map(_is_mixed, node.children.values()))


def _compile(node: _Node, absent_somewhere: bool) -> Callable[[Any], bool]:
    if node.leaf is not None:
        return _leaf(node.leaf)
    children = [(key, _compile(child, absent_somewhere)) for key, child in node.children.items()]
    is_deep = any(child.children for child in node.children.values())
    when_missing = all(test(_MISSING) for _, test in children)

    def test(value: Any) -> bool:
        if type(value) is dict:
            if is_deep and "." in "".join(value):
                raise _NeedsPlaces
            for key, child in children:  # noqa: SIM110 - a generator costs as much again
                if not child(value.get(key, _MISSING)):
                    return False
            return True
        if type(value) is list:
            if absent_somewhere:
                raise _NeedsPlaces
            return any(map(test, value))
        return when_missing

    return test


def _leaf(conditions: tuple[Condition, ...]) -> Callable[[Any], bool]:
    test, may_be_missing = compile_conditions(conditions), is_absent_allowed(conditions)
    # What most fields of most patterns ask: one of a few texts.
    texts, more = exact_texts(conditions), not all(map(asks_for_texts, conditions))

    def suits(value: Any) -> bool:
        kind = type(value)
        if kind is str:
            return value in texts or (more and test(value))
        if kind is list:
            scalars = _scalars(value)
            return any(map(test, scalars)) if scalars else may_be_missing
        if value is _MISSING or kind is dict:
            return may_be_missing
        return test(value)

    return suits


def _scalars(values: list[Any]) -> list[Any]:
    if not any(type(value) in (list, dict) for value in values):
        return values
    found: list[Any] = []
    for value in values:
        if type(value) is list:
            found += _scalars(value)
        elif type(value) is not dict:
            found.append(value)
    return found


def _flatten(value: Any, path: str, places: _Places, found: dict[str, list[tuple[Any, _Places]]], lists: list[int]) -> None:
    """Put the values of the paths that are looked for into ``found``; ``lists`` holds how many lists were met so far."""
    if isinstance(value, Mapping):
        for key, below in value.items():
            _flatten(below, f"{path}.{key}" if path else key, places, found, lists)
    elif isinstance(value, list):
        lists[0] += 1
        number = lists[0]
        for index, below in enumerate(value):
            _flatten(below, path, places | {(number, index)}, found, lists)
    elif path in found:
        found[path].append((value, places))


def _lists_needed(fields: list[list[tuple[Any, _Places]]]) -> list[set[int]]:
    """Return for each field the lists that fields after it still ask about; the others' places may be forgotten."""
    needed: list[set[int]] = []
    after: set[int] = set()
    for values in reversed(fields):
        needed.append(set(after))
        after.update(number for _, places in values for number, _ in places)
    return needed[::-1]


def _only(places: _Places, lists: set[int]) -> _Places:
    return frozenset(each for each in places if each[0] in lists)


def _agree(taken: _Places, places: _Places) -> bool:
    if not taken or not places:
        return True
    known = dict(taken)
    return all(known.get(number, index) == index for number, index in places)

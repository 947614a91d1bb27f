"""A pattern, compiled."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from lambent.patterns.events.conditions import asks_for_texts, exact_texts
from lambent.patterns.events.matching import Matcher
from lambent.patterns.events.reading import Alternative, read_pattern


class Pattern(msgspec.Struct, frozen=True):
    """What ``compile_pattern`` gives."""

    alternatives: Sequence[Mapping[str, int]]  #: for each alternative: dotted path → how many values it lists
    operators: frozenset[
        str
    ]  #: AWS's names of the operators that occur; ``exactly`` for plain values, ``anything-but`` without its inner one
    _matchers: tuple[Matcher, ...]
    _texts: Mapping[str, frozenset[str]]

    def matches(self, event: Mapping[str, Any]) -> bool:
        """Return whether the event fits."""
        if len(self._matchers) == 1:
            return self._matchers[0].matches(event)
        return any(each.matches(event) for each in self._matchers)

    def exact_texts(self, path: str) -> frozenset[str] | None:
        """Return the texts of which a path must hold one, or ``None`` when something else there may match too; for indexes of patterns."""
        return self._texts.get(path)


def compile_pattern(pattern: str | Mapping[str, Any], *, refused: frozenset[str] = frozenset()) -> Pattern:
    """Compile a pattern. Pass the caller's own text where there is one: errors quote it. Raises ``PatternError``.

    ``refused`` names operators that the caller's service doesn't have: ``wildcard``, ``anything-but/suffix``.
    """
    source = pattern if isinstance(pattern, str) else json.dumps(pattern)
    alternatives = read_pattern(source, refused)
    conditions = [condition for each in alternatives for field in each.values() for condition in field]
    return Pattern(
        alternatives=[{path: sum(len(each.values) for each in field) for path, field in found.items()} for found in alternatives],
        operators=frozenset("anything-but" if each.negated else each.operator.removesuffix("-ignore-case") for each in conditions),
        _matchers=tuple(Matcher(each) for each in alternatives),
        _texts=_exact_texts(alternatives),
    )


def _exact_texts(alternatives: Sequence[Alternative]) -> dict[str, frozenset[str]]:
    everywhere = set.intersection(*(set(each) for each in alternatives))
    found = {}
    for path in everywhere:
        conditions = [condition for each in alternatives for condition in each[path]]
        texts = exact_texts(conditions)
        if all(asks_for_texts(condition) for condition in conditions):
            found[path] = texts
    return found

"""The grammar of patterns: from text to alternatives, each a mapping of dotted paths to conditions.

``$or`` is multiplied out as AWS does it: a path given twice within an alternative counts as it was given last.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from lambent.patterns.events.conditions import Condition
from lambent.patterns.events.errors import PatternError
from lambent.patterns.events.operators import read_condition, read_number
from lambent.patterns.events.tokens import Token, Tokens
from lambent.patterns.events.wildcards import too_complex

Alternative: TypeAlias = dict[str, tuple[Condition, ...]]

ALTERNATIVES_MAX = 1_000
DEPTH_MAX = 100
_RESERVED = frozenset(
    (
        *("exactly", "equals-ignore-case", "prefix", "suffix", "anything-but", "exists", "wildcard", "numeric", "cidr"),
        *("=", "<", "<=", ">", ">=", "regex", "not-wildcard", "not-equals-ignore-case", "date-after", "date-on-or-after"),
        *("date-before", "date-on-or-before", "in-date-range", "ip-address-in-range", "ip-address-not-in-range"),
    )
)
"""What an object within ``$or`` may not call a field."""


def read_pattern(source: str, refused: frozenset[str] = frozenset()) -> list[Alternative]:
    """Return the alternatives; an event that fits one of them fits the pattern. Raises ``PatternError``, also for refused operators."""
    tokens = Tokens(source, refused)
    if tokens.next() is not Token.START_OBJECT:
        raise tokens.fail("Filter is not an object")
    alternatives = _read_object(tokens, [], (), within_or=False)
    _check_wildcards(alternatives)
    return alternatives


def _read_object(tokens: Tokens, before: list[Alternative], path: tuple[str, ...], *, within_or: bool) -> list[Alternative]:
    alternatives = before
    if len(path) > DEPTH_MAX:
        raise tokens.fail("Filter is nested too deeply")
    empty = True
    while tokens.next() is not Token.END_OBJECT:
        empty = False
        name = tokens.name
        if name == "$or":
            alternatives = _read_or(tokens, alternatives, path)
            continue
        if within_or and name in _RESERVED:
            raise tokens.fail(f"{name} is Ruler reserved fieldName which cannot be used inside $or.")
        token = tokens.next()
        if token is Token.START_OBJECT:
            alternatives = _read_object(tokens, alternatives, (*path, name), within_or=within_or)
        elif token is Token.START_ARRAY:
            conditions = _read_values(tokens)
            alternatives = [{**each, ".".join((*path, name)): conditions} for each in alternatives or [{}]]
        else:
            raise tokens.fail(f'"{name}" must be an object or an array')
    if empty:
        raise tokens.fail("Empty objects are not allowed")
    return alternatives


def _read_or(tokens: Tokens, before: list[Alternative], path: tuple[str, ...]) -> list[Alternative]:
    if tokens.next() is not Token.START_ARRAY:
        raise tokens.fail("It must be an Array followed with $or.")
    alternatives: list[Alternative] = []
    count = 0
    while (token := tokens.next()) is not Token.END_ARRAY:
        count += 1
        if token is not Token.START_OBJECT:
            raise tokens.fail("Only JSON object is allowed in array of $or relationship.")
        alternatives += _read_object(tokens, before or [{}], path, within_or=True)
        if len(alternatives) > ALTERNATIVES_MAX:
            raise PatternError("Rule is too complex - try using fewer $or combinations")
    if count < 2:
        raise tokens.fail("There must have at least 2 Objects in $or relationship.")
    return alternatives


def _read_values(tokens: Tokens) -> tuple[Condition, ...]:
    conditions = []
    while (token := tokens.next()) is not Token.END_ARRAY:
        if token is Token.START_OBJECT:
            conditions.append(read_condition(tokens))
        elif token in _PLAIN:
            conditions.append(Condition("exactly", (_PLAIN[token](tokens.text()),)))
        else:
            raise tokens.fail("Match value must be String, number, true, false, or null")
    if not conditions:
        raise tokens.fail("Empty arrays are not allowed")
    return tuple(conditions)


_PLAIN: dict[Token, Callable[[str], Any]] = {
    Token.STRING: str,
    Token.NUMBER: read_number,
    Token.CONSTANT: {"true": True, "false": False, "null": None}.__getitem__,
}


def _check_wildcards(alternatives: list[Alternative]) -> None:
    """Refuse wildcards that would keep a matcher in too many places; each field by itself."""
    fields = {id(conditions): conditions for each in alternatives for conditions in each.values()}
    for conditions in fields.values():
        sources = [value for each in conditions if each.operator == "wildcard" for value in each.values]
        if sources and too_complex(sources):
            hint = "fewer wildcard characters or fewer repeating character sequences after a wildcard character"
            raise PatternError(f"Rule is too complex - try using {hint}")

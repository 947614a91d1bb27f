"""Comparisons that JSON selectors and space-delimited fields share: texts with ``*``, numbers, regular expressions."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TypeAlias, TypeGuard

from lambent.base.regexes import Regex
from lambent.patterns.logs.errors import InvalidPattern
from lambent.patterns.logs.expressions import compile_expression
from lambent.patterns.logs.tokens import Reader

Value: TypeAlias = "str | int | float | bool | None"
Comparison: TypeAlias = Callable[[Value], bool]

_OPERATOR = Regex(r"!=|<=|>=|=|<|>")
_NUMBER = Regex(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_BARE = Regex(r"[^\s\"%&|(){}\[\],=<>!]+")
_ORDERINGS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


def read_operator(reader: Reader) -> str:
    """Return the comparison operator that comes next."""
    match = reader.take_match(_OPERATOR)
    if match is None:
        raise InvalidPattern(f"Expected a comparison at character {reader.at + 1}.")
    return match[0]


def read_comparison(reader: Reader, sign: str) -> Comparison:
    """Return the test of a value against what comes next, by the operator."""
    expression = reader.regex()
    if expression is not None:
        return _equality(sign, _by_expression(compile_expression(expression)))
    quoted = reader.quoted()
    if quoted is not None:
        return _equality(sign, _by_text(quoted))
    match = reader.take_match(_BARE)
    if match is None:
        raise InvalidPattern(f"Expected a value at character {reader.at + 1}.")
    if _NUMBER.fullmatch(match[0]):
        return _by_number(sign, float(match[0]), match[0])
    return _equality(sign, _by_text(match[0]))


def is_scalar(value: object) -> TypeGuard[Value]:
    """Return whether the value is a text, a number, a boolean or null."""
    return value is None or isinstance(value, str | int | float | bool)


def text_of(value: Value) -> str:
    """Return the value as JSON shows it, texts without quotes."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    return str(value)


def _equality(sign: str, test: Comparison) -> Comparison:
    if sign == "=":
        return test
    if sign == "!=":
        return lambda value: not test(value)
    raise InvalidPattern(f"The operator {sign} compares numbers only.")


def _by_expression(search: Callable[[str], bool]) -> Comparison:
    return lambda value: value is not None and search(text_of(value))


def _by_text(wanted: str) -> Comparison:
    if "*" not in wanted:
        return lambda value: value is not None and text_of(value) == wanted
    head, *middle = wanted.split("*")
    *middle, tail = middle
    return lambda value: value is not None and _fits(text_of(value), head, middle, tail)


def _fits(text: str, head: str, middle: list[str], tail: str) -> bool:
    if not text.startswith(head) or not text.endswith(tail) or len(text) < len(head) + len(tail):
        return False
    at, end = len(head), len(text) - len(tail)
    for piece in middle:
        found = text.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True


def _by_number(sign: str, wanted: float, written: str) -> Comparison:
    def number(value: Value) -> float | None:
        if isinstance(value, bool) or value is None:
            return None
        if isinstance(value, str) and not _NUMBER.fullmatch(value):
            return None
        return float(value)

    if sign in ("=", "!="):
        return _equality(sign, lambda value: number(value) == wanted or value == written)
    compare = _ORDERINGS[sign]

    def ordered(value: Value) -> bool:
        found = number(value)
        return found is not None and bool(compare(found, wanted))

    return ordered

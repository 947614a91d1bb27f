"""``&&``, ``||`` and parentheses over conditions, as both JSON and space-delimited patterns have them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from lambent.patterns.logs.errors import InvalidPattern
from lambent.patterns.logs.tokens import Reader

T = TypeVar("T")
_DEPTH_MAX = 50


def read_conditions(reader: Reader, leaf: Callable[[Reader], Callable[[T], bool]], depth: int = 0) -> Callable[[T], bool]:
    """Return the test that comes next; ``&&`` binds more closely than ``||``. ``leaf`` reads a single condition."""
    if depth > _DEPTH_MAX:
        raise InvalidPattern("It is nested too deeply.")
    either = [_read_all(reader, leaf, depth)]
    while reader.take("||"):
        either.append(_read_all(reader, leaf, depth))
    if len(either) == 1:
        return either[0]
    return lambda subject: any(test(subject) for test in either)


def _read_all(reader: Reader, leaf: Callable[[Reader], Callable[[T], bool]], depth: int) -> Callable[[T], bool]:
    tests = [_read_one(reader, leaf, depth)]
    while reader.take("&&"):
        tests.append(_read_one(reader, leaf, depth))
    if len(tests) == 1:
        return tests[0]
    return lambda subject: all(test(subject) for test in tests)


def _read_one(reader: Reader, leaf: Callable[[Reader], Callable[[T], bool]], depth: int) -> Callable[[T], bool]:
    if not reader.take("("):
        return leaf(reader)
    test = read_conditions(reader, leaf, depth + 1)
    reader.expect(")")
    return test

"""What a pattern asks of one field: conditions as data, compiled to one test of a scalar."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import msgspec

from lambent.patterns.events.addresses import in_block, parse_address
from lambent.patterns.events.numbers import comparable
from lambent.patterns.events.wildcards import compile_wildcard

Test: TypeAlias = Callable[[Any], bool]
_Range: TypeAlias = tuple[int, bool, int, bool]


class Condition(msgspec.Struct, frozen=True):
    """One element of a field's array.

    ``operator`` is AWS's; ``exactly`` for a plain value, ``prefix-ignore-case`` and ``suffix-ignore-case`` for the nested forms. ``values``
    are texts, numbers or constants; for ``numeric`` a single (bottom, open, top, open) in comparable numbers; for ``cidr`` a block.
    """

    operator: str
    values: tuple[Any, ...]
    negated: bool = False  #: within ``anything-but``


def is_absent_allowed(conditions: Sequence[Condition]) -> bool:
    """Return whether the field may be missing: ``{"exists": false}``."""
    return any(each.operator == "exists" and each.values == (False,) for each in conditions)


def exact_texts(conditions: Sequence[Condition]) -> frozenset[str]:
    """Return the texts that are asked for as they are."""
    return frozenset(value for value in _exact_values(conditions) if isinstance(value, str))


def asks_for_texts(condition: Condition) -> bool:
    """Return whether the condition asks for texts exactly as they are, and for nothing else; addresses may be written otherwise."""
    plain = condition.operator == "exactly" and not condition.negated
    return plain and all(isinstance(value, str) and parse_address(value) is None for value in condition.values)


def compile_conditions(conditions: Sequence[Condition]) -> Test:
    """Return the test of a scalar: whether any of the conditions holds. Other than scalars never pass."""
    if any(each.operator == "exists" and each.values == (True,) for each in conditions):
        return _is_scalar
    exactly = _exact_values(conditions)
    texts = exact_texts(conditions)
    constants = frozenset(str(value) for value in exactly if value is None or isinstance(value, bool))
    numbers = [value for value in exactly if _is_number(value)]
    near = frozenset(comparable(value) for value in numbers) - {None}
    far = frozenset(value for value in numbers if comparable(value) is None)
    text_tests = [*_text_tests(conditions), *(same for text in texts if (same := _address_test(text)))]
    number_tests = _number_tests(conditions)
    others = any(each.negated for each in conditions)

    def test(value: Any) -> bool:
        kind = type(value)
        if kind is str:
            return value in texts or any(each(value) for each in text_tests)
        if kind is int or kind is float:
            place = comparable(value)
            return (place in near if place is not None else value in far) or any(each(place) for each in number_tests)
        if value is None or kind is bool:
            return others or str(value) in constants
        return False

    return test


def _exact_values(conditions: Sequence[Condition]) -> list[Any]:
    return [value for each in conditions if each.operator == "exactly" and not each.negated for value in each.values]


def _is_scalar(value: Any) -> bool:
    return value is None or type(value) in (str, int, float, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _address_test(text: str) -> Callable[[str], bool] | None:
    """Return the test that a text is the same address, however it is written; ``None`` when it isn't an address."""
    address = parse_address(text)
    return None if address is None else lambda value: parse_address(value) == address


def _text_tests(conditions: Sequence[Condition]) -> list[Callable[[str], bool]]:
    tests = []
    for each in conditions:
        if each.negated and all(map(_is_number, each.values)):
            return [lambda text: True]
        if each.operator == "exactly" and not each.negated:
            continue
        test = _text_test(each.operator, each.values)
        if test is not None:
            tests.append(_not(test) if each.negated else test)
    return tests


def _text_test(operator: str, values: tuple[Any, ...]) -> Callable[[str], bool] | None:
    match operator:
        case "exactly":
            return frozenset(values).__contains__
        case "prefix":
            return lambda text: text.startswith(values)
        case "suffix":
            return lambda text: text.endswith(values)
        case "equals-ignore-case":
            folded = frozenset(value.lower() for value in values)
            return lambda text: text.lower() in folded
        case "prefix-ignore-case":
            beginnings = tuple(value.lower() for value in values)
            return lambda text: text.lower().startswith(beginnings)
        case "suffix-ignore-case":
            endings = tuple(value.lower() for value in values)
            return lambda text: text.lower().endswith(endings)
        case "wildcard":
            fits = [compile_wildcard(value) for value in values]
            return lambda text: any(each(text) for each in fits)
        case "cidr":
            return lambda text: in_block(values[0], text)
    return None


def _number_tests(conditions: Sequence[Condition]) -> list[Callable[[int | None], bool]]:
    tests: list[Callable[[int | None], bool]] = []
    for each in conditions:
        if each.operator == "numeric":
            tests.append(_range_test(each.values[0]))
        elif each.negated:
            excluded = frozenset(comparable(value) for value in each.values if _is_number(value))
            tests.append(_not(excluded.__contains__))
    return tests


def _range_test(bounds: _Range) -> Callable[[int | None], bool]:
    bottom, above, top, below = bounds
    low, high = bottom + above, top - below
    return lambda place: place is not None and low <= place <= high


def _not(test: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: not test(value)

"""A statement's ``Condition``: every operator and every key must hold; of a key's values one is enough (for ``Not…``: none may match).

Follows "IAM JSON policy elements: Condition operators", with ``…IfExists``, ``ForAllValues:`` and ``ForAnyValue:``.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from lambent.policy.variables import Unresolved, resolved
from lambent.policy.wildcards import arn_matches, matches

Context: TypeAlias = "Mapping[str, Sequence[str]]"
"""The request's condition keys, in any case, each with its values."""

_Test: TypeAlias = Callable[[str, str], bool]
"""Takes the policy's value and the request's."""


def _number(compare: Callable[[float, float], bool]) -> _Test:
    def test(wanted: str, given: str) -> bool:
        try:
            return compare(float(given), float(wanted))
        except ValueError:
            return False

    return test


def _moment(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _date(compare: Callable[[float, float], bool]) -> _Test:
    def test(wanted: str, given: str) -> bool:
        try:
            return compare(_moment(given), _moment(wanted))
        except ValueError:
            return False

    return test


def _address(wanted: str, given: str) -> bool:
    try:
        return ipaddress.ip_address(given) in ipaddress.ip_network(wanted, strict=False)
    except ValueError:
        return False


_TESTS: Final[Mapping[str, _Test]] = {
    "stringequals": lambda wanted, given: wanted == given,
    "stringequalsignorecase": lambda wanted, given: wanted.lower() == given.lower(),
    "stringlike": matches,
    "arnequals": arn_matches,
    "arnlike": arn_matches,
    "bool": lambda wanted, given: wanted.lower() == given.lower(),
    "binaryequals": lambda wanted, given: wanted == given,
    "ipaddress": _address,
    "numericequals": _number(lambda given, wanted: given == wanted),
    "numericlessthan": _number(lambda given, wanted: given < wanted),
    "numericlessthanequals": _number(lambda given, wanted: given <= wanted),
    "numericgreaterthan": _number(lambda given, wanted: given > wanted),
    "numericgreaterthanequals": _number(lambda given, wanted: given >= wanted),
    "dateequals": _date(lambda given, wanted: given == wanted),
    "datelessthan": _date(lambda given, wanted: given < wanted),
    "datelessthanequals": _date(lambda given, wanted: given <= wanted),
    "dategreaterthan": _date(lambda given, wanted: given > wanted),
    "dategreaterthanequals": _date(lambda given, wanted: given >= wanted),
}
_NEGATED: Final[Mapping[str, str]] = {
    "stringnotequals": "stringequals",
    "stringnotequalsignorecase": "stringequalsignorecase",
    "stringnotlike": "stringlike",
    "arnnotequals": "arnequals",
    "arnnotlike": "arnlike",
    "notipaddress": "ipaddress",
    "numericnotequals": "numericequals",
    "datenotequals": "dateequals",
}


_WITH_WILDCARDS: Final = frozenset({"stringlike", "arnequals", "arnlike"})


def hold(condition: Mapping[str, Mapping[str, Any]], context: Context, *, has_variables: bool = False) -> bool:
    """Return whether the whole ``Condition`` holds. An operator that isn't known never does.

    ``has_variables``: ``${aws:…}`` in the condition's values stands for the request's.
    """
    if not condition:
        return True
    lowered = {key.lower(): tuple(values) for key, values in context.items()}
    return all(
        _holds(operator.lower(), key, texts(wanted), lowered, has_variables=has_variables)
        for operator, keys in condition.items()
        for key, wanted in keys.items()
    )


def texts(value: Any) -> tuple[str, ...]:
    """Return a policy's value, which may be one or a list, as texts."""
    values = value if isinstance(value, (list, tuple)) else (value,)
    return tuple(str(each).lower() if isinstance(each, bool) else str(each) for each in values)


def _holds(operator: str, key: str, wanted: Sequence[str], context: Context, *, has_variables: bool) -> bool:
    given = context.get(key.lower(), ())
    if operator == "null":
        return (not given) == ("true" in (each.lower() for each in wanted))
    quantifier, _, rest = operator.rpartition(":")
    lenient = rest.endswith("ifexists")
    name = rest.removesuffix("ifexists")
    negated = name in _NEGATED
    name = _NEGATED.get(name, name)
    test = _TESTS.get(name)
    if test is None or quantifier not in {"", "forallvalues", "foranyvalue"}:
        return False
    if not given:
        return lenient or quantifier == "forallvalues" or (negated and not quantifier)
    if has_variables:
        wanted = _resolved(wanted, context, for_wildcards=name in _WITH_WILDCARDS)
    hits = [any(test(want, have) for want in wanted) != negated for have in given]
    return all(hits) if quantifier == "forallvalues" or (negated and not quantifier) else any(hits)


def _resolved(wanted: Sequence[str], context: Context, *, for_wildcards: bool) -> list[str]:
    """Return the values with their variables resolved; one whose variable has no value can't be met, and is left out."""
    found = []
    for each in wanted:
        try:
            found.append(resolved(each, context, for_wildcards=for_wildcards))
        except Unresolved:
            continue
    return found

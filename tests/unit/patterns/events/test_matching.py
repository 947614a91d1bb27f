"""Patterns against events: AWS's documented and recorded cases, and a naive reference for everything in between."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent.patterns.events import compile_pattern

YES, NO = True, False


@pytest.mark.parametrize(
    ("pattern", "event", "expected"),
    [
        ({"a": ["x", "y"]}, {"a": "y"}, YES),
        ({"a": ["x"]}, {"a": "X"}, NO),
        ({"a": ["x"]}, {"A": "x"}, NO),
        ({"a": ["x"]}, {"a": ["z", "x"]}, YES),
        ({"a": ["x"]}, {"a": [["z"], ["x"]]}, YES),
        ({"a": ["x"]}, {"a": []}, NO),
        ({"a": [None]}, {"a": None}, YES),
        ({"a": [None]}, {"a": []}, NO),
        ({"a": [None]}, {}, NO),
        ({"a": [""]}, {"a": ""}, YES),
        ({"a": [True]}, {"a": True}, YES),
        ({"a": [True]}, {"a": 1}, NO),
        ({"a": [1]}, {"a": True}, NO),
        ({"a": ["true"]}, {"a": True}, NO),
        ({"a": [300]}, {"a": 300.0}, YES),
        ({"a": [0.1]}, {"a": 0.1}, YES),
        ({"a": [123456789012]}, {"a": 123456789012}, YES),
        ({"a": [123456789012]}, {"a": 123456789013}, NO),
        ({"a": ["1"]}, {"a": 1}, NO),
        ({"a": {"b": ["x"]}}, {"a": '{"b": "x"}'}, NO),
        ({"a": [{"prefix": "us-"}]}, {"a": "us-east-1"}, YES),
        ({"a": [{"prefix": ""}]}, {"a": ""}, YES),
        ({"a": [{"prefix": ""}]}, {"a": 1}, NO),
        ({"a": [{"prefix": {"equals-ignore-case": "EventB"}}]}, {"a": "eventbridge"}, YES),
        ({"a": [{"suffix": ".png"}]}, {"a": "x.PNG"}, NO),
        ({"a": [{"suffix": {"equals-ignore-case": ".png"}}]}, {"a": "x.PNG"}, YES),
        ({"a": [{"equals-ignore-case": "ALICE"}]}, {"a": "alice"}, YES),
        ({"a": [{"equals-ignore-case": ""}]}, {"a": ""}, YES),
        ({"a": [{"anything-but": "x"}]}, {"a": "y"}, YES),
        ({"a": [{"anything-but": "x"}]}, {"a": "x"}, NO),
        ({"a": [{"anything-but": "x"}]}, {"a": None}, YES),
        ({"a": [{"anything-but": "x"}]}, {}, NO),
        ({"a": [{"anything-but": ["x"]}]}, {"a": ["x", "y"]}, YES),
        ({"a": [{"anything-but": 0}]}, {"a": 0.0}, NO),
        ({"a": [{"anything-but": [0, 1]}]}, {"a": "0"}, YES),
        ({"a": [{"anything-but": {"prefix": "in"}}]}, {"a": "init"}, NO),
        ({"a": [{"anything-but": {"prefix": "in"}}]}, {"a": 123}, YES),
        ({"a": [{"anything-but": {"suffix": [".txt", ".png"]}}]}, {"a": "x.png"}, NO),
        ({"a": [{"anything-but": {"equals-ignore-case": ["Init"]}}]}, {"a": "INIT"}, NO),
        ({"a": [{"anything-but": {"wildcard": "*/init/*"}}]}, {"a": "dir/init/file"}, NO),
        ({"a": [{"anything-but": {"wildcard": ""}}]}, {"a": "dir/init/file"}, YES),
        ({"a": [{"numeric": [">", 0, "<=", 5]}]}, {"a": 5}, YES),
        ({"a": [{"numeric": [">", 0, "<=", 5]}]}, {"a": 0}, NO),
        ({"a": [{"numeric": ["=", 3.018e2]}]}, {"a": 301.8}, YES),
        ({"a": [{"numeric": ["<", 10]}]}, {"a": "5"}, NO),
        ({"a": [{"numeric": ["<", 10]}]}, {"a": None}, NO),
        ({"a": [{"numeric": [">", 10]}]}, {"a": 1e12}, NO),
        ({"a": [{"cidr": "10.0.0.0/24"}]}, {"a": "10.0.0.255"}, YES),
        ({"a": [{"cidr": "10.0.0.77/24"}]}, {"a": "10.0.0.1"}, YES),
        ({"a": [{"cidr": "10.0.0.0/24"}]}, {"a": "10.0.1.0"}, NO),
        ({"a": [{"cidr": "10.0.0.0/24"}]}, {"a": "not an address"}, NO),
        ({"a": [{"cidr": "2001:db8:1234:1a00::/64"}]}, {"a": "2001:db8:1234:1a01::1"}, NO),
        ({"a": [{"cidr": "2001:db8:1234:1a00::/64"}]}, {"a": "2001:0db8:1234:1a00::1"}, YES),
        ({"a": ["::1"]}, {"a": "0:0:0:0:0:0:0:1"}, YES),
        ({"a": [{"exists": True}]}, {"a": None}, YES),
        ({"a": [{"exists": True}]}, {"a": {"b": 1}}, NO),
        ({"a": [{"exists": True}]}, {"a": []}, NO),
        ({"a": [{"exists": False}]}, {"a": {"b": 1}}, YES),
        ({"a": [{"exists": False}]}, {"a": []}, YES),
        ({"a": [{"exists": False}]}, {"b": 1}, YES),
        ({"a": {"b": [{"exists": False}]}}, {}, YES),
        ({"a": {"b": [{"exists": False}, "x"]}}, {"a": {"b": "y"}}, NO),
        ({"a": [{"wildcard": "dir/*/file.*"}]}, {"a": "dir/x/y/file.txt"}, YES),
        ({"a": [{"wildcard": "a*a"}]}, {"a": "a"}, NO),
        ({"a": [{"wildcard": "\\*\\\\"}]}, {"a": "*\\"}, YES),
        ({"a": {"items": {"x": [1], "y": [2]}}}, {"a": {"items": [{"x": 1, "y": 2}]}}, YES),
        ({"a": {"items": {"x": [1], "y": [2]}}}, {"a": {"items": [{"x": 1}, {"y": 2}]}}, NO),
        ({"items": {"id": [{"exists": True}]}}, {"items": [{"k": 1}, {"id": 2}]}, YES),
        ({"items": {"id": [{"exists": False}]}}, {"items": [{"k": 1}, {"id": 2}]}, NO),
        ({"items": {"a": [1], "b": [{"exists": False}]}}, {"items": [{"a": 1}, {"b": 2}]}, YES),
        ({"a": {"b.c": [1]}}, {"a": {"b": {"c": 1}}}, YES),
        ({"a": {"b": {"c": [1]}}}, {"a": {"b.c": 1}}, YES),
        ({"a": {"b.c": {"c": [1]}}}, {"a": {"b": {"c": 1}}}, NO),
        ({"a": [1], "a.b": [2]}, {"a": [1, {"b": 2}]}, NO),
        ({"s": ["q"], "$or": [{"m": ["x"]}, {"t": ["y"], "n": ["z"]}]}, {"s": "q", "t": "y", "n": "z"}, YES),
        ({"s": ["q"], "$or": [{"m": ["x"]}, {"t": ["y"], "n": ["z"]}]}, {"s": "q", "t": "y"}, NO),
        ({"d": {"$or": [{"n": [{"numeric": ["=", 0]}]}, {"f": [False]}]}}, {"d": {"n": 5, "f": False}}, YES),
    ],
)
def test_documented_and_recorded_cases(pattern: dict[str, Any], event: dict[str, Any], expected: bool) -> None:
    assert compile_pattern(pattern).matches(event) is expected
    assert compile_pattern(json.dumps(pattern)).matches(event) is expected


def test_of_a_key_given_twice_the_last_counts() -> None:
    pattern = compile_pattern('{"l": [{"prefix": "us-"}], "l": [{"anything-but": "us-east"}]}')
    assert pattern.matches({"l": "eu-central-1"})


def test_escapes_are_read_as_json_has_them() -> None:
    assert compile_pattern(r'{"a": ["\\", "\u00e9\n"]}').matches({"a": "é\n"})


def test_alternatives_and_operators_are_told() -> None:
    pattern = compile_pattern({"a": ["x", {"anything-but": ["y", "z"]}], "$or": [{"b": {"c": [{"prefix": "p"}]}}, {"d": [1]}]})
    assert pattern.alternatives == [{"a": 3, "b.c": 1}, {"a": 3, "d": 1}]
    assert pattern.operators == {"exactly", "anything-but", "prefix"}


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ({"a": ["x", "y"]}, {"x", "y"}),
        ({"b": [1]}, None),
        ({"a": ["x", {"prefix": "y"}]}, None),
        ({"a": ["x", 1]}, None),
        ({"a": [{"anything-but": "x"}]}, None),
        ({"a": ["10.0.0.1"]}, None),
        ({"$or": [{"a": ["x"]}, {"a": ["y"], "b": [1]}]}, {"x", "y"}),
        ({"$or": [{"a": ["x"]}, {"b": [1]}]}, None),
    ],
)
def test_the_texts_of_which_one_is_needed(pattern: dict[str, Any], expected: set[str] | None) -> None:
    assert compile_pattern(pattern).exact_texts("a") == expected


def test_many_lists_do_not_multiply() -> None:
    pattern = compile_pattern({**{f"k{n}": {"v": [1]} for n in range(6)}, "z": [{"exists": False}]})
    event: dict[str, Any] = {f"k{n}": [{"v": 1}] * 60 for n in range(6)}
    assert pattern.matches(event)
    assert not pattern.matches({**event, "z": 1})


# A reference without trees: every path of the event, every combination of list elements.

Paths = list[tuple[str, Any, dict[int, int]]]


def flatten(value: Any, path: tuple[str, ...], places: dict[int, int], counter: Iterator[int]) -> Paths:
    if isinstance(value, dict):
        return [each for key, below in value.items() for each in flatten(below, (*path, key), places, counter)]
    if isinstance(value, list):
        number = next(counter)
        return [each for index, below in enumerate(value) for each in flatten(below, path, {**places, number: index}, counter)]
    return [(".".join(path), value, places)]


def holds(condition: Any, value: Any) -> bool:
    if not isinstance(condition, dict):
        return value == condition and (type(value) is type(condition) or (is_number(value) and is_number(condition)))
    ((operator, operand),) = condition.items()
    text = isinstance(value, str)
    match operator:
        case "exists":
            return bool(operand)
        case "prefix":
            return text and value.startswith(operand)
        case "suffix":
            return text and value.endswith(operand)
        case "equals-ignore-case":
            return text and value.lower() == operand.lower()
        case "wildcard":
            return text and fnmatchcase(value, operand)
        case "numeric":
            tests = {"<": float.__lt__, "<=": float.__le__, ">": float.__gt__, ">=": float.__ge__, "=": float.__eq__}
            return is_number(value) and all(
                tests[sign](float(value), float(bound)) for sign, bound in zip(operand[::2], operand[1::2], strict=True)
            )
        case "anything-but":
            if isinstance(operand, dict):
                ((inner, values),) = operand.items()
                return not any(holds({inner: each}, value) for each in (values if isinstance(values, list) else [values]))
            return not any(holds(each, value) for each in (operand if isinstance(operand, list) else [operand]))
    raise AssertionError(operator)


def is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def reference(rule: dict[str, Any], event: dict[str, Any]) -> bool:
    found = flatten(event, (), {}, itertools.count())
    fields = sorted((path, conditions) for path, conditions, _ in flatten_rule(rule, ()))

    def search(index: int, taken: dict[int, int]) -> bool:
        if index == len(fields):
            return True
        path, conditions = fields[index]
        agreeing = [
            (value, places) for name, value, places in found if name == path and all(taken.get(n, i) == i for n, i in places.items())
        ]
        if not agreeing and {"exists": False} in conditions and search(index + 1, taken):
            return True
        return any(any(holds(each, value) for each in conditions) and search(index + 1, {**taken, **places}) for value, places in agreeing)

    return search(0, {})


def flatten_rule(rule: Any, path: tuple[str, ...]) -> list[tuple[str, list[Any], None]]:
    if isinstance(rule, list):
        return [(".".join(path), rule, None)]
    return [each for key, below in rule.items() for each in flatten_rule(below, (*path, key))]


texts = st.text("aAb", max_size=3)
numbers = st.sampled_from([0, 1, 2, 1.5, -1])
scalars = st.none() | st.booleans() | texts | numbers
several = st.lists(texts.filter(bool), min_size=1, max_size=2)
ranges = st.sampled_from([["=", 1], ["<", 1.5], [">", 0], [">=", 0, "<", 2], [">", -1, "<=", 1]])
conditions = st.one_of(
    scalars,
    st.fixed_dictionaries({"exists": st.booleans()}),
    st.fixed_dictionaries({"prefix": texts}),
    st.fixed_dictionaries({"suffix": texts}),
    st.fixed_dictionaries({"equals-ignore-case": texts}),
    st.fixed_dictionaries({"wildcard": st.sampled_from(["*", "a*", "*b", "a*b", "*a*", "b"])}),
    st.fixed_dictionaries({"numeric": ranges}),
    st.fixed_dictionaries({"anything-but": texts | numbers | several | st.lists(numbers, min_size=1, max_size=2)}),
    st.fixed_dictionaries(
        {
            "anything-but": st.sampled_from(["prefix", "suffix", "equals-ignore-case"]).flatmap(
                lambda op: st.fixed_dictionaries({op: several})
            )
        }
    ),
)
keys = st.sampled_from(["x", "y", "z", "x.y"])
rules = st.recursive(
    st.lists(conditions, min_size=1, max_size=2),
    lambda inner: st.dictionaries(keys, inner, min_size=1, max_size=3),
    max_leaves=4,
).filter(lambda rule: isinstance(rule, dict))
events = st.dictionaries(
    keys,
    st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3), max_leaves=8),
    max_size=3,
)


def has_one_rule_per_path(rule: dict[str, Any]) -> bool:
    paths = [path for path, _, _ in flatten_rule(rule, ())]
    return len(paths) == len(set(paths))


@given(rules.filter(has_one_rule_per_path), events)
def test_the_reference_agrees(rule: dict[str, Any], event: dict[str, Any]) -> None:
    assert compile_pattern(rule).matches(event) is reference(rule, event)


@given(st.lists(rules.filter(has_one_rule_per_path), min_size=2, max_size=3), events)
def test_or_is_any_of_its_objects(choices: list[dict[str, Any]], event: dict[str, Any]) -> None:
    assert compile_pattern({"$or": choices}).matches(event) is any(reference(rule, event) for rule in choices)

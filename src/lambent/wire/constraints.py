"""The model's constraints on an input, with AWS's texts: required, length, range, pattern, enum."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from lambent.base.regexes import Regex
from lambent.wire.models import is_list, is_map, is_nested, is_structure, traits

if TYPE_CHECKING:
    from botocore.model import ListShape, MapShape, Shape, StructureShape

Check: TypeAlias = Callable[[Any, str, list[str]], None]
"""Appends what is wrong with (value, path) to the problems."""

PATTERN_CHARS_MAX: Final = 8192
"""Longer values aren't matched: Java's patterns may backtrack without end, and no pattern of AWS needs more."""

_REMEMBERED_CHARS_MAX: Final = 256

_CLASSES: Final = {
    "L": r"\w",
    "N": r"\d",
    "Z": r"\s",
    "Zs": r"\s",
    "M": r"\w",
    "Alnum": "A-Za-z0-9",
    "ASCII": r"\x00-\x7f",
    "Alpha": "A-Za-z",
}
_CLASS: Final = Regex(r"\\p\{(\w+)\}")
_INFINITE: Final = 1 << 40


def pattern(java: str) -> re.Pattern[str] | None:
    """Return a Java pattern as Python's, or ``None`` when Python can't say it (then AWS's check is not made)."""
    if "&&" in java:
        return None
    flags = 0 if "\\p{" in java else re.ASCII
    text = _CLASS.sub(lambda found: _CLASSES.get(found.group(1), found.group()), java)
    text = re.sub(r"\[\\w-(?=[^\]])", r"[\\w\\-", text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return re.compile(text, flags)
    except (re.error, Warning, OverflowError, RecursionError):
        return None


def lower_camel(name: str) -> str:
    """Return a member's name as AWS's messages say it."""
    return name[:1].lower() + name[1:]


def _limits(shape: Shape) -> dict[str, Any]:
    found: dict[str, Any] = shape.metadata
    return found


def _size_tests(shape: Shape) -> list[tuple[Callable[[Any], bool], str]]:
    limits = _limits(shape)
    number = shape.type_name in {"integer", "long", "float", "double", "bigInteger", "bigDecimal"}
    what = "value" if number else "length"
    tests: list[tuple[Callable[[Any], bool], str]] = []
    low, high = limits.get("min"), limits.get("max")
    if high is not None and high < _INFINITE:
        tests.append(
            ((lambda v: v <= high) if number else (lambda v: _length(v) <= high), f"Member must have {what} less than or equal to {high}")
        )
    if low is not None and (number or low > 0):
        tests.append(
            ((lambda v: v >= low) if number else (lambda v: _length(v) >= low), f"Member must have {what} greater than or equal to {low}")
        )
    return tests


def _length(value: Any) -> int:
    return len(value) if isinstance(value, str | bytes | list | dict) else 1


def tests_of(shape: Shape) -> list[tuple[Callable[[Any], bool], str]]:
    """Return a scalar's (or a collection's own) tests with the texts of their failures."""
    tests = _size_tests(shape)
    limits = _limits(shape)
    java = limits.get("pattern")
    if java and shape.type_name == "string":
        compiled = pattern(java)
        if compiled is not None:
            tests.append((_matches(compiled), f"Member must satisfy regular expression pattern: {java}"))
    if limits.get("enum") and shape.type_name == "string":
        allowed = frozenset(limits["enum"])
        tests.append((lambda v: v in allowed, f"Member must satisfy enum value set: [{', '.join(limits['enum'])}]"))
    return tests


def _matches(compiled: re.Pattern[str]) -> Callable[[str], bool]:
    match = compiled.fullmatch
    return lambda value: len(value) > PATTERN_CHARS_MAX or match(value) is not None


_UNSHOWN: Final = frozenset({"LogGroupIdentifier"})
"""Shapes whose values AWS's messages leave out, though the model doesn't call them sensitive."""


def shown(value: Any, shape: Shape) -> str:
    """Return a value as AWS's messages show it."""
    if _limits(shape).get("sensitive") or shape.name in _UNSHOWN:
        return "Value"
    if isinstance(value, bytes):
        return f"Value 'java.nio.HeapByteBuffer[pos=0 lim={len(value)} cap={len(value)}]'"
    return f"Value '{_plain(value, shape)}'"


_RECORDS: Final = {
    "PutEventsRequestEntry": (
        "time",
        "source",
        "resources",
        "detailType",
        "detail",
        "eventBusName",
        "traceHeader",
        "kmsKeyIdentifier",
        "internalMetadata",
    ),
    "MetricTransformation": ("metricName", "metricNamespace", "metricValue", "defaultValue", "unit", "dimensions"),
}
"""Structures that AWS's service shows by the members of a class of its own, present or not."""


def _plain(value: Any, shape: Shape | None = None) -> str:
    if isinstance(value, list):
        member = shape.member if shape is not None and is_list(shape) else None
        return f"[{', '.join(_plain(each, member) for each in value)}]"
    if shape is not None and shape.name in _RECORDS and isinstance(value, Mapping):
        given = {lower_camel(name): _plain(each) for name, each in value.items()}
        members = ", ".join(f"{name}={given.get(name, 'null')}" for name in _RECORDS[shape.name])
        return f"{shape.name}({members})"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}={_plain(each)}" for key, each in value.items()) + "}"
    return str(value)


def null(path: str) -> str:
    """Return what AWS says of a member that is required and isn't there."""
    return f"Value null at '{path}' failed to satisfy constraint: Member must not be null"


class Checker:
    """Compiles checks of shapes; ``None`` stands for a shape that has nothing to check.

    ``only_required`` leaves lengths, ranges, patterns and enums to the service itself; ``left_to_service`` names members, by
    (structure, member), of which the service checks the value in words of its own.
    """

    def __init__(self, *, only_required: bool = False, left_to_service: frozenset[tuple[str, str]] = frozenset()) -> None:
        self._only_required = only_required
        self._left_to_service = left_to_service
        self._made: dict[str, Check | None] = {}

    def of(self, shape: Shape) -> Check | None:
        """Return the check of a shape."""
        if shape.name not in self._made:
            self._made[shape.name] = lambda value, path, problems: self._call(shape.name, value, path, problems)
            self._made[shape.name] = self._make(shape)
        return self._made[shape.name]

    def _tests(self, shape: Shape) -> list[tuple[Callable[[Any], bool], str]]:
        return [] if self._only_required else tests_of(shape)

    def _call(self, name: str, value: Any, path: str, problems: list[str]) -> None:
        made = self._made[name]
        if made is not None:
            made(value, path, problems)

    def _make(self, shape: Shape) -> Check | None:
        if is_structure(shape):
            return self._structure(shape)
        if is_list(shape):
            return self._list(shape)
        if is_map(shape):
            return self._map(shape)
        return _own(self._tests(shape), shape)

    def _structure(self, shape: StructureShape) -> Check | None:
        required = tuple(shape.required_members)
        checks = {
            name: (lower_camel(name), self.of(member))
            for name, member in shape.members.items()
            if not traits(member).get("streaming") and (shape.name, name) not in self._left_to_service
        }
        wanted = {name: (said, check) for name, (said, check) in checks.items() if check is not None}
        if not required and not wanted:
            return None

        def check(value: Any, path: str, problems: list[str]) -> None:
            prefix = f"{path}." if path else ""  # members are said after a dot, except the outermost
            for name in required:
                if name not in value:
                    problems.append(null(f"{prefix}{lower_camel(name)}"))  # noqa: PERF401 - to make a generator takes longer than all of this
            begin = len(problems)
            for name, each in value.items():
                found = wanted.get(name)
                if found is not None:
                    found[1](each, prefix + found[0], problems)
            if len(problems) > begin + 1:  # they are said in the model's order, not in the one in which the members came
                del problems[begin:]
                for name, (said, test) in wanted.items():
                    if name in value:
                        test(value[name], prefix + said, problems)

        return check

    def _list(self, shape: ListShape) -> Check | None:
        own = _own(self._tests(shape), shape)
        inner = shape.member
        if is_nested(inner):
            return _both(own, _each_item(self.of(inner)))
        tests = self._tests(inner)
        text = f"Member must satisfy constraint: {_all_of(tests)}"

        def check(value: Any, path: str, problems: list[str]) -> None:
            _no_nulls(value, path, problems)
            if any(not test(each) for each in value if each is not None for test, _ in tests):
                problems.append(f"{shown(value, shape)} at '{path}' failed to satisfy constraint: {text}")

        return _both(own, check)

    def _map(self, shape: MapShape) -> Check | None:
        keys, own = self._tests(shape.key), _own(self._tests(shape), shape)
        key_text = f"Map keys must satisfy constraint: {_all_of(keys)}"
        inner = shape.value
        deep = self.of(inner) if is_nested(inner) else None
        values = [] if deep is not None or is_nested(inner) else self._tests(inner)
        value_text = f"Map value must satisfy constraint: {_all_of(values)}"

        def check(value: Any, path: str, problems: list[str]) -> None:
            present = [each for each in value.values() if each is not None]
            if any(not test(key) for key in value for test, _ in keys):
                problems.append(f"{shown(value, shape)} at '{path}' failed to satisfy constraint: {key_text}")
            if any(not test(each) for each in present for test, _ in values):
                problems.append(f"{shown(value, shape)} at '{path}' failed to satisfy constraint: {value_text}")
            if deep is not None:
                for key, each in value.items():
                    if each is not None:
                        deep(each, f"{path}.{key}.member", problems)

        return _both(own, check if keys or values or deep is not None else None)


def _all_of(tests: list[tuple[Callable[[Any], bool], str]]) -> str:
    """Return how AWS lists what an item of a collection must satisfy."""
    return f"[{', '.join([*(said for _, said in tests), 'Member must not be null'])}]"


def _no_nulls(value: list[Any], path: str, problems: list[str]) -> None:
    for number, each in enumerate(value, 1):
        if each is None:
            problems.append(null(f"{path}.{number}.member"))


def _each_item(inner: Check | None) -> Check:
    def check(value: Any, path: str, problems: list[str]) -> None:
        _no_nulls(value, path, problems)
        if inner is not None:
            for number, each in enumerate(value, 1):
                if each is not None:
                    inner(each, f"{path}.{number}.member", problems)

    return check


def _own(tests: list[tuple[Callable[[Any], bool], str]], shape: Shape) -> Check | None:
    if not tests:
        return None

    def check(value: Any, path: str, problems: list[str]) -> None:
        for test, said in tests:
            if not test(value):
                problems.append(f"{shown(value, shape)} at '{path}' failed to satisfy constraint: {said}")

    return _remembering(tests, check) if shape.type_name == "string" else check


def _remembering(tests: list[tuple[Callable[[Any], bool], str]], check: Check) -> Check:
    """Return a check that remembers short texts that are fine: clients name the same few functions and queues again and again."""

    @lru_cache(maxsize=256)
    def is_fine(value: str) -> bool:
        return all(test(value) for test, _ in tests)

    def check_unknown(value: Any, path: str, problems: list[str]) -> None:
        if len(value) > _REMEMBERED_CHARS_MAX or not is_fine(value):
            check(value, path, problems)

    return check_unknown


def _both(first: Check | None, second: Check | None) -> Check | None:
    if first is None or second is None:
        return first or second

    def check(value: Any, path: str, problems: list[str]) -> None:
        first(value, path, problems)
        second(value, path, problems)

    return check


def missing(shape: StructureShape, params: Mapping[str, Any], *, scalars_only: bool = False) -> str | None:
    """Return the first required member that isn't there, at the top."""
    return next(
        (name for name in shape.required_members if name not in params and not (scalars_only and is_nested(shape.members[name]))),
        None,
    )

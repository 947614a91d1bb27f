"""What a notification configuration may say: each wish has an id, known events and a filter, and overlaps with no other. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import combinations
from typing import Any, Final

from lambent.base.ids import Ids
from lambent.domain.arns import Arn
from lambent.services.s3 import errors
from lambent.services.s3.events import KINDS, Kind, rules_of
from lambent.services.s3.happenings import EVENTS

_VALUE_BYTES_MAX: Final = 1024
_EACH_MAX: Final = 100
_AMBIGUOUS: Final = (
    "Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes are overlapping "
    "for the same event type."
)
_SHARED: Final = "Configurations overlap. Configurations on the same bucket cannot share a common event type."


def checked(configuration: Mapping[str, Any], ids: Ids) -> dict[str, Any]:
    """Return the configuration as it is kept. Raises what AWS says about one that isn't allowed."""
    kept: dict[str, Any] = {}
    everything: list[dict[str, Any]] = []
    for kind in KINDS:
        wishes = [_completed(kind, each, ids) for each in configuration.get(kind.list_member, [])]
        if len(wishes) > _EACH_MAX:
            raise errors.invalid_argument("The number of notification configurations exceeds the limit of 100.")
        if wishes:
            kept[kind.list_member] = wishes
        everything += wishes
    if "EventBridgeConfiguration" in configuration:
        kept["EventBridgeConfiguration"] = {}
    if len({each["Id"] for each in everything}) < len(everything):
        raise errors.invalid_argument("Same ID used for multiple configurations. IDs must be unique")
    for first, second in combinations(everything, 2):
        one, other = rules_of(first), rules_of(second)
        if _events_overlap(first["Events"], second["Events"]) and _filters_overlap(one, other):
            raise errors.invalid_argument(_AMBIGUOUS if one or other else _SHARED)
    return kept


def targets(configuration: Mapping[str, Any]) -> Iterator[tuple[Kind, str]]:
    """Give the destinations that a configuration names, each once."""
    for kind in KINDS:
        arns = [each[kind.arn_member] for each in configuration.get(kind.list_member, [])]
        yield from ((kind, arn) for arn in dict.fromkeys(arns))


def _completed(kind: Kind, wish: Mapping[str, Any], ids: Ids) -> dict[str, Any]:
    _check_arn(kind, wish.get(kind.arn_member, ""))
    if not wish.get("Events"):
        raise errors.malformed_xml()
    for event in wish["Events"]:
        if event not in EVENTS:
            raise errors.invalid_argument("The event is not supported for notifications", "Event", event)
    found = {**wish, "Id": wish.get("Id") or ids.uuid()}
    rules = (wish.get("Filter") or {}).get("Key", {}).get("FilterRules")
    if rules is not None:
        found["Filter"] = {"Key": {"FilterRules": _rules(rules)}}
    return found


def _check_arn(kind: Kind, text: str) -> None:
    try:
        found = Arn.parse(text)
    except ValueError:
        found = None
    if found is None or found.service != kind.service or not found.resource:
        raise errors.invalid_argument("The ARN could not be parsed", kind.argument, text)


def _rules(rules: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """Return a filter's rules with AWS's spelling of their names."""
    names = [each.get("Name", "").lower() for each in rules]
    for each, name in zip(rules, names, strict=True):
        if name not in ("prefix", "suffix"):
            raise errors.invalid_argument("filter rule name must be either prefix or suffix", "FilterRule.Name", each.get("Name", ""))
        if len(each.get("Value", "").encode()) > _VALUE_BYTES_MAX:
            text = "Size of filter rule value cannot exceed 1024 bytes in UTF-8 representation"
            raise errors.invalid_argument(text, "FilterRule.Value", each["Value"])
        if names.count(name) > 1:
            raise errors.invalid_argument(f"Cannot specify more than one {name} rule in a filter.", "FilterRule.Name", name)
    return [{"Name": name.capitalize(), "Value": each.get("Value", "")} for each, name in zip(rules, names, strict=True)]


def _events_overlap(first: Sequence[str], second: Sequence[str]) -> bool:
    return any(fnmatchcase(a, b) or fnmatchcase(b, a) for a in first for b in second)


def _filters_overlap(first: Mapping[str, str], second: Mapping[str, str]) -> bool:
    a, b = first.get("prefix", ""), second.get("prefix", "")
    c, d = first.get("suffix", ""), second.get("suffix", "")
    return (a.startswith(b) or b.startswith(a)) and (c.endswith(d) or d.endswith(c))

"""Filter policies: SNS's limits and messages around the language of event patterns; pure.

Follows "Amazon SNS subscription filter policies": at most five keys and 150 combinations; nested keys only for the message's body.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from lambent.patterns.events import Pattern, PatternError, compile_pattern
from lambent.services.sns.errors import invalid
from lambent.services.sns.jsontext import compact, parse_object
from lambent.services.sns.messages import Attribute, Message
from lambent.services.sns.state import Subscription

_KEYS_MAX: Final = 5
_COMBINATIONS_MAX: Final = 150
_REFUSED: Final = frozenset({"wildcard", *(f"anything-but/{each}" for each in ("equals-ignore-case", "suffix", "wildcard"))})
SCOPES: Final = ("MessageAttributes", "MessageBody")


class Filter(msgspec.Struct, frozen=True):
    """A subscription's filter."""

    pattern: Pattern | None  #: ``None`` lets everything through
    of_body: bool  #: whether it looks at the message's body, not at its attributes

    def passes(self, message: Message, protocol: str) -> bool:
        """Return whether a subscription of the protocol gets the message."""
        if self.pattern is None:
            return True
        if not self.of_body:
            return self.pattern.matches(attribute_values(message.attributes))
        try:
            body = json.loads(message.text_for(protocol))
        except ValueError:
            return False
        return isinstance(body, dict) and self.pattern.matches(body)


def filter_of(subscription: Subscription) -> Filter | None:
    """Return the filter that a subscription has, if any."""
    text = subscription.attributes.get("FilterPolicy")
    if not text:
        return None
    return Filter(None if json.loads(text) == {} else compile_pattern(text), subscription.body_scope)


def attribute_values(attributes: Mapping[str, Attribute]) -> dict[str, Any]:
    """Return what filters see of a message's attributes: texts, numbers, and the elements of ``String.Array``."""
    return {name: _value(each) for name, each in attributes.items() if isinstance(each.value, str)}


def _value(attribute: Attribute) -> Any:
    text = str(attribute.value)
    if attribute.base == "Number":
        return float(text) if any(sign in text.lower() for sign in ".en") else int(text)
    if attribute.type == "String.Array":
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def check_filter_policy(text: str, *, of_body: bool) -> None:
    """Raise AWS's ``InvalidParameter`` when a filter policy isn't allowed for what it looks at."""
    policy = parse_object(text, "FilterPolicy")
    if not policy:
        return
    try:
        pattern = compile_pattern(compact(policy), refused=_REFUSED)  # AWS's messages, too, quote it without spaces
    except PatternError as error:
        raise invalid(f"FilterPolicy: {error.reason}{error.where}") from None
    if not of_body and _is_nested(policy):
        raise invalid("Filter policy scope MessageAttributes does not support nested filter policy")
    keys = {path if not of_body else path.partition(".")[0] for each in pattern.alternatives for path in each}
    if len(keys) > _KEYS_MAX:
        raise invalid(f"FilterPolicy: Filter policy can not have more than {_KEYS_MAX} keys")
    if sum(_combinations(each, of_body=of_body) for each in pattern.alternatives) > _COMBINATIONS_MAX:
        raise invalid("FilterPolicy: Filter policy is too complex")


def _combinations(alternative: Mapping[str, int], *, of_body: bool) -> int:
    """Return how many combinations of values an alternative has; each value counts as often as its key is deep."""
    return math.prod(count * (path.count(".") + 1 if of_body else 1) for path, count in alternative.items())


def _is_nested(policy: Mapping[str, Any]) -> bool:
    for key, value in policy.items():
        if key == "$or" and isinstance(value, list):
            if any(isinstance(each, dict) and _is_nested(each) for each in value):
                return True
        elif isinstance(value, dict):
            return True
    return False

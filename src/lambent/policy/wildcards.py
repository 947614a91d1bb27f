"""IAM's wildcards: ``*`` for any text, ``?`` for one character."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_MARKED: Final = {"*": "\ue000", "?": "\ue001"}  # of the private use area: in no name of AWS's
_PLAIN: Final = {mark: character for character, mark in _MARKED.items()}


def literal(text: str) -> str:
    """Return a pattern that means the text itself, ``*`` and ``?`` included."""
    return text.replace("*", _MARKED["*"]).replace("?", _MARKED["?"])


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    collapsed = re.sub(r"\*+", "*", pattern)
    parts = {"*": ".*", "?": ".", **{mark: re.escape(character) for mark, character in _PLAIN.items()}}
    return re.compile("".join(parts.get(character, re.escape(character)) for character in collapsed), re.DOTALL)


def matches(pattern: str, text: str) -> bool:
    """Return whether the whole text fits the pattern, case included."""
    if pattern == "*":
        return True
    if pattern.isascii() and "*" not in pattern and "?" not in pattern:
        return pattern == text
    return _compiled(pattern).fullmatch(text) is not None


def action_matches(pattern: str, action: str) -> bool:
    """Return whether an action fits, case aside."""
    return matches(pattern.lower(), action.lower())


def arn_matches(pattern: str, arn: str) -> bool:
    """Return whether an ARN fits part by part: a wildcard never reaches over a colon of the first five."""
    wanted, given = pattern.split(":", 5), arn.split(":", 5)
    if pattern == "*":
        return True
    return len(wanted) == len(given) == 6 and all(matches(want, have) for want, have in zip(wanted, given, strict=True))

"""IAM's wildcards: ``*`` for any text, ``?`` for one character."""

from __future__ import annotations

import re
from functools import lru_cache


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    collapsed = re.sub(r"\*+", "*", pattern)
    return re.compile("".join({"*": ".*", "?": "."}.get(character, re.escape(character)) for character in collapsed), re.DOTALL)


def matches(pattern: str, text: str) -> bool:
    """Return whether the whole text fits the pattern, case included."""
    if "*" not in pattern and "?" not in pattern:
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

"""Policy variables: ``${aws:PrincipalAccount}`` and the like, which stand for values of the request.

Follows "IAM policy elements: Variables and tags": a variable may bring a default along (``${aws:PrincipalTag/team, 'none'}``); ``${*}``,
``${?}`` and ``${$}`` are those characters themselves; what has no value, or more than one, makes the pattern take in nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from lambent.base.regexes import Regex
from lambent.policy.wildcards import literal

_VARIABLE: Final = Regex(r"\$\{([^{}]*)\}")
_DEFAULT: Final = Regex(r"([^,]*?)\s*,\s*'([^']*)'")


class Unresolved(Exception):
    """A variable has no value in this request."""


def resolved(text: str, context: Mapping[str, Sequence[str]], *, for_wildcards: bool) -> str:
    """Return the text with its variables' values; ``for_wildcards``: values (not the text) lose the meaning of ``*`` and ``?``.

    ``context`` is by lower-case key. Raises ``Unresolved``.
    """
    if "${" not in text:
        return text

    def value(found: re.Match[str]) -> str:
        plain = _value(found[1].strip(), context)
        return literal(plain) if for_wildcards else plain

    return _VARIABLE.sub(value, text)


def _value(name: str, context: Mapping[str, Sequence[str]]) -> str:
    if name in {"*", "?", "$"}:
        return name
    with_default = _DEFAULT.fullmatch(name)
    values = context.get((with_default[1] if with_default else name).lower(), ())
    if len(values) == 1:
        return values[0]
    if with_default and not values:
        return with_default[2]
    raise Unresolved(name)

"""The three forms of filter patterns, told apart by their first character.

``ERROR -"dry run"`` is of terms, ``{ $.level = "ERROR" }`` of JSON selectors, ``[ip, ..., status = 5*]`` of space-delimited fields;
``%…%`` is a regular expression in each. Follows "Filter pattern syntax" of the CloudWatch Logs user guide.
"""

from __future__ import annotations

from typing import Protocol

from lambent.patterns.logs.errors import InvalidPattern
from lambent.patterns.logs.fields import compile_fields
from lambent.patterns.logs.objects import compile_object
from lambent.patterns.logs.terms import compile_terms

__all__ = ["InvalidPattern", "Pattern", "compile_pattern"]

PATTERN_CHARACTERS_MAX = 1_024


class Pattern(Protocol):
    """A compiled filter pattern."""

    def matches(self, message: str) -> bool:
        """Return whether an event with this message is one of those that the pattern describes."""
        ...

    def extract(self, message: str) -> dict[str, str]:
        """Return the values that the pattern names, by ``$name`` or selector; empty when the message doesn't match."""
        ...


def compile_pattern(text: str) -> Pattern:
    """Return the compiled pattern; an empty one matches everything. Raises ``InvalidPattern``."""
    if len(text) > PATTERN_CHARACTERS_MAX:
        raise InvalidPattern(f"It is longer than {PATTERN_CHARACTERS_MAX} characters.")
    stripped = text.strip()
    if stripped.startswith("{"):
        return compile_object(stripped)
    if stripped.startswith("["):
        return compile_fields(stripped)
    return compile_terms(stripped)

"""What a pattern that isn't one raises."""

from __future__ import annotations


class PatternError(ValueError):
    """The pattern is not valid; the text is AWS's message for ``PutRule`` and ``TestEventPattern``."""

    def __init__(self, reason: str, where: str = "") -> None:
        super().__init__(f"Event pattern is not valid. Reason: {reason}{where}")
        self.reason = reason  #: what is wrong: ``Empty arrays are not allowed``
        self.where = where  #: the place in the text as AWS appends it, newline included; empty where AWS gives none

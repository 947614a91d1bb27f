"""Numbers as EventBridge compares them: within ±5e9, to six decimals."""

from __future__ import annotations

LIMIT = 5e9
OUT_OF_RANGE = "Value must be between -5.0E9 and 5.0E9, inclusive"


def comparable(number: float) -> int | None:
    """Return the number in millionths above -5e9, so that 300, 300.0 and 3.0e2 are equal; ``None`` beyond ±5e9."""
    if not -LIMIT <= number <= LIMIT:
        return None
    return int(1e6 * (LIMIT + number))

"""Times as the wire has them."""

from __future__ import annotations

from datetime import UTC, datetime


def moment(seconds: float) -> datetime:
    """Return a time of a document, in seconds since 1970, as an answer's."""
    return datetime.fromtimestamp(seconds, UTC)


def seconds(given: datetime) -> float:
    """Return a request's time in seconds since 1970."""
    return (given if given.tzinfo else given.replace(tzinfo=UTC)).timestamp()

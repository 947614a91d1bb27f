"""Local times and clock changes."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo


def seconds_of(local: datetime, zone: tzinfo) -> float:
    """Return a naive local time in seconds since 1970; of a time that comes twice the first."""
    return local.replace(tzinfo=zone).timestamp()


def is_skipped(local: datetime, zone: tzinfo) -> bool:
    """Return whether a clock change leaves the naive local time out."""
    there = local.replace(tzinfo=zone)
    return there.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != local


def local_of(seconds: float, zone: tzinfo) -> datetime:
    """Return the naive local time."""
    return datetime.fromtimestamp(seconds, zone).replace(tzinfo=None)

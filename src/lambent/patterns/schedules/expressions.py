"""The three forms of schedule expressions, told apart by their first word."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import Protocol

import msgspec

from lambent.base.regexes import Regex
from lambent.patterns.schedules.cron import Cron, CronError, parse_cron
from lambent.patterns.schedules.local import seconds_of

_RATE = Regex(r"rate\(([1-9][0-9]*) (minute|hour|day)(s?)\)")
_CRON = Regex(r"cron\(([^()]*)\)")
_AT = Regex(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)")
_UNIT_S = {"minute": 60, "hour": 3_600, "day": 86_400}


class InvalidSchedule(ValueError):
    """The text isn't a schedule expression, or names a time zone that there isn't."""


class Schedule(Protocol):
    """When something is due."""

    def next_after(self, moment: float, anchor: float) -> float | None:
        """Return the first due time after ``moment`` (both in seconds since 1970), or ``None`` when there is none any more.

        A rate counts from ``anchor``; the others don't look at it.
        """
        ...


class Rate(msgspec.Struct, frozen=True):
    """Every so often."""

    period_s: float

    def next_after(self, moment: float, anchor: float) -> float:
        """Return the anchor plus the smallest whole number of periods, at least one, that is after the moment."""
        periods = max(1, int((moment - anchor) // self.period_s) + 1)
        return anchor + periods * self.period_s


class Once(msgspec.Struct, frozen=True):
    """One time."""

    due: float  #: seconds since 1970

    def next_after(self, moment: float, anchor: float) -> float | None:
        """Return the time when it is yet to come."""
        return self.due if self.due > moment else None


class Recurring(msgspec.Struct, frozen=True):
    """By calendar fields, in a time zone."""

    fields: Cron
    zone: tzinfo

    def next_after(self, moment: float, anchor: float) -> float | None:
        """Return the next time that the fields describe. A local time that a clock change skips is skipped; one that comes twice counts
        once, the first time."""
        return self.fields.next_after(moment, self.zone)


def compile_schedule(text: str, zone: str = "UTC", *, once: bool = False, strict_units: bool = True) -> Schedule:
    """Return the schedule; ``once`` allows ``at(…)``. With ``strict_units`` a rate of 1 wants the singular. Raises ``InvalidSchedule``."""
    rate = _RATE.fullmatch(text)
    if rate is not None:
        amount, unit, plural = int(rate[1]), rate[2], rate[3]
        if strict_units and (amount == 1) == bool(plural):
            raise InvalidSchedule(text)
        return Rate(float(amount * _UNIT_S[unit]))
    cron = _CRON.fullmatch(text)
    if cron is not None:
        try:
            return Recurring(parse_cron(cron[1]), _zone(zone))
        except CronError:
            raise InvalidSchedule(text) from None
    at = _AT.fullmatch(text) if once else None
    if at is None:
        raise InvalidSchedule(text)
    try:
        local = datetime.fromisoformat(at[1])
    except ValueError:
        raise InvalidSchedule(text) from None
    return Once(seconds_of(local, _zone(zone)))


def _zone(name: str) -> tzinfo:
    if name == "UTC":
        return UTC
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # noqa: PLC0415 - 3 ms, which are for the first schedule in a time zone

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidSchedule(name) from None

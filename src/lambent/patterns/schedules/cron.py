"""AWS's cron: minutes, hours, day of month, month, day of week (1 is Sunday), year.

Follows "Cron expressions" of the EventBridge user guide: ``* , - /`` everywhere, ``? L W`` for days of the month, ``? L #`` for days of
the week; one of the two day fields is ``?``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, time, timedelta, tzinfo

import msgspec

from lambent.base.dates import MONTHS
from lambent.base.regexes import Regex
from lambent.patterns.schedules.local import is_skipped, local_of, seconds_of

_MONTHS = {name.upper(): number for number, name in enumerate(MONTHS, 1)}
_DAYS = {name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), 1)}
_YEAR_MIN, _YEAR_MAX = 1970, 2199
_ITEM = Regex(r"(\*|[A-Z0-9]+)(?:-([A-Z0-9]+))?(?:/([0-9]+))?")
_NUMBERED = Regex(r"([A-Z]{3}|[1-7])#([1-5])")
_LAST_WEEKDAY = Regex(r"([A-Z]{3}|[1-7])L")
_NEAREST = Regex(r"([1-9]|[12][0-9]|3[01])W")

_DayTest = Callable[[date], bool]


class CronError(ValueError):
    """The text isn't a cron expression."""


class Cron(msgspec.Struct, frozen=True):
    """The fields, compiled."""

    times: tuple[time, ...]  #: of a day, in order
    is_day: _DayTest  #: by day of month or of week
    months: frozenset[int]
    years: frozenset[int]

    def next_after(self, moment: float, zone: tzinfo) -> float | None:
        """Return the first time after ``moment``, in seconds since 1970; ``None`` when the years are over."""
        begin = local_of(moment, zone).date() - timedelta(days=1)  # a day back: clocks may have been set back over midnight
        for day in self._days(begin):
            for each in self.times:
                local = datetime.combine(day, each)
                due = seconds_of(local, zone)
                if due > moment and not is_skipped(local, zone):
                    return due
        return None

    def _days(self, begin: date) -> Iterator[date]:
        for year in sorted(each for each in self.years if each >= begin.year):
            for month in sorted(self.months):
                if (year, month) < (begin.year, begin.month):
                    continue
                for number in range(1, _length(year, month) + 1):
                    day = date(year, month, number)
                    if day >= begin and self.is_day(day):
                        yield day


def parse_cron(text: str) -> Cron:
    """Return the compiled expression, given without ``cron(…)``. Raises ``CronError``."""
    fields = text.upper().split()
    if len(fields) != 6:
        raise CronError(text)
    minutes, hours, month_day, month, week_day, year = fields
    if (month_day == "?") == (week_day == "?"):
        raise CronError(text)
    by_hour = sorted(_numbers(hours, 0, 23))
    by_minute = sorted(_numbers(minutes, 0, 59))
    return Cron(
        times=tuple(time(hour, minute) for hour in by_hour for minute in by_minute),
        is_day=_month_days(month_day) if week_day == "?" else _week_days(week_day),
        months=_numbers(month, 1, 12, _MONTHS),
        years=_numbers(year, _YEAR_MIN, _YEAR_MAX),
    )


def _numbers(field: str, low: int, high: int, names: Mapping[str, int] | None = None) -> frozenset[int]:
    return frozenset(number for item in field.split(",") for number in _item(item, low, high, names or {}))


def _item(item: str, low: int, high: int, names: Mapping[str, int]) -> Iterator[int]:
    match = _ITEM.fullmatch(item)
    if match is None or (match[1] == "*" and match[2]):
        raise CronError(item)
    step = int(match[3]) if match[3] else 1
    if step < 1:
        raise CronError(item)
    first = low if match[1] == "*" else _number(match[1], low, high, names)
    open_ended = match[1] == "*" or match[3]
    last = _number(match[2], low, high, names) if match[2] else high if open_ended else first
    if first > last:  # FRI-MON goes over the end of the week
        yield from (number for number in range(first, high + 1, step))
        first += -(-(high + 1 - first) // step) * step - (high - low + 1)
    yield from range(first, last + 1, step)


def _number(text: str, low: int, high: int, names: Mapping[str, int]) -> int:
    number = names.get(text, int(text) if text.isdecimal() else -1)
    if not low <= number <= high:
        raise CronError(text)
    return number


def _month_days(field: str) -> _DayTest:
    tests = [_month_day(item) for item in field.split(",")]
    return lambda day: any(test(day) for test in tests)


def _month_day(item: str) -> _DayTest:
    if item == "L":
        return lambda day: day.day == _length(day.year, day.month)
    if item == "LW":
        return lambda day: day.day == _nearest_weekday(day, _length(day.year, day.month))
    nearest = _NEAREST.fullmatch(item)
    if nearest is not None:
        wanted = int(nearest[1])
        return lambda day: wanted <= _length(day.year, day.month) and day.day == _nearest_weekday(day, wanted)
    numbers = _numbers(item, 1, 31)
    return lambda day: day.day in numbers


def _week_days(field: str) -> _DayTest:
    tests = [_week_day(item) for item in field.split(",")]
    return lambda day: any(test(day) for test in tests)


def _week_day(item: str) -> _DayTest:
    if item == "L":
        return lambda day: _day_of_week(day) == 7
    numbered = _NUMBERED.fullmatch(item)
    if numbered is not None:
        wanted, nth = _number(numbered[1], 1, 7, _DAYS), int(numbered[2])
        return lambda day: _day_of_week(day) == wanted and (day.day - 1) // 7 + 1 == nth
    last = _LAST_WEEKDAY.fullmatch(item)
    if last is not None:
        final = _number(last[1], 1, 7, _DAYS)
        return lambda day: _day_of_week(day) == final and day.day + 7 > _length(day.year, day.month)
    numbers = _numbers(item, 1, 7, _DAYS)
    return lambda day: _day_of_week(day) in numbers


def _day_of_week(day: date) -> int:
    return day.isoweekday() % 7 + 1


def _length(year: int, month: int) -> int:
    """Return how many days a month has."""
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in {4, 6, 9, 11} else 31


def _nearest_weekday(day: date, wanted: int) -> int:
    """Return the day of the month from Monday to Friday that is nearest to ``wanted``, within the month."""
    weekday = day.replace(day=wanted).isoweekday()
    if weekday == 6:
        return wanted - 1 if wanted > 1 else 3
    if weekday == 7:
        return wanted + 1 if wanted < _length(day.year, day.month) else wanted - 2
    return wanted

"""Schedule expressions: what is one, and when it is due."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent.patterns.schedules import InvalidSchedule, compile_schedule


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def dues(expression: str, begin: str, count: int, zone: str = "UTC") -> list[str]:
    schedule = compile_schedule(expression, zone, once=True)
    moment: float | None = at(begin)
    found = []
    while len(found) < count and (moment := schedule.next_after(moment, at(begin))) is not None:
        found.append(datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M"))
    return found


@pytest.mark.parametrize(
    "expression",
    [
        *("rate(10 seconds)", "rate(10 years)", "rate(1 minutes)", "rate(1 hours)", "rate(1 days)", "rate(10 minute)", "rate(10 hour)"),
        *("rate(10 day)", "rate()", "rate(10)", "rate(10 minutess)", "rate(foo minutes)", "rate(0 minutes)", "rate(-10 minutes)"),
        *("rate(10 MINUTES)", "rate( 10 minutes )", " rate(10 minutes)", "cron(0 1 * * * *)", "cron(7 20 * * NOT *)", "cron(INVALID)"),
        *("cron(0 dummy ? * MON-FRI *)", "cron(71 8 1 * ? *)", "cron(0 0 ? * ? *)", "cron(0 0 32 * ? *)", "cron(0 0 ? * 8 *)"),
        *("cron(0/0 * * * ? *)", "cron(0 0 1 * ? 1969)", "", "daily", "at(2026-01-01T00:00:00)"),
    ],
)
def test_what_is_not_an_expression(expression: str) -> None:
    with pytest.raises(InvalidSchedule):
        compile_schedule(expression)


@pytest.mark.parametrize(
    ("expression", "begin", "expected"),
    [
        ("rate(1 minute)", "2026-01-01T00:00:30", ["2026-01-01T00:01", "2026-01-01T00:02"]),
        ("rate(2 hours)", "2026-01-01T00:00", ["2026-01-01T02:00", "2026-01-01T04:00"]),
        ("rate(1 day)", "2026-01-01T00:00", ["2026-01-02T00:00"]),
        ("cron(0 12 * * ? *)", "2026-01-01T12:00", ["2026-01-02T12:00", "2026-01-03T12:00"]),
        ("cron(5,35 14 * * ? *)", "2026-01-01T14:05", ["2026-01-01T14:35", "2026-01-02T14:05"]),
        ("cron(15 10 ? * 6L 2026)", "2026-11-01T00:00", ["2026-11-27T10:15", "2026-12-25T10:15"]),
        ("cron(0 2 ? * SAT#3 *)", "2026-01-01T00:00", ["2026-01-17T02:00", "2026-02-21T02:00"]),
        ("cron(0/5 5 ? JAN 1-5 2026)", "2026-01-01T05:50", ["2026-01-01T05:55", "2026-01-04T05:00"]),
        ("cron(0 18 ? * MON-FRI *)", "2026-01-02T18:00", ["2026-01-05T18:00"]),
        ("cron(0 18 ? * FRI-MON *)", "2026-01-05T18:00", ["2026-01-09T18:00", "2026-01-10T18:00", "2026-01-11T18:00", "2026-01-12T18:00"]),
        ("cron(0/15 * * * ? *)", "2026-01-01T00:44", ["2026-01-01T00:45", "2026-01-01T01:00"]),
        ("cron(0/30 20-23 ? * MON-FRI *)", "2026-01-02T23:30", ["2026-01-05T20:00"]),
        ("cron(0 0 L * ? *)", "2026-02-01T00:00", ["2026-02-28T00:00", "2026-03-31T00:00"]),
        ("cron(0 0 LW * ? *)", "2026-02-01T00:00", ["2026-02-27T00:00", "2026-03-31T00:00"]),
        ("cron(0 0 1W * ? *)", "2026-01-31T00:00", ["2026-02-02T00:00"]),
        ("cron(0 0 15W * ? *)", "2026-02-01T00:00", ["2026-02-16T00:00", "2026-03-16T00:00"]),
        ("cron(0 0 31 * ? *)", "2026-01-31T00:00", ["2026-03-31T00:00"]),
        ("cron(0 0 29 2 ? *)", "2026-01-01T00:00", ["2028-02-29T00:00"]),
        ("cron(0 0 ? * L *)", "2026-01-01T00:00", ["2026-01-03T00:00"]),
        ("at(2026-06-01T10:00:00)", "2026-01-01T00:00", ["2026-06-01T10:00"]),
    ],
)
def test_when_it_is_due(expression: str, begin: str, expected: list[str]) -> None:
    assert dues(expression, begin, len(expected)) == expected


def test_years_come_to_an_end() -> None:
    assert dues("cron(0 10 ? * 6L 2002-2005)", "2026-01-01T00:00", 1) == []
    assert dues("at(2026-01-01T00:00:00)", "2026-01-01T00:00", 1) == []


def test_local_times_that_a_clock_change_skips_are_skipped_and_repeated_ones_count_once() -> None:
    assert dues("cron(30 2 * * ? *)", "2026-03-27T12:00", 3, "Europe/Berlin") == [
        "2026-03-28T01:30",
        "2026-03-30T00:30",
        "2026-03-31T00:30",
    ]
    assert dues("cron(30 2 * * ? *)", "2026-10-24T12:00", 2, "Europe/Berlin") == ["2026-10-25T00:30", "2026-10-26T01:30"]


def test_time_zones_apply_and_unknown_ones_are_refused() -> None:
    assert dues("at(2026-06-01T10:00:00)", "2026-01-01T00:00", 1, "America/New_York") == ["2026-06-01T14:00"]
    with pytest.raises(InvalidSchedule):
        compile_schedule("cron(0 12 * * ? *)", "Mars/Olympus")


@given(st.floats(0, 4e9), st.floats(0, 4e9), st.integers(1, 50))
def test_a_rate_is_always_due_within_a_period_and_on_its_grid(moment: float, anchor: float, minutes: int) -> None:
    unit = "minute" if minutes == 1 else "minutes"
    due = compile_schedule(f"rate({minutes} {unit})").next_after(moment, anchor)
    assert due is not None
    assert due > moment or due == pytest.approx(moment)
    assert due <= max(moment, anchor) + minutes * 60 + 1e-3
    assert ((due - anchor) / (minutes * 60)) % 1 == pytest.approx(0, abs=1e-6) or ((due - anchor) / (minutes * 60)) % 1 == pytest.approx(
        1, abs=1e-6
    )

"""When a schedule is due; pure.

Follows "Schedule types" of the Scheduler's user guide: a rate begins at its start date, or at once; start and end dates don't concern
one-time schedules.
"""

from __future__ import annotations

from lambent.patterns.schedules import Schedule as Times
from lambent.patterns.schedules import compile_schedule
from lambent.services.scheduler.state import Schedule


def times_of(schedule: Schedule) -> Times:
    """Return the schedule's compiled expression."""
    return compile_schedule(schedule.expression, schedule.zone, once=True, strict_units=False)


def first_due(schedule: Schedule, now: float) -> float | None:
    """Return the first time of a schedule that was created or changed just now, or ``None``."""
    if schedule.expression.startswith("rate"):
        anchor = _anchor(schedule)
        return _within(schedule, anchor if anchor >= now else times_of(schedule).next_after(now, anchor))
    if schedule.expression.startswith("at"):
        return times_of(schedule).next_after(now, now)
    begin = max(now, (schedule.begin or 0.0) - 1.0)
    return _within(schedule, times_of(schedule).next_after(begin, begin))


def next_due(schedule: Schedule, scheduled: float, now: float) -> float | None:
    """Return the time after ``scheduled``, which is being dealt with now; times that were missed altogether are left out."""
    if schedule.expression.startswith("at"):
        return None
    times, anchor = times_of(schedule), _anchor(schedule)
    due = times.next_after(scheduled, anchor)
    if due is not None and due + window_s(schedule) < now:
        due = times.next_after(now, anchor)
    return _within(schedule, due)


def window_s(schedule: Schedule) -> float:
    """Return the length of the flexible time window in seconds; 0 without one."""
    return 60.0 * schedule.window.get("MaximumWindowInMinutes", 0) if schedule.window["Mode"] == "FLEXIBLE" else 0.0


def _anchor(schedule: Schedule) -> float:
    return schedule.begin if schedule.begin is not None else schedule.modified


def _within(schedule: Schedule, due: float | None) -> float | None:
    return None if due is None or (schedule.end is not None and due > schedule.end) else due

"""Schedule expressions: ``rate(5 minutes)``, ``cron(0 12 * * ? *)``, ``at(2026-01-01T00:00:00)``. Pure; the clock is the caller's.

EventBridge's rules know ``rate`` and ``cron`` in UTC; EventBridge Scheduler knows all three, in a time zone.
"""

from lambent.patterns.schedules.expressions import InvalidSchedule, Schedule, compile_schedule

__all__ = ["InvalidSchedule", "Schedule", "compile_schedule"]

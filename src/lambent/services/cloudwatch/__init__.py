"""Amazon CloudWatch's metrics: put, list, and statistics of them. Lambda's own metrics come in here as anybody's do.

Alarms, dashboards and the rest of the API are not built: the companion serves them, in memory, and its alarms don't see these metrics.
Not here yet: metric math, trimmed statistics, roll-ups of old data (points are kept for 15 days as they came).
"""

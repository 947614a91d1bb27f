"""Amazon CloudWatch Logs' API: groups, streams, events, filtering, retention, tags, live tail, subscriptions and metric filters.

What does not belong here: where a function's output goes (``engine/environments``) and the language of filter patterns
(``patterns/logs``). Not served yet: Insights queries, export tasks, deliveries, data protection, anomalies.
"""

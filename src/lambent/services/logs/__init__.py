"""Amazon CloudWatch Logs' API: groups, streams, events, filtering, retention, tags and live tail.

What does not belong here: where a function's output goes (``engine/environments``) and the language of filter patterns
(``patterns/logs``). Not served yet: metric filters, subscription filters, Insights queries, deliveries, data protection, anomalies.
"""

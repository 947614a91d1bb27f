"""Amazon EventBridge's API: event buses, rules by pattern and by schedule, targets, archives and replays, connections.

An accepted event is committed together with a delivery for every target that it concerns (``publishing.py``); a worker brings deliveries to
their targets through ``Cloud``, with AWS's retry policy and dead-letter queues (``deliveries.py``). The language of patterns and of
schedules is not here (``patterns/events``, ``patterns/schedules``). Not served yet: HTTP targets (API destinations and API Gateway are
refused as targets), ECS, Batch and other targets that ``target_calls.py`` doesn't list, global endpoints, partner event sources, schemas,
pipes; a bus's key encrypts nothing.
"""

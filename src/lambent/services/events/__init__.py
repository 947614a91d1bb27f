"""Amazon EventBridge's API: event buses, rules by pattern and by schedule, targets, archives and replays, connections.

An accepted event is committed together with a delivery for every target that it concerns (``publishing.py``); a worker brings deliveries to
their targets through ``Cloud``, with AWS's retry policy and dead-letter queues (``deliveries.py``). The language of patterns and of
schedules is not here (``patterns/events``, ``patterns/schedules``), nor are the calls that tell targets (``engine/delivery/targets.py``).
Not served yet: API Gateway, ECS, Batch and other targets that aren't listed there; OAuth for API destinations, and their rate limits;
global endpoints, partner event sources, schemas, pipes; a bus's key encrypts nothing.
"""

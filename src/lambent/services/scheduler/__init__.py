"""Amazon EventBridge Scheduler's API: schedules in groups, once, at a rate or by cron, in a time zone and with flexible windows.

A schedule that is due becomes an invocation in the same commit that sets its next time (``firing.py``); a worker tells the target with the
schedule's role, with AWS's retry policy and dead-letter queue (``invocations.py``). How targets are told is ``engine/delivery/targets.py``,
and for universal targets (``arn:aws:scheduler:::aws-sdk:service:action``) whatever ``Cloud`` serves. Not served yet: ECS and SageMaker
targets; a schedule's key encrypts nothing.
"""

"""Durable asynchronous delivery: ``queue_worker`` for any queue, ``fair_worker`` for queues by function, ``events`` for invocations.

``lanes``, ``schedule`` and ``messages`` are pure.
"""

from lambent.engine.delivery.destinations import Destinations
from lambent.engine.delivery.events import AsyncInvocations
from lambent.engine.delivery.queue_worker import QueueWorker

__all__ = ["AsyncInvocations", "Destinations", "QueueWorker"]

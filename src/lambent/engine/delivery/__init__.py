"""Durable asynchronous delivery: ``queue_worker`` for any queue, ``events`` for invocations. ``schedule`` and ``messages`` are pure."""

from lambent.engine.delivery.events import AsyncInvocations
from lambent.engine.delivery.queue_worker import QueueWorker

__all__ = ["AsyncInvocations", "QueueWorker"]

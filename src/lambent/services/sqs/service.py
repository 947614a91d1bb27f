"""Amazon SQS, put together."""

from __future__ import annotations

from lambent.domain.ports import Platform
from lambent.domain.service import NativeService
from lambent.services.sqs import dead_letters, queues, receiving, sending, setting, settling
from lambent.services.sqs.context import Sqs
from lambent.services.sqs.mailroom import Mailroom


def build(platform: Platform) -> NativeService[Sqs]:
    """Return the service."""
    sqs = Sqs(platform, Mailroom(platform))
    families = (queues, setting, sending, receiving, settling, dead_letters)
    return NativeService("sqs", sqs, [each.operations for each in families])

"""Amazon SQS, put together."""

from __future__ import annotations

from collections.abc import Awaitable

from lambent.domain.call import Call, Result
from lambent.domain.caller import CallerKind
from lambent.domain.errors import AwsError
from lambent.domain.ports import Platform
from lambent.domain.service import NativeService, Serve, families
from lambent.services.sqs.context import Sqs
from lambent.services.sqs.fifo import LOOKAHEAD
from lambent.services.sqs.housekeeping import Housekeeping
from lambent.services.sqs.mailroom import Mailroom
from lambent.services.sqs.moving import Mover
from lambent.services.sqs.registry import Registry

_FAMILIES = families(
    "lambent.services.sqs",
    "queues",
    "setting",
    "sending",
    "receiving",
    "settling",
    "dead_letters",
    "tagging",
    "permissions",
    "moves",
)


class SqsService(NativeService[Sqs]):
    """The service; callers without a name may do what a queue's policy lets everybody do, and nothing else."""

    def handler(self, operation: str) -> Serve:
        """Return what carries out an operation."""
        carry_out = super().handler(operation)

        def serve(call: Call) -> Awaitable[Result | None]:
            if call.caller.kind is CallerKind.ANONYMOUS and "QueueUrl" not in call.params:
                raise AwsError("AccessDenied", f"Access to sqs:{operation} is denied.", 403)
            return carry_out(call)

        return serve


def build(platform: Platform, *, fifo_lookahead: int = LOOKAHEAD) -> SqsService:
    """Return the service; its workers move messages between queues, and tidy up."""
    sqs = Sqs(platform, Mailroom(platform, lookahead=fifo_lookahead), Registry(platform.store))
    return SqsService("sqs", sqs, _FAMILIES, workers=[Mover(sqs), Housekeeping(sqs)])

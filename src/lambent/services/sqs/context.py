"""What the operations of Amazon SQS work with."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from lambent.domain.call import Call
from lambent.domain.documents import Found
from lambent.domain.errors import Conflict
from lambent.domain.ports import Platform
from lambent.domain.storage import Key
from lambent.services.sqs.access import check
from lambent.services.sqs.errors import no_such_queue
from lambent.services.sqs.mailroom import Mailroom
from lambent.services.sqs.names import QueueRef, of_url, url_of
from lambent.services.sqs.registry import Registry
from lambent.services.sqs.state import Queue, queues


class Sqs(msgspec.Struct, frozen=True):
    """The platform, the queues, and their messages."""

    platform: Platform
    mailroom: Mailroom
    registry: Registry

    async def found(self, call: Call, url: str) -> Found[Queue]:
        """Return the queue that a URL names, if the caller may do with it what the call is for. Raises AWS's errors."""
        found = await self.lookup(of_url(url, call.region, call.account_id))
        if found is None:
            raise no_such_queue()
        check(call, found.value)
        return found

    async def queue(self, call: Call, url: str) -> Queue:
        """Return the queue that a URL names; see ``found``."""
        return (await self.found(call, url)).value

    async def change(self, call: Call, url: str, how: Callable[[Queue], Queue]) -> None:
        """Replace a queue by what ``how`` makes of it, again as often as another request comes between."""
        while True:
            found = await self.found(call, url)
            try:
                await self.registry.commit(found.value.ref, [queues.put(found.key, how(found.value), found.version)])
            except Conflict:
                continue
            return

    async def lookup(self, ref: QueueRef) -> Found[Queue] | None:
        """Return a queue, ``None`` when there is none."""
        return await self.registry.find(ref)

    def url(self, call: Call, ref: QueueRef) -> str:
        """Return a queue's URL, below the host that the client used: one that it can reach."""
        return url_of(ref, self.platform.public_host if not call.host or ".amazonaws.com" in call.host else call.host)

    async def queues_of(self, account_id: str, region: str) -> list[Queue]:
        """Return the queues of an account and region, by name."""
        found: list[Queue] = []
        after: Key | None = None
        while True:
            page = await queues.range(self.platform.store, (account_id, region), after=after)
            found += [each.value for each in page]
            if len(page) < 1000:
                return found
            after = page[-1].key

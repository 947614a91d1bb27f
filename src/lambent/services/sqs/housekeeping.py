"""What nobody waits for: expired messages, mailboxes of purged and deleted queues, old deduplication ids and freed names.

Receiving never gives an expired message, so correctness does not need it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

from lambent.domain.documents import Found, Table
from lambent.domain.errors import Conflict
from lambent.domain.storage import Key, Write
from lambent.services.sqs.context import Sqs
from lambent.services.sqs.letters import arrival_ms
from lambent.services.sqs.mailroom import DEDUPLICATION_MS, gone
from lambent.services.sqs.state import Queue, duplicates, freed, old_mailboxes, queues, sents, standings

T = TypeVar("T")
EVERY_S = 60.0
_PAGE = 500


class Housekeeping:
    """Tidies up every minute, a page at a time."""

    name = "sqs housekeeping"

    def __init__(self, sqs: Sqs) -> None:
        self._sqs = sqs
        self._store = sqs.platform.store
        self._duplicates_due_ms = 0

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            await self._sqs.platform.clock.sleep(EVERY_S)
            await self.tidy()

    async def tidy(self) -> None:
        """Go through everything once."""
        now_ms = self._sqs.mailroom.now_ms()
        async for mailbox in self._pages(old_mailboxes):
            await self._sweep(str(mailbox.key[0]))
        async for queue in self._pages(queues):
            await self._expire(queue.value, now_ms - 1000 * queue.value.number("MessageRetentionPeriod"))
        if now_ms >= self._duplicates_due_ms:
            # Of a busy queue there are many: each is looked at twice at most.
            self._duplicates_due_ms = now_ms + DEDUPLICATION_MS
            await self._forget(duplicates, lambda each: each.sent_ms <= now_ms - DEDUPLICATION_MS)
        await self._forget(freed, lambda each: each * 1000 <= now_ms - 1000 * self._sqs.platform.quotas.queue_name_reuse_s)

    async def _pages(self, table: Table[T], within: Key = ()) -> AsyncIterator[Found[T]]:
        after: Key | None = None
        while True:
            page = await table.range(self._store, within, after=after, limit=_PAGE)
            for each in page:
                yield each
            if len(page) < _PAGE:
                return
            after = page[-1].key

    async def _sweep(self, mailbox: str) -> None:
        """Remove what a mailbox held. It is forgotten when a round found it empty: a late writer's traces are swept by the next."""
        removed = 0
        for table in (standings, sents, duplicates):
            tables: Table[Any] = table
            while True:
                page = await tables.range(self._store, (mailbox,), limit=_PAGE)
                if not page:
                    break
                removed += len(page)
                await self._store.commit([tables.delete(each.key) for each in page], durable=False)
        if not removed:
            await self._store.commit([old_mailboxes.delete((mailbox,))])

    async def _expire(self, queue: Queue, before_ms: int) -> None:
        post = self._sqs.mailroom.opened(queue.mailbox)
        if post is not None:
            sequences = post.box.drop_before(before_ms)
        else:
            page = await standings.range(self._store, (queue.mailbox,), limit=_PAGE)
            sequences = [int(each.key[1]) for each in page if arrival_ms(int(each.key[1])) < before_ms and not each.value.receives]
        writes: list[Write] = [write for each in sequences for write in gone(queue.mailbox, each)]
        for start in range(0, len(writes), 2 * _PAGE):
            await self._store.commit(writes[start : start + 2 * _PAGE], durable=False)

    async def _forget(self, table: Table[T], is_old: Callable[[T], bool]) -> None:
        after: Key | None = None
        while True:
            page = await table.range(self._store, after=after, limit=_PAGE)
            old: list[Write] = [table.delete(each.key, each.version) for each in page if is_old(each.value)]
            try:
                if old:
                    await self._store.commit(old, durable=False)
            except Conflict:
                continue  # one of them was used again in this moment: this page once more
            if len(page) < _PAGE:
                return
            after = page[-1].key

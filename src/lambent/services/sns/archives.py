"""Archives of FIFO topics: every message that is published is kept for days, so that subscriptions can have it replayed.

Follows "Message archiving for FIFO topic owners". A topic's archive has an id of its own: one that is switched off is gone at once, however
much it holds; the keeper sweeps what is left of it.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Final, TypeVar

from lambent.base.clock import Clock
from lambent.domain.documents import Found, Table
from lambent.domain.storage import Key, Store, Write
from lambent.services.sns.errors import invalid
from lambent.services.sns.jsontext import compact, parse_object
from lambent.services.sns.messages import Message
from lambent.services.sns.state import TOPICS, Topic

T = TypeVar("T")
ARCHIVED: Table[Message] = Table("sns.fifo.archived", Message)  #: by (archive, sequence)
OLD_ARCHIVES: Table[str] = Table("sns.fifo.old_archives", str)  #: by (archive,): what must be swept
DAYS_MAX: Final = 365
_DAY_S: Final = 86_400
_EVERY_S: Final = 3_600.0
_PAGE: Final = 500
_PERIOD: Final = "MessageRetentionPeriod"


def checked_archive_policy(text: str) -> str:
    """Return an archive policy as it is kept and shown, empty for ``{}``. Raises ``InvalidParameter``."""
    policy = parse_object(text, "ArchivePolicy")
    if not policy:
        return ""
    days = str(policy.get(_PERIOD, ""))
    if policy.keys() != {_PERIOD} or not (days.isascii() and days.isdecimal() and 1 <= int(days) <= DAYS_MAX):
        raise invalid(f"ArchivePolicy: {_PERIOD} must be a number of days between 1 and {DAYS_MAX}, and is all that the policy says")
    return compact({_PERIOD: str(int(days))})


def archives_from(topic: Topic, now: float) -> float:
    """Return the earliest time that a replay of the topic's archive can begin at."""
    days = int(json.loads(topic.attributes["ArchivePolicy"])[_PERIOD])
    return max(topic.archived_since, now - days * _DAY_S)


def sequence_at(seconds: float) -> int:
    """Return the least sequence number of messages that were published at a time: they count microseconds."""
    return int(seconds * 1_000_000)


class ArchiveKeeper:
    """Forgets messages that were archived long enough, and archives that were switched off. Replays look at the time themselves."""

    name = "sns archives"

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def run(self) -> None:
        """Tidy up every hour until cancelled."""
        while True:
            await self._clock.sleep(_EVERY_S)
            await self.tidy()

    async def tidy(self) -> None:
        """Go through all archives once."""
        async for old in _all(self._store, OLD_ARCHIVES):
            await self._remove(str(old.key[0]), None)
            await self._store.commit([OLD_ARCHIVES.delete(old.key)])
        async for found in _all(self._store, TOPICS):
            if found.value.archive:
                await self._remove(found.value.archive, sequence_at(archives_from(found.value, self._clock.now())))

    async def _remove(self, archive: str, before: int | None) -> None:
        while True:
            page = await ARCHIVED.range(self._store, (archive,), limit=_PAGE)
            gone: list[Write] = [ARCHIVED.delete(each.key) for each in page if before is None or int(each.key[1]) < before]
            if gone:
                await self._store.commit(gone, durable=False)
            if len(gone) < _PAGE:
                return


async def _all(store: Store, table: Table[T]) -> AsyncIterator[Found[T]]:
    after: Key | None = None
    while True:
        page = await table.range(store, after=after, limit=_PAGE)
        for each in page:
            yield each
        if len(page) < _PAGE:
            return
        after = page[-1].key

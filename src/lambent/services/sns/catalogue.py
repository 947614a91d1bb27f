"""Topics with their subscriptions in memory: a write-through cache over the store, so that publishing reads no disk.

Every change of a topic or its subscriptions goes through ``Topics.commit`` while the writer is ``alone``: who reads afterwards sees it.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final, TypeVar

import msgspec
from msgspec.structs import replace

from lambent.domain.documents import Found, Table
from lambent.domain.storage import Key, Store, Write
from lambent.services.sns.arns import TopicKey
from lambent.services.sns.filters import Filter, filter_of
from lambent.services.sns.state import SUBSCRIPTIONS, TOPICS, Subscription, Topic

T = TypeVar("T")
_PAGE: Final = 1000
_KEPT_MAX: Final = 10_000


class Entry(msgspec.Struct):
    """A topic, its subscriptions and their filters. Changed only by ``Topics.commit``."""

    topic: Topic
    subscriptions: dict[str, Subscription] = {}
    filters: dict[str, Filter] = {}  #: of subscriptions that have one
    ids: dict[tuple[str, str], str] = {}  #: of subscriptions, by protocol and endpoint

    def subscription_of(self, protocol: str, endpoint: str) -> Subscription | None:
        """Return the subscription that an endpoint has, if any."""
        return self.subscriptions.get(self.ids.get((protocol, endpoint), ""))

    def put(self, subscription: Subscription) -> None:
        """Add or replace a subscription."""
        self.subscriptions[subscription.id] = subscription
        self.ids[subscription.protocol, subscription.endpoint] = subscription.id
        self.filters.pop(subscription.id, None)
        found = filter_of(subscription)
        if found is not None:
            self.filters[subscription.id] = found

    def remove(self, subscription_id: str) -> None:
        """Remove a subscription."""
        subscription = self.subscriptions.pop(subscription_id, None)
        self.filters.pop(subscription_id, None)
        if subscription is not None:
            self.ids.pop((subscription.protocol, subscription.endpoint), None)

    def end(self, subscription: Subscription) -> None:
        """Remove a subscription that was ended, and count it."""
        self.remove(subscription.id)
        self.topic = replace(self.topic, deleted=self.topic.deleted + 1)


class Topics:
    """The topics of every account; up to ten thousand are kept in memory."""

    def __init__(self, store: Store, committed: Callable[[Sequence[Write]], None] = lambda writes: None) -> None:
        self._store = store
        self._committed = committed
        self._entries: dict[TopicKey, Entry] = {}
        self._loading: dict[TopicKey, asyncio.Task[Entry | None]] = {}
        self._locks: weakref.WeakValueDictionary[TopicKey, asyncio.Lock] = weakref.WeakValueDictionary()
        self._changes = 0

    async def find(self, key: TopicKey) -> Entry | None:
        """Return a topic, or ``None``."""
        entry = self._entries.get(key)
        if entry is not None:
            return entry
        loading = self._loading.get(key)
        if loading is None:
            loading = self._loading[key] = asyncio.create_task(self._load(key), name=f"load topic {key[2]}")
            loading.add_done_callback(lambda _: self._loading.pop(key, None))
        return await asyncio.shield(loading)

    async def _load(self, key: TopicKey) -> Entry | None:
        changes = self._changes
        topic = await TOPICS.get(self._store, key)
        if topic is None:
            return None
        entry = Entry(topic.value)
        for each in await every(self._store, SUBSCRIPTIONS, key):
            entry.put(each.value)
        if changes == self._changes:
            self._entries[key] = entry
            if len(self._entries) > _KEPT_MAX:
                del self._entries[next(iter(self._entries))]
        return entry

    @asynccontextmanager
    async def alone(self, key: TopicKey) -> AsyncIterator[None]:
        """Keep other writers of the topic out."""
        lock = self._locks.get(key)
        if lock is None:
            lock = self._locks[key] = asyncio.Lock()
        async with lock:
            yield

    async def commit(self, key: TopicKey, writes: Sequence[Write], apply: Callable[[Entry], None] | None = None) -> None:
        """Commit writes that concern one topic and, once they are durable, ``apply`` them to its entry. Without ``apply``, or when how
        the commit ended isn't known, the entry is read anew when it is wanted."""
        done = False
        try:
            await self._store.commit(writes)
            done = True
            self._committed(writes)
        finally:
            self._changes += 1
            entry = self._entries.get(key)
            if done and apply is not None and entry is not None:
                apply(entry)
            else:
                self._entries.pop(key, None)


async def every(store: Store, table: Table[T], within: Key) -> list[Found[T]]:
    """Return all documents below a key."""
    found: list[Found[T]] = []
    after: Key | None = None
    while True:
        page = await table.range(store, within, after=after, limit=_PAGE)
        found.extend(page)
        if len(page) < _PAGE:
            return found
        after = page[-1].key

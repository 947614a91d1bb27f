"""FIFO topics: sequence numbers, deduplication within five minutes, and what waits to be delivered in order.

Follows "Message deduplication for FIFO topics" and "Message delivery for FIFO topics". A publication that repeats another is
acknowledged with the other's ids and goes nowhere. What waits for a subscription is a range of documents in the order of their sequence
numbers; a queued wake-up for each subscription says that there is something.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from lambent.base.clock import Clock
from lambent.domain.documents import Table
from lambent.domain.storage import Delete, Enqueue, Store, Write
from lambent.services.sns.archives import ARCHIVED
from lambent.services.sns.arns import TopicKey
from lambent.services.sns.catalogue import Entry, every
from lambent.services.sns.fanout import recipients
from lambent.services.sns.messages import Message

WAKE_UPS: Final = "sns.fifo"
WINDOW_S: Final = 300.0
_PRUNED_MAX: Final = 64
"""Expired documents that one publication removes at most."""


class Recent(msgspec.Struct, frozen=True, array_like=True):
    """A publication that others may repeat."""

    message_id: str
    sequence: int
    expires: float


class WakeUp(msgspec.Struct, frozen=True):
    """That a subscription has messages waiting, or had."""

    topic: tuple[str, str, str]
    subscription_id: str
    failures: int = 0  #: how often the first of them could not be delivered


RECENT: Table[Recent] = Table("sns.fifo.recent", Recent)
WAITING: Table[Message] = Table("sns.fifo.waiting", Message)
encode_wake_up = msgspec.msgpack.Encoder().encode
decode_wake_up = msgspec.msgpack.Decoder(WakeUp).decode


class _Order(msgspec.Struct):
    """What a topic remembers: its last number, and recent publications, the oldest first."""

    last: int = 0
    recent: dict[str, Recent] = {}
    committing: dict[str, asyncio.Future[None]] = {}  #: publications on their way to the disk


class Accepted(msgspec.Struct, frozen=True):
    """What the publisher of a FIFO message is told."""

    message_id: str
    sequence_number: str


class FifoTopics:
    """Publishes to FIFO topics. One process publishes to a topic: numbers and repetitions are judged in memory."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._orders: dict[TopicKey, _Order] = {}
        self._loading: dict[TopicKey, asyncio.Lock] = {}
        self._commits: set[asyncio.Task[None]] = set()

    def forget(self, key: TopicKey) -> None:
        """Forget a topic that was deleted."""
        self._orders.pop(key, None)

    async def publish(self, entry: Entry, messages: Sequence[Message]) -> list[Accepted]:
        """Commit the messages that aren't repetitions, in order, and return what each is known by."""
        order = await self._order(entry.topic.key)
        now = self._clock.now()
        writes: list[Write] = [RECENT.delete((*entry.topic.key, each)) for each in _pruned(order, now)]
        accepted, fresh, others = [], [], []
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        for message in messages:
            identity = _identity(entry, message)
            known = order.recent.get(identity)
            if known is None or known.expires <= now:
                order.recent.pop(identity, None)  # or it would keep its old place
                order.last = max(order.last + 1, int(now * 1_000_000))
                known = Recent(message.id, order.last, now + WINDOW_S)
                order.recent[identity], order.committing[identity] = known, done
                fresh.append(identity)
                writes += [
                    RECENT.put((*entry.topic.key, identity), known),
                    *self._waiting(entry, replace(message, sequence=order.last), now),
                ]
                if entry.topic.archive:
                    writes.append(ARCHIVED.put((entry.topic.archive, order.last), replace(message, sequence=order.last)))
            elif identity in order.committing and order.committing[identity] is not done:
                others.append(order.committing[identity])
            accepted.append(Accepted(known.message_id, f"{10**19 + known.sequence}"))
        # A task of its own: a publisher that goes away must not leave it open whether the messages were taken.
        commit = asyncio.create_task(self._commit(entry.topic.key, order, writes, fresh, done), name=f"publish to {entry.topic.name}")
        self._commits.add(commit)
        commit.add_done_callback(self._commits.discard)
        for each in [done, *others]:
            await asyncio.shield(each)
        return accepted

    async def _commit(
        self, key: TopicKey, order: _Order, writes: Sequence[Write], fresh: Sequence[str], done: asyncio.Future[None]
    ) -> None:
        """Commit, in the order of the numbers: the store writes in the order in which it is asked, and tasks begin in the order in which
        they were made."""
        try:
            if writes:
                await self._store.commit(writes)
        except Exception as error:  # noqa: BLE001 - the publisher gets it, and whoever repeats the publication meanwhile
            for each in fresh:
                if not await self._was_written(key, each, order.recent.get(each)):
                    order.recent.pop(each, None)
            done.set_exception(error)
            done.exception()
        else:
            done.set_result(None)
        finally:
            for each in fresh:
                order.committing.pop(each, None)

    async def _was_written(self, key: TopicKey, identity: str, recent: Recent | None) -> bool:
        """Return whether a publication is on disk though its commit failed: then others repeat it."""
        try:
            found = await RECENT.get(self._store, (*key, identity))
        except Exception:  # noqa: BLE001 - the store fails altogether; its error is told already
            return False
        return found is not None and found.value == recent

    def _waiting(self, entry: Entry, message: Message, now: float) -> list[Write]:
        writes: list[Write] = []
        for each in recipients(entry, message):
            key = (*entry.topic.key, each.id)
            writes.append(WAITING.put((*key, message.sequence or 0), message))
            writes.append(wake_up(WakeUp(entry.topic.key, each.id), now))
        return writes

    async def _order(self, key: TopicKey) -> _Order:
        order = self._orders.get(key)
        if order is not None:
            return order
        async with self._loading.setdefault(key, asyncio.Lock()):
            if key not in self._orders:
                self._orders[key] = await self._load(key)
            self._loading.pop(key, None)
            return self._orders[key]

    async def _load(self, key: TopicKey) -> _Order:
        found = {str(each.key[-1]): each.value for each in await every(self._store, RECENT, key)}
        recent = dict(sorted(found.items(), key=lambda item: item[1].sequence))
        return _Order(max((each.sequence for each in recent.values()), default=0), recent)


def wake_up(which: WakeUp, due: float) -> Enqueue:
    """Return the write that has a subscription's waiting messages delivered; there is one at a time for each."""
    return Enqueue(WAKE_UPS, "/".join((*which.topic, which.subscription_id)), encode_wake_up(which), due)


def _pruned(order: _Order, now: float) -> list[str]:
    """Take some that have expired out, and return their identities."""
    expired: list[str] = []
    for identity, recent in order.recent.items():
        if recent.expires > now or len(expired) == _PRUNED_MAX:
            break
        if identity not in order.committing:
            expired.append(identity)
    for identity in expired:
        del order.recent[identity]
    return expired


def _identity(entry: Entry, message: Message) -> str:
    """Return what makes a publication the same as another: its deduplication id, within its group where the topic says so."""
    text = message.deduplication_id or ""
    if entry.topic.attributes.get("FifoThroughputScope") == "MessageGroup":
        text = f"{message.group_id}\n{text}"
    return text


def content_id(text: str) -> str:
    """Return the deduplication id that a message's content gives."""
    return hashlib.sha256(text.encode()).hexdigest()


async def forgotten(store: Store, key: TopicKey) -> list[Delete]:
    """Return the writes that remove what a FIFO topic remembers and what waits in it."""
    recent = [RECENT.delete(each.key) for each in await every(store, RECENT, key)]
    return recent + [WAITING.delete(each.key) for each in await every(store, WAITING, key)]

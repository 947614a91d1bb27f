"""Messages come and go: what is in memory (``letters.Box``) and what is on disk, kept together.

- A message is on disk, synced, before its sender is answered; only then can it be received.
- A receive is written down before it is answered, but not synced: it outlives the process (``kill -9``), not the machine's crash,
  after which the message is only visible again earlier and was received fewer times.
- A delete is synced before it is answered.
- A sequence is given and its commit asked for in one step, so that messages are on disk in the order of their sequences. A commit that
  fails has written nothing; what it was for is undone in memory.
- Waiting receivers sleep until a message comes, a delay or a visibility timeout passes; an empty receive reads no disk.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, Final, TypeVar

import msgspec

from lambent.domain.documents import Found
from lambent.domain.errors import Conflict
from lambent.domain.ports import Platform
from lambent.domain.storage import ABSENT, Key, Write
from lambent.services.sqs.fifo import LOOKAHEAD, FifoBox
from lambent.services.sqs.letters import Letter, next_sequence
from lambent.services.sqs.standard import StandardBox
from lambent.services.sqs.state import Duplicate, Queue, Sent, Standing, duplicates, sents, standings

T = TypeVar("T")
DEDUPLICATION_MS: Final = 300_000
_PAGE: Final = 1000
_ATTEMPTS: Final = 20
_PICK_MS: Final = 30_000


class Parcel(msgspec.Struct, frozen=True):
    """A message that shall be sent."""

    sent: Sent
    due_ms: int  #: when its delay ends
    deduplication: tuple[str, str] | None = None  #: of a FIFO queue: the group it is unique in (empty: the queue), and its id


class Posted(msgspec.Struct, frozen=True):
    """A message that was sent, or the one that it is a duplicate of."""

    message_id: str
    sequence: int


class Delivery(msgspec.Struct, frozen=True):
    """A message that was received."""

    letter: Letter
    standing: Standing  #: as of this receive
    sent: Sent


class Post(msgspec.Struct, eq=False):
    """A queue's messages in memory, and who waits for them."""

    mailbox: str
    box: StandardBox | FifoBox
    last: int = 0  #: sequence of the last message that arrived
    waiting: dict[asyncio.Future[None], None] = {}
    refilling: bool = False
    closed: bool = False  #: purged, or its queue was deleted
    #: attempts to receive, by id: when each was made, and what it got
    attempts: dict[str, tuple[int, list[tuple[Letter, Standing]]]] = {}
    usable: asyncio.Event = msgspec.field(default_factory=asyncio.Event)  #: the first messages were read from disk
    loading: asyncio.Task[None] | None = None  #: reads the others; ``None`` when all are there
    late: list[tuple[int, Parcel]] = []  #: what arrived meanwhile
    read_to: int = 0  #: the last message that was read: it may be on disk before its sender is told, and be read before it arrives

    def ring(self) -> None:
        """Wake the receiver that waits longest, if there is something for it."""
        if self.box.ready():
            for bell in self.waiting:
                del self.waiting[bell]
                bell.set_result(None)
                return


class Mailroom:
    """The messages of all queues."""

    def __init__(self, platform: Platform, *, lookahead: int = LOOKAHEAD) -> None:
        self._store = platform.store
        self._lookahead = lookahead  #: how many messages FIFO queues look at
        self._clock = platform.clock
        self._ids = platform.ids
        self._posts: dict[str, Post] = {}
        self.bell = asyncio.Event()  #: rung when a message-move task was started or cancelled

    def now_ms(self) -> int:
        """Return the time in milliseconds since 1970."""
        return int(self._clock.now() * 1000)

    async def post(self, queue: Queue) -> Post:
        """Return the queue's messages. Of a long queue that was not asked for yet, those at its front: others follow from disk."""
        post = self._posts.get(queue.mailbox)
        if post is None:
            post = self._posts[queue.mailbox] = Post(queue.mailbox, self._box(fifo=queue.fifo))
            post.loading = asyncio.ensure_future(self._load(post))
        if not post.usable.is_set():
            await post.usable.wait()
            if post.loading is not None and post.loading.done():
                post.loading.result()  # it failed: so does this
        return post

    def _box(self, *, fifo: bool) -> StandardBox | FifoBox:
        return FifoBox(self._lookahead) if fifo else StandardBox()

    async def whole(self, queue: Queue) -> Post:
        """Return the queue's messages, all of them."""
        post = await self.post(queue)
        if post.loading is not None:
            await asyncio.shield(post.loading)
        return post

    def close(self, mailbox: str) -> None:
        """Forget a mailbox that was purged or whose queue was deleted; those who wait there look for the queue again."""
        post = self._posts.pop(mailbox, None)
        if post is None:
            return
        post.closed = True
        post.box = self._box(fifo=isinstance(post.box, FifoBox))
        for bell in post.waiting:
            bell.set_result(None)
        post.waiting.clear()

    def opened(self, mailbox: str) -> Post | None:
        """Return a mailbox that is in memory; ``None`` when it isn't, or not whole."""
        post = self._posts.get(mailbox)
        return post if post is not None and post.loading is None else None

    async def _load(self, post: Post) -> None:
        """Read a mailbox. Messages are on disk in the order of their sequences: what arrives meanwhile is after all that was read."""
        try:
            newest = await standings.range(self._store, (post.mailbox,), reverse=True, limit=1)
            post.last = max(post.last, *(int(each.key[1]) for each in newest), 0)
            after: Key | None = None
            page: list[Found[Standing]] = []
            while not post.closed:
                page = await standings.range(self._store, (post.mailbox,), after=after, limit=_PAGE)
                now_ms = self.now_ms()
                for each in page:
                    self._admit(post, each, now_ms)
                if len(page) < _PAGE:
                    break
                after = page[-1].key
                post.usable.set()
                post.ring()
            post.read_to = int(page[-1].key[1]) if page else int(after[1]) if after else 0
            post.loading = None
            self._arrived(post, post.late)
            post.late.clear()
            await self._refill(post)
            post.ring()
        except BaseException:
            self.close(post.mailbox)
            raise
        finally:
            post.usable.set()

    @staticmethod
    def _admit(post: Post, found: Found[Standing], now_ms: int) -> None:
        sequence, standing = int(found.key[1]), found.value
        if standing.receives:
            post.box.restore(standing.letter(sequence))
        else:
            post.box.arrive(sequence, due_ms=standing.due_ms, now_ms=now_ms, group=standing.group)

    # Sending.

    async def send(self, queue: Queue, parcels: Sequence[Parcel]) -> list[Posted]:
        """Put messages on disk, all in one commit, then in line. A duplicate is answered with the message that it repeats."""
        post = await self.post(queue)
        for _ in range(_ATTEMPTS):
            known = await self._known(queue, parcels)
            try:
                return await _whole(self._post(post, parcels, known))
            except Conflict:
                continue  # another sender used a deduplication id of ours in this moment
        raise RuntimeError(f"{queue.arn}: deduplication ids kept changing")

    async def _known(self, queue: Queue, parcels: Sequence[Parcel]) -> dict[tuple[str, str], Found[Duplicate]]:
        wanted = {each.deduplication for each in parcels if each.deduplication is not None}
        found = {each: await duplicates.get(self._store, (queue.mailbox, *each)) for each in wanted}
        return {each: value for each, value in found.items() if value is not None}

    async def _post(self, post: Post, parcels: Sequence[Parcel], known: dict[tuple[str, str], Found[Duplicate]]) -> list[Posted]:
        now_ms = self.now_ms()
        posted: list[Posted] = []
        writes: list[Write] = []
        arrivals: list[tuple[int, Parcel]] = []
        seen: dict[tuple[str, str], Posted] = {}
        for parcel in parcels:
            wanted = parcel.deduplication
            before = known.get(wanted) if wanted is not None else None
            if wanted in seen:
                posted.append(seen[wanted])
                continue
            if before is not None and before.value.sent_ms > now_ms - DEDUPLICATION_MS:
                posted.append(Posted(before.value.message_id, before.value.sequence))
                continue
            post.last = sequence = next_sequence(post.last, now_ms)
            posted.append(Posted(parcel.sent.message_id, sequence))
            arrivals.append((sequence, parcel))
            if wanted is not None:
                seen[wanted] = posted[-1]
                note = Duplicate(parcel.sent.message_id, sequence, now_ms)
                writes.append(duplicates.put((post.mailbox, *wanted), note, ABSENT if before is None else before.version))
            writes += message(post.mailbox, sequence, parcel.sent, parcel.due_ms)
        if writes:
            await self._store.commit(writes)
            self._arrived(post, arrivals)
        return posted

    def _arrived(self, post: Post, arrivals: Sequence[tuple[int, Parcel]]) -> None:
        if post.loading is not None:
            post.late += arrivals
            return
        now_ms = self.now_ms()
        for sequence, parcel in arrivals:
            if sequence > post.read_to:
                post.box.arrive(sequence, due_ms=parcel.due_ms, now_ms=now_ms, group=parcel.sent.group_id or "")
                post.ring()

    # Receiving.

    async def take(self, post: Post, limit: int, visibility_ms: int) -> list[Delivery]:
        """Receive what is there now; it is written down when this returns."""
        if not post.box.ready():
            await self._refill(post)
        now_ms = self.now_ms()
        post.box.settle(now_ms)
        letters = post.box.take(limit, now_ms=now_ms, until_ms=now_ms + visibility_ms, nonce=self._nonce)
        taken = [(each, Standing.of(each)) for each in letters]
        return await _whole(self._deliver(post, taken)) if taken else []

    def _nonce(self) -> str:
        return self._ids.hex(16)

    async def _deliver(self, post: Post, taken: Sequence[tuple[Letter, Standing]]) -> list[Delivery]:
        writes = [standings.put((post.mailbox, letter.sequence), standing) for letter, standing in taken]
        try:
            await self._store.commit(writes, durable=False)
        except BaseException:
            self._give_back(post, [letter for letter, _ in taken])
            raise
        await self._refill(post)
        post.ring()
        return await self.read(post, taken)

    async def read(self, post: Post, taken: Sequence[tuple[Letter, Standing]]) -> list[Delivery]:
        """Return the messages as they were sent; one that housekeeping removed meanwhile is forgotten."""
        found: list[Delivery] = []
        for letter, standing in taken:
            sent = await sents.get(self._store, (post.mailbox, letter.sequence))
            if sent is None:
                post.box.remove(letter)
            else:
                found.append(Delivery(letter, standing, sent.value))
        return found

    async def pick(self, queue: Queue, limit: int) -> list[Delivery]:
        """Take messages to move them elsewhere. This is no receive: after a kill they are where and as they were."""
        post, now_ms = await self.post(queue), self.now_ms()
        post.box.settle(now_ms)
        letters = post.box.take(limit, now_ms=now_ms, until_ms=now_ms + _PICK_MS, nonce=self._nonce)
        return await self.read(post, [(each, Standing.of(each)) for each in letters])

    async def put_back(self, queue: Queue, deliveries: Sequence[Delivery]) -> None:
        """Let others have what was picked."""
        self._give_back(await self.post(queue), [each.letter for each in deliveries])

    def _give_back(self, post: Post, letters: Sequence[Letter]) -> None:
        now_ms = self.now_ms()
        for each in letters:
            each.receives -= 1
            post.box.hold(each, now_ms)
        post.box.settle(now_ms)
        post.ring()

    async def wait(self, post: Post, seconds: float) -> None:
        """Return when there may be something to receive, at the latest after ``seconds``."""
        due_ms = post.box.next_due_ms()
        if due_ms is not None:
            seconds = min(seconds, max(0.0, due_ms / 1000 - self._clock.now()))
        bell = asyncio.get_running_loop().create_future()
        post.waiting[bell] = None
        alarm = asyncio.ensure_future(self._clock.sleep(seconds))
        try:
            await asyncio.wait((bell, alarm), return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            if bell.done():
                post.ring()  # it was this one's turn, and it is gone: the next one's
            raise
        finally:
            alarm.cancel()
            post.waiting.pop(bell, None)

    # Settling.

    async def delete(self, post: Post, letters: Sequence[Letter]) -> None:
        """Remove messages for good."""
        for each in letters:
            post.box.remove(each)
        await _whole(self._replace(post, letters, [write for each in letters for write in gone(post.mailbox, each.sequence)]))

    async def move(
        self, post: Post, deliveries: Sequence[Delivery], target: Queue, parcels: Sequence[Parcel], more: Sequence[Write] = ()
    ) -> None:
        """Take messages out of a queue and put them, as ``parcels``, into another, all in one commit, together with ``more``.

        What somebody else has removed meanwhile is left out.
        """
        there = await self.post(target)
        await _whole(self._move(post, list(zip(deliveries, parcels, strict=True)), there, more))

    async def _move(self, post: Post, pairs: Sequence[tuple[Delivery, Parcel]], there: Post, more: Sequence[Write]) -> None:
        writes = list(more)
        letters: list[Letter] = []
        arrivals: list[tuple[int, Parcel]] = []
        for delivery, parcel in pairs:
            letter = delivery.letter
            if post.box.find(letter.sequence) is not letter:
                continue
            post.box.remove(letter)
            letters.append(letter)
            there.last = sequence = next_sequence(there.last, self.now_ms())
            arrivals.append((sequence, parcel))
            writes += gone(post.mailbox, letter.sequence)
            writes += message(there.mailbox, sequence, parcel.sent, parcel.due_ms)
        await self._replace(post, letters, writes)
        self._arrived(there, arrivals)

    async def _replace(self, post: Post, letters: Sequence[Letter], writes: Sequence[Write]) -> None:
        """Commit what removes these messages, which are out of the box already."""
        try:
            await self._store.commit(writes)
        except BaseException:
            for each in letters:
                post.box.restore(each)  # nothing was written: they are still on disk
            raise
        await self._refill(post)
        post.ring()

    async def hold(self, post: Post, letters: Sequence[tuple[Letter, int]]) -> None:
        """Make messages invisible for that many milliseconds from now."""
        now_ms = self.now_ms()
        for letter, milliseconds in letters:
            post.box.hold(letter, now_ms + milliseconds)
        writes = [standings.put((post.mailbox, letter.sequence), Standing.of(letter)) for letter, _ in letters]
        await _whole(self._held(post, writes))

    async def _held(self, post: Post, writes: Sequence[Write]) -> None:
        await self._store.commit(writes, durable=False)
        post.box.settle(self.now_ms())
        post.ring()

    async def _refill(self, post: Post) -> None:
        """Read what has moved up into a FIFO queue's view."""
        box = post.box
        if not isinstance(box, FifoBox) or post.refilling or post.loading is not None:
            return
        post.refilling = True
        try:
            while box.wants_more:
                limit = min(_PAGE, box.room)
                page = await standings.range(self._store, (post.mailbox,), after=(post.mailbox, box.last), limit=limit)
                now_ms = self.now_ms()
                for each in page:
                    box.read_to = int(each.key[1])
                    box.admit(box.read_to, due_ms=each.value.due_ms, now_ms=now_ms, group=each.value.group)
                box.beyond = max(0, box.beyond - len(page)) if len(page) == limit else 0
        finally:
            post.refilling = False


def message(mailbox: str, sequence: int, sent: Sent, due_ms: int) -> tuple[Write, Write]:
    """Return the writes of a new message."""
    key = (mailbox, sequence)
    return sents.put(key, sent), standings.put(key, Standing(due_ms, sent.group_id or ""))


def gone(mailbox: str, sequence: int) -> tuple[Write, Write]:
    """Return the writes that remove a message."""
    key = (mailbox, sequence)
    return standings.delete(key), sents.delete(key)


async def _whole(work: Coroutine[Any, Any, T]) -> T:
    """Do the work to its end even if the caller is cancelled: what is on disk and what is in memory must not part."""
    return await asyncio.shield(asyncio.ensure_future(work))

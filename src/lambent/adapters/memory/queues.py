"""Messages with a due time in memory."""

from __future__ import annotations

from bisect import bisect_left, insort

import msgspec

from lambent.domain.storage import Enqueue, Lease, Postpone


class _Message(msgspec.Struct):
    body: bytes
    enqueued: float  #: seconds since 1970
    order: int  #: breaks ties of ``visible``
    visible: float  #: when it may be leased: its due time, or the end of its lease
    receives: int = 0
    token: str = ""  #: of the lease that holds it; empty when none does


class MemoryQueue:
    """One queue's messages in the order in which they become due."""

    def __init__(self) -> None:
        self._messages: dict[str, _Message] = {}
        self._order: list[tuple[float, int, str]] = []

    def __len__(self) -> int:
        return len(self._messages)

    def enqueue(self, write: Enqueue, now: float, order: int) -> None:
        """Add a message, or replace the body and due time of the one with its id."""
        message = self._messages.get(write.message_id)
        if message is None:
            message = self._messages[write.message_id] = _Message(write.body, now, order, write.due)
            insort(self._order, (message.visible, message.order, write.message_id))
        else:
            message.body, message.token = write.body, ""
            self._move(write.message_id, message, write.due)

    def acknowledge(self, lease: Lease) -> None:
        """Remove a message if the lease still holds it."""
        message = self._held(lease)
        if message is not None:
            del self._messages[lease.message_id]
            self._forget(lease.message_id, message)

    def postpone(self, write: Postpone) -> None:
        """Give a message back if the lease still holds it."""
        message = self._held(write.lease)
        if message is not None:
            message.token = ""
            message.body = message.body if write.body is None else write.body
            self._move(write.lease.message_id, message, write.due)

    def lease(self, queue: str, message_token: str, now: float, expires: float) -> Lease | None:
        """Lease the message that is due longest; ``None`` when none is due."""
        if not self._order or self._order[0][0] > now:
            return None
        message_id = self._order[0][2]
        message = self._messages[message_id]
        message.receives += 1
        message.token = message_token
        self._move(message_id, message, expires)
        return Lease(queue, message_id, message.body, message.enqueued, message.receives, message_token, expires)

    def next_due(self) -> float | None:
        """Return when the next message may be leased."""
        return self._order[0][0] if self._order else None

    def _held(self, lease: Lease) -> _Message | None:
        message = self._messages.get(lease.message_id)
        return message if message is not None and message.token == lease.token else None

    def _move(self, message_id: str, message: _Message, visible: float) -> None:
        self._forget(message_id, message)
        message.visible = visible
        insort(self._order, (visible, message.order, message_id))

    def _forget(self, message_id: str, message: _Message) -> None:
        del self._order[bisect_left(self._order, (message.visible, message.order, message_id))]

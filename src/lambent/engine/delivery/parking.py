"""Messages whose handling keeps failing for a bug of this program's. Nothing that was acknowledged may vanish, and nothing may fail for
ever unseen: after ``FAILURES_MAX`` times in a row a message is parked, which is logged and counted (``/_lambent/metrics``), until the next
start.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

from lambent.base.clock import Clock
from lambent.domain.storage import Acknowledge, Enqueue, Lease, Postpone, Store, Write

_log = logging.getLogger(__name__)

PARKED: Final = "parked/"
"""Queues of parked messages: the name of the queue that they come from follows."""
FAILURES_MAX: Final = 10
"""With pauses of 1 s, 2 s, 4 s … 60 s: about four minutes."""
_COUNTED_MAX: Final = 10_000  # messages whose failures are counted; of more, those that failed first begin anew
_PAUSE_S_MAX: Final = 60.0
_PAUSE_S_MIN: Final = 1.0
_RESTORED_AT_ONCE: Final = 64


class Parking:
    """What a worker does with the messages that it fails to handle. Failures are counted in memory: a start begins anew."""

    def __init__(self, store: Store, clock: Clock, name: str) -> None:
        self._store = store
        self._clock = clock
        self._name = name
        self._failures: dict[tuple[str, str], int] = {}

    def failed(self, lease: Lease) -> Sequence[Write]:
        """Handling raised what it never should (call it where that is caught): return what becomes of the message."""
        key = lease.queue, lease.message_id
        failures = self._failures.pop(key, 0) + 1
        if failures >= FAILURES_MAX:
            _log.exception("%s: handling %s failed %d times; it is parked until the next start", self._name, lease.message_id, failures)
            return (Acknowledge(lease), Enqueue(PARKED + lease.queue, lease.message_id, lease.body, 0.0))
        if len(self._failures) >= _COUNTED_MAX:
            del self._failures[next(iter(self._failures))]
        self._failures[key] = failures
        text = "%s: handling %s failed, attempt %d; it is tried again"
        _log.error(text, self._name, lease.message_id, failures, exc_info=failures == 1)
        return (Postpone(lease, self._clock.now() + min(_PAUSE_S_MAX, _PAUSE_S_MIN * 2.0 ** (failures - 1))),)

    def went_well(self, lease: Lease) -> None:
        """Handling raised nothing."""
        if self._failures:
            self._failures.pop((lease.queue, lease.message_id), None)

    async def restore(self, prefix: str) -> None:
        """Put what was parked of the queues with this prefix back."""
        for parked in await self._store.queues(PARKED + prefix):
            while leases := await self._store.lease(parked, now=self._clock.now(), seconds=_PAUSE_S_MAX, limit=_RESTORED_AT_ONCE):
                now, queue = self._clock.now(), parked.removeprefix(PARKED)
                back = [Enqueue(queue, each.message_id, each.body, now) for each in leases]
                await self._store.commit([*[Acknowledge(each) for each in leases], *back])
                _log.warning("%s: %d parked messages of %s are tried again", self._name, len(leases), queue)


async def parked(store: Store) -> dict[str, int]:
    """Return how many messages are parked, by the queue that they come from."""
    return {name.removeprefix(PARKED): await store.depth(name) for name in await store.queues(PARKED)}

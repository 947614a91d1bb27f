"""How messages that were handled end: what follows from them is committed, and where that fails a message is tried again later."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from lambent.base.clock import Clock
from lambent.domain.storage import Lease, Postpone, Store, Write

_log = logging.getLogger(__name__)

_RETRY_S_MAX: Final = 60.0
_ERROR_S: Final = 1.0


def later(clock: Clock, lease: Lease) -> Postpone:
    """Return the write that gives a message back for another time: after 1 s, 2 s, 4 s … up to a minute."""
    return Postpone(lease, clock.now() + min(_RETRY_S_MAX, _ERROR_S * 2.0 ** min(lease.receives - 1, 10)))


async def settle(store: Store, clock: Clock, name: str, lease: Lease, writes: Sequence[Write]) -> None:
    """Commit what follows from a message. A failing store is logged, and the message given back, or its lease runs out."""
    try:
        await store.commit(writes)
    except Exception:  # noqa: BLE001 - one message's failure must not stop the queue; the operator sees it, the message stays
        _log.exception("%s: what follows from %s could not be committed; it is tried again", name, lease.message_id)
        await clock.sleep(_ERROR_S)
        try:
            await store.commit((later(clock, lease),))
        except Exception:  # noqa: BLE001 - the store is failing; the lease running out is what is left
            _log.exception("%s: %s stays leased until its lease runs out", name, lease.message_id)


async def settle_all(store: Store, clock: Clock, name: str, ended: Sequence[tuple[Lease, Sequence[Write]]]) -> None:
    """Commit what follows from many messages at once; where that fails, from each by itself, as ``settle`` does."""
    if len(ended) > 1:
        try:
            await store.commit([write for _, writes in ended for write in writes])
        except Exception:  # noqa: BLE001 - the operator sees it; which message it is for is found next
            _log.exception("%s: the ends of %d messages could not be committed together", name, len(ended))
        else:
            return
    await asyncio.gather(*[settle(store, clock, name, lease, writes) for lease, writes in ended])

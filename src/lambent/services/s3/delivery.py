"""Brings notifications from the durable queue to their destinations: at least once, with growing pauses while one refuses."""

from __future__ import annotations

import asyncio
import logging

import msgspec

from lambent.domain.errors import AwsError
from lambent.domain.storage import Acknowledge, Lease, Postpone
from lambent.services.s3.context import S3
from lambent.services.s3.destinations import call_of, is_missing
from lambent.services.s3.events import QUEUE, Notification

_log = logging.getLogger(__name__)

LEASE_S = 120.0
BATCH = 32
"""Messages on their way at once."""
PAUSE_S_MAX = 300.0
AGE_S_MAX = 86_400.0
"""After a day a message that nobody takes is given up, with a line in the server's log."""


def pause_s(receives: int) -> float:
    """Return how long to wait after that many attempts: 1 s, 2 s, 4 s … up to five minutes."""
    return min(2.0 ** min(receives - 1, 16), PAUSE_S_MAX)


class NotificationDelivery:
    """The worker that empties the queue of notifications."""

    name = "s3 notifications"

    def __init__(self, s3: S3) -> None:
        self._s3 = s3

    async def run(self) -> None:
        """Deliver until cancelled."""
        while True:
            if not await self.deliver_due():
                await self._wait()

    async def deliver_due(self) -> int:
        """Try each message that is due, a batch at most; return how many there were."""
        platform = self._s3.platform
        leases = await platform.store.lease(QUEUE, now=platform.clock.now(), seconds=LEASE_S, limit=BATCH)
        if leases:
            await asyncio.gather(*(self._deliver(each) for each in leases))
        return len(leases)

    async def _deliver(self, lease: Lease) -> None:
        message = msgspec.msgpack.decode(lease.body, type=Notification)
        platform = self._s3.platform
        try:
            await platform.cloud.call(call_of(message, platform.ids))
        except AwsError as error:
            if is_missing(error):
                await self._give_up(lease, message, f"there is no such destination ({error})")
            else:
                await self._later(lease, message, str(error))
        except Exception as error:  # noqa: BLE001 - the message stays queued and the log says why
            await self._later(lease, message, repr(error))
        else:
            await platform.store.commit([Acknowledge(lease)])

    async def _later(self, lease: Lease, message: Notification, why: str) -> None:
        platform = self._s3.platform
        now = platform.clock.now()
        if now - lease.enqueued >= AGE_S_MAX:
            await self._give_up(lease, message, f"after a day: {why}")
            return
        target = message.target_arn or message.service
        _log.warning("notification of %s to %s, attempt %d: %s", message.bucket_arn, target, lease.receives, why)
        await platform.store.commit([Postpone(lease, now + pause_s(lease.receives))])

    async def _give_up(self, lease: Lease, message: Notification, why: str) -> None:
        _log.error("gave up a notification of %s to %s: %s", message.bucket_arn, message.target_arn or message.service, why)
        await self._s3.platform.store.commit([Acknowledge(lease)])

    async def _wait(self) -> None:
        """Wait until a message comes or becomes due."""
        platform = self._s3.platform
        waits = [asyncio.ensure_future(platform.store.wait_enqueued(QUEUE))]  # before looking, so that nothing slips in between
        try:
            due = await platform.store.next_due(QUEUE)
            if due is not None:
                waits.append(asyncio.ensure_future(platform.clock.sleep(max(due - platform.clock.now(), 0.0))))
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()

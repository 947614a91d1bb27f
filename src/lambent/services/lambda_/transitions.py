"""Ends what creations and updates begin: ``Pending`` becomes ``Active``, ``InProgress`` becomes ``Successful``.

A version with SnapStart is initialised for its snapshot first, and is ``Failed`` when that fails.
The transition is enqueued in the commit that begins it, so that a killed server ends it when it is back.
"""

from __future__ import annotations

import asyncio

import msgspec

from lambent.base.clock import Clock
from lambent.base.ids import Ids
from lambent.base.tasks import cancel_and_wait
from lambent.domain.environments import Ending
from lambent.domain.errors import AwsError
from lambent.domain.functions import FunctionVersion
from lambent.domain.provisioning import Snapshots
from lambent.domain.storage import Acknowledge, Enqueue, Lease, Put, Store
from lambent.services.lambda_.catalogue import FunctionCatalogue
from lambent.services.lambda_.names import LATEST, FunctionKey
from lambent.services.lambda_.snapstart import failed, failed_with, is_snapshot_wanted
from lambent.services.lambda_.state import TRANSITIONS, VERSIONS, Version

_BATCH = 32
_LEASE_S = 3.0  # a transition takes milliseconds; after a kill somebody waits for this
_PAUSE_S = 0.001


class _Transition(msgspec.Struct, frozen=True):
    account_id: str
    region: str
    name: str
    version: str


def version_key(key: FunctionKey, version: str) -> tuple[str, str, str, int]:
    """Return the key of a version's document."""
    return (*key, 0 if version == LATEST else int(version))


def begun(key: FunctionKey, version: str, now: float) -> Enqueue:
    """Return the write that has a version's transition ended."""
    return Enqueue(TRANSITIONS, "/".join((*key, version)), msgspec.msgpack.encode(_Transition(*key, version)), now)


class Transitions:
    """The worker that ends them."""

    name = "lambda transitions"

    def __init__(self, store: Store, catalogue: FunctionCatalogue, clock: Clock, ids: Ids, snapshots: Snapshots) -> None:
        self._store = store
        self._catalogue = catalogue
        self._clock = clock
        self._ids = ids
        self._snapshots = snapshots
        self.taking: set[asyncio.Task[None]] = set()  #: snapshots that are being taken

    async def run(self) -> None:
        """Work until cancelled; what is under way then is begun again by the next server."""
        try:
            await self._work()
        finally:
            await cancel_and_wait(list(self.taking))

    async def _work(self) -> None:
        while True:
            touched = asyncio.ensure_future(self._store.wait_enqueued(TRANSITIONS))
            await asyncio.sleep(0)  # the wait has begun before the queue is looked at, so that nothing is missed
            try:
                if await self.step() == 0:
                    await self._idle(touched)
            finally:
                touched.cancel()

    async def _idle(self, touched: asyncio.Future[None]) -> None:
        """Wait for a message, or for the lease of a killed server's to run out."""
        due = await self._store.next_due(TRANSITIONS)
        if due is None:
            await touched
            return
        pause = asyncio.ensure_future(self._clock.sleep(max(due - self._clock.now(), _PAUSE_S)))
        try:
            await asyncio.wait({touched, pause}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            pause.cancel()

    async def step(self) -> int:
        """End what is due; return how many there were."""
        leases = await self._store.lease(TRANSITIONS, now=self._clock.now(), seconds=_LEASE_S, limit=_BATCH)
        for lease in leases:
            await self._end(lease)
        return len(leases)

    async def _end(self, lease: Lease) -> None:
        transition = msgspec.msgpack.decode(lease.body, type=_Transition)
        key = (transition.account_id, transition.region, transition.name)
        async with self._catalogue.alone(key):
            entry = await self._catalogue.find(key)
            version = entry.versions.get(transition.version) if entry else None
            if entry is None or version is None or not is_snapshot_wanted(version) or version.state != "Pending":
                changed = None if version is None else ended(version, self._ids.uuid())
                await self._commit(lease, key, changed)
                return
        # An init may take minutes: others' transitions don't wait for it.
        task = asyncio.create_task(self._take(lease, key, version, entry.runs(version.version)), name=f"snapshot of {lease.message_id}")
        self.taking.add(task)
        task.add_done_callback(self.taking.discard)

    async def _take(self, lease: Lease, key: FunctionKey, version: Version, function: FunctionVersion) -> None:
        """Have a version's snapshot taken; its outcome is the version's state."""
        try:
            outcome = await self._snapshots.take(function)
        except AwsError as error:
            changed = failed_with(version, self._ids.uuid(), "InternalError", error.message)
        else:
            good = outcome.ending is Ending.SUCCESS
            changed = ended(version, self._ids.uuid()) if good else failed(version, self._ids.uuid(), outcome)
        async with self._catalogue.alone(key):
            entry = await self._catalogue.find(key)
            is_there = entry is not None and version.version in entry.versions
            await self._commit(lease, key, changed if is_there else None)

    async def _commit(self, lease: Lease, key: FunctionKey, version: Version | None) -> None:
        writes: list[Put] = [] if version is None else [VERSIONS.put(version_key(key, version.version), version)]
        await self._catalogue.commit(key, [*writes, Acknowledge(lease)])


def ended(version: Version, revision: str) -> Version:
    """Return the version with nothing under way any more; that it changed its state shows in its revision."""
    return msgspec.structs.replace(
        version,
        revision_id=revision,
        state="Active",
        state_reason="",
        state_reason_code="",
        update_status="Successful",
        update_reason="",
        update_reason_code="",
    )

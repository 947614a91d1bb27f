"""SnapStart in the control plane: which versions' snapshots are kept, and what becomes of a version whose init failed.

A version is ``Pending`` until its snapshot was taken (``transitions``). Snapshots themselves are memory, so that after a restart those of
active versions are taken anew; invocations that come earlier wait for theirs.
"""

from __future__ import annotations

import asyncio

import msgspec

from lambent.domain.environments import Ending, Outcome
from lambent.domain.functions import FunctionVersion
from lambent.domain.provisioning import Snapshots
from lambent.domain.storage import Store
from lambent.services.lambda_.catalogue import Entry, FunctionCatalogue, every
from lambent.services.lambda_.names import LATEST, FunctionKey, function_arn
from lambent.services.lambda_.state import VERSIONS, Configuration, Version

PUBLISHED_VERSIONS = "PublishedVersions"
_REASONS = {
    Ending.TIMEOUT: "FunctionError.InitTimeout",
    Ending.ERROR: "FunctionError.RuntimeInitError",
    Ending.EXIT: "FunctionError.RuntimeInitError",
}


def is_snapshot_wanted(version: Version) -> bool:
    """Return whether a version is initialised once, and forked from then on."""
    return version.version != LATEST and is_snap_start(version.configuration)


def is_snap_start(config: Configuration) -> bool:
    """Return whether SnapStart applies to what is published of a configuration."""
    return config.snap_start == PUBLISHED_VERSIONS


def failed(version: Version, revision: str, outcome: Outcome) -> Version:
    """Return a version whose init failed."""
    code = "FunctionError.InitResourceExhausted" if outcome.out_of_memory else _REASONS[outcome.ending]
    return failed_with(version, revision, code, _reason(outcome))


def failed_with(version: Version, revision: str, code: str, reason: str) -> Version:
    """Return a version that can't be used, and why."""
    return msgspec.structs.replace(
        version,
        revision_id=revision,
        state="Failed",
        state_reason=reason,
        state_reason_code=code,
        update_status="Failed",
        update_reason=reason,
        update_reason_code=code,
    )


def _reason(outcome: Outcome) -> str:
    document = outcome.payload if isinstance(outcome.payload, bytes) else b""
    try:
        message = msgspec.json.decode(document, type=dict[str, object]).get("errorMessage") if document else None
    except (msgspec.MsgspecError, ValueError):
        message = None
    why = f": {message}" if message else " in time." if outcome.ending is Ending.TIMEOUT else "."
    return f"The function could not be initialised for a snapshot{why}"


class SnapStarts:
    """The ``Worker`` that has the engine keep what is published, and let go of what is deleted."""

    name = "snapshots"

    def __init__(self, store: Store, catalogue: FunctionCatalogue, snapshots: Snapshots) -> None:
        self._store = store
        self._catalogue = catalogue
        self._snapshots = snapshots
        self._known: set[FunctionKey] = set()
        self._changed: dict[FunctionKey, None] = {}
        self._wake = asyncio.Event()
        catalogue.observers.append(self._note)

    def _note(self, key: FunctionKey) -> None:
        self._changed[key] = None
        self._wake.set()

    async def run(self) -> None:
        """Take in what is stored, then what changes, until cancelled."""
        await self.recall()
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self.step()

    async def recall(self) -> None:
        """Have every version with SnapStart taken in by the next step."""
        for found in await every(self._store, VERSIONS, ()):
            if is_snapshot_wanted(found.value):
                self._note((str(found.key[0]), str(found.key[1]), str(found.key[2])))

    async def step(self) -> None:
        """Take in what has changed."""
        while self._changed:
            key = next(iter(self._changed))
            del self._changed[key]
            entry = await self._catalogue.find(key)
            kept = {} if entry is None else kept_of(entry)
            if kept or key in self._known:
                (self._known.add if kept else self._known.discard)(key)
                self._snapshots.keep(function_arn(key), kept)


def kept_of(entry: Entry) -> dict[str, FunctionVersion]:
    """Return the versions of a function, by qualified ARN, whose snapshots are kept; one that is pending is being taken."""
    wanted = [each.version for each in entry.versions.values() if is_snapshot_wanted(each) and each.state != "Failed"]
    return {function_arn(entry.key, number): entry.runs(number) for number in wanted}

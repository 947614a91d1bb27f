"""SnapStart in the control plane: which versions' snapshots are kept, and what becomes of a version whose init failed.

A version is ``Pending`` until its snapshot was taken (``transitions``). Snapshots themselves are memory, so that after a restart those of
active versions are taken anew; invocations that come earlier wait for theirs.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec

from lambent.domain.environments import Ending, Outcome
from lambent.domain.functions import FunctionVersion
from lambent.domain.provisioning import Snapshots
from lambent.domain.storage import Key, Store
from lambent.services.lambda_.catalogue import Entry, FunctionCatalogue, every
from lambent.services.lambda_.follower import Follower
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


class SnapStarts(Follower):
    """The ``Worker`` that has the engine keep what is published, and let go of what is deleted."""

    name = "snapshots"

    def __init__(self, store: Store, catalogue: FunctionCatalogue, snapshots: Snapshots) -> None:
        super().__init__(store, catalogue)
        self._snapshots = snapshots

    async def _stored(self) -> AsyncIterator[Key]:
        for found in await every(self._store, VERSIONS, ()):
            if is_snapshot_wanted(found.value):
                yield found.key

    def _take_in(self, key: FunctionKey, entry: Entry | None, *, is_known: bool) -> bool:
        kept = {} if entry is None else kept_of(entry)
        if kept or is_known:
            self._snapshots.keep(function_arn(key), kept)
        return bool(kept)


def kept_of(entry: Entry) -> dict[str, FunctionVersion]:
    """Return the versions of a function, by qualified ARN, whose snapshots are kept; one that is pending is being taken."""
    wanted = [each.version for each in entry.versions.values() if is_snapshot_wanted(each) and each.state != "Failed"]
    return {function_arn(entry.key, number): entry.runs(number) for number in wanted}

"""PublishVersion and ListVersionsByFunction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from lambent.domain.call import Call
from lambent.domain.service import Operations
from lambent.domain.storage import Write
from lambent.services.lambda_.catalogue import Entry
from lambent.services.lambda_.context import Lambda, check_revision
from lambent.services.lambda_.errors import invalid
from lambent.services.lambda_.functions import page, stored
from lambent.services.lambda_.names import LATEST, FunctionRef
from lambent.services.lambda_.state import FUNCTIONS, VERSIONS, Version
from lambent.services.lambda_.transitions import begun, version_key
from lambent.services.lambda_.views import code_sha256, function_configuration

if TYPE_CHECKING:
    from lambent.services.lambda_._generated_shapes import (
        FunctionConfiguration,
        ListVersionsByFunctionRequest,
        ListVersionsByFunctionResponse,
        PublishVersionRequest,
    )

operations: Operations[Lambda] = Operations()
_CREATING = "The function is being created."


@operations.serves("PublishVersion")
async def publish_version(ctx: Lambda, call: Call, request: PublishVersionRequest) -> FunctionConfiguration:
    """Publish ``$LATEST`` as the next number; when nothing changed since the last one, that is returned."""
    named = ctx.own_ref(call, request["FunctionName"])
    ref = FunctionRef(named.account_id, named.region, named.name)
    async with ctx.settled_alone(ref) as entry:
        check_revision(request.get("RevisionId"), entry.latest.revision_id)
        current = code_sha256(entry.latest.configuration.code_digest)
        given = request.get("CodeSha256")
        if given and given != current:
            raise invalid(
                f"CodeSHA256 ({given}) is different from current CodeSHA256 in $LATEST ({current}). "
                "Please try again with the CodeSHA256 in $LATEST."
            )
        entry, version = await publish(ctx, entry, request.get("Description"))
        return function_configuration(entry, version)


async def publish(ctx: Lambda, entry: Entry, description: str | None) -> tuple[Entry, Version]:
    """Publish ``$LATEST`` unless the newest version is the same; for the one that holds the function's lock.

    The version is ready at once, unless ``$LATEST`` is just being updated or a snapshot is to be taken; ``$LATEST`` gets a new revision.
    """
    latest = entry.latest
    newest = entry.versions.get(str(entry.function.published))
    if newest is not None and is_published(latest, newest):
        return entry, newest
    now, number = ctx.platform.clock.now(), str(entry.function.published + 1)
    config = latest.configuration
    writes: list[Write] = []
    ready = latest.update_status != "InProgress" and config.snap_start != "PublishedVersions"
    state: dict[str, Any] = (
        {"state": "Active", "update_status": "Successful"} if ready else {"state_reason": _CREATING, "state_reason_code": "Creating"}
    )
    if not ready:
        writes.append(begun(entry.key, number, now))
    version = Version(
        version=number,
        configuration=config if description is None else msgspec.structs.replace(config, description=description),
        revision_id=ctx.platform.ids.uuid(),
        code_revision=ctx.platform.ids.uuid(),
        last_modified=now,
        latest_description=config.description,
        **state,
    )
    function = msgspec.structs.replace(entry.function, published=int(number))
    renewed = msgspec.structs.replace(latest, revision_id=ctx.platform.ids.uuid(), code_updated=False)
    writes += [FUNCTIONS.put(entry.key, function), *stored(entry.key, version), VERSIONS.put(version_key(entry.key, LATEST), renewed)]
    await ctx.catalogue.commit(entry.key, writes)
    return entry, version


def is_published(latest: Version, newest: Version) -> bool:
    """Return whether publishing ``latest`` would make the same version as ``newest`` again.

    Code that was uploaded since is new to AWS, also when it is the same to the byte.
    """
    return (
        not latest.code_updated
        and msgspec.structs.replace(newest.configuration, description=newest.latest_description) == latest.configuration
    )


@operations.serves("ListVersionsByFunction")
async def list_versions_by_function(ctx: Lambda, call: Call, request: ListVersionsByFunctionRequest) -> ListVersionsByFunctionResponse:
    """Return ``$LATEST`` and the published versions in order."""
    named = ctx.own_ref(call, request["FunctionName"])
    entry = await ctx.catalogue.get(FunctionRef(named.account_id, named.region, named.name))
    items = sorted(entry.versions.values(), key=_order)
    shown, more = page(items, _order, request.get("Marker"), request.get("MaxItems"))
    answer: ListVersionsByFunctionResponse = {"Versions": [function_configuration(entry, each, listed=True) for each in shown]}
    if more:
        answer["NextMarker"] = more
    return answer


def _order(version: Version) -> tuple[int]:
    return (0 if version.version == LATEST else int(version.version),)

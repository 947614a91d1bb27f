"""Archives: a bus's events, kept in a log of the store from the commit that accepted them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from lambent.domain.arns import partition_of
from lambent.domain.call import Call
from lambent.domain.service import Operations
from lambent.domain.storage import ABSENT, Trim
from lambent.services.events.context import ATTEMPTS_MAX, Events
from lambent.services.events.errors import already_exists, busy, invalid, not_found
from lambent.services.events.names import BusRef, bus_of_arn
from lambent.services.events.paging import paged, read_page
from lambent.services.events.rules import checked_pattern
from lambent.services.events.state import ARCHIVES, RULES, Archive, Rule
from lambent.services.events.times import moment

if TYPE_CHECKING:
    from lambent.domain.documents import Found
    from lambent.services.events import _generated_shapes as shapes

operations: Operations[Events] = Operations()

_STATE = "ENABLED"
_EVENT, _INGESTED = "<aws.events.event.json>", "<aws.events.event.ingestion-time>"


@operations.serves("CreateArchive")
async def create_archive(events: Events, call: Call, request: shapes.CreateArchiveRequest) -> dict[str, Any]:
    """Begin to keep a bus's events."""
    bus = (await events.bus(bus_of_arn(request["EventSourceArn"], "EventSourceArn"))).value
    pattern = request.get("EventPattern")
    if pattern:
        checked_pattern(pattern)
    archive = Archive(
        id=events.platform.ids.hex(24),
        account_id=call.account_id,
        region=call.region,
        name=request["ArchiveName"],
        bus=bus.name,
        created=events.now,
        description=request.get("Description", ""),
        pattern=pattern or None,
        retention_days=request.get("RetentionDays", 0),
        kms_key=request.get("KmsKeyIdentifier", ""),
    )
    rule = archive_rule(archive)
    if not await events.try_commit([ARCHIVES.put(archive.key, archive, ABSENT), RULES.put(rule.ref, rule, ABSENT)]):
        raise already_exists(f"Archive {archive.name}")
    events.book.forget(bus.ref)
    return _receipt(archive)


@operations.serves("DescribeArchive")
async def describe_archive(events: Events, call: Call, request: shapes.DescribeArchiveRequest) -> dict[str, Any]:
    """Describe an archive and what it holds."""
    archive = (await _archive(events, call, request["ArchiveName"])).value
    described = {
        "ArchiveArn": archive.arn,
        "Description": archive.description,
        "EventPattern": archive.pattern,
        "KmsKeyIdentifier": archive.kms_key,
    }
    return await _summary(events, archive) | {name: value for name, value in described.items() if value}


@operations.serves("ListArchives")
async def list_archives(events: Events, call: Call, request: shapes.ListArchivesRequest) -> dict[str, Any]:
    """List archives by name; of one bus, or in one state."""
    if sum(1 for member in ("NamePrefix", "State", "EventSourceArn") if request.get(member)) > 1:
        raise invalid("At most one filter is allowed for ListArchives. Use either : State, EventSourceArn, or NamePrefix.")
    source, state = request.get("EventSourceArn"), request.get("State", _STATE)
    if source is not None:
        await events.bus(bus_of_arn(source, "EventSourceArn"))

    def wants(archive: Archive) -> bool:
        return state == _STATE and (source is None or _bus(archive).arn == source)

    found, token = await read_page(events.platform.store, ARCHIVES, (call.account_id, call.region), request, wants=wants)
    return paged("Archives", [await _summary(events, each) for each in found], token)


@operations.serves("UpdateArchive")
async def update_archive(events: Events, call: Call, request: shapes.UpdateArchiveRequest) -> dict[str, Any]:
    """Change what an archive keeps and for how long; what isn't given stays."""
    if request.get("EventPattern"):
        checked_pattern(request["EventPattern"])
    for _ in range(ATTEMPTS_MAX):
        found = await _archive(events, call, request["ArchiveName"])
        old = found.value
        archive = replace(
            old,
            description=request.get("Description", old.description),
            pattern=request.get("EventPattern", old.pattern) or None,
            retention_days=request.get("RetentionDays", old.retention_days),
            kms_key=request.get("KmsKeyIdentifier", old.kms_key),
        )
        rule = archive_rule(archive)
        if await events.try_commit([ARCHIVES.put(found.key, archive, found.version), RULES.put(rule.ref, rule)]):
            events.book.forget(_bus(archive))
            return _receipt(archive)
    raise busy()


@operations.serves("DeleteArchive")
async def delete_archive(events: Events, call: Call, request: shapes.DeleteArchiveRequest) -> None:
    """Remove an archive and its events."""
    found = await _archive(events, call, request["ArchiveName"])
    rule = RULES.delete(archive_rule(found.value).ref)
    if not await events.try_commit([ARCHIVES.delete(found.key, found.version), rule, Trim(found.value.log)]):
        raise busy()
    events.book.forget(_bus(found.value))


async def _archive(events: Events, call: Call, name: str) -> Found[Archive]:
    found = await ARCHIVES.get(events.platform.store, (call.account_id, call.region, name))
    if found is None:
        raise not_found(f"Archive {name} does not exist.")
    return found


def _bus(archive: Archive) -> BusRef:
    return BusRef(archive.account_id, archive.region, archive.bus)


def archive_rule(archive: Archive) -> Rule:
    """Return the managed rule that AWS shows for an archive. Nothing is done by it here: archives keep events by themselves."""
    pattern = {**json.loads(archive.pattern or "{}"), "replay-name": [{"exists": False}]}
    template = f'{{"archive-arn": "{archive.arn}:{archive.id}", "event": {_EVENT}, "ingestion-time": {_INGESTED}}}'
    target = {
        "Id": archive.name,
        "Arn": f"arn:{partition_of(archive.region)}:events:{archive.region}:::",
        "InputTransformer": {"InputPathsMap": {}, "InputTemplate": template},
    }
    return Rule(
        account_id=archive.account_id,
        region=archive.region,
        bus=archive.bus,
        name=f"Events-Archive-{archive.name}",
        pattern=json.dumps(pattern, separators=(",", ":")),
        created_by=archive.account_id,
        anchor=archive.created,
        targets={archive.name: target},
        managed_by="prod.vhs.events.aws.internal",
    )


def _receipt(archive: Archive) -> dict[str, Any]:
    return {"ArchiveArn": archive.arn, "State": _STATE, "CreationTime": moment(archive.created)}


async def _summary(events: Events, archive: Archive) -> dict[str, Any]:
    count, size = await events.figures.of(archive.log)
    return {
        "ArchiveName": archive.name,
        "EventSourceArn": _bus(archive).arn,
        "State": _STATE,
        "RetentionDays": archive.retention_days,
        "SizeBytes": size,
        "EventCount": count,
        "CreationTime": moment(archive.created),
    }

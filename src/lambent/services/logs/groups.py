"""Log groups: create, delete, describe, list, protect."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

from msgspec.structs import replace

from lambent.domain.call import Call
from lambent.domain.errors import AwsError, Conflict
from lambent.domain.service import Operations
from lambent.domain.storage import ABSENT, Key, Trim, Write
from lambent.services.logs.errors import busy, group_exists, invalid
from lambent.services.logs.identifiers import named_by
from lambent.services.logs.state import Group, Logs, groups, streams
from lambent.services.logs.tags import checked_tags
from lambent.services.logs.tokens import seal, unseal

if TYPE_CHECKING:
    from lambent.services.logs import _generated_shapes as shapes

operations: Operations[Logs] = Operations()
_PAGE_MAX = 50
_ATTEMPTS = 20


@operations.serves("CreateLogGroup")
async def create_log_group(logs: Logs, call: Call, request: shapes.CreateLogGroupRequest) -> None:
    """Create a group."""
    group_class = request.get("logGroupClass", "STANDARD")
    group = Group(
        id=logs.platform.ids.hex(24),
        name=request["logGroupName"],
        account_id=call.account_id,
        region=call.region,
        created_ms=logs.now_ms(),
        group_class=group_class,
        kms_key_id=request.get("kmsKeyId"),
        retention_days=1 if group_class == "DELIVERY" else None,
        deletion_protected=request.get("deletionProtectionEnabled", False),
        tags=checked_tags(request.get("tags", {})),
    )
    if group.name.startswith("aws/"):
        raise invalid("Log groups starting with AWS/ are reserved for AWS.")
    try:
        await logs.platform.store.commit([groups.put(group.key, group, ABSENT)])
    except Conflict:
        raise group_exists() from None


@operations.serves("DeleteLogGroup")
async def delete_log_group(logs: Logs, call: Call, request: shapes.DeleteLogGroupRequest) -> None:
    """Remove a group, its streams and their events, all at once."""
    found = await logs.group(call, request["logGroupName"])
    if found.value.deletion_protected:
        raise AwsError("ValidationException", "The log group has deletion protection enabled and cannot be deleted.")
    writes: list[Write] = [groups.delete(found.key, found.version)]
    for stream in await logs.streams_of(found.value.id):
        writes += [streams.delete(stream.key), Trim(stream.log)]
    try:
        await logs.platform.store.commit(writes)
    except Conflict:
        raise busy() from None


@operations.serves("DescribeLogGroups")
async def describe_log_groups(logs: Logs, call: Call, request: shapes.DescribeLogGroupsRequest) -> shapes.DescribeLogGroupsResponse:
    """Return the account's groups by name, a page at a time."""
    prefix, pattern = request.get("logGroupNamePrefix"), request.get("logGroupNamePattern")
    if prefix is not None and pattern:
        raise invalid("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
    wanted = {named_by(call, each) for each in request.get("logGroupIdentifiers", ())}
    group_class = request.get("logGroupClass")

    def wants(group: Group) -> bool:
        return (
            (pattern or "") in group.name
            and (not wanted or group.name in wanted)
            and (group_class is None or group.group_class == group_class)
        )

    page, token = await _page(
        logs, call, prefix=prefix or "", wants=wants, limit=request.get("limit", _PAGE_MAX), token=request.get("nextToken")
    )
    response: shapes.DescribeLogGroupsResponse = {"logGroups": [_found(each) if pattern else _described(each) for each in page]}
    if token is not None:
        response["nextToken"] = token
    return response


@operations.serves("ListLogGroups")
async def list_log_groups(logs: Logs, call: Call, request: shapes.ListLogGroupsRequest) -> shapes.ListLogGroupsResponse:
    """Return summaries of groups; the pattern is alternatives of substrings (``a|b``), each anchored with ``^`` if wished."""
    pattern = re.compile(_alternatives(request.get("logGroupNamePattern", "")))
    group_class = request.get("logGroupClass")
    tags = request.get("logGroupTags", [])

    def wants(group: Group) -> bool:
        return (
            pattern.search(group.name) is not None
            and (group_class is None or group.group_class == group_class)
            and all(each["key"] in group.tags and _any_of(group.tags[each["key"]], each.get("values")) for each in tags)
        )

    page, token = await _page(logs, call, prefix="", wants=wants, limit=request.get("limit", _PAGE_MAX), token=request.get("nextToken"))
    response: shapes.ListLogGroupsResponse = {
        "logGroups": [{"logGroupName": each.name, "logGroupArn": each.arn, "logGroupClass": each.group_class} for each in page]
    }
    if token is not None:
        response["nextToken"] = token
    return response


@operations.serves("PutLogGroupDeletionProtection")
async def put_log_group_deletion_protection(logs: Logs, call: Call, request: shapes.PutLogGroupDeletionProtectionRequest) -> None:
    """Protect a group from deletion, or no longer."""
    protected = request["deletionProtectionEnabled"]
    await change_group(
        logs, call, named_by(call, request["logGroupIdentifier"]), lambda group: replace(group, deletion_protected=protected)
    )


@operations.serves("AssociateKmsKey")
async def associate_kms_key(logs: Logs, call: Call, request: shapes.AssociateKmsKeyRequest) -> None:
    """Note a group's key; events are not encrypted with it here."""
    key = request["kmsKeyId"]
    await change_group(logs, call, _keyed_by(call, request), lambda group: replace(group, kms_key_id=key))


@operations.serves("DisassociateKmsKey")
async def disassociate_kms_key(logs: Logs, call: Call, request: shapes.DisassociateKmsKeyRequest) -> None:
    """Forget a group's key."""
    await change_group(logs, call, _keyed_by(call, request), lambda group: replace(group, kms_key_id=None))


def _keyed_by(call: Call, request: shapes.AssociateKmsKeyRequest | shapes.DisassociateKmsKeyRequest) -> str:
    if ("logGroupName" in request) == ("resourceIdentifier" in request):
        raise invalid("Exactly one of logGroupName and resourceIdentifier must be specified.")
    return request["logGroupName"] if "logGroupName" in request else named_by(call, request["resourceIdentifier"])


async def change_group(logs: Logs, call: Call, name: str, change: Callable[[Group], Group]) -> None:
    """Replace a group by what ``change`` makes of it, again as often as another request comes between."""
    for _ in range(_ATTEMPTS):
        found = await logs.group(call, name)
        try:
            await logs.platform.store.commit([groups.put(found.key, change(found.value), found.version)])
        except Conflict:
            continue
        return
    raise busy()


async def every_group(logs: Logs, within: Key, *, prefix: str = "", after: str | None = None) -> AsyncIterator[Group]:
    """Give the groups under the key's parts in order; ``prefix`` and ``after`` are of names, with an account and region as ``within``."""
    start: Key | None = (*within, prefix) if prefix and after is None else None
    last: Key | None = None if after is None else (*within, after)
    while True:
        page = await groups.range(logs.platform.store, within, start=start, after=last)
        for each in page:
            if not each.value.name.startswith(prefix):
                return
            yield each.value
        if len(page) < 1000:
            return
        start, last = None, page[-1].key


async def _page(
    logs: Logs, call: Call, *, prefix: str, wants: Callable[[Group], bool], limit: int, token: str | None
) -> tuple[list[Group], str | None]:
    found: list[Group] = []
    after = None if token is None else unseal(token, str)
    async for group in every_group(logs, (call.account_id, call.region), prefix=prefix, after=after):
        if not wants(group):
            continue
        if len(found) == limit:
            return found, seal(found[-1].name)
        found.append(group)
    return found, None


def _found(group: Group) -> shapes.LogGroup:
    """Return what is told of a group that is found by a pattern: not all, in AWS."""
    return {
        "logGroupName": group.name,
        "creationTime": group.created_ms,
        "metricFilterCount": len(group.metric_filters),
        "arn": f"{group.arn}:*",
        "logGroupClass": group.group_class,
        "logGroupArn": group.arn,
    }


def _described(group: Group) -> shapes.LogGroup:
    described: shapes.LogGroup = {
        **_found(group),
        "storedBytes": group.stored_bytes,
        "deletionProtectionEnabled": group.deletion_protected,
    }
    if group.retention_days is not None:
        described["retentionInDays"] = group.retention_days
    if group.kms_key_id is not None:
        described["kmsKeyId"] = group.kms_key_id
    return described


def _alternatives(pattern: str) -> str:
    parts = pattern.split("|")
    return "|".join("^" + re.escape(each[1:]) if each.startswith("^") else re.escape(each) for each in parts)


def _any_of(value: str, values: list[str] | None) -> bool:
    return not values or value in values

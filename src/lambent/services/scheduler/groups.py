"""Schedule groups and their tags."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from lambent.domain.arns import Arn
from lambent.domain.call import Call
from lambent.domain.service import Operations
from lambent.domain.storage import ABSENT, Write
from lambent.services.scheduler.errors import busy, conflict, invalid, not_found, quota_exceeded
from lambent.services.scheduler.paging import read_all, read_page
from lambent.services.scheduler.state import ATTEMPTS_MAX, DEFAULT_GROUP, GROUPS, SCHEDULES, Group, Scheduler, moment

if TYPE_CHECKING:
    from lambent.services.scheduler import _generated_shapes as shapes

operations: Operations[Scheduler] = Operations()

TAGS_MAX = 200


@operations.serves("CreateScheduleGroup")
async def create_schedule_group(scheduler: Scheduler, call: Call, request: shapes.CreateScheduleGroupInput) -> dict[str, Any]:
    """Create a group; the same request with the same token again is answered alike."""
    group = Group(
        account_id=call.account_id,
        region=call.region,
        name=request["Name"],
        created=scheduler.now,
        modified=scheduler.now,
        token=request.get("ClientToken", ""),
        tags={each["Key"]: each["Value"] for each in request.get("Tags", [])},
    )
    if group.name == DEFAULT_GROUP or not await scheduler.try_commit([GROUPS.put(group.key, group, ABSENT)]):
        found = await GROUPS.get(scheduler.platform.store, group.key)
        if found is None or not group.token or found.value.token != group.token:
            raise conflict(f"Schedule group {group.name}")
    return {"ScheduleGroupArn": group.arn}


@operations.serves("GetScheduleGroup")
async def get_schedule_group(scheduler: Scheduler, call: Call, request: shapes.GetScheduleGroupInput) -> dict[str, Any]:
    """Describe a group."""
    return _described((await scheduler.group(call.account_id, call.region, request["Name"])).value)


@operations.serves("ListScheduleGroups")
async def list_schedule_groups(scheduler: Scheduler, call: Call, request: shapes.ListScheduleGroupsInput) -> dict[str, Any]:
    """List groups by name, the default one among them."""
    await scheduler.group(call.account_id, call.region, DEFAULT_GROUP)
    prefix = request.get("NamePrefix", "")
    within = (call.account_id, call.region)
    found, token = await read_page(scheduler.platform.store, GROUPS, within, request, lambda group: group.name.startswith(prefix))
    return {"ScheduleGroups": [_described(each) for each in found]} | ({} if token is None else {"NextToken": token})


@operations.serves("DeleteScheduleGroup")
async def delete_schedule_group(scheduler: Scheduler, call: Call, request: shapes.DeleteScheduleGroupInput) -> None:
    """Remove a group and its schedules, all at once."""
    if request["Name"] == DEFAULT_GROUP:
        raise invalid("The default schedule group cannot be deleted.")
    found = await scheduler.group(call.account_id, call.region, request["Name"])
    schedules = await read_all(scheduler.platform.store, SCHEDULES, found.key)
    writes: list[Write] = [GROUPS.delete(found.key, found.version), *(SCHEDULES.delete(each.key) for each in schedules)]
    if not await scheduler.try_commit(writes):
        raise busy()


@operations.serves("TagResource")
async def tag_resource(scheduler: Scheduler, call: Call, request: shapes.TagResourceInput) -> None:
    """Add tags to a group."""
    given = {each["Key"]: each["Value"] for each in request["Tags"]}
    await _change(scheduler, request["ResourceArn"], lambda tags: {**tags, **given})


@operations.serves("UntagResource")
async def untag_resource(scheduler: Scheduler, call: Call, request: shapes.UntagResourceInput) -> None:
    """Remove tags from a group."""
    keys = request["TagKeys"]
    await _change(scheduler, request["ResourceArn"], lambda tags: {key: value for key, value in tags.items() if key not in keys})


@operations.serves("ListTagsForResource")
async def list_tags_for_resource(scheduler: Scheduler, call: Call, request: shapes.ListTagsForResourceInput) -> dict[str, Any]:
    """Give a group's tags."""
    tags = (await scheduler.group(*_named_by(request["ResourceArn"]))).value.tags
    return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


async def _change(scheduler: Scheduler, arn: str, change: Callable[[dict[str, str]], dict[str, str]]) -> None:
    for _ in range(ATTEMPTS_MAX):
        found = await scheduler.group(*_named_by(arn))
        tags = change(found.value.tags)
        if len(tags) > TAGS_MAX:
            raise quota_exceeded()
        if await scheduler.try_commit([GROUPS.put(found.key, replace(found.value, tags=tags, modified=scheduler.now), found.version)]):
            return
    raise busy()


def _named_by(text: str) -> tuple[str, str, str]:
    try:
        arn = Arn.parse(text)
    except ValueError:
        raise invalid("Provided Arn is not in correct format.") from None
    kind, _, name = arn.resource.partition("/")
    if (arn.service, kind) != ("scheduler", "schedule-group"):
        raise not_found(f"Schedule group {text}")
    return arn.account_id, arn.region, name


def _described(group: Group) -> dict[str, Any]:
    return {
        "Arn": group.arn,
        "Name": group.name,
        "State": "ACTIVE",
        "CreationDate": moment(group.created),
        "LastModificationDate": moment(group.modified),
    }

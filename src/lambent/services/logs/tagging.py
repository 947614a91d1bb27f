"""Tags of log groups, in the old form (by name) and the new one (by ARN), and of destinations, by ARN."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from lambent.domain.call import Call
from lambent.domain.service import Operations
from lambent.services.logs.groups import change_group
from lambent.services.logs.identifiers import destination_by, tagged_by
from lambent.services.logs.policies import change_destination, find_destination
from lambent.services.logs.state import Logs
from lambent.services.logs.tags import merged_tags

if TYPE_CHECKING:
    from lambent.services.logs import _generated_shapes as shapes

operations: Operations[Logs] = Operations()


@operations.serves("TagLogGroup")
async def tag_log_group(logs: Logs, call: Call, request: shapes.TagLogGroupRequest) -> None:
    """Add tags to a group by name."""
    await _tag(logs, call, request["logGroupName"], request["tags"])


@operations.serves("TagResource")
async def tag_resource(logs: Logs, call: Call, request: shapes.TagResourceRequest) -> None:
    """Add tags to a group or a destination by ARN."""
    destination = destination_by(call, request["resourceArn"])
    if destination is not None:
        await change_destination(logs, call, destination, lambda found: replace(found, tags=merged_tags(found.tags, request["tags"])))
        return
    await _tag(logs, call, tagged_by(call, request["resourceArn"]), request["tags"])


@operations.serves("UntagLogGroup")
async def untag_log_group(logs: Logs, call: Call, request: shapes.UntagLogGroupRequest) -> None:
    """Remove tags from a group by name."""
    await _untag(logs, call, request["logGroupName"], request["tags"])


@operations.serves("UntagResource")
async def untag_resource(logs: Logs, call: Call, request: shapes.UntagResourceRequest) -> None:
    """Remove tags from a group or a destination by ARN."""
    destination = destination_by(call, request["resourceArn"])
    if destination is not None:
        await change_destination(logs, call, destination, lambda found: replace(found, tags=_left(found.tags, request["tagKeys"])))
        return
    await _untag(logs, call, tagged_by(call, request["resourceArn"]), request["tagKeys"])


@operations.serves("ListTagsLogGroup")
async def list_tags_log_group(logs: Logs, call: Call, request: shapes.ListTagsLogGroupRequest) -> shapes.ListTagsLogGroupResponse:
    """Return a group's tags by name."""
    return {"tags": (await logs.group(call, request["logGroupName"])).value.tags}


@operations.serves("ListTagsForResource")
async def list_tags_for_resource(logs: Logs, call: Call, request: shapes.ListTagsForResourceRequest) -> shapes.ListTagsForResourceResponse:
    """Return a group's or a destination's tags by ARN."""
    destination = destination_by(call, request["resourceArn"])
    if destination is not None:
        return {"tags": (await find_destination(logs, call, destination)).value.tags}
    return {"tags": (await logs.group(call, tagged_by(call, request["resourceArn"]))).value.tags}


async def _tag(logs: Logs, call: Call, name: str, tags: dict[str, str]) -> None:
    await change_group(logs, call, name, lambda group: replace(group, tags=merged_tags(group.tags, tags)))


async def _untag(logs: Logs, call: Call, name: str, keys: list[str]) -> None:
    await change_group(logs, call, name, lambda group: replace(group, tags=_left(group.tags, keys)))


def _left(tags: dict[str, str], keys: list[str]) -> dict[str, str]:
    return {key: value for key, value in tags.items() if key not in keys}

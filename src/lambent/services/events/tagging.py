"""Tags of buses and rules, by ARN."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from lambent.domain.call import Call
from lambent.domain.service import Operations
from lambent.services.events.context import Events
from lambent.services.events.names import bus_of_arn, rule_of_arn
from lambent.services.events.tags import from_list, merged, to_list

if TYPE_CHECKING:
    from lambent.services.events import _generated_shapes as shapes

operations: Operations[Events] = Operations()


@operations.serves("TagResource")
async def tag_resource(events: Events, call: Call, request: shapes.TagResourceRequest) -> None:
    """Add tags to a bus or a rule."""
    tags = from_list(request["Tags"])
    await _change(events, request["ResourceARN"], lambda old: merged(old, tags))


@operations.serves("UntagResource")
async def untag_resource(events: Events, call: Call, request: shapes.UntagResourceRequest) -> None:
    """Remove tags from a bus or a rule."""
    keys = request["TagKeys"]
    await _change(events, request["ResourceARN"], lambda old: {key: value for key, value in old.items() if key not in keys})


@operations.serves("ListTagsForResource")
async def list_tags_for_resource(events: Events, call: Call, request: shapes.ListTagsForResourceRequest) -> dict[str, Any]:
    """Give a bus's or a rule's tags."""
    rule = rule_of_arn(request["ResourceARN"])
    if rule is not None:
        return {"Tags": to_list((await events.rule(rule)).value.tags)}
    return {"Tags": to_list((await events.bus(bus_of_arn(request["ResourceARN"], "ResourceARN"))).value.tags)}


async def _change(events: Events, resource_arn: str, change: Callable[[dict[str, str]], dict[str, str]]) -> None:
    rule = rule_of_arn(resource_arn)
    if rule is not None:
        await events.change_rule(rule, lambda found: replace(found, tags=change(found.tags)), force=True)
        return
    await events.change_bus(bus_of_arn(resource_arn, "ResourceARN"), lambda found: replace(found, tags=change(found.tags)))

"""TagResource, UntagResource and ListTags."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from lambent.domain.call import Call
from lambent.domain.quotas import Quotas
from lambent.domain.service import Operations
from lambent.services.lambda_.context import Lambda
from lambent.services.lambda_.errors import invalid
from lambent.services.lambda_.names import FunctionRef
from lambent.services.lambda_.state import FUNCTIONS

if TYPE_CHECKING:
    from lambent.services.lambda_._generated_shapes import ListTagsRequest, ListTagsResponse, TagResourceRequest, UntagResourceRequest

operations: Operations[Lambda] = Operations()
_KEY_LENGTH_MAX, _VALUE_LENGTH_MAX = 128, 256


def check_tags(tags: Mapping[str, str], quotas: Quotas) -> None:
    """Raise ``InvalidParameterValueException`` for tags that AWS refuses."""
    if len(tags) > quotas.tags_max:
        raise invalid("Number of tags exceeds resource tag limit.")
    for key, value in tags.items():
        if not key or len(key) > _KEY_LENGTH_MAX or len(value) > _VALUE_LENGTH_MAX:
            raise invalid(f"A tag's key has 1 to {_KEY_LENGTH_MAX} characters, its value at most {_VALUE_LENGTH_MAX}: {key}")
        if key.lower().startswith("aws:"):
            raise invalid("Your tag key can't start with AWS reserved prefix aws:")


def _tagged(ctx: Lambda, call: Call, arn: str) -> FunctionRef:
    if ":function:" not in arn:
        raise invalid("Lambent keeps tags of functions only, so far. Please specify a function ARN.")
    ref = ctx.own_ref(call, arn)
    if ref.qualifier:
        raise invalid("Tags on function aliases and versions are not supported. Please specify a function ARN.")
    return ref


@operations.serves("TagResource")
async def tag_resource(ctx: Lambda, call: Call, request: TagResourceRequest) -> None:
    """Add tags, or change their values."""
    ref = _tagged(ctx, call, request["Resource"])
    if not request["Tags"]:
        raise invalid("An error occurred and the request cannot be processed.")
    async with ctx.catalogue.alone(ref.key):
        entry = await ctx.catalogue.get(ref)
        tags = entry.function.tags | request["Tags"]
        check_tags(tags, ctx.platform.quotas)
        await ctx.catalogue.commit(ref.key, [FUNCTIONS.put(ref.key, msgspec.structs.replace(entry.function, tags=tags))])


@operations.serves("UntagResource")
async def untag_resource(ctx: Lambda, call: Call, request: UntagResourceRequest) -> None:
    """Remove tags; those that aren't there don't matter."""
    ref = _tagged(ctx, call, request["Resource"])
    async with ctx.catalogue.alone(ref.key):
        entry = await ctx.catalogue.get(ref)
        tags = {key: value for key, value in entry.function.tags.items() if key not in request["TagKeys"]}
        await ctx.catalogue.commit(ref.key, [FUNCTIONS.put(ref.key, msgspec.structs.replace(entry.function, tags=tags))])


@operations.serves("ListTags")
async def list_tags(ctx: Lambda, call: Call, request: ListTagsRequest) -> ListTagsResponse:
    """Return a function's tags."""
    entry = await ctx.catalogue.get(_tagged(ctx, call, request["Resource"]))
    return {"Tags": entry.function.tags}

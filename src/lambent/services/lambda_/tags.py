"""TagResource, UntagResource and ListTags."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol, TypeAlias

import msgspec

from lambent.base.regexes import Regex
from lambent.domain.call import Call
from lambent.domain.mappings import EventSourceMapping
from lambent.domain.quotas import Quotas
from lambent.domain.service import Operations
from lambent.services.lambda_ import code_trust
from lambent.services.lambda_.context import Lambda
from lambent.services.lambda_.errors import invalid
from lambent.services.lambda_.state import FUNCTIONS, VERSIONS
from lambent.services.lambda_.transitions import version_key

if TYPE_CHECKING:
    from lambent.services.lambda_._generated_shapes import ListTagsRequest, ListTagsResponse, TagResourceRequest, UntagResourceRequest

operations: Operations[Lambda] = Operations()
_MAPPING = Regex(r"arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:event-source-mapping:(?P<uuid>[0-9a-fA-F-]{36})")
_KEY_LENGTH_MAX, _VALUE_LENGTH_MAX = 128, 256
_Change: TypeAlias = Callable[[dict[str, str]], dict[str, str]]


def check_tags(tags: Mapping[str, str], quotas: Quotas) -> None:
    """Raise ``InvalidParameterValueException`` for tags that AWS refuses."""
    if len(tags) > quotas.tags_max:
        raise invalid("Number of tags exceeds resource tag limit.")
    for key, value in tags.items():
        if not key or len(key) > _KEY_LENGTH_MAX or len(value) > _VALUE_LENGTH_MAX:
            raise invalid(f"A tag's key has 1 to {_KEY_LENGTH_MAX} characters, its value at most {_VALUE_LENGTH_MAX}: {key}")
        if key.lower().startswith("aws:"):
            raise invalid("Your tag key can't start with AWS reserved prefix aws:")


class _Tagged(Protocol):
    """Something that has tags."""

    async def tags(self) -> dict[str, str]:
        """Return the tags; ``ResourceNotFoundException`` when there is no such thing."""

    async def change(self, changed: _Change) -> None:
        """Put other tags in place of those there are."""


class _Function:
    def __init__(self, ctx: Lambda, call: Call, arn: str) -> None:
        self._ctx = ctx
        self._ref = ctx.own_ref(call, arn)
        if self._ref.qualifier:
            raise invalid("Tags on function aliases and versions are not supported. Please specify a function ARN.")

    async def tags(self) -> dict[str, str]:
        return (await self._ctx.catalogue.get(self._ref)).function.tags

    async def change(self, changed: _Change) -> None:
        key = self._ref.key
        async with self._ctx.catalogue.alone(key):
            entry = await self._ctx.catalogue.get(self._ref)
            function = msgspec.structs.replace(entry.function, tags=changed(entry.function.tags))
            latest = msgspec.structs.replace(entry.latest, revision_id=self._ctx.platform.ids.uuid())
            writes = [FUNCTIONS.put(key, function), VERSIONS.put(version_key(key, latest.version), latest)]
            await self._ctx.catalogue.commit(key, writes)


class _Mapping:
    def __init__(self, ctx: Lambda, call: Call, uuid: str) -> None:
        self._ctx = ctx
        self._call = call
        self._uuid = uuid

    async def tags(self) -> dict[str, str]:
        return await self._ctx.mappings.tags(await self._mapping())

    async def change(self, changed: _Change) -> None:
        async with self._ctx.mappings.alone():
            mapping = await self._mapping()
            await self._ctx.mappings.tag(mapping, changed(await self._ctx.mappings.tags(mapping)))

    async def _mapping(self) -> EventSourceMapping:
        return await self._ctx.mappings.find(self._call.account_id, self._call.region, self._uuid)


class _CodeSigning:
    def __init__(self, ctx: Lambda, call: Call, arn: str) -> None:
        self._ctx = ctx
        self._call = call
        self._arn = arn

    async def tags(self) -> dict[str, str]:
        return (await code_trust.existing(self._ctx, self._call, self._arn)).value.tags

    async def change(self, changed: _Change) -> None:
        await code_trust.change(self._ctx, self._call, self._arn, lambda config: {"tags": changed(config.tags)})


def _tagged(ctx: Lambda, call: Call, arn: str) -> _Tagged:
    """Return what an ARN means."""
    if mapping := _MAPPING.fullmatch(arn):
        return _Mapping(ctx, call, mapping["uuid"])
    if ":code-signing-config:" in arn:
        return _CodeSigning(ctx, call, arn)
    if ":function:" in arn:
        return _Function(ctx, call, arn)
    raise invalid("Lambent keeps tags of functions, event source mappings and code signing configurations only.")


@operations.serves("TagResource")
async def tag_resource(ctx: Lambda, call: Call, request: TagResourceRequest) -> None:
    """Add tags, or change their values."""
    tagged = _tagged(ctx, call, request["Resource"])
    if not request["Tags"]:
        raise invalid("An error occurred and the request cannot be processed.")

    def changed(tags: dict[str, str]) -> dict[str, str]:
        check_tags(tags | request["Tags"], ctx.platform.quotas)
        return tags | request["Tags"]

    await tagged.change(changed)


@operations.serves("UntagResource")
async def untag_resource(ctx: Lambda, call: Call, request: UntagResourceRequest) -> None:
    """Remove tags; those that aren't there don't matter."""
    gone = set(request["TagKeys"])
    await _tagged(ctx, call, request["Resource"]).change(lambda tags: {key: tags[key] for key in tags if key not in gone})


@operations.serves("ListTags")
async def list_tags(ctx: Lambda, call: Call, request: ListTagsRequest) -> ListTagsResponse:
    """Return the tags of a function, a mapping or a code signing configuration."""
    return {"Tags": await _tagged(ctx, call, request["Resource"]).tags()}

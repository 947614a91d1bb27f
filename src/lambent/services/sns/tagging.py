"""Tags of topics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from lambent.domain.call import Call
from lambent.domain.errors import AwsError
from lambent.domain.service import Operations
from lambent.services.sns.arns import TopicKey, topic_key
from lambent.services.sns.catalogue import Entry
from lambent.services.sns.context import Sns
from lambent.services.sns.errors import invalid, resource_not_found
from lambent.services.sns.state import TOPICS, Topic

if TYPE_CHECKING:
    from lambent.services.sns import _generated_shapes as shapes

operations: Operations[Sns] = Operations()
_TAGS_MAX: Final = 50


def tags_of(given: Sequence[shapes.Tag]) -> dict[str, str]:
    """Return the tags as a mapping; ``InvalidParameter`` for a key that comes twice or that AWS keeps to itself."""
    tags = {each["Key"]: each["Value"] for each in given}
    if len(tags) < len(given):
        raise invalid("Duplicated keys are not allowed.")
    if any(key.lower().startswith("aws:") for key in tags):
        raise invalid("Tag keys may not start with aws:")
    if len(tags) > _TAGS_MAX:
        raise _too_many()
    return tags


@operations.serves("TagResource")
async def tag_resource(sns: Sns, call: Call, request: shapes.TagResourceRequest) -> None:
    """Add tags, or give those that are there other values."""
    tags = tags_of(request["Tags"])
    key = _key(call, request["ResourceArn"])
    async with sns.topics.alone(key):
        topic = await _topic(sns, key)
        merged = {**topic.tags, **tags}
        if len(merged) > _TAGS_MAX:
            raise _too_many()
        await _retag(sns, topic, merged)


@operations.serves("UntagResource")
async def untag_resource(sns: Sns, call: Call, request: shapes.UntagResourceRequest) -> None:
    """Remove tags."""
    key = _key(call, request["ResourceArn"])
    async with sns.topics.alone(key):
        topic = await _topic(sns, key)
        await _retag(sns, topic, {name: value for name, value in topic.tags.items() if name not in request["TagKeys"]})


@operations.serves("ListTagsForResource")
async def list_tags_for_resource(sns: Sns, call: Call, request: shapes.ListTagsForResourceRequest) -> shapes.ListTagsForResourceResponse:
    """Return a topic's tags."""
    topic = await _topic(sns, _key(call, request["ResourceArn"]))
    return {"Tags": [{"Key": key, "Value": value} for key, value in topic.tags.items()]}


def _key(call: Call, arn: str) -> TopicKey:
    key = topic_key(arn, call.region, "ResourceArn")
    if key[0] != call.account_id:
        raise resource_not_found()
    return key


async def _topic(sns: Sns, key: TopicKey) -> Topic:
    entry = await sns.topics.find(key)
    if entry is None:
        raise resource_not_found()
    return entry.topic


async def _retag(sns: Sns, topic: Topic, tags: Mapping[str, str]) -> None:
    changed = replace(topic, tags=dict(tags))

    def apply(entry: Entry) -> None:
        entry.topic = changed

    await sns.topics.commit(topic.key, [TOPICS.put(topic.key, changed)], apply)


def _too_many() -> AwsError:
    return AwsError("TagLimitExceeded", "Could not complete request: tag quota of per resource exceeded")

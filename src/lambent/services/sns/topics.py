"""Topics: create, delete, list, and their attributes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from lambent.domain.call import Call
from lambent.domain.errors import AwsError, NotImplementedHere
from lambent.domain.service import Operations
from lambent.domain.storage import ABSENT, Write
from lambent.services.sns import access, topic_attributes
from lambent.services.sns.archives import OLD_ARCHIVES
from lambent.services.sns.arns import topic_key
from lambent.services.sns.catalogue import Entry
from lambent.services.sns.context import Sns
from lambent.services.sns.errors import invalid
from lambent.services.sns.fifo import forgotten
from lambent.services.sns.paging import page
from lambent.services.sns.replays import REPLAYS
from lambent.services.sns.state import OWNED, SUBSCRIPTIONS, TOPICS, Topic
from lambent.services.sns.tagging import tags_of

if TYPE_CHECKING:
    from lambent.services.sns import _generated_shapes as shapes

operations: Operations[Sns] = Operations()


@operations.serves("CreateTopic")
async def create_topic(sns: Sns, call: Call, request: shapes.CreateTopicInput) -> shapes.CreateTopicResponse:
    """Create a topic; one that is there already, and no different, is just named."""
    given = request.get("Attributes", {})
    topic_attributes.check_name(request["Name"], given)
    if request.get("DataProtectionPolicy"):
        raise NotImplementedHere("sns", "CreateTopic", "Data protection policies are not enforced.")
    tags = tags_of(request.get("Tags", []))
    fifo = request["Name"].endswith(".fifo")
    topic = Topic(
        account_id=call.account_id,
        region=call.region,
        name=request["Name"],
        attributes=topic_attributes.checked_all(given, fifo=fifo),
        tags=tags,
    )
    topic = replace(topic, **_archive(sns, topic))
    async with sns.topics.alone(topic.key):
        entry = await sns.topics.find(topic.key)
        if entry is None:
            await sns.topics.commit(topic.key, [TOPICS.put(topic.key, topic, ABSENT)])
        else:
            _check_same(entry.topic, topic)
    return {"TopicArn": topic.arn}


def _archive(sns: Sns, topic: Topic) -> dict[str, Any]:
    """Return what is known of the topic's archive: a new one, when there is none and its policy asks for one."""
    if "ArchivePolicy" not in topic.attributes:
        return {"archive": "", "archived_since": 0.0}
    if topic.archive:
        return {}
    return {"archive": sns.platform.ids.hex(12), "archived_since": sns.platform.clock.now()}


def _check_same(there: Topic, wanted: Topic) -> None:
    if not wanted.tags.items() <= there.tags.items():
        raise invalid("Tags Reason: Topic already exists with different tags")
    if topic_attributes.differs(there, wanted.attributes):
        raise invalid("Attributes Reason: Topic already exists with different attributes")


@operations.serves("DeleteTopic")
async def delete_topic(sns: Sns, call: Call, request: shapes.DeleteTopicInput) -> None:
    """Remove a topic and its subscriptions, all at once; nothing happens when it isn't there."""
    key = topic_key(request["TopicArn"], call.region)
    async with sns.topics.alone(key):
        entry = await sns.topics.find(key)
        if entry is None:
            return
        access.check(entry.topic, call)
        if entry.topic.archive:
            raise AwsError("InvalidState", "Invalid state: Cannot delete a topic with an ArchivePolicy")
        writes: list[Write] = [TOPICS.delete(key)]
        for each in entry.subscriptions.values():
            writes += [SUBSCRIPTIONS.delete(each.key), OWNED.delete(each.owned), REPLAYS.delete(each.key)]
        if entry.topic.fifo:
            writes += await forgotten(sns.platform.store, key)
        await sns.topics.commit(key, writes)
        sns.fifo.forget(key)


@operations.serves("ListTopics")
async def list_topics(sns: Sns, call: Call, request: shapes.ListTopicsInput) -> shapes.ListTopicsResponse:
    """Return the account's topics, a page at a time."""
    found, token = await page(sns.platform.store, TOPICS, (call.account_id, call.region), request.get("NextToken"))
    response: shapes.ListTopicsResponse = {"Topics": [{"TopicArn": each.value.arn} for each in found]}
    if token is not None:
        response["NextToken"] = token
    return response


@operations.serves("GetTopicAttributes")
async def get_topic_attributes(sns: Sns, call: Call, request: shapes.GetTopicAttributesInput) -> shapes.GetTopicAttributesResponse:
    """Return a topic's attributes."""
    return {"Attributes": topic_attributes.shown(await sns.topic(call, request["TopicArn"]), sns.platform.clock.now())}


@operations.serves("SetTopicAttributes")
async def set_topic_attributes(sns: Sns, call: Call, request: shapes.SetTopicAttributesInput) -> None:
    """Set one attribute, or take it back with an empty value."""
    name, value = request["AttributeName"], request.get("AttributeValue", "")
    key = topic_key(request["TopicArn"], call.region)
    async with sns.topics.alone(key):
        entry = await sns.topic(call, request["TopicArn"])
        topic = entry.topic
        kept = topic_attributes.checked(name, value, fifo=topic.fifo)
        others = {each: text for each, text in topic.attributes.items() if each != name}
        changed = replace(topic, attributes=others | {name: kept} if kept else others)
        changed = replace(changed, **_archive(sns, changed))
        gone = [OLD_ARCHIVES.put((topic.archive,), "")] if topic.archive and not changed.archive else []
        await change_topic(sns, changed, gone)


async def change_topic(sns: Sns, topic: Topic, more: Sequence[Write] = ()) -> None:
    """Replace a topic's document, and commit ``more`` with it; the caller is alone with it."""

    def apply(entry: Entry) -> None:
        entry.topic = topic

    await sns.topics.commit(topic.key, [TOPICS.put(topic.key, topic), *more], apply)


@operations.serves("GetDataProtectionPolicy")
async def get_data_protection_policy(
    sns: Sns, call: Call, request: shapes.GetDataProtectionPolicyInput
) -> shapes.GetDataProtectionPolicyResponse:
    """Return the topic's data protection policy: there is none."""
    await sns.topic(call, request["ResourceArn"], "ResourceArn")
    return {"DataProtectionPolicy": ""}


@operations.serves("PutDataProtectionPolicy")
async def put_data_protection_policy(sns: Sns, call: Call, request: shapes.PutDataProtectionPolicyInput) -> None:
    """Take back the policy with an empty text; others are refused, since they would not be enforced."""
    await sns.topic(call, request["ResourceArn"], "ResourceArn")
    if request["DataProtectionPolicy"]:
        raise NotImplementedHere("sns", "PutDataProtectionPolicy", "Data protection policies are not enforced.")


@operations.serves("AddPermission")
async def add_permission(sns: Sns, call: Call, request: shapes.AddPermissionInput) -> None:
    """Add a statement that lets accounts do some operations."""
    key = topic_key(request["TopicArn"], call.region)
    async with sns.topics.alone(key):
        topic = (await sns.topic(call, request["TopicArn"])).topic
        policy = access.policy_of(topic)
        await change_topic(sns, access.with_policy(topic, access.added(policy, topic, request)))


@operations.serves("RemovePermission")
async def remove_permission(sns: Sns, call: Call, request: shapes.RemovePermissionInput) -> None:
    """Remove a statement."""
    key = topic_key(request["TopicArn"], call.region)
    async with sns.topics.alone(key):
        topic = (await sns.topic(call, request["TopicArn"])).topic
        policy = access.policy_of(topic)
        left = [each for each in policy["Statement"] if each.get("Sid") != request["Label"]]
        await change_topic(sns, access.with_policy(topic, {**policy, "Statement": left}))

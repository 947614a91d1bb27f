"""Tags of queues."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from lambent.domain.call import Call
from lambent.domain.errors import AwsError
from lambent.domain.service import Operations
from lambent.services.sqs.context import Sqs
from lambent.services.sqs.errors import invalid, missing
from lambent.services.sqs.state import Queue

if TYPE_CHECKING:
    from lambent.services.sqs import _generated_shapes as shapes

operations: Operations[Sqs] = Operations()
TAGS_MAX = 50
_KEY_MAX = 128


@operations.serves("TagQueue")
async def tag_queue(sqs: Sqs, call: Call, request: shapes.TagQueueRequest) -> None:
    """Add tags to a queue, over those of the same keys."""
    if not request["Tags"]:
        raise missing("Tags")
    await sqs.change(call, request["QueueUrl"], lambda queue: _tagged(queue, {**queue.tags, **request["Tags"]}))


@operations.serves("UntagQueue")
async def untag_queue(sqs: Sqs, call: Call, request: shapes.UntagQueueRequest) -> None:
    """Remove tags from a queue."""
    gone = set(request["TagKeys"])
    if not gone or any(not 1 <= len(key) <= _KEY_MAX for key in gone):
        raise _bad_key()
    await sqs.change(
        call, request["QueueUrl"], lambda queue: replace(queue, tags={key: each for key, each in queue.tags.items() if key not in gone})
    )


@operations.serves("ListQueueTags")
async def list_queue_tags(sqs: Sqs, call: Call, request: shapes.ListQueueTagsRequest) -> shapes.ListQueueTagsResult:
    """Return a queue's tags."""
    tags = (await sqs.queue(call, request["QueueUrl"])).tags
    return {"Tags": tags} if tags else {}


def check_tags(name: str, tags: dict[str, str]) -> None:
    """Raise AWS's ``InvalidParameterValue`` for tags that the queue of that name may not have."""
    if any(not 1 <= len(key) <= _KEY_MAX for key in tags):
        raise _bad_key()
    if any(len(value) > 256 for value in tags.values()):
        raise invalid("Tag values must be between 0 and 256 characters in length.")
    if any(key.lower().startswith("aws:") for key in tags):
        raise invalid("Tag keys must not start with aws:.")
    if len(tags) > TAGS_MAX:
        raise invalid(f"Too many tags added for queue {name}.")


def _bad_key() -> AwsError:
    return invalid(f"Tag keys must be between 1 and {_KEY_MAX} characters in length.")


def _tagged(queue: Queue, tags: dict[str, str]) -> Queue:
    check_tags(queue.name, tags)
    return replace(queue, tags=tags)

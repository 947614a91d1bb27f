"""What SNS's operations and workers share."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from lambent.domain.call import Call
from lambent.domain.ports import Outside, Platform
from lambent.domain.storage import Write
from lambent.engine.delivery.fair_worker import FairWorker
from lambent.services.sns import access
from lambent.services.sns.arns import TopicKey, topic_key
from lambent.services.sns.catalogue import Entry, Topics
from lambent.services.sns.errors import topic_not_found
from lambent.services.sns.fifo import FifoTopics
from lambent.services.sns.signing import Signer


class Sns(msgspec.Struct, frozen=True):
    """The context of SNS's operations."""

    platform: Platform
    topics: Topics
    fifo: FifoTopics
    signer: Signer
    outside: Outside
    webhooks: FairWorker

    async def commit(self, writes: Sequence[Write]) -> None:
        """Commit; what is for webhooks is on its way at once."""
        await self.platform.store.commit(writes)
        self.webhooks.touched(writes)

    async def topic(self, call: Call, arn: str, parameter: str = "TopicArn") -> Entry:
        """Return the topic that an ARN names, when the caller may do the operation on it."""
        entry = await self.known(topic_key(arn, call.region, parameter))
        access.check(entry.topic, call)
        return entry

    async def known(self, key: TopicKey) -> Entry:
        """Return a topic; ``NotFound`` when it isn't there."""
        entry = await self.topics.find(key)
        if entry is None:
            raise topic_not_found()
        return entry

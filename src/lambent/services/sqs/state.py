"""The documents of Amazon SQS and the context of its operations.

A message is two documents: what was sent (written once) and where it stands (small, written again with each receive). Both are kept under
the queue's *mailbox*, ``<id>.<epoch>``: purging a queue gives it a new epoch, so that its messages are gone at once however many there
were; ``housekeeping`` sweeps what is left of the old mailbox.
"""

from __future__ import annotations

import msgspec

from lambent.domain.arns import arn
from lambent.domain.documents import Table
from lambent.services.sqs.attributes import DEFAULTS, FIFO_DEFAULTS
from lambent.services.sqs.digests import Attribute
from lambent.services.sqs.letters import Letter
from lambent.services.sqs.names import FIFO_SUFFIX, QueueRef


class Queue(msgspec.Struct, frozen=True, kw_only=True):
    """A queue. ``attributes`` holds what was set, as AWS's texts; what wasn't set has AWS's default."""

    id: str  #: ours; a queue of the same name that is created later has another
    name: str
    account_id: str
    region: str
    created_s: int  #: seconds since 1970
    modified_s: int
    epoch: int = 0  #: how often it was purged
    purged: float = 0.0  #: when it was purged last, seconds since 1970
    attributes: dict[str, str] = {}
    tags: dict[str, str] = {}

    @property
    def ref(self) -> QueueRef:
        """The document's key."""
        return QueueRef(self.account_id, self.region, self.name)

    @property
    def arn(self) -> str:
        """The queue's ARN."""
        return arn("sqs", self.region, self.account_id, self.name)

    @property
    def fifo(self) -> bool:
        """Whether it is a FIFO queue."""
        return self.name.endswith(FIFO_SUFFIX)

    @property
    def mailbox(self) -> str:
        """Under what its messages are kept."""
        return f"{self.id}.{self.epoch}"

    def number(self, attribute: str) -> int:
        """Return the value of an attribute that is a number."""
        return int(self.attributes.get(attribute) or DEFAULTS[attribute])

    def text(self, attribute: str) -> str:
        """Return the value of an attribute, empty when it has none."""
        return self.attributes.get(attribute) or FIFO_DEFAULTS.get(attribute, "")

    def shown(self) -> dict[str, str]:
        """Return the attributes as AWS shows them, without the counts of messages."""
        found = {
            "QueueArn": self.arn,
            "CreatedTimestamp": str(self.created_s),
            "LastModifiedTimestamp": str(self.modified_s),
            **{name: value for name, value in DEFAULTS.items() if name != "KmsDataKeyReusePeriodSeconds"},
            **({"FifoQueue": "true", **FIFO_DEFAULTS} if self.fifo else {}),
            "SqsManagedSseEnabled": "false" if "KmsMasterKeyId" in self.attributes else "true",
            **self.attributes,
        }
        if "KmsMasterKeyId" in found:
            found.setdefault("KmsDataKeyReusePeriodSeconds", DEFAULTS["KmsDataKeyReusePeriodSeconds"])
        return found

    def switched_on(self, attribute: str) -> bool:
        """Return whether an attribute is ``true``."""
        return self.text(attribute) == "true"


class Sent(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """A message as it was sent."""

    message_id: str
    body: str
    sent_ms: int  #: milliseconds since 1970; retention counts from here, also after a move to a dead-letter queue
    sender_id: str
    attributes: dict[str, Attribute] = {}
    trace_header: str = ""
    group_id: str | None = None
    deduplication_id: str | None = None
    dead_letter_source: str = ""  #: ARN of the queue that it was moved from
    receives_before: int = 0  #: how often it was received there
    first_received_ms: int = 0  #: when it was received there first


class Standing(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """Where a message stands: what of it must be known to give it, or not, to a receiver. Times are in milliseconds since 1970."""

    due_ms: int  #: when its delay ends
    group: str = ""
    receives: int = 0
    first_received_ms: int = 0
    nonce: str = ""
    until_ms: int = 0

    @classmethod
    def of(cls, letter: Letter) -> Standing:
        """Return the standing of a message that was received."""
        return cls(0, letter.group, letter.receives, letter.first_received_ms, letter.nonce, letter.until_ms)

    def letter(self, sequence: int) -> Letter:
        """Return what ``of`` was given."""
        return Letter(sequence, self.group, self.receives, self.first_received_ms, self.nonce, self.until_ms)


class Duplicate(msgspec.Struct, frozen=True, array_like=True):
    """A deduplication id that was used."""

    message_id: str
    sequence: int
    sent_ms: int


RUNNING, COMPLETED, CANCELLING, CANCELLED, FAILED = "RUNNING", "COMPLETED", "CANCELLING", "CANCELLED", "FAILED"


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """A message-move task."""

    task_id: str
    source_arn: str
    destination_arn: str | None  #: ``None``: where each message came from
    rate: int | None  #: messages per second
    to_move: int  #: messages that were there when it began
    started_ms: int  #: milliseconds since 1970
    moved: int = 0
    status: str = RUNNING
    failure: str = ""


queues: Table[Queue] = Table("sqs.queues", Queue)
sents: Table[Sent] = Table("sqs.sent", Sent)  #: by (mailbox, sequence)
standings: Table[Standing] = Table("sqs.standings", Standing)  #: by (mailbox, sequence)
duplicates: Table[Duplicate] = Table("sqs.duplicates", Duplicate)  #: by (mailbox, message group or nothing, deduplication id)
freed: Table[float] = Table("sqs.freed", float)  #: names of deleted queues, by the queue's key: when they were deleted
moves: Table[Move] = Table("sqs.moves", Move)  #: by (the source queue's key, started_ms, task id)
old_mailboxes: Table[str] = Table("sqs.old_mailboxes", str)  #: by (mailbox,): what must be swept

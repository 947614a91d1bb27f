"""The documents of CloudWatch Logs and the context of its operations.

A stream's events are one ``Log`` of the store, in the order of their arrival, each record's time being the event's timestamp. Streams
are kept under their group's id and events under their stream's id, so a group or stream that is created anew never shows old events.
"""

from __future__ import annotations

from typing import Any

import msgspec

from lambent.domain.arns import arn
from lambent.domain.call import Call
from lambent.domain.documents import Found, Table
from lambent.domain.ports import Platform
from lambent.domain.storage import Key
from lambent.services.logs.errors import group_not_found, stream_not_found
from lambent.services.logs.tail import Audience

DAY_MS = 86_400_000


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """A subscription filter of a group."""

    name: str
    pattern: str
    destination_arn: str  #: as it was given
    target_arn: str  #: of the function or stream that it means
    role_arn: str
    distribution: str
    created_ms: int


class MetricFilter(msgspec.Struct, frozen=True, kw_only=True):
    """A metric filter of a group."""

    name: str
    pattern: str
    transformations: list[dict[str, Any]]  #: as in the API
    created_ms: int


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """A log group. Times are in milliseconds since 1970."""

    id: str  #: ours; a group of the same name that is created later has another
    name: str
    account_id: str
    region: str
    created_ms: int
    group_class: str = "STANDARD"
    kms_key_id: str | None = None
    retention_days: int | None = None  #: ``None``: events never expire
    deletion_protected: bool = False
    stored_bytes: int = 0  #: as of the last housekeeping; AWS's figure lags as well
    tags: dict[str, str] = {}
    subscriptions: dict[str, Subscription] = {}  #: by name; here, so that a write to the group need not look for them
    metric_filters: dict[str, MetricFilter] = {}  #: by name

    @property
    def key(self) -> Key:
        """The document's key."""
        return (self.account_id, self.region, self.name)

    @property
    def arn(self) -> str:
        """The group's ARN, without AWS's trailing ``:*``."""
        return arn("logs", self.region, self.account_id, f"log-group:{self.name}")

    def expired_before_ms(self, now_ms: int) -> int:
        """Return the time before which events have expired; 0 when they never do."""
        return 0 if self.retention_days is None else now_ms - self.retention_days * DAY_MS


class Stream(msgspec.Struct, frozen=True, kw_only=True):
    """A log stream. Times are in milliseconds since 1970."""

    id: str
    group_id: str
    name: str
    created_ms: int
    first_event_ms: int | None = None  #: of all events that ever arrived
    last_event_ms: int | None = None
    last_ingestion_ms: int | None = None
    disorder_ms: int = 0  #: by how much at most an event's timestamp lies before that of one that arrived earlier
    stored_bytes: int = 0
    last_sequence: int = 0  #: of the newest event

    @property
    def key(self) -> Key:
        """The document's key."""
        return (self.group_id, self.name)

    @property
    def log(self) -> str:
        """The name of the store's log that holds the events."""
        return f"logs.events/{self.id}"

    def event_id(self, time_ms: int, sequence: int) -> str:
        """Return an event's id: 56 digits like AWS's, unique among all events."""
        return f"{time_ms:014d}{int(self.id[:16], 16):020d}{sequence:022d}"


class Event(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A log event as the store keeps it; its timestamp is the record's time."""

    ingested_ms: int
    message: str


class ResourcePolicy(msgspec.Struct, frozen=True, kw_only=True):
    """A policy of an account and region."""

    name: str
    document: str  #: JSON
    updated_ms: int


class Destination(msgspec.Struct, frozen=True, kw_only=True):
    """A name under which others reach a stream."""

    name: str
    target_arn: str
    role_arn: str
    created_ms: int
    policy: str = ""  #: JSON
    tags: dict[str, str] = {}


groups: Table[Group] = Table("logs.groups", Group)
streams: Table[Stream] = Table("logs.streams", Stream)
policies: Table[ResourcePolicy] = Table("logs.policies", ResourcePolicy)
destinations: Table[Destination] = Table("logs.destinations", Destination)
encode_event = msgspec.msgpack.Encoder().encode
decode_event = msgspec.msgpack.Decoder(Event).decode


class Logs(msgspec.Struct, frozen=True):
    """What the operations work with."""

    platform: Platform
    audience: Audience

    def now_ms(self) -> int:
        """Return the time in milliseconds since 1970."""
        return int(self.platform.clock.now() * 1000)

    async def group(self, call: Call, name: str) -> Found[Group]:
        """Return the caller's group; AWS's ``ResourceNotFoundException`` when there is none."""
        found = await groups.get(self.platform.store, (call.account_id, call.region, name))
        if found is None:
            raise group_not_found()
        return found

    async def stream(self, group: Group, name: str) -> Found[Stream]:
        """Return the group's stream; AWS's ``ResourceNotFoundException`` when there is none."""
        found = await streams.get(self.platform.store, (group.id, name))
        if found is None:
            raise stream_not_found()
        return found

    async def streams_of(self, group_id: str, prefix: str = "") -> list[Stream]:
        """Return every stream of a group whose name begins with ``prefix``, by name."""
        found: list[Stream] = []
        start: Key | None = (group_id, prefix)
        after: Key | None = None
        while True:
            page = await streams.range(self.platform.store, (group_id,), start=start, after=after)
            for each in page:
                if not each.value.name.startswith(prefix):
                    return found
                found.append(each.value)
            if len(page) < 1000:
                return found
            start, after = None, page[-1].key

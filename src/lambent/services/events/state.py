"""EventBridge's documents. Times are in seconds since 1970; what the wire calls a structure is kept as the wire has it."""

from __future__ import annotations

from typing import Any

import msgspec

from lambent.domain.arns import arn
from lambent.domain.documents import Table
from lambent.services.events.names import DEFAULT_BUS, BusRef, RuleRef


class Bus(msgspec.Struct, frozen=True, kw_only=True):
    """An event bus."""

    account_id: str
    region: str
    name: str
    created: float
    modified: float
    description: str = ""
    kms_key: str = ""
    dead_letter: dict[str, Any] = {}
    log_config: dict[str, Any] = {}
    statements: list[dict[str, Any]] = []  #: of its resource policy
    tags: dict[str, str] = {}

    @property
    def ref(self) -> BusRef:
        """What names it."""
        return BusRef(self.account_id, self.region, self.name)


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """A rule with its targets."""

    account_id: str
    region: str
    bus: str
    name: str
    pattern: str | None = None  #: JSON, as it was given
    schedule: str | None = None
    state: str = "ENABLED"
    description: str = ""
    role_arn: str = ""
    created_by: str = ""  #: account id
    anchor: float = 0.0  #: from when a rate counts: since it was last given or enabled
    targets: dict[str, dict[str, Any]] = {}  #: by id, in the order of their first appearance
    tags: dict[str, str] = {}
    managed_by: str = ""  #: the AWS service whose rule it is, such as archives'; such a rule is shown, and matches nothing

    @property
    def ref(self) -> RuleRef:
        """What names it."""
        return RuleRef(self.account_id, self.region, self.bus, self.name)

    @property
    def is_enabled(self) -> bool:
        """Whether it does anything."""
        return self.state != "DISABLED"


class Archive(msgspec.Struct, frozen=True, kw_only=True):
    """An archive: the description of a ``Log`` of events."""

    id: str  #: ours; an archive of the same name that is created later has another
    account_id: str
    region: str
    name: str
    bus: str
    created: float
    description: str = ""
    pattern: str | None = None
    retention_days: int = 0  #: 0: for ever
    kms_key: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """The document's key."""
        return (self.account_id, self.region, self.name)

    @property
    def arn(self) -> str:
        """The archive's ARN."""
        return arn("events", self.region, self.account_id, f"archive/{self.name}")

    @property
    def log(self) -> str:
        """The store's log that holds its events."""
        return f"events.archive/{self.id}"


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """A replay and how far it has come."""

    account_id: str
    region: str
    name: str
    archive_arn: str
    log: str  #: the archive's
    bus: str
    filter_arns: list[str]  #: rules; none means all
    description: str
    begin: float  #: events from here on …
    end: float  #: … up to, not including, here
    started: float
    state: str = "STARTING"
    position: int = 0  #: sequence number of the last record that was dealt with
    last_replayed: float | None = None  #: time of the last event that was replayed
    finished: float | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        """The document's key."""
        return (self.account_id, self.region, self.name)

    @property
    def arn(self) -> str:
        """The replay's ARN."""
        return arn("events", self.region, self.account_id, f"replay/{self.name}")

    @property
    def is_active(self) -> bool:
        """Whether it still goes on."""
        return self.state in ("STARTING", "RUNNING", "CANCELLING")


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """A connection or an API destination."""

    account_id: str
    region: str
    name: str
    arn: str
    created: float
    modified: float
    state: str
    settings: dict[str, Any]  #: the create request's members, secrets included
    secret_arn: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """The document's key."""
        return (self.account_id, self.region, self.name)


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """An event on its way to a target, in the queue ``DELIVERIES`` or ``HTTP_DELIVERIES``."""

    rule: tuple[str, str, str, str]  #: a ``RuleRef``
    target: dict[str, Any]  #: as it was when the event came
    event: bytes  #: JSON
    ingested: float
    attempts: int = 0  #: that failed
    hops: int = 0  #: buses that it has passed before this one
    trace_header: str = ""


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """An event on its way to a dead-letter queue, in the queue ``DEAD_LETTERS``."""

    rule: tuple[str, str, str, str]
    queue_arn: str
    body: bytes
    attributes: dict[str, str]
    failures: int = 0


BUSES = Table("events.buses", Bus)  #: (account, region, name)
RULES = Table("events.rules", Rule)  #: (account, region, bus, name)
ARCHIVES = Table("events.archives", Archive)
REPLAYS = Table("events.replays", Replay)
CONNECTIONS = Table("events.connections", Named)
DESTINATIONS = Table("events.destinations", Named)

DELIVERIES = "events.deliveries"
HTTP_DELIVERIES = "events.http_deliveries"  #: to API destinations: a host that doesn't answer holds up none of the others
DEAD_LETTERS = "events.dead_letters"
SCHEDULES = "events.schedules"  #: one message per enabled rule with a schedule, due when the rule is
REPLAYING = "events.replaying"  #: one message per active replay

__all__ = ["DEFAULT_BUS", "Archive", "Bus", "DeadLetter", "Delivery", "Named", "Replay", "Rule"]

"""EventBridge Scheduler's documents and the context of its operations. Times are in seconds since 1970."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from lambent.domain.arns import arn
from lambent.domain.documents import Found, Table
from lambent.domain.errors import Conflict
from lambent.domain.ports import Platform, Roles
from lambent.domain.storage import ABSENT, Key, Write
from lambent.services.scheduler.errors import invalid, not_found

DEFAULT_GROUP = "default"
ATTEMPTS_MAX = 20
"""How often a change is made anew when other requests come between."""

TICKETS = "scheduler.tickets"  #: one message per schedule that has a next time
INVOCATIONS = "scheduler.invocations"
DEAD_LETTERS = "scheduler.dead_letters"


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """A schedule group."""

    account_id: str
    region: str
    name: str
    created: float
    modified: float
    token: str = ""  #: the create request's ``ClientToken``
    tags: dict[str, str] = {}

    @property
    def key(self) -> Key:
        """The document's key."""
        return (self.account_id, self.region, self.name)

    @property
    def arn(self) -> str:
        """The group's ARN."""
        return arn("scheduler", self.region, self.account_id, f"schedule-group/{self.name}")


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """A schedule."""

    account_id: str
    region: str
    group: str
    name: str
    created: float
    modified: float
    expression: str
    target: dict[str, Any]  #: as the wire has it, its retry policy filled in
    window: dict[str, Any]  #: ``FlexibleTimeWindow``
    zone: str = "UTC"
    state: str = "ENABLED"
    begin: float | None = None
    end: float | None = None
    description: str = ""
    kms_key: str = ""
    after_completion: str = "NONE"
    token: str = ""

    @property
    def key(self) -> Key:
        """The document's key."""
        return (self.account_id, self.region, self.group, self.name)

    @property
    def arn(self) -> str:
        """The schedule's ARN."""
        return arn("scheduler", self.region, self.account_id, f"schedule/{self.group}/{self.name}")


class Ticket(msgspec.Struct, frozen=True, array_like=True):
    """The next time of a schedule, in the queue ``TICKETS``. It holds for the schedule as it was modified then."""

    key: tuple[str, str, str, str]
    modified: float
    scheduled: float


class Invocation(msgspec.Struct, frozen=True, kw_only=True):
    """A schedule's target, to be told."""

    schedule_arn: str
    account_id: str
    region: str
    target: dict[str, Any]
    scheduled: float
    execution_id: str
    attempts: int = 0  #: that failed


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """What a target was not told, on its way to a dead-letter queue."""

    schedule_arn: str
    queue_arn: str
    role_arn: str
    body: str
    attributes: dict[str, str]
    failures: int = 0


PRINCIPAL = "scheduler.amazonaws.com"
GROUPS = Table("scheduler.groups", Group)
SCHEDULES = Table("scheduler.schedules", Schedule)


class Scheduler(msgspec.Struct, frozen=True):
    """The context of the Scheduler's operations."""

    platform: Platform
    roles: Roles

    @property
    def now(self) -> float:
        """The time in seconds since 1970."""
        return self.platform.clock.now()

    async def group(self, account_id: str, region: str, name: str) -> Found[Group]:
        """Return a group; the default one is there in every account and region."""
        key = (account_id, region, name)
        found = await GROUPS.get(self.platform.store, key)
        if found is None and name == DEFAULT_GROUP:
            group = Group(account_id=account_id, region=region, name=name, created=self.now, modified=self.now)
            await self.try_commit([GROUPS.put(key, group, ABSENT)])
            found = await GROUPS.get(self.platform.store, key)
        if found is None:
            raise not_found(f"Schedule group {name}")
        return found

    async def check_role(self, schedule: Schedule, group: Group) -> None:
        """Raise ``ValidationException`` unless the target's role lets the Scheduler act as it, for schedules of the group."""
        if not await self.roles.is_assumable(schedule.target["RoleArn"], PRINCIPAL, group.arn):
            raise invalid("The execution role you provide must allow AWS EventBridge Scheduler to assume the role.")

    async def schedule(self, account_id: str, region: str, group: str, name: str) -> Found[Schedule]:
        """Return a schedule."""
        await self.group(account_id, region, group)
        found = await SCHEDULES.get(self.platform.store, (account_id, region, group, name))
        if found is None:
            raise not_found(f"Schedule {name}")
        return found

    async def try_commit(self, writes: list[Write]) -> bool:
        """Commit; ``False`` when another request changed what the decision was based on."""
        try:
            await self.platform.store.commit(writes)
        except Conflict:
            return False
        return True


def moment(seconds: float) -> datetime:
    """Return a time of a document as an answer's."""
    return datetime.fromtimestamp(seconds, UTC)

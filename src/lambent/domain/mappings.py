"""Event source mappings: what the data plane reads, in which batches, and hands to which function; and the port to who keeps them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from lambent.domain.arns import Arn, arn

CREATING, ENABLING, ENABLED = "Creating", "Enabling", "Enabled"
DISABLING, DISABLED, UPDATING, DELETING = "Disabling", "Disabled", "Updating", "Deleting"


class EventSourceMapping(msgspec.Struct, frozen=True, omit_defaults=True):
    """An event source mapping, as it is stored. Numbers of -1 mean "without limit", as in AWS."""

    uuid: str
    account_id: str
    region: str
    function_name: str
    qualifier: str  #: empty, a version, or an alias
    source_arn: str
    batch_size: int
    created: float  #: seconds since 1970
    last_modified: float
    generation: int = 1  #: grows with every change; a poller of an older one is replaced
    state: str = CREATING
    enabled: bool = True
    window_s: int = 0  #: how long a batch may gather
    filters: tuple[str, ...] | None = None
    reports_failures: bool = False  #: the function answers with ``batchItemFailures``
    kms_key_arn: str = ""
    metrics: tuple[str, ...] | None = None
    log_level: str = ""
    # SQS
    concurrency_max: int | None = None
    pollers: tuple[int, int] | None = None  #: of the provisioned mode: least and most
    # Streams
    starting_position: str = ""
    starting_at: float | None = None  #: with ``AT_TIMESTAMP``: seconds since 1970
    parallelisation: int = 1
    bisects: bool = False
    retries: int = -1
    record_age_s: int = -1
    on_failure_arn: str = ""
    tumbling_s: int = 0
    last_result: str = "No records processed"

    @property
    def service(self) -> str:
        """What is read: ``sqs``, ``kinesis`` or ``dynamodb``."""
        return Arn.parse(self.source_arn).service

    @property
    def arn(self) -> str:
        """The mapping's ARN."""
        return arn("lambda", self.region, self.account_id, f"event-source-mapping:{self.uuid}")

    @property
    def function_arn(self) -> str:
        """The function's ARN, qualified if the mapping is."""
        name = f"{self.function_name}:{self.qualifier}" if self.qualifier else self.function_name
        return arn("lambda", self.region, self.account_id, f"function:{name}")


class MappingDirectory(Protocol):
    """Keeps event source mappings. Served by Lambda's control plane."""

    async def mappings(self) -> Sequence[EventSourceMapping]:
        """Return all mappings of all accounts."""
        ...

    async def wait_changed(self) -> None:
        """Return when a mapping has changed since this call began."""
        ...

    async def reached(self, mapping: EventSourceMapping, state: str) -> None:
        """Note that the mapping's poller is as this generation of it wants; nothing happens when there is a newer one."""
        ...

    async def resulted(self, mapping: EventSourceMapping, result: str) -> None:
        """Note what became of the last batch: ``OK``, ``PROBLEM: …``."""
        ...

    async def gone(self, mapping: EventSourceMapping) -> None:
        """Remove a mapping that was being deleted: nothing reads for it any more."""
        ...

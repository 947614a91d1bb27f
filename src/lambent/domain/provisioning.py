"""Provisioned concurrency and SnapStart as the control plane and the engine speak of them: what is initialised before anybody needs it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import msgspec

from lambent.domain.environments import Outcome
from lambent.domain.functions import FunctionVersion

IN_PROGRESS = "IN_PROGRESS"
READY = "READY"
FAILED = "FAILED"


class Allotment(msgspec.Struct, frozen=True):
    """How many environments of a version are to be ready."""

    function: FunctionVersion
    wanted: int


class Progress(msgspec.Struct, frozen=True):
    """How far an allotment has come."""

    allocated: int  #: environments that were started for it and live
    available: int  #: of these, initialised
    status: str  #: ``IN_PROGRESS``, ``READY`` or ``FAILED``
    reason: str = ""  #: of ``FAILED``, as AWS words it


class Snapshots(Protocol):
    """Keeps initialised versions to fork environments from (SnapStart)."""

    async def take(self, function: FunctionVersion) -> Outcome:
        """Initialise a version unless its snapshot is kept, and return the outcome of its init. Raises ``AwsError``."""
        ...

    def keep(self, function_arn: str, functions: Mapping[str, FunctionVersion]) -> None:
        """Keep the snapshots of these versions of a function (unqualified ARN), by qualified ARN, and no others of it. Returns at once;
        missing ones are taken meanwhile."""
        ...


class ProvisionedEnvironments(Protocol):
    """Keeps environments ready, and lets go of those that nobody will use."""

    def aim(self, function_arn: str, allotments: Mapping[str, Allotment]) -> None:
        """Have this of a function (unqualified ARN) from now on, by qualified ARN; what isn't named is let go of. Returns at once."""
        ...

    def retire(self, function_arn: str) -> None:
        """Let go of all environments of a function (unqualified ARN) that was deleted: idle ones now, busy ones when they end."""
        ...

    def progress(self, arn: str) -> Progress:
        """Return how far the allotment of a version (qualified ARN) has come."""
        ...

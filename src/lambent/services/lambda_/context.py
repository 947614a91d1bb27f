"""What Lambda's operations stand on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

import msgspec

from lambent.domain.call import Call
from lambent.domain.environments import RuntimeStatus
from lambent.domain.invocations import EventQueue, Invoker
from lambent.domain.metrics import Metrics
from lambent.domain.ports import Platform, Roles
from lambent.domain.provisioning import ProvisionedEnvironments
from lambent.services.lambda_.catalogue import Entry, FunctionCatalogue
from lambent.services.lambda_.errors import access_denied, conflict, precondition_failed
from lambent.services.lambda_.mapping_catalogue import MappingCatalogue
from lambent.services.lambda_.names import FunctionRef, function_arn, parse_function
from lambent.services.lambda_.state import Version

_SETTLE_STEP_S = 0.01
_SETTLE_STEPS_MAX = 200
_SETTLE_TRIES_MAX = 100


class Lambda(msgspec.Struct, frozen=True):
    """The context of every operation."""

    platform: Platform
    catalogue: FunctionCatalogue
    invoker: Invoker
    events: EventQueue
    mappings: MappingCatalogue
    provisioned: ProvisionedEnvironments
    runtimes: Callable[[], list[RuntimeStatus]]
    code_secret: bytes  #: signs the URLs from which code is fetched
    metrics: Metrics
    roles: Roles  #: what execution roles let be done
    vpcs: Mapping[str, str] = {}  #: of subnets that the settings name

    def ref(self, call: Call, name: str, qualifier: str | None = None) -> FunctionRef:
        """Return the function that a request names."""
        return parse_function(name, call.account_id, call.region, qualifier)  # by position: names would take the cache thrice as long

    def own_ref(self, call: Call, name: str, qualifier: str | None = None) -> FunctionRef:
        """Return the function that a request names, which must be one of the caller's account."""
        ref = self.ref(call, name, qualifier)
        if ref.account_id != call.account_id:
            raise access_denied(
                f"User: {call.caller.arn} is not authorized to perform: lambda:{call.operation} on resource: {ref.arn} "
                f"because no resource-based policy allows the lambda:{call.operation} action"
            )
        return ref

    async def settled(self, ref: FunctionRef) -> Entry:
        """Return the function once no creation or update of it is under way.

        Those take milliseconds here, so they are waited for, for two seconds; then AWS's ``ResourceConflictException``.
        """
        entry = await self.catalogue.get(ref)
        for _ in range(_SETTLE_STEPS_MAX):
            if _is_settled(entry.latest) and _is_settled(entry.find(ref.qualifier)):
                return entry
            await self.platform.clock.sleep(_SETTLE_STEP_S)
            entry = await self.catalogue.get(ref)
        if "Pending" in {entry.latest.state, entry.find(ref.qualifier).state}:
            raise conflict(
                "The operation cannot be performed at this time. The function is currently in the following state: Pending",
            )
        raise conflict(
            f"The operation cannot be performed at this time. An update is in progress for resource: {function_arn(entry.key)}",
        )

    @asynccontextmanager
    async def settled_alone(self, ref: FunctionRef) -> AsyncIterator[Entry]:
        """Give the settled function with all other writers kept out (also the one that settles it, hence the loop)."""
        for _ in range(_SETTLE_TRIES_MAX):
            await self.settled(ref)
            async with self.catalogue.alone(ref.key):
                entry = await self.catalogue.get(ref)
                if _is_settled(entry.latest):
                    yield entry
                    return
        raise conflict(
            f"The operation cannot be performed at this time. An update is in progress for resource: {function_arn(ref.key)}",
        )


def _is_settled(version: Version) -> bool:
    return version.state != "Pending" and version.update_status != "InProgress"


def check_revision(given: str | None, current: str) -> None:
    """Raise ``PreconditionFailedException`` unless no revision was given or it is the current one."""
    if given is not None and given != current:
        raise precondition_failed()

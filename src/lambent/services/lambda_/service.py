"""Builds the service; what ``server/`` plugs in."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lambent.domain.environments import RuntimeStatus
from lambent.domain.invocations import EventQueue, Invoker
from lambent.domain.metrics import Metrics
from lambent.domain.ports import Platform, ReadSigned, Roles
from lambent.domain.provisioning import ProvisionedEnvironments, Snapshots
from lambent.domain.service import NativeService, families
from lambent.services.lambda_.allotments import Allotments, TakenConcurrency
from lambent.services.lambda_.catalogue import FunctionCatalogue
from lambent.services.lambda_.code import CodeDownloads
from lambent.services.lambda_.context import Lambda
from lambent.services.lambda_.mapping_catalogue import MappingCatalogue
from lambent.services.lambda_.snapstart import SnapStarts
from lambent.services.lambda_.transitions import Transitions
from lambent.services.lambda_.url_serving import FunctionUrls

_FAMILIES = families(
    "lambent.services.lambda_",
    "functions",
    "updates",
    "versions",
    "aliases",
    "layers",
    "layer_permissions",
    "permissions",
    "tags",
    "concurrency",
    "provisioned",
    "event_configs",
    "urls",
    "code_signing",
    "management",
    "mappings",
    "invoke",
)


def build(
    platform: Platform,
    *,
    catalogue: FunctionCatalogue,
    invoker: Invoker,
    events: EventQueue,
    event_sources: MappingCatalogue,
    environments: ProvisionedEnvironments,
    snapshots: Snapshots,
    taken: TakenConcurrency,
    metrics: Metrics,
    runtimes: Callable[[], list[RuntimeStatus]],
    read_signed: ReadSigned,
    roles: Roles,
    vpcs: Mapping[str, str] | None = None,
) -> NativeService[Lambda]:
    """Return Lambda over the platform; ``catalogue`` and ``event_sources`` are the ones that the engine reads.

    ``vpcs``: subnets that there are without EC2's knowing, each with its VPC.
    """
    secret = bytes.fromhex(platform.ids.hex(64))
    context = Lambda(platform, catalogue, invoker, events, event_sources, environments, runtimes, secret, metrics, roles, vpcs or {})
    return NativeService(
        "lambda",
        context,
        _FAMILIES,
        raw_handlers=(CodeDownloads(platform.blobs, platform.clock, secret), FunctionUrls(context, read_signed)),
        workers=(
            Transitions(platform.store, catalogue, platform.clock, platform.ids, snapshots),
            Allotments(platform.store, catalogue, environments, taken),
            SnapStarts(platform.store, catalogue, snapshots),
        ),
    )

"""Builds the service; what ``server/`` plugs in."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lambent.domain.environments import RuntimeStatus
from lambent.domain.invocations import EventQueue, Invoker
from lambent.domain.metrics import Metrics
from lambent.domain.ports import Platform, ReadSigned, Roles
from lambent.domain.provisioning import ProvisionedEnvironments, Snapshots
from lambent.domain.service import NativeService
from lambent.services.lambda_ import (
    aliases,
    code_signing,
    concurrency,
    event_configs,
    functions,
    invoke,
    layer_permissions,
    layers,
    management,
    mappings,
    permissions,
    provisioned,
    tags,
    updates,
    urls,
    versions,
)
from lambent.services.lambda_.allotments import Allotments, TakenConcurrency
from lambent.services.lambda_.catalogue import FunctionCatalogue
from lambent.services.lambda_.code import CodeDownloads
from lambent.services.lambda_.context import Lambda
from lambent.services.lambda_.mapping_catalogue import MappingCatalogue
from lambent.services.lambda_.snapstart import SnapStarts
from lambent.services.lambda_.transitions import Transitions
from lambent.services.lambda_.url_serving import FunctionUrls

_FAMILIES = (
    functions.operations,
    updates.operations,
    versions.operations,
    aliases.operations,
    layers.operations,
    layer_permissions.operations,
    permissions.operations,
    tags.operations,
    concurrency.operations,
    provisioned.operations,
    event_configs.operations,
    urls.operations,
    code_signing.operations,
    management.operations,
    mappings.operations,
    invoke.operations,
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

"""The composition root: builds concrete things from ``Settings`` and plugs them together. The only place that knows them all."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import msgspec

from lambent.adapters.blobs import FileBlobs
from lambent.adapters.upstream import Companion, Endpoint, HttpOutside
from lambent.adapters.upstream import installed as companion_installed
from lambent.base.clock import Clock, SystemClock
from lambent.base.ids import SystemIds
from lambent.base.settings import Settings
from lambent.domain.errors import StartupError
from lambent.domain.ports import Platform, RawHandler, Worker
from lambent.domain.service import Service
from lambent.domain.storage import Store
from lambent.engine.delivery import AsyncInvocations
from lambent.engine.delivery.lanes import first_places
from lambent.engine.delivery.parking import parked
from lambent.engine.environments import CodeCache, LogShipper
from lambent.engine.invocation import LocalInvoker, Provisioner
from lambent.engine.measuring import InvocationMeters, Meters
from lambent.engine.sources import EventSources, Tools
from lambent.gateway.app import Gateway
from lambent.gateway.authentication import SignedReader
from lambent.gateway.health import Health
from lambent.gateway.http import HttpServer
from lambent.gateway.metrics import MetricsPage
from lambent.server.audit import AuditLog
from lambent.server.authoriser import AllowAll, RoleAuthoriser, check_mode
from lambent.server.cloud import Observers, ServerCloud
from lambent.server.drivers import Choice
from lambent.server.ground import Ground
from lambent.server.housekeeping import BlobSweeper
from lambent.server.identities import Identities
from lambent.server.resource_policies import ResourcePolicies
from lambent.server.role_book import OBSERVED, RoleBook
from lambent.server.role_documents import IamReader
from lambent.server.rotating import RotatingFile
from lambent.services.cloudwatch import service as cloudwatch_service
from lambent.services.events import service as events_service
from lambent.services.lambda_ import service as lambda_service
from lambent.services.lambda_.allotments import TakenConcurrency
from lambent.services.lambda_.catalogue import FunctionCatalogue
from lambent.services.lambda_.mapping_catalogue import MappingCatalogue
from lambent.services.logs import service as logs_service
from lambent.services.s3 import service as s3_service
from lambent.services.scheduler import service as scheduler_service
from lambent.services.sns import service as sns_service
from lambent.services.sqs import service as sqs_service
from lambent.wire import models


class Server(msgspec.Struct, frozen=True):
    """Everything that was built."""

    app: Gateway
    clock: Clock
    services: Mapping[str, Service]
    workers: Sequence[Worker]
    store: Store
    sandbox: Choice
    invoker: LocalInvoker
    shipper: LogShipper
    upstreams: Mapping[str, Endpoint]
    companion: Companion | None
    durable: bool

    def describe(self) -> dict[str, str]:
        """Return how each service is served."""
        native = f"native, {'durable' if self.durable else 'in memory'}"
        told = {
            name: f"{native}; the rest by the companion, in memory" if each.partial else native
            for name, each in sorted(self.services.items())
        } | {name: f"upstream {each.url}" for name, each in sorted(self.upstreams.items())}
        others = "not served: the companion is switched off" if self.companion is None else self.companion.describe()
        return told | {"others": others}

    def front(self) -> HttpServer:
        """Return what serves connections, from outside and from environments."""
        front = HttpServer(self.app.answer, SystemClock())  # clients are no faster than they are, whatever the server's clock is
        self.sandbox.entrances.attach(self.app, front)
        return front

    def load_steps(self) -> list[Callable[[], None]]:
        """Return what imports what isn't imported yet, as no request needed it."""
        return [models.load_botocore, *(each.load for each in self.services.values())]

    async def close(self) -> None:
        """Stop environments, send what they logged, let go of files. Correctness does not need it."""
        await self.invoker.close()
        await self.shipper.flush()
        await self.sandbox.driver.close()
        if self.companion is not None:
            await self.companion.close()
        await self.store.close()


async def build(settings: Settings, ground: Ground) -> Server:
    """Build a server. Raises ``StartupError`` with advice when the settings don't go together."""
    clock, quotas, store, choice = ground.clock, ground.quotas, ground.store, ground.sandbox
    ids, data = SystemIds(), settings.data_dir
    blobs = FileBlobs(data / "blobs", clock)
    identities = Identities(
        store, clock, ids, trusting=settings.is_loopback, root_keys=settings.root_keys, origins=settings.browser_origins
    )
    await identities.load()
    audit = AuditLog(clock, None if settings.ephemeral else _audit_file(settings))
    upstreams = _upstreams(settings, clock)
    companion = Companion(clock, public_host=settings.advertised_host) if settings.companion else None
    cloud = _cloud(choice, identities, upstreams, companion, audit)
    platform = Platform(store, blobs, cloud, clock, ids, quotas, settings.advertised_host)
    roles = _guarded(settings, platform, cloud, identities, asks=lambda: "iam" in upstreams or (companion is not None and companion.runs))

    shipper, taken, counts = LogShipper(cloud, clock, ids), TakenConcurrency(), InvocationMeters()
    invoker = LocalInvoker(
        choice.driver,
        CodeCache(data / "code", blobs, bytes_max=quotas.code_unzipped_bytes_max),
        shipper,
        credentials=identities,
        endpoint_url=choice.endpoint_url,
        clock=clock,
        ids=ids,
        quotas=quotas,
        idle_s=settings.idle_s,
        reserved_total=taken.total,
        begin=counts.begin,
    )
    provisioner = Provisioner(invoker, invoker.host, clock)
    meters = Meters(cloud, clock, ids)
    meters.read(counts.tell)
    catalogue = FunctionCatalogue(store, ids)
    start = first_places(os.cpu_count() or 1)
    events = AsyncInvocations(store, invoker, catalogue, cloud, clock=clock, ids=ids, start=start, metrics=meters)
    meters.read(events.tell)
    mappings = MappingCatalogue(store)
    lambda_ = lambda_service.build(
        platform,
        catalogue=catalogue,
        invoker=invoker,
        events=events,
        event_sources=mappings,
        environments=provisioner,
        snapshots=invoker.host.snapshots,
        taken=taken,
        metrics=meters,
        runtimes=choice.driver.runtimes,
        read_signed=SignedReader(identities, clock),
        roles=roles,
        vpcs=choice.vpcs,
    )
    limits = quotas.source_batches_max, quotas.concurrency_max
    tools = Tools(store, cloud, invoker, catalogue, mappings, events.records, meters, clock, ids, *limits)
    natives = _natives(settings, platform, identities, lambda_, roles)
    workers: list[Worker] = [shipper, meters, invoker, provisioner, events, EventSources(tools), audit, BlobSweeper(store, blobs, clock)]
    handlers: list[RawHandler] = [Health(lambda: report(settings, server)), MetricsPage(meters.totals, partial(parked, store))]
    for service in natives.values():
        cloud.add(service)
        workers += service.workers
        handlers += service.raw_handlers
    app = Gateway(cloud, identities, handlers, clock, ids, quotas, settings.region)
    server = Server(app, clock, natives, workers, store, choice, invoker, shipper, upstreams, companion, durable=not settings.ephemeral)
    return server


def _cloud(
    choice: Choice,
    identities: Identities,
    upstreams: Mapping[str, Endpoint],
    companion: Companion | None,
    audit: AuditLog,
) -> ServerCloud:
    """Return the cloud, still without services of ours."""
    observers: Observers = {
        "sts": [identities.observe],
        "iam": [identities.observe],
        ("lambda", "CreateFunction"): [choice.observe, identities.observe_function],
        ("lambda", "UpdateFunctionConfiguration"): [identities.observe_function],
    }
    return ServerCloud(
        [],
        upstreams,
        AllowAll(),
        audit,
        fallback=companion,
        observers=observers,
        overrides={("sts", "GetCallerIdentity"): identities.caller_identity},
    )


def _guarded(
    settings: Settings, platform: Platform, cloud: ServerCloud, identities: Identities, *, asks: Callable[[], bool]
) -> RoleAuthoriser | AllowAll:
    """Have calls authorised as the settings want it; return what there is to know of execution roles. ``asks``: IAM can know any."""
    if problem := check_mode(settings.iam):
        raise StartupError(problem)
    if settings.iam == "enforce" and "iam" not in settings.upstreams and not (settings.companion and companion_installed()):
        raise StartupError("iam = enforce: there is no IAM. pip install 'lambent[moto]' for the companion's, or --upstream iam=http://…")
    if settings.iam == "off":
        return AllowAll()
    reader = IamReader(cloud, platform.ids)
    book = RoleBook(platform.store, platform.clock, reader, may_know=asks)
    policies = ResourcePolicies(cloud, platform.ids)
    authoriser = RoleAuthoriser(
        book,
        policies,
        platform.clock,
        strict=settings.iam == "enforce",
        sessions=identities,
        in_parts=() if "s3" in settings.upstreams else {("s3", "DeleteObjects")},
    )
    cloud.guard(authoriser, book.observe, OBSERVED)
    return authoriser


def _audit_file(settings: Settings) -> RotatingFile:
    return RotatingFile(settings.data_dir / "audit.jsonl", bytes_max=settings.audit_file_mb << 20, files_max=settings.audit_files)


def _natives(
    settings: Settings, platform: Platform, identities: Identities, lambda_: Service, roles: RoleAuthoriser | AllowAll
) -> dict[str, Service]:
    """Return the services that are ours, by name."""
    services: tuple[Service, ...] = (
        lambda_,
        s3_service.build(platform, identities, classic=settings.s3_new_buckets == "open", authoriser=roles),
        logs_service.build(platform),
        sns_service.build(platform, HttpOutside(), lambda request: settings.is_loopback and identities.trusts(request)),
        sqs_service.build(platform),
        events_service.build(platform, HttpOutside()),
        scheduler_service.build(platform, roles),
        cloudwatch_service.build(platform),
    )
    return {each.name: each for each in services}


def _upstreams(settings: Settings, clock: Clock) -> dict[str, Endpoint]:
    """Return the endpoints that the user sends services to. ``StartupError`` for a service or a URL that there isn't."""
    found = {}
    for service, url in settings.upstreams.items():
        if service not in models.names():
            raise StartupError(f"--upstream {service}={url}: AWS has no service of that name. Use boto3's name of it, such as dynamodb.")
        try:
            found[service] = Endpoint(url, clock)
        except ValueError as error:
            raise StartupError(f"--upstream {service}={url}: {error}") from None
    return found


def report(settings: Settings, server: Server) -> dict[str, object]:
    """Return what the health page and ``lambent status`` say."""
    return {
        "endpoint": settings.endpoint_url,
        "state": str(settings.data_dir) if server.durable else "in memory",
        "services": server.describe(),
        "sandbox": server.sandbox.driver.name,
        "isolation": server.sandbox.told,
        **({"warning": server.sandbox.warning} if server.sandbox.warning else {}),
        "iam": settings.iam,
        **stand_ins(settings, server),
        "environments": server.invoker.environments,
    }


def stand_ins(settings: Settings, server: Server) -> dict[str, object]:
    """Return which runtimes others serve, when the settings let them."""
    if settings.runtimes != "nearest":
        return {}
    return {"stand-ins": {each.runtime: f"served by {each.served_by}" for each in server.sandbox.driver.runtimes() if each.served_by}}

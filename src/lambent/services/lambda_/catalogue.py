"""The functions in memory: a write-through cache over the store, so that a warm invocation reads no disk.

Every change of a function goes through ``FunctionCatalogue.change``: one writer per function at a time, and whoever reads afterwards
sees the new state.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

import msgspec

from lambent.base.ids import Ids, SystemIds
from lambent.domain.documents import Found, Table
from lambent.domain.functions import EventInvokeConfig, FunctionVersion, LoggingConfig, ResolvedFunction
from lambent.domain.storage import Key, Store, Write
from lambent.services.lambda_.errors import conflict, function_not_found
from lambent.services.lambda_.names import LATEST, FunctionKey, FunctionRef, function_arn
from lambent.services.lambda_.state import (
    ALIASES,
    EVENT_CONFIGS,
    FUNCTIONS,
    POLICIES,
    PROVISIONED,
    URLS,
    VERSIONS,
    Alias,
    EventConfig,
    Function,
    Policy,
    Provisioned,
    Url,
    Version,
)

T = TypeVar("T")
_PAGE = 1000


class Entry(msgspec.Struct):
    """A function with all that belongs to it, as one consistent reading. Replaced as a whole, never changed."""

    key: FunctionKey
    function: Function
    function_version: int  #: of the document, for conditional writes
    versions: dict[str, Version]
    aliases: dict[str, Alias]
    policies: dict[str, Policy]
    event_configs: dict[str, EventConfig]
    urls: dict[str, Url]
    runnable: dict[str, FunctionVersion] = {}
    provisioned: dict[str, Provisioned] = {}
    resolved: dict[str, ResolvedFunction] = {}  #: by qualifier, where no draw decides

    @property
    def latest(self) -> Version:
        """``$LATEST``."""
        return self.versions[LATEST]

    def find(self, qualifier: str) -> Version:
        """Return the version that a number, ``$LATEST``, an alias (its first version) or nothing means."""
        alias = self.aliases.get(qualifier)
        version = self.versions.get(alias.version if alias else qualifier or LATEST)
        if version is None:
            raise function_not_found(function_arn(self.key, qualifier))
        return version

    def shown_as(self, qualifier: str) -> str | None:
        """Return what the ARN shows to who asked with this qualifier: nothing, the alias, or (``None``) the version's number."""
        return qualifier if not qualifier or qualifier in self.aliases else None

    def require(self, qualifier: str) -> None:
        """Raise unless the qualifier (or none) is there."""
        self.find(qualifier)

    def runs(self, number: str) -> FunctionVersion:
        """Return a version as the data plane knows it."""
        found = self.runnable.get(number)
        if found is None:
            provisioned = sum(each.requested for each in self.provisioned.values())
            found = self.runnable[number] = runnable(self.key, self.function, self.versions[number], provisioned)
        return found

    def resolve(self, qualifier: str, draw: float) -> ResolvedFunction:
        """Return what runs for a qualifier; ``draw`` in [0, 1) chooses between an alias's versions."""
        found = self.resolved.get(qualifier)
        if found is not None:
            return found
        alias = self.aliases.get(qualifier)
        number = _drawn(alias, draw) if alias else qualifier or LATEST
        version = self.versions.get(number)
        if version is None:
            raise function_not_found(function_arn(self.key, qualifier))
        if version.state in {"Pending", "Failed"}:
            raise conflict(
                f"The operation cannot be performed at this time. The function is currently in the following state: {version.state}"
            )
        runs = self.runs(number)
        config = self.event_configs.get(qualifier or LATEST)
        resolved = ResolvedFunction(
            runs, function_arn(self.key, qualifier), _DEFAULT_EVENT_CONFIG if config is None else event_invoke_config(config)
        )
        if alias is None or not alias.weights:
            self.resolved[qualifier] = resolved
        return resolved


_DEFAULT_EVENT_CONFIG = EventInvokeConfig()


def event_invoke_config(config: EventConfig) -> EventInvokeConfig:
    """Return the document with AWS's defaults filled in."""
    return EventInvokeConfig(
        retries=_DEFAULT_EVENT_CONFIG.retries if config.retries is None else config.retries,
        age_s_max=config.age_s_max or _DEFAULT_EVENT_CONFIG.age_s_max,
        on_success_arn=config.on_success_arn,
        on_failure_arn=config.on_failure_arn,
    )


def _drawn(alias: Alias, draw: float) -> str:
    for version, weight in alias.weights.items():
        if draw < weight:
            return version
        draw -= weight
    return alias.version


def log_group(name: str, version: Version) -> str:
    """Return where a version logs."""
    return version.configuration.log_group or f"/aws/lambda/{name}"


def runnable(key: FunctionKey, function: Function, version: Version, provisioned: int = 0) -> FunctionVersion:
    """Return what the data plane needs to know of a version; ``provisioned``: of all the function's versions together."""
    account_id, region, name = key
    config = version.configuration
    return FunctionVersion(
        account_id=account_id,
        region=region,
        name=name,
        version=version.version,
        arn=function_arn(key, version.version),
        revision_id=version.code_revision,
        role_arn=config.role,
        runtime=config.runtime,
        handler=config.handler,
        code_digest=config.code_digest,
        layer_digests=tuple(layer.digest for layer in config.layers),
        memory_mb=config.memory_mb,
        timeout_s=config.timeout_s,
        ephemeral_storage_mb=config.ephemeral_storage_mb,
        architecture=config.architecture,
        environment=config.environment or {},
        logging=LoggingConfig(log_group(name, version), config.log_format, config.log_application_level, config.log_system_level),
        tracing_active=config.tracing_mode == "Active",
        tenant_isolated=bool(config.tenant_isolation),
        snap_start=config.snap_start == "PublishedVersions" and version.version != LATEST,
        reserved_concurrency=function.reserved_concurrency,
        provisioned_concurrency=provisioned,
        dead_letter_arn=config.dead_letter_arn,
        recursion_allowed=function.recursive_loop == "Allow",
        subnet_ids=tuple((config.vpc or {}).get("SubnetIds", ())),
        security_group_ids=tuple((config.vpc or {}).get("SecurityGroupIds", ())),
    )


class FunctionCatalogue:
    """Every function of every account; implements ``domain.functions.FunctionDirectory``."""

    def __init__(self, store: Store, ids: Ids | None = None) -> None:
        self._store = store
        self._ids = ids or SystemIds()
        self._entries: dict[FunctionKey, Entry] = {}
        self._locks: weakref.WeakValueDictionary[FunctionKey, asyncio.Lock] = weakref.WeakValueDictionary()
        self._changes = 0
        self.observers: list[Callable[[FunctionKey], None]] = []  #: called after every change of a function

    def at_hand(self, key: FunctionKey, qualifier: str) -> ResolvedFunction | None:
        """Return what runs for a qualifier when that was told before, and nothing has changed since."""
        entry = self._entries.get(key)
        return None if entry is None else entry.resolved.get(qualifier)

    async def resolve(self, account_id: str, region: str, name: str, qualifier: str) -> ResolvedFunction:
        """Return what runs now for a name and qualifier; see ``FunctionDirectory``."""
        key = (account_id, region, name)
        entry = self._entries.get(key)
        if entry is None:
            entry = await self.find(key)
            if entry is None:
                raise function_not_found(function_arn(key, qualifier))
        return entry.resolve(qualifier, self._ids.random() if entry.aliases else 0.0)

    async def find(self, key: FunctionKey) -> Entry | None:
        """Return a function, or ``None``."""
        entry = self._entries.get(key)
        if entry is not None:
            return entry
        changes = self._changes
        entry = await load(self._store, key)
        if entry is not None and changes == self._changes:
            self._entries[key] = entry
        return entry

    async def get(self, ref: FunctionRef) -> Entry:
        """Return the function that a caller named; ``ResourceNotFoundException`` when it, or its qualifier, isn't there."""
        entry = await self.find(ref.key)
        if entry is None:
            raise function_not_found(ref.arn)
        entry.require(ref.qualifier)
        return entry

    @asynccontextmanager
    async def alone(self, key: FunctionKey) -> AsyncIterator[None]:
        """Keep other writers of the function out."""
        lock = self._locks.get(key)
        if lock is None:
            lock = self._locks[key] = asyncio.Lock()
        async with lock:
            yield

    async def commit(self, key: FunctionKey, writes: Sequence[Write]) -> None:
        """Commit writes that concern one function; whoever reads it afterwards reads them."""
        try:
            await self._store.commit(writes)
        finally:
            self._changes += 1
            self._entries.pop(key, None)
            for observe in self.observers:
                observe(key)


async def load(store: Store, key: FunctionKey) -> Entry | None:
    """Read a function and all that belongs to it."""
    function = await FUNCTIONS.get(store, key)
    if function is None:
        return None
    versions = {each.value.version: each.value for each in await every(store, VERSIONS, key)}
    if LATEST not in versions:
        return None
    return Entry(
        key,
        function.value,
        function.version,
        versions,
        await _by_last_part(store, ALIASES, key),
        await _by_last_part(store, POLICIES, key),
        await _by_last_part(store, EVENT_CONFIGS, key),
        await _by_last_part(store, URLS, key),
        provisioned=await _by_last_part(store, PROVISIONED, key),
    )


async def _by_last_part(store: Store, table: Table[T], key: Key) -> dict[str, T]:
    return {str(each.key[-1]): each.value for each in await every(store, table, key)}


async def every(store: Store, table: Table[T], within: Key, *, after: Key | None = None) -> list[Found[T]]:
    """Return all documents below a key, or those after one of them."""
    found: list[Found[T]] = []
    while True:
        page = await table.range(store, within, after=after, limit=_PAGE)
        found.extend(page)
        if len(page) < _PAGE:
            return found
        after = page[-1].key

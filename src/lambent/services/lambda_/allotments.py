"""Tells the engine what is provisioned and what is reserved: the stored configurations, read at the start and after every change.

What is stored says how many environments are wanted; how far that has come is the engine's to know, so that a restart begins anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator

from lambent.domain.provisioning import Allotment, ProvisionedEnvironments
from lambent.domain.storage import Key, Store
from lambent.services.lambda_.catalogue import Entry, FunctionCatalogue, every
from lambent.services.lambda_.follower import Follower
from lambent.services.lambda_.names import LATEST, FunctionKey, function_arn
from lambent.services.lambda_.state import FUNCTIONS, PROVISIONED, Alias


class TakenConcurrency:
    """What is taken from each account's pool of all, in memory: the engine asks at every invocation."""

    def __init__(self) -> None:
        self._by_function: dict[FunctionKey, int] = {}
        self._by_account: Counter[tuple[str, str]] = Counter()

    def total(self, account_id: str, region: str) -> int:
        """Return what the functions of an account and region have for themselves."""
        return self._by_account[account_id, region]

    def set(self, key: FunctionKey, taken: int) -> None:
        """Note what a function has for itself."""
        self._by_account[key[:2]] += taken - self._by_function.pop(key, 0)
        if taken:
            self._by_function[key] = taken


class Allotments(Follower):
    """The ``Worker`` that keeps both true, and has a deleted function's environments let go of."""

    name = "concurrency"

    def __init__(self, store: Store, catalogue: FunctionCatalogue, environments: ProvisionedEnvironments, taken: TakenConcurrency) -> None:
        super().__init__(store, catalogue)
        self._environments = environments
        self._taken = taken

    async def _stored(self) -> AsyncIterator[Key]:
        for found in await every(self._store, FUNCTIONS, ()):
            if found.value.reserved_concurrency is not None:
                yield found.key
        for configured in await every(self._store, PROVISIONED, ()):
            yield configured.key

    def _take_in(self, key: FunctionKey, entry: Entry | None, *, is_known: bool) -> bool:
        self._taken.set(key, 0 if entry is None else taken_by(entry))
        allotments = {} if entry is None else allotments_of(entry)
        if allotments or is_known:
            self._environments.aim(function_arn(key), allotments)
        if entry is None:
            self._environments.retire(function_arn(key))
        return bool(allotments)


def taken_by(entry: Entry) -> int:
    """Return what a function takes from the pool of all: what it reserves, or else what it has provisioned."""
    reserved = entry.function.reserved_concurrency
    return provisioned_total(entry) if reserved is None else reserved


def provisioned_total(entry: Entry, but: str = "") -> int:
    """Return how many environments a function has provisioned, without those of the qualifier ``but``."""
    return sum(each.requested for qualifier, each in entry.provisioned.items() if qualifier != but)


def allotments_of(entry: Entry) -> dict[str, Allotment]:
    """Return how many environments of which version (by qualified ARN) a function wants ready; pending versions wait."""
    wanted: Counter[str] = Counter()
    for qualifier, each in entry.provisioned.items():
        wanted.update(shares(entry, qualifier, each.requested))
    return {
        function_arn(entry.key, number): Allotment(entry.runs(number), count)
        for number, count in wanted.items()
        if count and number in entry.versions and entry.versions[number].state == "Active"
    }


def shares(entry: Entry, qualifier: str, requested: int) -> dict[str, int]:
    """Return how a qualifier's environments are shared out: an alias's between its versions, by weight."""
    alias: Alias | None = entry.aliases.get(qualifier)
    if alias is None:
        return {qualifier: requested}
    others = {number: round(requested * weight) for number, weight in alias.weights.items()}
    return {alias.version: requested - sum(others.values()), **others}


def covers_latest(entry: Entry, qualifier: str) -> bool:
    """Return whether a qualifier means ``$LATEST``, which can't be provisioned."""
    return LATEST in shares(entry, qualifier, 1)

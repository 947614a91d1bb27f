"""What EventBridge's operations share: how buses and rules are found and changed, and the rules at hand for matching."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from lambent.domain.documents import Found
from lambent.domain.errors import Conflict
from lambent.domain.ports import Outside, Platform
from lambent.domain.storage import ABSENT, Write
from lambent.services.events.errors import bus_not_found, busy, managed, rule_not_found
from lambent.services.events.figures import Figures
from lambent.services.events.names import DEFAULT_BUS, BusRef, RuleRef
from lambent.services.events.rulebook import RuleBook
from lambent.services.events.state import BUSES, RULES, Bus, Rule

ATTEMPTS_MAX = 20
"""How often a change is made anew when other requests come between."""


class Events(msgspec.Struct, frozen=True):
    """The context of EventBridge's operations."""

    platform: Platform
    book: RuleBook
    figures: Figures
    outside: Outside

    @property
    def now(self) -> float:
        """The time in seconds since 1970."""
        return self.platform.clock.now()

    async def bus(self, ref: BusRef) -> Found[Bus]:
        """Return a bus; the default one is there in every account and region."""
        found = await BUSES.get(self.platform.store, ref)
        if found is None and ref.name == DEFAULT_BUS:
            await self._make_default(ref)
            found = await BUSES.get(self.platform.store, ref)
        if found is None:
            raise bus_not_found(ref.name)
        return found

    async def rule(self, ref: RuleRef) -> Found[Rule]:
        """Return a rule."""
        found = await RULES.get(self.platform.store, ref)
        if found is None:
            raise rule_not_found(ref.name, ref.bus)
        return found

    async def change_bus(self, ref: BusRef, change: Callable[[Bus], Bus]) -> Bus:
        """Replace a bus's document by what ``change`` makes of it."""
        for _ in range(ATTEMPTS_MAX):
            found = await self.bus(ref)
            changed = change(found.value)
            if await self.try_commit([BUSES.put(found.key, changed, found.version)]):
                self.book.forget(ref)
                return changed
        raise busy()

    async def change_rule(
        self, ref: RuleRef, change: Callable[[Rule], Rule], also: Callable[[Rule], list[Write]] | None = None, *, force: bool = False
    ) -> Rule:
        """Replace a rule's document by what ``change`` makes of it; ``also`` is committed with it. A managed one only by ``force``."""
        for _ in range(ATTEMPTS_MAX):
            found = await self.rule(ref)
            if found.value.managed_by and not force:
                raise managed(ref.name)
            changed = change(found.value)
            writes = [RULES.put(found.key, changed, found.version), *(also(changed) if also else ())]
            if await self.try_commit(writes):
                self.book.forget(ref.bus_ref)
                return changed
        raise busy()

    async def try_commit(self, writes: list[Write]) -> bool:
        """Commit; ``False`` when another request changed what the decision was based on."""
        try:
            await self.platform.store.commit(writes)
        except Conflict:
            return False
        return True

    async def _make_default(self, ref: BusRef) -> None:
        bus = Bus(account_id=ref.account_id, region=ref.region, name=ref.name, created=self.now, modified=self.now)
        await self.try_commit([BUSES.put(ref, bus, ABSENT)])

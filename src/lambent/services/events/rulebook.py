"""Buses, their rules and archives with compiled patterns, at hand for matching; read from the store when they are first needed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec

from lambent.domain.storage import Store
from lambent.patterns.events import Pattern, compile_pattern
from lambent.services.events.names import DEFAULT_BUS, BusRef
from lambent.services.events.paging import read_all
from lambent.services.events.state import ARCHIVES, BUSES, RULES, Archive, Rule

_BUSES_MAX = 10_000
_compile = lru_cache(maxsize=4_096)(compile_pattern)
"""A change of one rule has a bus's page made anew; the other rules' patterns are the same."""


class Entry(msgspec.Struct, frozen=True):
    """A rule or an archive and what it waits for; an archive without a pattern waits for everything."""

    pattern: Pattern | None
    rule: Rule | None = None
    archive: Archive | None = None

    def wants(self, event: Mapping[str, Any]) -> bool:
        """Return whether the event is one of those it waits for."""
        return self.pattern is None or self.pattern.matches(event)


class Page(msgspec.Struct, frozen=True):
    """What an event that comes to a bus meets."""

    statements: list[dict[str, Any]]  #: of the bus's policy
    entries: list[Entry]
    by_source: Mapping[str, list[Entry]]  #: entries that wait for events of certain sources
    others: list[Entry]

    def waiting(self, event: Mapping[str, Any]) -> list[Entry]:
        """Return the entries whose patterns match. Most rules name the source they wait for, so few patterns are looked at."""
        near = self.by_source.get(event["source"])
        entries = self.others if near is None else near + self.others
        return [each for each in entries if each.wants(event)]


def make_page(statements: list[dict[str, Any]], entries: list[Entry]) -> Page:
    """Return a page with its index."""
    by_source: dict[str, list[Entry]] = {}
    others = []
    for entry in entries:
        sources = entry.pattern.exact_texts("source") if entry.pattern else None
        if sources is None:
            others.append(entry)
        for source in sources or ():
            by_source.setdefault(source, []).append(entry)
    return Page(statements, entries, by_source, others)


class RuleBook:
    """What waits for events, by bus. Whoever changes a bus, a rule or an archive says so by ``forget`` once it is committed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._pages: dict[BusRef, Page] = {}
        self._changes = 0

    def forget(self, bus: BusRef) -> None:
        """Read the bus's rules anew when they are next needed."""
        self._changes += 1
        self._pages.pop(bus, None)

    async def of(self, bus: BusRef) -> Page | None:
        """Return what an event meets: the bus's policy, its enabled rules with a pattern, its archives. ``None``: no such bus."""
        found = self._pages.get(bus)
        if found is not None:
            return found
        changes = self._changes
        page = await self._read(bus)
        if page is not None and changes == self._changes:  # else a change may have been committed after it was read
            if len(self._pages) >= _BUSES_MAX:
                self._pages.clear()
            self._pages[bus] = page
        return page

    async def _read(self, bus: BusRef) -> Page | None:
        document = await BUSES.get(self._store, bus)
        if document is None and bus.name != DEFAULT_BUS:
            return None
        rules = await read_all(self._store, RULES, bus)
        archives = await read_all(self._store, ARCHIVES, (bus.account_id, bus.region))
        entries = [Entry(_compile(each.pattern), rule=each) for each in rules if each.pattern and each.is_enabled and not each.managed_by]
        entries += [Entry(_compile(each.pattern) if each.pattern else None, archive=each) for each in archives if each.bus == bus.name]
        return make_page(document.value.statements if document else [], entries)

"""What keeps the engine true to the functions that are stored: reads them at the start, and each one again that was changed."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator

from lambent.domain.storage import Key, Store
from lambent.services.lambda_.catalogue import Entry, FunctionCatalogue
from lambent.services.lambda_.names import FunctionKey


class Follower(ABC):
    """A ``Worker`` that takes in functions, one after the other."""

    def __init__(self, store: Store, catalogue: FunctionCatalogue) -> None:
        self._store = store
        self._catalogue = catalogue
        self._known: set[FunctionKey] = set()  #: functions of which the engine was told something
        self._changed: dict[FunctionKey, None] = {}
        self._wake = asyncio.Event()
        catalogue.observers.append(self._note)

    @abstractmethod
    def _stored(self) -> AsyncIterator[Key]:
        """Give the keys of documents of the functions that are to be taken in at the start."""

    @abstractmethod
    def _take_in(self, key: FunctionKey, entry: Entry | None, *, is_known: bool) -> bool:
        """Tell the engine of a function, ``None`` when it is gone; return whether there is something to tell. ``is_known``: there was,
        the last time."""

    async def run(self) -> None:
        """Read everything, then what changes, until cancelled."""
        await self.recall()
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self.step()

    async def recall(self) -> None:
        """Have everything that is stored taken in by the next step."""
        async for key in self._stored():
            self._note((str(key[0]), str(key[1]), str(key[2])))

    async def step(self) -> None:
        """Take in what has changed."""
        while self._changed:
            key = next(iter(self._changed))
            del self._changed[key]
            entry = await self._catalogue.find(key)
            tells = self._take_in(key, entry, is_known=key in self._known)
            (self._known.add if tells else self._known.discard)(key)

    def _note(self, key: FunctionKey) -> None:
        self._changed[key] = None
        self._wake.set()

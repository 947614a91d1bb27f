"""A store whose disk is in trouble now and then."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence

from lambent.adapters.memory import MemoryStore
from lambent.base.clock import VirtualClock
from lambent.domain.storage import Write


class FaultyStore(MemoryStore):
    """Fails some commits while there are ``faults``: 5 of 100 before, and 3 (or worse, ``after`` of 100) after they were written."""

    def __init__(self, clock: VirtualClock, rng: random.Random, *, faults: bool = True, after: int = 3) -> None:
        super().__init__(clock)
        self.rng = rng
        self.faults = faults
        self._most = 0.05 + after / 100

    async def commit(self, writes: Sequence[Write], *, durable: bool = True) -> tuple[int, ...]:
        draw = self.rng.random() if self.faults else 1.0
        await asyncio.sleep(0)
        if draw < 0.05:
            raise OSError("disk trouble before the write")
        numbers = await super().commit(writes, durable=durable)
        if draw < self._most:
            raise OSError("disk trouble after the write")
        return numbers

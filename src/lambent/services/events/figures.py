"""How many events an archive holds and how large they are: counted from its log, each record once."""

from __future__ import annotations

import msgspec

from lambent.domain.storage import Store


class _Count(msgspec.Struct):
    first: int = 0  #: sequence number of the first record that was there
    last: int = 0  #: … and of the last one that was counted
    records: int = 0
    size: int = 0  #: bytes


class Figures:
    """Counts of logs, continued where they were left. When records were trimmed, a log is counted anew."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._counts: dict[str, _Count] = {}

    async def of(self, log: str) -> tuple[int, int]:
        """Return the number of records and their bytes."""
        begin = await self._store.read(log, limit=1)
        if not begin:
            self._counts.pop(log, None)
            return 0, 0
        count = self._counts.get(log)
        if count is None or count.first != begin[0].sequence:
            count = self._counts[log] = _Count(first=begin[0].sequence)
        while page := await self._store.read(log, after=count.last):
            count.records += len(page)
            count.size += sum(len(each.data) for each in page)
            count.last = page[-1].sequence
        return count.records, count.size

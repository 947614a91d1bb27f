"""In which order shards are read: a shard after its parents, so that a split or merge keeps the order of each key; pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import msgspec


class Shard(msgspec.Struct, frozen=True):
    """A shard of a stream."""

    shard_id: str
    parents: tuple[str, ...] = ()
    closed: bool = False


def readable(shards: Iterable[Shard], done: Collection[str]) -> list[str]:
    """Return the shards that may be read now: not read to their end yet, and with parents that were, or are gone."""
    known = {each.shard_id: each for each in shards}
    return [
        each.shard_id
        for each in known.values()
        if each.shard_id not in done and all(parent in done or parent not in known for parent in each.parents)
    ]

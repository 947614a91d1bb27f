"""Many commits in one transaction: what goes wrong with one is its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lambent.adapters.sqlite import SqliteStore
from lambent.base.clock import VirtualClock
from lambent.domain.errors import Conflict, LambentError
from lambent.domain.storage import ABSENT, Acknowledge, Append, Enqueue, Postpone, Put, Record


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore.open(tmp_path, VirtualClock())
    yield store
    await store.close()


async def test_a_conflict_takes_back_its_own_writes_and_no_others(store: SqliteStore) -> None:
    await store.commit([Put("t", ("taken",), b"")])
    commits = [store.commit([Enqueue("q", f"m{number}", b"", 0.0)]) for number in range(100)]
    commits.insert(50, store.commit([Enqueue("q", "never", b"", 0.0), Put("t", ("taken",), b"", expect=ABSENT)]))
    commits.insert(20, store.commit([Put("t", ("taken",), b"", expect=ABSENT), Enqueue("q", "never", b"", 0.0)]))
    outcomes = await asyncio.gather(*commits, return_exceptions=True)
    assert sum(isinstance(each, Conflict) for each in outcomes) == 2
    assert not [each for each in outcomes if isinstance(each, BaseException) and not isinstance(each, Conflict)]
    assert await store.depth("q") == 100
    assert "never" not in [each.message_id for each in await store.lease("q", now=1.0, seconds=9.0, limit=200)]


async def test_a_value_that_cannot_be_stored_fails_alone(store: SqliteStore) -> None:
    bad = [Enqueue("q", "bad", object(), 0.0), Put("t", (1 << 70,), b""), Append("l", (Record(1 << 70, b""),))]  # type: ignore[arg-type]
    commits = [store.commit([Enqueue("q", f"m{number}", b"", 0.0)]) for number in range(70)]
    for number, each in enumerate(bad):
        commits.insert(10 * number, store.commit([Put("t", ("with", number), b""), each]))
    outcomes = await asyncio.gather(*commits, return_exceptions=True)
    failed = [each for each in outcomes if isinstance(each, BaseException)]
    assert [type(each) for each in failed] == [LambentError, OverflowError, OverflowError]
    assert await store.depth("q") == 70
    assert await store.range("t") == []


async def test_writes_of_one_commit_happen_in_order(store: SqliteStore) -> None:
    await store.commit([Enqueue("q", str(number), b"old", 0.0) for number in range(90)])
    leases = await store.lease("q", now=1.0, seconds=9.0, limit=90)
    assert [each.message_id for each in leases] == [str(number) for number in range(90)]
    ends = [Acknowledge(each) if number % 2 else Postpone(each, 5.0) for number, each in enumerate(leases)]
    await store.commit([*ends[:40], Enqueue("q", "7", b"again", 2.0), Enqueue("q", "8", b"new", 2.0), *ends[40:]])
    found = await store.lease("q", now=9.0, seconds=9.0, limit=100)
    assert [each.message_id for each in found[:2]] == ["8", "7"]
    assert [each.body for each in found[:3]] == [b"new", b"again", b"old"]
    assert len(found) == 46
    await store.commit([Acknowledge(each) for each in leases])  # leases that are gone
    assert await store.depth("q") == 46

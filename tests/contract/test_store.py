"""One suite for every ``Store``: what services may rely on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import count, islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from lambent.adapters.memory import MemoryStore
from lambent.adapters.sqlite import SqliteStore
from lambent.base.clock import VirtualClock
from lambent.domain.errors import Conflict
from lambent.domain.storage import (
    ABSENT,
    Acknowledge,
    Append,
    Delete,
    Document,
    Enqueue,
    Entry,
    Key,
    Postpone,
    Purge,
    Put,
    Record,
    Store,
    Trim,
)

ADAPTERS = ["memory", "sqlite"]


def open_store(adapter: str, directory: Path, clock: VirtualClock) -> Store:
    return MemoryStore(clock) if adapter == "memory" else SqliteStore.open(directory, clock)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(1000.0)


@pytest.fixture(params=ADAPTERS)
async def store(request: pytest.FixtureRequest, tmp_path: Path, clock: VirtualClock) -> AsyncIterator[Store]:
    opened = open_store(request.param, tmp_path, clock)
    yield opened
    await opened.close()


def keys(documents: list[Document]) -> list[Key]:
    return [document.key for document in documents]


class TestTable:
    async def test_what_was_put_is_there(self, store: Store) -> None:
        (version,) = await store.commit([Put("t", ("a", 1), b"one")])
        assert version > 0
        assert await store.get("t", ("a", 1)) == Document(("a", 1), b"one", version)

    async def test_unknown_names_are_empty(self, store: Store) -> None:
        assert await store.get("none", ("a",)) is None
        assert await store.range("none") == []
        assert await store.read("none") == []
        assert await store.lease("none", now=1.0, seconds=1.0) == []
        assert await store.next_due("none") is None
        assert await store.depth("none") == 0

    async def test_an_empty_commit_is_fine(self, store: Store) -> None:
        assert await store.commit([]) == ()

    async def test_tables_are_apart(self, store: Store) -> None:
        await store.commit([Put("t", ("a",), b"t"), Put("t2", ("a",), b"t2"), Put("", ("a",), b"nameless")])
        assert [d.value for d in await store.range("t")] == [b"t"]
        assert [d.value for d in await store.range("t2")] == [b"t2"]
        assert [d.value for d in await store.range("")] == [b"nameless"]

    async def test_the_empty_key_is_a_key(self, store: Store) -> None:
        await store.commit([Put("t", ("a",), b"a"), Put("t", (), b"root")])
        assert keys(await store.range("t")) == [(), ("a",)]

    async def test_versions_grow_with_each_write_of_any_document(self, store: Store) -> None:
        versions: list[int] = []
        for index in range(5):
            versions += await store.commit([Put("t", ("a",), b""), Put(f"t{index}", ("b",), b"")])
        await store.commit([Delete("t", ("a",))])
        versions += await store.commit([Put("t", ("a",), b"again", ABSENT)])
        assert versions == sorted(set(versions))

    async def test_expect_holds(self, store: Store) -> None:
        (first,) = await store.commit([Put("t", ("a",), b"1", ABSENT)])
        (second,) = await store.commit([Put("t", ("a",), b"2", first)])
        await store.commit([Delete("t", ("a",), second)])
        assert await store.get("t", ("a",)) is None
        await store.commit([Delete("t", ("a",)), Delete("t", ("a",), ABSENT)])

    @pytest.mark.parametrize("write", [Put("t", ("a",), b"x", ABSENT), Put("t", ("a",), b"x", 999), Put("t", ("new",), b"x", 7)])
    async def test_a_conflict_writes_nothing(self, store: Store, write: Put) -> None:
        (version,) = await store.commit([Put("t", ("a",), b"old")])
        with pytest.raises(Conflict) as caught:
            await store.commit(
                [
                    Put("t", ("b",), b""),
                    Delete("t", ("a",), version),
                    Enqueue("q", "m", b"", 0.0),
                    Append("l", (Record(1, b""),)),
                    *[Put("t", ("a",), b"old"), write],
                ]
            )
        assert caught.value.table == "t"
        assert caught.value.key == write.key
        assert await store.range("t") == [Document(("a",), b"old", version)]
        assert await store.depth("q") == 0
        assert await store.read("l") == []
        assert await store.commit([Append("l", (Record(1, b""),))]) == (1,)

    async def test_a_conflict_says_what_was_found(self, store: Store) -> None:
        (version,) = await store.commit([Put("t", ("a",), b"")])
        with pytest.raises(Conflict) as caught:
            await store.commit([Delete("t", ("a",), version + 5)])
        assert (caught.value.expected, caught.value.found) == (version + 5, version)
        with pytest.raises(Conflict) as caught:
            await store.commit([Delete("t", ("b",), 3)])
        assert (caught.value.expected, caught.value.found) == (3, 0)

    async def test_writes_of_a_commit_see_each_other(self, store: Store) -> None:
        await store.commit([Put("t", ("a",), b"1", ABSENT), Delete("t", ("a",)), Put("t", ("a",), b"2", ABSENT)])
        found = await store.get("t", ("a",))
        assert found is not None
        assert found.value == b"2"

    async def test_one_of_many_wins_a_race(self, store: Store) -> None:
        (version,) = await store.commit([Put("t", ("counter",), b"")])
        results = await asyncio.gather(
            *(store.commit([Put("t", ("counter",), b"%d" % i, version)]) for i in range(20)), return_exceptions=True
        )
        assert sum(isinstance(result, tuple) for result in results) == 1
        assert sum(isinstance(result, Conflict) for result in results) == 19

    async def test_one_conflict_undoes_no_other_commit(self, store: Store) -> None:
        results = await asyncio.gather(
            *(store.commit([Put("t", (i,), b""), Put("t", ("x",), b"", 999 if i % 3 == 0 else None)]) for i in range(30)),
            return_exceptions=True,
        )
        assert [isinstance(result, Conflict) for result in results] == [i % 3 == 0 for i in range(30)]
        assert keys(await store.range("t")) == [*[(i,) for i in range(30) if i % 3], ("x",)]

    async def test_a_part_that_no_key_may_have_is_refused(self, store: Store) -> None:
        with pytest.raises(TypeError):
            await store.commit([Put("t", ("ok",), b""), Put("t", (b"bytes",), b"")])  # type: ignore[arg-type]
        with pytest.raises(OverflowError):
            await store.commit([Put("t", (1 << 63,), b"")])
        assert await store.range("t") == []

    async def test_a_relaxed_commit_is_a_commit_all_the_same(self, store: Store) -> None:
        (first,) = await store.commit([Put("t", ("a",), b"one")], durable=False)
        (second,) = await store.commit([Put("t", ("a",), b"two", first)], durable=False)
        found = await store.get("t", ("a",))
        assert found is not None
        assert (found.value, found.version) == (b"two", second)
        with pytest.raises(Conflict):
            await store.commit([Put("t", ("b",), b""), Put("t", ("a",), b"three", first)], durable=False)
        assert await store.get("t", ("b",)) is None

    async def test_odd_values_survive(self, store: Store) -> None:
        odd: list[Key] = [("",), ("\0",), ("\0\0", ""), ("ü", "\U0001f600"), ("\ud800",), (-(1 << 63),), ((1 << 63) - 1,), (0, "a\0b", -1)]
        await store.commit([Put("t", key, b"\0\xff" * 3) for key in odd])
        for key in odd:
            found = await store.get("t", key)
            assert found is not None
            assert (found.key, found.value) == (key, b"\0\xff" * 3)
        assert len(await store.range("t")) == len(odd)


class TestRange:
    ORDER: tuple[Key, ...] = (
        (-5,),
        (3,),
        (3, "x"),
        (20,),
        ("",),
        ("a",),
        ("a", -1),
        ("a", 2),
        ("a", 10),
        ("a", "0"),
        ("a", "b"),
        ("a", "b", "c"),
        ("a\0",),
        ("a\0b",),
        ("aa",),
        ("b",),
        ("é",),
        ("\uffff",),
        ("\U00010000",),
    )

    @pytest.fixture
    async def filled(self, store: Store) -> Store:
        await store.commit([Put("t", key, b"") for key in reversed(self.ORDER)] + [Put("s", ("z",), b""), Put("u", ("a",), b"")])
        return store

    async def test_order(self, filled: Store) -> None:
        assert tuple(keys(await filled.range("t"))) == self.ORDER
        assert tuple(keys(await filled.range("t", reverse=True))) == self.ORDER[::-1]

    async def test_within_is_by_whole_parts(self, filled: Store) -> None:
        expected = [key for key in self.ORDER if key[:1] == ("a",)]
        assert keys(await filled.range("t", ("a",))) == expected
        assert keys(await filled.range("t", ("a",), reverse=True)) == expected[::-1]
        assert keys(await filled.range("t", ("a", "b"))) == [("a", "b"), ("a", "b", "c")]

    async def test_limit(self, filled: Store) -> None:
        assert tuple(keys(await filled.range("t", limit=3))) == self.ORDER[:3]
        assert tuple(keys(await filled.range("t", limit=2, reverse=True))) == self.ORDER[:-3:-1]
        assert await filled.range("t", limit=0) == []

    @pytest.mark.parametrize("reverse", [False, True])
    @pytest.mark.parametrize("bound", ["start", "after"])
    async def test_bounds(self, filled: Store, reverse: bool, bound: str) -> None:
        order = self.ORDER[::-1] if reverse else self.ORDER
        for index, key in enumerate(order):
            found = await filled.range(
                "t", reverse=reverse, start=key if bound == "start" else None, after=key if bound == "after" else None
            )
            assert tuple(keys(found)) == order[index + (bound == "after") :]

    async def test_bounds_need_not_exist_and_stay_within(self, filled: Store) -> None:
        assert keys(await filled.range("t", ("a",), start=("a", 3))) == [("a", 10), ("a", "0"), ("a", "b"), ("a", "b", "c")]
        assert keys(await filled.range("t", ("a",), after=("a", 3), reverse=True)) == [("a", 2), ("a", -1), ("a",)]
        assert keys(await filled.range("t", ("a",), start=(0,), limit=1)) == [("a",)]
        assert await filled.range("t", ("a",), start=("z",)) == []
        assert await filled.range("t", ("a",), after=(0,), reverse=True) == []
        assert keys(await filled.range("t", ("a",), start=("a", 2), after=("a", 2), limit=1)) == [("a", 10)]

    async def test_pages_cover_everything_once(self, filled: Store) -> None:
        seen: list[Key] = []
        after: Key | None = None
        while page := await filled.range("t", after=after, limit=4):
            seen += keys(page)
            after = page[-1].key
        assert tuple(seen) == self.ORDER

    async def test_deleted_documents_are_gone(self, filled: Store) -> None:
        await filled.commit([Delete("t", ("a", 2)), Delete("t", ("nothing",))])
        assert ("a", 2) not in keys(await filled.range("t"))


PARTS = st.one_of(st.integers(-3, 3), st.sampled_from(["", "a", "b", "\0", "a\0"]))
KEYS = st.lists(PARTS, max_size=3).map(tuple)


@pytest.mark.parametrize("adapter", ADAPTERS)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    writes=st.lists(st.tuples(KEYS, st.booleans()), max_size=25),
    within=KEYS,
    start=st.none() | KEYS,
    after=st.none() | KEYS,
    limit=st.integers(0, 9),
    reverse=st.booleans(),
)
def test_a_range_is_what_sorting_would_give(
    tmp_path_factory: pytest.TempPathFactory,
    adapter: str,
    writes: list[tuple[Key, bool]],
    within: Key,
    start: Key | None,
    after: Key | None,
    limit: int,
    reverse: bool,
) -> None:
    def rank(key: Key) -> list[tuple[bool, str | int]]:
        return [(isinstance(part, str), part) for part in key]

    async def found() -> list[Key]:
        store = open_store(adapter, tmp_path_factory.mktemp("range"), VirtualClock())
        try:
            await store.commit([Put("t", key, b"") if put else Delete("t", key) for key, put in writes])
            return keys(await store.range("t", within, start=start, after=after, limit=limit, reverse=reverse))
        finally:
            await store.close()

    alive = {key for key, put in dict(writes).items() if put}
    expected = sorted((key for key in alive if key[: len(within)] == within), key=rank, reverse=reverse)
    sign = -1 if reverse else 1
    compare = lambda key, bound: sign * ((rank(key) > rank(bound)) - (rank(key) < rank(bound)))  # noqa: E731
    expected = [key for key in expected if (start is None or compare(key, start) >= 0) and (after is None or compare(key, after) > 0)]
    assert asyncio.run(found()) == expected[:limit]


class TestQueue:
    async def test_a_message_is_leased_when_due(self, store: Store, clock: VirtualClock) -> None:
        await store.commit([Enqueue("q", "m", b"body", 1010.0)])
        assert await store.next_due("q") == 1010.0
        assert await store.lease("q", now=1009.9, seconds=30) == []
        (lease,) = await store.lease("q", now=1010.0, seconds=30)
        assert (lease.queue, lease.message_id, lease.body) == ("q", "m", b"body")
        assert (lease.enqueued, lease.receives, lease.expires) == (1000.0, 1, 1040.0)
        assert await store.next_due("q") == 1040.0
        assert await store.depth("q") == 1

    async def test_acknowledged_is_gone(self, store: Store) -> None:
        await store.commit([Enqueue("q", "m", b"", 0.0)])
        (lease,) = await store.lease("q", now=1.0, seconds=1)
        assert await store.commit([Acknowledge(lease)]) == (0,)
        assert await store.depth("q") == 0
        assert await store.next_due("q") is None
        await store.commit([Acknowledge(lease)])

    async def test_the_longest_due_comes_first_and_each_once(self, store: Store) -> None:
        dues = [5.0, 1.0, 3.0, 3.0, 9.0]
        await store.commit([Enqueue("q", f"m{index}", b"", due) for index, due in enumerate(dues)])
        assert [lease.message_id for lease in await store.lease("q", now=6.0, seconds=100, limit=2)] == ["m1", "m2"]
        assert [lease.message_id for lease in await store.lease("q", now=6.0, seconds=100, limit=10)] == ["m3", "m0"]
        assert await store.lease("q", now=6.0, seconds=100, limit=10) == []

    async def test_a_lease_that_ran_out_goes_to_another(self, store: Store) -> None:
        await store.commit([Enqueue("q", "m", b"", 0.0)])
        (old,) = await store.lease("q", now=1.0, seconds=10)
        assert await store.lease("q", now=10.9, seconds=10) == []
        (new,) = await store.lease("q", now=11.0, seconds=10)
        assert new.receives == 2
        assert new.token != old.token
        await store.commit([Acknowledge(old), Postpone(old, 0.0)])
        assert await store.depth("q") == 1
        assert await store.next_due("q") == 21.0
        await store.commit([Acknowledge(new)])
        assert await store.depth("q") == 0

    async def test_a_lease_that_ran_out_still_acknowledges_until_another_has_it(self, store: Store) -> None:
        await store.commit([Enqueue("q", "m", b"", 0.0)])
        (lease,) = await store.lease("q", now=1.0, seconds=1)
        await store.commit([Acknowledge(lease)])
        assert await store.lease("q", now=100.0, seconds=1) == []

    async def test_postponed_is_due_later(self, store: Store) -> None:
        await store.commit([Enqueue("q", "m", b"first", 0.0), Enqueue("q", "n", b"keep", 0.0)])
        first, second = await store.lease("q", now=1.0, seconds=10, limit=2)
        await store.commit([Postpone(first, 60.0, b"second"), Postpone(second, 61.0)])
        assert await store.next_due("q") == 60.0
        again = await store.lease("q", now=61.0, seconds=10, limit=5)
        assert [(lease.message_id, lease.body, lease.receives) for lease in again] == [("m", b"second", 2), ("n", b"keep", 2)]
        await store.commit([Acknowledge(first)])
        assert await store.depth("q") == 2

    async def test_enqueueing_again_replaces_and_takes_from_the_lease(self, store: Store) -> None:
        await store.commit([Enqueue("q", "m", b"old", 0.0)])
        (lease,) = await store.lease("q", now=1.0, seconds=10)
        await store.commit([Enqueue("q", "m", b"new", 5.0)])
        await store.commit([Acknowledge(lease)])
        assert await store.depth("q") == 1
        (again,) = await store.lease("q", now=5.0, seconds=10)
        assert again.body == b"new"

    async def test_queues_are_apart_and_purged_apart(self, store: Store) -> None:
        await store.commit([Enqueue("q", "m", b"", 0.0), Enqueue("q", "n", b"", 99.0), Enqueue("r", "m", b"", 0.0)])
        await store.lease("q", now=1.0, seconds=10)
        await store.commit([Purge("q")])
        assert await store.depth("q") == 0
        assert await store.depth("r") == 1

    async def test_queues_that_hold_messages_are_found_by_prefix(self, store: Store) -> None:
        names = ["a", "a/1", "a/2", "a/2/x", "a/é", "b"]
        await store.commit([Enqueue(name, str(number), b"", 0.0) for name in names for number in range(3)])
        assert await store.queues("a/") == ["a/1", "a/2", "a/2/x", "a/é"]
        for lease in await store.lease("a/1", now=1.0, seconds=9.0, limit=3):
            await store.commit([Acknowledge(lease)])
        await store.lease("a/2", now=1.0, seconds=9.0, limit=3)
        assert await store.queues("a/") == ["a/2", "a/2/x", "a/é"]
        assert await store.queues("c") == []
        assert await store.queues("") == ["a", "a/2", "a/2/x", "a/é", "b"]

    async def test_handling_is_one_commit(self, store: Store) -> None:
        await store.commit([Enqueue("q", "m", b"", 0.0)])
        (lease,) = await store.lease("q", now=1.0, seconds=10)
        with pytest.raises(Conflict):
            await store.commit([Acknowledge(lease), Put("t", ("done",), b"", 5)])
        assert await store.depth("q") == 1
        await store.commit([Acknowledge(lease), Put("t", ("done",), b"", ABSENT), Enqueue("next", "m", b"", 0.0)])
        assert (await store.depth("q"), await store.depth("next")) == (0, 1)

    async def test_waiting_ends_with_a_commit_that_touches_the_queue(self, store: Store) -> None:
        await store.commit([Enqueue("q", "before", b"", 0.0)])
        waiting = asyncio.ensure_future(store.wait_enqueued("q"))
        await store.commit([Enqueue("other", "m", b"", 0.0), Put("t", ("a",), b"")])
        await asyncio.sleep(0)
        assert not waiting.done()
        await store.commit([Enqueue("q", "m", b"", 5000.0)])
        await asyncio.wait_for(waiting, 5)

    async def test_no_wake_up_is_lost_between_lease_and_wait(self, store: Store) -> None:
        handled = 0

        async def consume() -> None:
            nonlocal handled
            while handled < 200:
                leases = await store.lease("q", now=1.0, seconds=10, limit=10)
                if not leases:
                    await store.wait_enqueued("q")
                    continue
                await store.commit([Acknowledge(lease) for lease in leases])
                handled += len(leases)

        async def produce(name: str) -> None:
            for index in range(100):
                await store.commit([Enqueue("q", f"{name}{index}", b"", 0.0)])

        await asyncio.wait_for(asyncio.gather(consume(), produce("a"), produce("b")), 20)
        assert await store.depth("q") == 0

    async def test_a_waiter_that_gave_up_does_no_harm(self, store: Store) -> None:
        waiting = [asyncio.ensure_future(store.wait_enqueued("q")) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        await store.commit([Enqueue("q", "m", b"", 0.0)])
        await asyncio.wait_for(asyncio.gather(*waiting[1:]), 5)


class TestLog:
    async def test_sequence_numbers_leave_no_gaps(self, store: Store) -> None:
        assert await store.commit([Append("l", (Record(10, b"a"), Record(5, b"b")))]) == (1,)
        assert await store.commit([Append("m", (Record(1, b"x"),)), Append("l", (Record(20, b"c"),))]) == (1, 3)
        assert await store.read("l") == [Entry(1, 10, b"a"), Entry(2, 5, b"b"), Entry(3, 20, b"c")]
        assert await store.read("m") == [Entry(1, 1, b"x")]

    async def test_reading_a_part(self, store: Store) -> None:
        await store.commit([Append("l", tuple(Record(index, b"") for index in range(1, 11)))])

        async def sequences(**bounds: int | bool) -> list[int]:
            return [entry.sequence for entry in await store.read("l", **bounds)]  # type: ignore[arg-type]

        assert await sequences(after=7) == [8, 9, 10]
        assert await sequences(limit=2) == [1, 2]
        assert await sequences(after=3, before=6) == [4, 5]
        assert await sequences(reverse=True, limit=3) == [10, 9, 8]
        assert await sequences(reverse=True, before=4) == [3, 2, 1]
        assert await sequences(after=10) == []
        assert await sequences(limit=0) == []

    async def test_trimming_by_age(self, store: Store) -> None:
        await store.commit([Append("l", tuple(Record(time, b"") for time in (30, 10, 20, 40))), Append("k", (Record(1, b""),))])
        await store.commit([Trim("l", 25)])
        assert [entry.sequence for entry in await store.read("l")] == [1, 4]
        assert len(await store.read("k")) == 1

    @pytest.mark.parametrize("lengths", [(200,), (1, 64, 3, 65, 67), (1,) * 200])
    async def test_bounds_fall_anywhere(self, store: Store, lengths: tuple[int, ...]) -> None:
        everything = [Entry(number, number % 7, b"%d" % number) for number in range(1, 201)]
        records = iter(everything)
        await store.commit([Append("l", tuple(Record(each.time_ms, each.data) for each in islice(records, length))) for length in lengths])
        for after in (0, 1, 2, 63, 64, 65, 66, 130, 199, 200, 300):
            for before in (None, 0, 1, 2, 64, 65, 66, 131, 200, 201, 300):
                wanted = everything[after : None if before is None else max(0, before - 1)]
                for limit in (1, 2, 63, 64, 65, 100, 1000):
                    assert await store.read("l", after=after, before=before, limit=limit) == wanted[:limit]
                    assert await store.read("l", after=after, before=before, limit=limit, reverse=True) == wanted[::-1][:limit]

    async def test_large_records_are_records(self, store: Store) -> None:
        sizes = (1_000_000, 0, 1, 20_000, 20_000, 20_000, 40_000, 5)
        await store.commit([Append("l", tuple(Record(0, b"x" * size) for size in sizes))])
        assert [len(entry.data) for entry in await store.read("l")] == list(sizes)
        assert await store.read("l", after=3, limit=2) == [Entry(4, 0, b"x" * 20_000), Entry(5, 0, b"x" * 20_000)]

    async def test_appending_nothing(self, store: Store) -> None:
        assert await store.commit([Append("l", ()), Append("l", (Record(0, b""),))]) == (1, 1)

    async def test_trimming_takes_records_out_of_the_middle(self, store: Store) -> None:
        """What was appended at once need not be in order of time, nor go at once."""
        times = [index * 37 % 100 for index in range(100)]
        await store.commit([Append("l", tuple(Record(time, b"%d" % time) for time in times)), Append("k", (Record(1, b""),))])
        for before_ms in (-5, 0, 1, 40, 41, 99):
            await store.commit([Trim("l", before_ms)])
            left = [Entry(number, time, b"%d" % time) for number, time in enumerate(times, 1) if time >= before_ms]
            assert await store.read("l") == left
            assert await store.read("l", reverse=True, before=80, limit=3) == [each for each in left if each.sequence < 80][:-4:-1]
            assert await store.read("l", after=20, before=60) == [each for each in left if 20 < each.sequence < 60]
        assert len(await store.read("k")) == 1
        assert await store.commit([Trim("l", 100), Append("l", (Record(0, b""),))]) == (0, 101)
        assert await store.read("l") == [Entry(101, 0, b"")]

    async def test_a_trim_sees_what_its_commit_appended(self, store: Store) -> None:
        before, after = Append("l", (Record(1, b"a"), Record(9, b"b"))), Append("l", (Record(2, b"c"), Record(3, b"d")))
        assert await store.commit([before, Trim("l", 5), after]) == (1, 0, 3)
        assert await store.read("l") == [Entry(2, 9, b"b"), Entry(3, 2, b"c"), Entry(4, 3, b"d")]

    async def test_a_conflict_appends_and_trims_nothing(self, store: Store) -> None:
        await store.commit([Append("l", (Record(1, b"a"), Record(9, b"b")))])
        with pytest.raises(Conflict):
            await store.commit([Append("l", (Record(0, b"c"), Record(0, b"d"))), Trim("l", 5), Put("t", ("a",), b"", 7)])
        assert await store.read("l") == [Entry(1, 1, b"a"), Entry(2, 9, b"b")]
        assert await store.commit([Append("l", (Record(2, b"e"),))]) == (3,)

    async def test_sequence_numbers_go_on_after_trimming_everything(self, store: Store) -> None:
        await store.commit([Append("l", (Record(1, b""), Record(2, b""))), Trim("l")])
        assert await store.read("l") == []
        assert await store.commit([Append("l", (Record(3, b""),))]) == (3,)

    async def test_many_appenders_share_one_sequence(self, store: Store) -> None:
        firsts = await asyncio.gather(*(store.commit([Append("l", (Record(i, b""), Record(i, b"")))]) for i in range(25)))
        assert sorted(first for (first,) in firsts) == list(range(1, 51, 2))
        assert [entry.sequence for entry in await store.read("l")] == list(range(1, 51))


LOGS = st.sampled_from(["l", "k"])
APPENDS = st.builds(Append, LOGS, st.lists(st.builds(Record, st.integers(0, 9), st.binary(max_size=2)), max_size=9).map(tuple))
TRIMS = st.builds(Trim, LOGS, st.none() | st.integers(0, 10))
READS = st.fixed_dictionaries(
    {"after": st.integers(0, 30), "before": st.none() | st.integers(0, 30), "limit": st.integers(0, 12), "reverse": st.booleans()}
)


def test_logs_on_disk_are_those_in_memory(tmp_path: Path) -> None:
    store, reference = SqliteStore.open(tmp_path, VirtualClock()), MemoryStore(VirtualClock())
    examples = count()

    @settings(max_examples=200, deadline=None)
    @given(commits=st.lists(st.lists(APPENDS | TRIMS, max_size=3), max_size=6), reads=st.lists(READS, max_size=12))
    def compare(commits: list[list[Append | Trim]], reads: list[dict[str, Any]]) -> None:
        example = next(examples)
        asyncio.run(run([[replace(write, log=f"{write.log}{example}") for write in writes] for writes in commits], reads, example))

    async def run(commits: list[list[Append | Trim]], reads: list[dict[str, Any]], example: int) -> None:
        for writes in commits:
            assert await store.commit(writes, durable=False) == await reference.commit(writes)
        for log in (f"l{example}", f"k{example}"):
            for bounds in [{}, *reads]:
                assert await store.read(log, **bounds) == await reference.read(log, **bounds)

    try:
        compare()
    finally:
        asyncio.run(store.close())

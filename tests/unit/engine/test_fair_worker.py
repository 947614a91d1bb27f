"""The worker of many queues: places that go on, ends that gather, messages ahead, and yielding to what somebody waits for."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence

import pytest

from lambent.adapters.memory import MemoryStore
from lambent.base.clock import VirtualClock
from lambent.domain.storage import Acknowledge, Enqueue, Lease, Postpone, Write
from lambent.engine.delivery import QueueWorker
from lambent.engine.delivery.endings import Handled
from lambent.engine.delivery.fair_worker import FairWorker
from lambent.engine.delivery.haste import AT_ONCE, LASTS_S, YIELD_S_MAX, Haste
from lambent.engine.delivery.lanes import SPARED
from lambent.engine.delivery.parking import FAILURES_MAX, PARKED, parked
from lambent.gateway.metrics import rendered_parked


class CountingStore(MemoryStore):
    """Counts commits, and refuses those that it is told to."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(clock)
        self.commits: list[int] = []
        self.refused: set[str] = set()

    async def commit(self, writes: Sequence[Write], *, durable: bool = True) -> tuple[int, ...]:
        if any(isinstance(each, Acknowledge) and each.lease.message_id in self.refused for each in writes):
            raise OSError("this one can't be written")
        self.commits.append(len(writes))
        return await super().commit(writes, durable=durable)


class World:
    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.store = CountingStore(self.clock)
        self.haste = False
        self.took_s = 1.0
        self.running = self.running_max = 0
        self.handled: list[str] = []
        self.log_waits = 0
        self.worker = FairWorker(self.store, self.clock, "q/", self.handle, lease_s=120.0, yields=lambda: self.haste)

    async def handle(self, lease: Lease) -> Handled:
        self.running += 1
        self.running_max = max(self.running_max, self.running)
        await self.clock.sleep(self.took_s)
        self.running -= 1
        self.handled.append(lease.message_id)
        return Handled((Acknowledge(lease),), logged=self.logged)

    async def logged(self) -> None:
        self.log_waits += 1
        await self.clock.sleep(0.05)

    async def put(self, count: int, lane: str = "a") -> None:
        writes = [self.worker.enqueue(lane, f"{lane}{number}", b"body", self.clock.now()) for number in range(count)]
        await self.store.commit(writes)
        self.worker.touched(writes)
        self.store.commits.clear()

    async def run(self, seconds: float) -> None:
        task = asyncio.create_task(self.worker.run())
        await self.clock.advance(seconds)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_ends_that_come_together_are_one_commit_and_their_log_is_waited_for_once() -> None:
    world = World()
    world.took_s = 0.001
    await world.put(400)
    await world.run(5)
    assert sorted(world.handled) == sorted(f"a{number}" for number in range(400))
    assert await world.store.queues("q/") == []
    assert sum(world.store.commits) == 400
    assert len(world.store.commits) < 20
    assert world.log_waits == len(world.store.commits)


async def test_an_end_that_cannot_be_committed_holds_up_no_other(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    world.store.refused = {"a3"}
    await world.put(40)
    await world.run(30)
    assert await world.store.depth("q/a") == 1
    assert "could not be committed" in caplog.text
    world.store.refused.clear()
    await world.run(300)
    assert await world.store.depth("q/a") == 0
    assert world.handled.count("a3") > 1


async def test_ends_that_wait_for_a_slow_log_are_bounded_in_number_and_in_bytes() -> None:
    world = World()
    world.took_s = 0.001
    record = b"x" * 1_000_000

    async def with_a_record(lease: Lease) -> Handled:
        world.handled.append(lease.message_id)
        return Handled((Acknowledge(lease), Enqueue("records", lease.message_id, record, 0.0)), logged=stuck)

    async def stuck() -> None:
        await world.clock.sleep(60)

    world.worker = FairWorker(world.store, world.clock, "q/", with_a_record, lease_s=120.0)
    await world.put(300)
    await world.run(30)
    assert 64 <= len(world.handled) < 64 + 2 * 8
    await world.run(3600)
    assert await world.store.depth("q/a") == 0
    assert await world.store.depth("records") == 300


async def test_while_it_yields_a_lane_runs_few_at_a_time_and_goes_on_at_once_afterwards() -> None:
    world = World()
    world.haste = True
    await world.put(30, "a")
    await world.put(1, "b")
    task = asyncio.create_task(world.worker.run())
    await world.clock.advance(3.5)
    assert world.running_max == SPARED + 1  # the other lane has one only
    assert len(world.handled) == 3 * SPARED + 1
    world.haste = False
    await world.clock.advance(0.1)
    assert world.running >= 4
    await world.clock.advance(30)
    assert len(world.handled) == 31
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_what_waited_long_ahead_is_given_back_rather_than_handled_with_a_lease_that_ends() -> None:
    world = World()
    world.took_s = 100.0  # within the lease of a message that is begun at once, not of one that was leased 100 s before
    await world.put(12)
    await world.run(5000)
    assert sorted(world.handled) == sorted(f"a{number}" for number in range(12))


async def test_what_cannot_be_handled_is_parked_seen_and_tried_again_at_the_next_start(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    world.took_s, tries, poisoned, handle = 0.01, 0, True, world.handle

    async def with_a_bug(lease: Lease) -> Handled:
        nonlocal tries
        if poisoned and lease.message_id == "a1":
            tries += 1
            raise KeyError("a bug")
        return await handle(lease)

    world.worker = FairWorker(world.store, world.clock, "q/", with_a_bug, name="things")
    await world.put(3)
    await world.run(3600)
    assert sorted(world.handled) == ["a0", "a2"]
    assert tries == FAILURES_MAX
    assert await parked(world.store) == {"q/a": 1}
    assert "parked until the next start" in caplog.text
    assert rendered_parked(await parked(world.store)) == (
        '# TYPE lambent_parked gauge\nlambent_parked 1\n# TYPE lambent_parked_messages gauge\nlambent_parked_messages{queue="q/a"} 1\n'
    )
    poisoned = False
    await world.run(5)
    assert sorted(world.handled) == ["a0", "a1", "a2"]
    assert await parked(world.store) == {}
    assert rendered_parked({}) == "# TYPE lambent_parked gauge\nlambent_parked 0\n"


async def test_a_worker_of_one_queue_parks_too_and_failures_in_between_do_not_add_up() -> None:
    clock, store, tries = VirtualClock(), MemoryStore(VirtualClock()), Counter[str]()

    async def handle(lease: Lease) -> Sequence[Write]:
        tries[lease.message_id] += 1
        if lease.message_id == "poison" or tries[lease.message_id] % 5:
            raise RuntimeError("a bug")
        return [Acknowledge(lease) if tries[lease.message_id] == 20 else Postpone(lease, clock.now())]

    worker = QueueWorker(store, clock, "q", handle)
    await store.commit([Enqueue("q", each, b"body", clock.now()) for each in ("poison", "flaky")])
    task = asyncio.create_task(worker.run())
    await clock.advance(3600)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert tries == {"poison": FAILURES_MAX, "flaky": 20}
    assert await parked(store) == {"q": 1}
    assert await store.depth("q") == 0
    (lease,) = await store.lease(PARKED + "q", now=clock.now(), seconds=1.0)
    assert (lease.message_id, lease.body) == ("poison", b"body")


async def test_haste_is_pressing_while_many_are_under_way_but_only_half_of_the_time() -> None:
    clock = VirtualClock()
    haste = Haste(clock)
    with haste:
        assert not haste.is_pressing()
    for _ in range(AT_ONCE):
        haste.__enter__()
    assert haste.is_pressing()
    await clock.advance(LASTS_S * 2)
    assert not haste.is_pressing()  # those are slow, not many
    pressed, steps = 0, 4000
    for _ in range(steps):
        await clock.advance(4 * YIELD_S_MAX / steps)
        with haste:
            pressed += haste.is_pressing()
    assert 0.45 < pressed / steps < 0.55
    for _ in range(AT_ONCE):
        haste.__exit__()
    await clock.advance(1)
    assert not haste.is_pressing()

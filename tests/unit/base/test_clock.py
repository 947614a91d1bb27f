import asyncio

from lambent.base.clock import VirtualClock


async def test_sleepers_wake_in_order_of_their_due_time() -> None:
    clock = VirtualClock(0)
    woken: list[tuple[str, float]] = []

    async def sleeper(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((name, clock.now()))

    tasks = [asyncio.create_task(sleeper("late", 60)), asyncio.create_task(sleeper("early", 5)), asyncio.create_task(sleeper("never", 61))]
    await clock.advance(60)
    assert woken == [("early", 5), ("late", 60)]
    assert clock.now() == 60
    tasks[2].cancel()

"""How many berths wait, who gets the next one, and what comes of failures."""

from __future__ import annotations

import asyncio

import pytest

from lambent.adapters.sandbox.helpers import HelperLost
from lambent.adapters.sandbox.stock import AT_ONCE, PATIENCE_S, READY, READY_MAX, RECENT_S, Stock, Traffic
from lambent.base.clock import VirtualClock


class Held:
    is_sound = True
    is_closed = False

    async def close(self) -> None:
        self.is_closed = True


class Maker:
    """Makes what a stock holds, each in a tenth of a second; fails so often."""

    def __init__(self, clock: VirtualClock, failures: int = 0) -> None:
        self.clock = clock
        self.made: list[Held] = []
        self.ahead: list[bool] = []  #: whether there was time for each
        self.failures = failures
        self.making = self.most = 0

    async def __call__(self, ahead: bool) -> Held:
        self.ahead.append(ahead)
        self.making += 1
        self.most = max(self.most, self.making)
        try:
            await self.clock.sleep(0.1)
        finally:
            self.making -= 1
        if self.failures:
            self.failures -= 1
            raise HelperLost("no")
        self.made.append(Held())
        return self.made[-1]


def _stock(failures: int = 0, least: int = READY, most: int = READY_MAX) -> tuple[VirtualClock, Traffic, Maker, Stock[Held]]:
    clock = VirtualClock()
    traffic, maker = Traffic(clock), Maker(clock, failures)
    return clock, traffic, maker, Stock("python", maker, traffic, clock, least=least, most=most)


async def test_a_runtime_that_is_asked_for_has_some_ready() -> None:
    clock, _, maker, stock = _stock()
    stock.tend()
    await clock.advance(1)
    assert (len(stock), maker.most) == (READY, 1)
    assert await stock.take() is maker.made[0]
    await clock.advance(1)
    assert len(stock) == READY
    await stock.close()
    assert [each.is_closed for each in maker.made] == [False] + [True] * READY


async def test_the_stock_grows_with_what_is_taken_and_shrinks_again() -> None:
    clock, _, maker, stock = _stock()
    taken = [stock.take() for _ in range(READY_MAX + 4)]
    first = asyncio.gather(*taken)
    await clock.advance(5)
    assert len(set(map(id, await first))) == READY_MAX + 4
    assert len(stock) == READY_MAX
    await clock.advance(RECENT_S)
    assert len(stock) == READY
    assert sum(each.is_closed for each in maker.made) == READY_MAX - READY
    await stock.close()


async def test_a_burst_is_served_so_many_at_once_in_order_and_nothing_is_made_for_nobody() -> None:
    clock, _, maker, stock = _stock(least=0, most=0)
    order: list[int] = []

    async def take(number: int) -> None:
        await stock.take()
        order.append(number)

    burst = asyncio.gather(*(take(number) for number in range(3 * AT_ONCE)))
    await clock.advance(1)
    await burst
    assert order == list(range(3 * AT_ONCE))
    assert (maker.most, len(maker.made), len(stock)) == (AT_ONCE, 3 * AT_ONCE, 0)


async def test_the_stock_is_refilled_when_no_start_is_on_its_way_or_after_a_while() -> None:
    clock, traffic, maker, stock = _stock()
    over, other = traffic.begins(), traffic.begins()
    stock.tend()
    over()
    over()  # counts once
    await clock.advance(PATIENCE_S / 2)
    assert not maker.making
    other()
    await clock.settle()
    assert maker.making == 1
    traffic.begins()  # never ends
    await clock.advance(READY * (0.1 + PATIENCE_S))
    assert len(stock) == READY
    await stock.close()


async def test_a_start_that_takes_long_is_not_waited_for() -> None:
    clock, traffic, maker, stock = _stock()
    over = traffic.begins()
    await clock.advance(PATIENCE_S)
    stock.tend()
    await clock.settle()
    assert maker.making == 1
    over()  # counts no more
    traffic.begins()
    await clock.advance(0.1 + PATIENCE_S / 2)
    assert (len(stock), maker.making) == (1, 1)
    await stock.close()


async def test_only_what_is_made_ahead_has_time_to_rehearse() -> None:
    clock, _, maker, stock = _stock(least=2)
    taken = asyncio.ensure_future(stock.take())
    await clock.advance(1)
    await taken
    assert maker.ahead == [False, True, True]
    await stock.close()


async def test_what_has_ended_is_not_handed_out() -> None:
    clock, _, maker, stock = _stock()
    stock.tend()
    await clock.advance(1)
    maker.made[0].is_sound = False
    assert await stock.take() is maker.made[1]
    await clock.settle()
    assert maker.made[0].is_closed
    await stock.close()


async def test_a_failure_is_told_to_whoever_waits_and_the_next_is_tried_again() -> None:
    clock, _, maker, stock = _stock(failures=1, least=0, most=0)
    both = asyncio.gather(stock.take(), stock.take(), return_exceptions=True)
    await clock.advance(1)
    failed, made = await both
    assert isinstance(failed, HelperLost)
    assert made is maker.made[0]


async def test_a_refill_that_fails_is_tried_again_at_the_next_start(caplog: pytest.LogCaptureFixture) -> None:
    clock, _, maker, stock = _stock(failures=1)
    stock.tend()
    await clock.advance(1)
    assert not len(stock)
    assert "no environments can be kept ready for python: no" in caplog.text
    taken = asyncio.ensure_future(stock.take())
    await clock.advance(1)
    assert await taken is maker.made[0]
    assert len(stock) == READY
    await stock.close()


async def test_who_gives_up_leaves_what_was_made_to_others() -> None:
    clock, _, maker, stock = _stock(least=0, most=0)
    first, second = asyncio.ensure_future(stock.take()), asyncio.ensure_future(stock.take())
    await clock.settle()
    first.cancel()
    await clock.advance(1)
    assert await second is maker.made[0]
    await stock.close()


async def test_closing_ends_what_waits() -> None:
    clock, _, _, stock = _stock()
    waiting = asyncio.ensure_future(stock.take())
    await clock.settle()
    await stock.close()
    with pytest.raises(HelperLost):
        await waiting
    stock.tend()
    await clock.advance(1)
    assert not len(stock)

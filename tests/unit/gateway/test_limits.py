"""How much of bodies is kept, for each of them and for all of one environment."""

from __future__ import annotations

import asyncio

import pytest

from lambent.base.clock import VirtualClock
from lambent.domain.errors import AwsError
from lambent.gateway.http.bodies import IncomingBody
from lambent.gateway.limits import Allowance, Pace, read_bounded

KB = 1024


def body(length: int | None) -> IncomingBody:
    return IncomingBody(length, lambda: None)


async def read(allowance: Allowance, incoming: IncomingBody) -> int:
    with allowance.share():
        return len(await read_bounded(incoming, 300 * KB, "sqs"))


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_bodies_of_one_environment_wait_for_each_other() -> None:
    allowance, bodies = Allowance(400 * KB), [body(200 * KB), body(200 * KB), body(None), body(200 * KB)]
    reading = [asyncio.create_task(read(allowance, each)) for each in bodies]
    await settle()
    assert [each.started for each in bodies] == [True, True, False, False]
    for each in bodies:
        each.feed(bytes(200 * KB))
        each.end()
    assert await asyncio.wait_for(asyncio.gather(*reading), 5) == [200 * KB] * 4
    assert allowance._taken == 0


async def test_small_bodies_and_everybody_else_s_do_not_wait() -> None:
    allowance = Allowance(400 * KB)
    first = asyncio.create_task(read(allowance, body(300 * KB)))
    second = asyncio.create_task(read(allowance, body(300 * KB)))
    small, other = body(KB), body(300 * KB)
    tasks = [first, second, asyncio.create_task(read(allowance, small)), asyncio.create_task(read_bounded(other, 300 * KB, "sqs"))]  # type: ignore[list-item]
    await settle()
    assert (small.started, other.started) == (True, True)
    second.cancel()
    first.cancel()
    await settle()
    assert allowance._taken == 0
    assert not allowance._waiting
    for each in tasks:
        each.cancel()


async def test_what_is_refused_or_broken_gives_its_share_back() -> None:
    allowance, broken = Allowance(400 * KB), body(200 * KB)
    reading = asyncio.create_task(read(allowance, broken))
    await settle()
    broken.abort()
    with pytest.raises(AwsError):
        await reading
    with pytest.raises(AwsError):
        await read(allowance, body(301 * KB))
    assert allowance._taken == 0


async def test_requests_keep_a_pace_after_a_burst() -> None:
    clock, answered = VirtualClock(), 0
    pace = Pace(clock, pause_s=0.01, burst=5)

    async def ask() -> None:
        nonlocal answered
        while True:
            await pace.turn()
            answered += 1

    task = asyncio.create_task(ask())
    await settle()
    assert answered == 5
    await clock.advance(1.0)
    assert 95 <= answered - 5 <= 101
    task.cancel()

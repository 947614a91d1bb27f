"""The sessions of execution roles: shared, valid at once, and on disk before they are relied on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from tests.unit.engine.fakes import function

from lambent.adapters.memory.store import MemoryStore
from lambent.base.clock import VirtualClock
from lambent.base.ids import SeededIds
from lambent.domain.call import Call
from lambent.domain.caller import Caller
from lambent.domain.storage import Write
from lambent.server.identities import ROLE_SESSION_S, Identities

ROLE = "arn:aws:iam::000000000000:role/r"


class Disk(MemoryStore):
    """A store that waits, or fails."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(clock)
        self.goes_on = asyncio.Event()
        self.failure: Exception | None = None

    async def commit(self, writes: Sequence[Write], *, durable: bool = True) -> tuple[int, ...]:
        await self.goes_on.wait()
        if self.failure is not None:
            raise self.failure
        return await super().commit(writes, durable=durable)


async def _restarted(disk: Disk) -> Identities:
    found = Identities(disk, VirtualClock(), SeededIds(2))
    await found.load()
    return found


async def test_a_session_is_valid_at_once_and_after_a_restart_when_it_was_waited_for() -> None:
    clock = VirtualClock()
    disk = Disk(clock)
    identities = Identities(disk, clock, SeededIds(1))
    session = identities.role_session(ROLE, function())
    found = identities.find(session.access_key_id)
    assert found is not None
    assert (found.secret, found.session_token) == (session.secret, session.token)
    waiting = asyncio.ensure_future(session.wait_kept())
    await clock.settle()
    assert not waiting.done()
    assert (await _restarted(disk)).find(session.access_key_id) is None
    disk.goes_on.set()
    await waiting
    await session.wait_kept()
    assert (await _restarted(disk)).find(session.access_key_id) is not None


async def test_environments_of_a_function_share_a_session_for_half_of_its_life() -> None:
    clock = VirtualClock()
    disk = Disk(clock)
    disk.goes_on.set()
    identities = Identities(disk, clock, SeededIds(1))
    first = identities.role_session(ROLE, function())
    await clock.advance(ROLE_SESSION_S / 2)
    assert identities.role_session(ROLE, function()).access_key_id == first.access_key_id
    await clock.advance(1)
    assert identities.role_session(ROLE, function()).access_key_id != first.access_key_id


async def test_who_gives_up_waiting_leaves_the_session_to_the_others() -> None:
    clock = VirtualClock()
    disk = Disk(clock)
    session = Identities(disk, clock, SeededIds(1)).role_session(ROLE, function())
    first, second = asyncio.ensure_future(session.wait_kept()), asyncio.ensure_future(session.wait_kept())
    await clock.settle()
    first.cancel()
    disk.goes_on.set()
    await second


async def test_a_session_that_could_not_be_kept_is_told_and_replaced() -> None:
    clock = VirtualClock()
    disk = Disk(clock)
    disk.failure = OSError("full")
    disk.goes_on.set()
    identities = Identities(disk, clock, SeededIds(1))
    session = identities.role_session(ROLE, function())
    for _ in range(2):
        with pytest.raises(OSError, match="full"):
            await session.wait_kept()
    disk.failure = None
    other = identities.role_session(ROLE, function())
    assert other.access_key_id != session.access_key_id
    await other.wait_kept()


async def test_after_a_restart_a_functions_session_goes_on() -> None:
    clock = VirtualClock()
    disk = Disk(clock)
    disk.goes_on.set()
    identities = Identities(disk, clock, SeededIds(1))
    await identities.role_session(ROLE, function()).wait_kept()
    await clock.advance(ROLE_SESSION_S / 2 + 1)
    last = identities.role_session(ROLE, function())
    await last.wait_kept()
    disk.goes_on.clear()
    restarted = Identities(disk, clock, SeededIds(2))
    await restarted.load()
    again = restarted.role_session(ROLE, function())
    assert (again.access_key_id, again.secret) == (last.access_key_id, last.secret)
    await again.wait_kept()


async def test_a_session_is_begun_when_a_function_is_created() -> None:
    clock = VirtualClock()
    disk = Disk(clock)
    disk.goes_on.set()
    identities = Identities(disk, clock, SeededIds(1))
    call = Call("lambda", "CreateFunction", {}, Caller.root(), region="us-east-1", account_id="000000000000", request_id="r")
    await identities.observe_function(call, {"FunctionName": "f", "Role": ROLE})
    await clock.settle()
    assert len(await disk.range("identity.credentials")) == 1
    await identities.role_session(ROLE, function()).wait_kept()
    assert len(await disk.range("identity.credentials")) == 1

"""Keys that have expired are forgotten, in memory and on disk, however long a server runs."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from tests.unit.engine.fakes import function

from lambent.adapters.memory import MemoryStore
from lambent.base.clock import VirtualClock
from lambent.base.ids import SeededIds
from lambent.domain.call import Call
from lambent.domain.caller import Caller
from lambent.server.identities import EXPIRED_S, ROLE_SESSION_S, Identities

ROLE = "arn:aws:iam::000000000000:role/r"


class Kit:
    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.store = MemoryStore(self.clock)
        self.identities = Identities(self.store, self.clock, SeededIds(1))

    async def function_key(self, name: str) -> str:
        session = self.identities.role_session(ROLE, function(name))
        await session.wait_kept()
        return session.access_key_id

    async def given(self, key: str, seconds: float, by: str = "test") -> None:
        """Have STS hand a key out that lasts so long."""
        found = self.identities.find(by)
        assert found is not None
        keys = {"AccessKeyId": key, "SecretAccessKey": "s", "Expiration": datetime.fromtimestamp(self.clock.now() + seconds, UTC)}
        params = {"RoleArn": ROLE, "RoleSessionName": "s"}
        await self.identities.observe(Call("sts", "AssumeRole", params, found.caller, "us-east-1", "1", "r"), {"Credentials": keys})

    async def kept(self) -> int:
        """Return how many keys are kept on disk: what is found there by somebody for whom nothing has expired yet."""
        found = Identities(self.store, VirtualClock(0.0), SeededIds(2))
        await found.load()
        return len(found._issued)


@pytest.fixture
def kit() -> Kit:
    return Kit()


async def test_an_expired_key_is_known_for_an_hour_then_forgotten(kit: Kit) -> None:
    await kit.given("ASIA1", 900)
    await kit.clock.advance(900 + EXPIRED_S - 1)
    await kit.given("ASIA2", 1e6)
    assert kit.identities.find("ASIA1") is not None
    await kit.clock.advance(EXPIRED_S)
    await kit.given("ASIA3", 1e6)
    assert kit.identities.find("ASIA1") is None
    assert [each for each in ("ASIA2", "ASIA3") if kit.identities.find(each) is None] == []
    assert await kit.kept() == 2


async def test_keys_of_users_stay(kit: Kit) -> None:
    key = {"AccessKey": {"UserName": "u", "AccessKeyId": "AKIA1", "SecretAccessKey": "s"}}
    await kit.identities.observe(Call("iam", "CreateAccessKey", {}, Caller.root(), "us-east-1", "000000000000", "r"), key)
    await kit.clock.advance(1e9)
    await kit.given("ASIA1", 900)
    assert kit.identities.find("AKIA1") is not None


async def test_of_months_of_functions_that_come_and_go_nothing_stays(kit: Kit) -> None:
    for number in range(2_500):
        key = await kit.function_key(f"f{number}")
        await kit.given(f"ASIA{number}", 3_600, by=key)
    await kit.clock.advance(ROLE_SESSION_S + 2 * EXPIRED_S)
    for number in range(6):
        await kit.function_key(f"g{number}")
    assert await kit.kept() == 6
    assert len(kit.identities._issued) == len(kit.identities._identities) == len(kit.identities._sessions) == 6
    assert not kit.identities._begun

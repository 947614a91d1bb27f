"""Whose session a key is, and by which function's key it was begun."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from tests.unit.engine.fakes import function

from lambent.adapters.memory import MemoryStore
from lambent.base.clock import VirtualClock
from lambent.base.ids import SeededIds
from lambent.domain.call import Call
from lambent.domain.caller import Caller
from lambent.gateway.authentication import Identity
from lambent.server.identities import BEGUN_MAX, Identities

ROLE = "arn:aws:iam::000000000000:role/own"
OTHER = "arn:aws:iam::111122223333:role/path/other"


class Kit:
    """Identities, and an STS that hands out what the test says."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.store = MemoryStore(self.clock)
        self.identities = Identities(self.store, self.clock, SeededIds(1))

    async def own(self, name: str = "f") -> str:
        """Return the key that a function's environments are started with."""
        session = self.identities.role_session(ROLE, function(name))
        await session.wait_kept()
        return session.access_key_id

    async def assume(self, by: str, given: str, *, operation: str = "AssumeRole", **params: Any) -> Identity | None:
        """Have the holder of a key begin a session, and return what is known of that."""
        caller = self.known(by).caller
        asked = {"RoleArn": OTHER, "RoleSessionName": "s", **params}
        await self.clock.advance(0.001)
        end = datetime.fromtimestamp(self.clock.now() + 3_600, UTC)
        keys = {"AccessKeyId": given, "SecretAccessKey": "secret", "SessionToken": "token", "Expiration": end}
        result = {"Credentials": keys, "AssumedRoleUser": {"Arn": "arn:aws:sts::111122223333:assumed-role/said/s"}}
        await self.identities.observe(Call("sts", operation, asked, caller, "us-east-1", caller.account_id, "r"), result)
        return self.identities.find(given)

    def known(self, key: str) -> Identity:
        found = self.identities.find(key)
        assert found is not None
        return found


@pytest.fixture
def kit() -> Kit:
    return Kit()


async def test_a_session_is_the_roles_that_was_asked_for(kit: Kit) -> None:
    found = await kit.assume("test", "ASIA1")
    assert found is not None
    assert (found.caller.arn, found.caller.account_id) == ("arn:aws:sts::111122223333:assumed-role/other/s", "111122223333")


async def test_sessions_that_a_functions_key_began_say_so(kit: Kit) -> None:
    own, other = await kit.own(), await kit.own("g")
    assert (kit.known(own).begun_by, kit.known(other).begun_by) == (own, other)
    await kit.assume(own, "ASIA1")
    await kit.assume("ASIA1", "ASIA2")
    await kit.assume(other, "ASIA3")
    assert [kit.known(each).begun_by for each in ("ASIA1", "ASIA2", "ASIA3")] == [own, own, other]


async def test_no_other_session_does(kit: Kit) -> None:
    own = await kit.own()
    await kit.assume("test", "ASIA1")
    await kit.assume("ASIA1", "ASIA2")
    for number, operation in enumerate(("AssumeRoleWithWebIdentity", "AssumeRoleWithSAML", "GetSessionToken", "GetFederationToken")):
        await kit.assume(own, f"ASIA{number + 3}", operation=operation)
    assert [kit.known(f"ASIA{number}").begun_by for number in range(1, 7)] == [None] * 6
    service = Call("sts", "AssumeRole", {"RoleArn": OTHER, "RoleSessionName": "s"}, Caller.service("x", "1"), "r", "1", "r")
    await kit.identities.observe(service, {"Credentials": {"AccessKeyId": "ASIA9", "SecretAccessKey": "x"}})
    assert kit.known("ASIA9").begun_by is None


async def test_a_key_begins_sessions_without_end_of_which_the_last_are_kept(kit: Kit) -> None:
    own, other = await kit.own(), await kit.own("g")
    await kit.assume(other, "ASIAKEPT")
    for number in range(BEGUN_MAX + 5):
        await kit.assume(own if number % 2 else f"ASIA{number - 1}" if number else own, f"ASIA{number}")
    assert [number for number in range(BEGUN_MAX + 5) if kit.identities.find(f"ASIA{number}") is None] == [0, 1, 2, 3, 4]
    after = Identities(kit.store, kit.clock, SeededIds(2))
    await after.load()
    for each in (kit.identities, after):
        assert each.find("ASIA4") is None
        assert each.find("ASIA5") is not None
        assert each.find("ASIAKEPT") is not None
        assert each.find(own) is not None
    kit.identities = after
    await kit.assume(await kit.own(), "ASIANEW")
    assert [each for each in ("ASIA5", "ASIA6") if after.find(each) is None] == ["ASIA5"]

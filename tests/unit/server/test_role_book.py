"""What is known of roles: read once, read anew after writes, and not forgotten when IAM forgets."""

from __future__ import annotations

import asyncio

import pytest
from tests.unit.server.iam_kit import ACCOUNT, World, allow, policy

from lambent.domain.call import Call
from lambent.domain.caller import Caller
from lambent.domain.errors import AwsError
from lambent.server.role_book import LIFE_S

SHARED = f"arn:aws:iam::{ACCOUNT}:policy/shared"


@pytest.fixture
def world() -> World:
    found = World()
    found.iam.add("worker", allow("sqs:SendMessage"))
    return found


async def test_iam_is_asked_once_in_a_while(world: World) -> None:
    await asyncio.gather(*(world.refusal() for _ in range(5)))
    asked = len(world.iam.calls)
    await world.refusal()
    assert len(world.iam.calls) == asked
    await world.clock.advance(LIFE_S + 1)
    await world.refusal()
    assert len(world.iam.calls) == 2 * asked


async def test_all_pages_are_read(world: World) -> None:
    world.iam.roles["worker"]["inline"] = {"a": policy(allow("s3:*")), "b": policy(allow("sns:*")), "c": policy(allow("sqs:*"))}
    assert await world.refusal() == ""


async def test_a_write_counts_at_once_and_after_a_restart(world: World) -> None:
    assert await world.refusal() == ""
    world.iam.add("worker")
    await world.wrote("DeleteRolePolicy", RoleName="worker")
    assert await world.refusal() != ""
    world.iam.roles.clear()
    world.restart()
    assert await world.refusal() != ""


async def test_a_new_version_of_a_policy_is_read_for_the_roles_that_have_it(world: World) -> None:
    world.iam.roles["worker"] = {**world.iam.roles["worker"], "inline": {}, "attached": [SHARED]}
    world.iam.managed[SHARED] = policy(allow("sqs:*"))
    assert await world.refusal() == ""
    world.iam.managed[SHARED] = policy(allow("s3:*"))
    await world.wrote("CreatePolicyVersion", PolicyArn=SHARED)
    assert await world.refusal() != ""


async def test_a_role_that_iam_has_forgotten_keeps_its_policies(world: World, caplog: pytest.LogCaptureFixture) -> None:
    await world.wrote("CreateRole", RoleName="worker")
    world.iam.roles.clear()
    world.restart()
    assert await world.refusal() == ""
    assert await world.refusal("sns", "Publish", TopicArn="arn:aws:sns:eu-west-1:1:t") != ""
    assert caplog.text.count("goes on with the policies that it had last") == 1


async def test_iam_is_not_woken_to_be_asked_for_what_it_can_not_have(world: World) -> None:
    await world.wrote("CreateRole", RoleName="worker")
    world.iam.calls.clear()
    world.running = False
    world.restart()
    assert await world.refusal("sns", "Publish", TopicArn="arn:aws:sns:eu-west-1:1:t") != ""
    assert await world.refusal(role="made-up") == ""
    assert [each for each in world.iam.calls if each.service == "iam"] == []


async def test_a_deleted_role_may_do_nothing_until_it_is_there_again(world: World) -> None:
    assert await world.refusal() == ""
    await world.wrote("DeleteRole", RoleName="never-seen")
    del world.iam.roles["worker"]
    await world.wrote("DeleteRole", RoleName="worker")
    for _ in range(2):
        assert await world.refusal() != ""
        assert await world.refusal(role="never-seen") != ""
        assert not await world.authoriser.is_assumable(f"arn:aws:iam::{ACCOUNT}:role/worker", "lambda.amazonaws.com", "arn:aws:lambda:::f")
        world.restart()
    world.iam.add("worker", allow("sqs:*"))
    await world.wrote("CreateRole", RoleName="worker")
    assert await world.refusal() == ""


async def test_what_writes_to_iam_behind_us_has_all_read_anew(world: World) -> None:
    assert await world.refusal(role="made-up", QueueUrl="http://localhost/q") == ""
    world.iam.add("made-up")
    stack = Call("cloudformation", "CreateStack", {}, Caller.root(ACCOUNT), "us-east-1", ACCOUNT, "r")
    await world.book.observe(stack, {})
    assert await world.refusal(role="made-up") != ""


async def test_an_iam_that_gives_no_answer_leaves_things_as_they_were(world: World) -> None:
    assert await world.refusal() == ""
    world.iam.failing = AwsError("ServiceUnavailable", "down", 503)
    await world.clock.advance(LIFE_S + 1)
    assert await world.refusal() == ""


async def test_a_policy_that_can_not_be_read_denies_all(world: World) -> None:
    world.iam.roles["worker"]["inline"]["broken"] = "{"
    assert (await world.refusal()).endswith("with an explicit deny in an identity-based policy")


async def test_a_service_linked_role_is_taken_note_of(world: World) -> None:
    world.iam.add("linked")
    await world.wrote("CreateServiceLinkedRole", {"Role": {"RoleName": "linked"}}, AWSServiceName="x.amazonaws.com")
    world.running = False
    world.restart()
    assert await world.refusal(role="linked") != ""

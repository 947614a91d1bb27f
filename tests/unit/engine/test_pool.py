"""The pool of a function version: warm reuse, expiry, retirement, failures; with random histories."""

from __future__ import annotations

import random

import pytest

from lambent.engine.environments.lifecycle import TRANSITIONS, Happening, LifecycleError, State, after
from lambent.engine.environments.pool import Instruction, Pool, Start, Stop, StopReason


def invoked(pool: Pool, revision: str, fresh_id: str, now: float = 0.0) -> str | list[Instruction]:
    """Return the warm environment that runs an invocation, or what to do when there is none."""
    return pool.warm(revision) or pool.begin(fresh_id, revision, now)


def warm(pool: Pool, *ids: str, revision: str = "r1") -> None:
    for each in ids:
        assert invoked(pool, revision, each)[-1] == Start(each)
        pool.initialised(each)
    for now, each in enumerate(ids):
        assert pool.finished(each, float(now)) == []


def test_the_most_recently_used_environment_is_reused_first() -> None:
    pool = Pool(600)
    warm(pool, "a", "b")
    assert invoked(pool, "r1", "c") == "b"
    assert invoked(pool, "r1", "c") == "a"
    assert invoked(pool, "r1", "c") == [Start("c")]


def test_idle_environments_expire_the_longest_idle_first() -> None:
    pool = Pool(600)
    warm(pool, "a", "b")
    assert pool.expired(599.9) == []
    assert pool.expired(600.0) == [Stop("a", StopReason.EXPIRED)]
    assert pool.expired(601.0) == [Stop("b", StopReason.EXPIRED)]
    assert len(pool) == 0


def test_a_new_revision_retires_idle_ones_now_and_busy_ones_when_they_finish() -> None:
    pool = Pool(600)
    warm(pool, "a", "b")
    invoked(pool, "r1", "x")
    assert not pool.warm("r2")
    assert invoked(pool, "r2", "c") == [Stop("a", StopReason.OUTDATED), Start("c")]
    assert pool.finished("b", 10.0) == [Stop("b", StopReason.OUTDATED)]


def test_a_life_that_is_over_ends_with_the_invocation() -> None:
    pool = Pool(600, life_s=100)
    invoked(pool, "r1", "a", 50.0)
    pool.initialised("a")
    assert pool.finished("a", 150.0) == []
    invoked(pool, "r1", "b", 151.0)
    assert pool.finished("a", 151.0) == [Stop("a", StopReason.OUTDATED)]


def test_a_failed_init_and_a_broken_environment_are_stopped() -> None:
    pool = Pool(600)
    invoked(pool, "r", "a")
    assert pool.init_failed("a") == [Stop("a", StopReason.INIT_FAILED)]
    invoked(pool, "r", "b")
    pool.initialised("b")
    assert pool.broken("b") == [Stop("b", StopReason.BROKEN)]
    assert invoked(pool, "r", "c") == [Start("c")]


def provision(pool: Pool, *ids: str) -> None:
    for each in ids:
        assert pool.provision(each, "r1", 0.0) == [Start(each)]
        assert pool.prepared(each, 0.0) == []


def test_provisioned_environments_are_used_first_and_do_not_expire() -> None:
    pool = Pool(600)
    warm(pool, "ordinary")
    provision(pool, "p1", "p2")
    assert (pool.provisioned, pool.prepared_count) == (2, 2)
    assert pool.has_ready("r1")
    assert [invoked(pool, "r1", "x") for _ in range(3)] == ["p2", "p1", "ordinary"]
    assert not pool.has_ready("r1")
    assert invoked(pool, "r1", "spilled") == [Start("spilled")]
    assert (pool.provisioned, pool.prepared_count) == (2, 2)
    for each in ("p1", "p2", "ordinary"):
        pool.finished(each, 1.0)
    assert pool.expired(10_000.0) == [Stop("ordinary", StopReason.EXPIRED)]
    assert pool.has_ready("r1")


def test_provisioned_environments_end_with_their_life_and_are_missed() -> None:
    pool = Pool(600, life_s=100)
    provision(pool, "p1", "p2")
    assert invoked(pool, "r1", "x") == "p2"
    assert pool.expired(101.0) == [Stop("p1", StopReason.EXPIRED)]
    assert pool.finished("p2", 101.0) == [Stop("p2", StopReason.OUTDATED)]
    assert pool.provisioned == 0


def test_fewer_provisioned_environments_go_idle_ones_first_and_busy_ones_become_ordinary() -> None:
    pool = Pool(600)
    provision(pool, "p1", "p2", "p3")
    assert invoked(pool, "r1", "x") == "p3"
    assert invoked(pool, "r1", "x") == "p2"
    assert pool.release(1) == [Stop("p1", StopReason.RELEASED)]
    assert pool.provisioned == 1
    assert pool.release(1) == []
    pool.finished("p2", 1.0)
    pool.finished("p3", 1.0)
    assert len(pool.expired(700.0)) == 1
    assert pool.provisioned == 1


def test_a_provisioned_environment_that_is_no_longer_wanted_when_it_is_ready_is_an_ordinary_one() -> None:
    pool = Pool(600)
    pool.provision("p1", "r1", 0.0)
    assert pool.release(0) == []
    assert pool.prepared("p1", 5.0) == []
    assert not pool.has_ready("r1")
    assert invoked(pool, "r1", "x") == "p1"


def test_a_provisioned_environment_that_breaks_or_fails_is_gone() -> None:
    pool = Pool(600)
    provision(pool, "p1", "p2")
    assert pool.broken("p1") == [Stop("p1", StopReason.BROKEN)]
    assert invoked(pool, "r1", "x") == "p2"
    assert pool.broken("p2") == [Stop("p2", StopReason.BROKEN)]
    pool.provision("p3", "r1", 0.0)
    assert pool.init_failed("p3") == [Stop("p3", StopReason.INIT_FAILED)]
    assert pool.provisioned == 0


@pytest.mark.parametrize("happening", list(Happening))
def test_nothing_leads_out_of_stopped(happening: Happening) -> None:
    with pytest.raises(LifecycleError):
        after(State.STOPPED, happening)


def test_every_state_can_end_and_every_happening_occurs() -> None:
    reachable = {State.STARTING}
    for _ in State:
        reachable |= {following for state in reachable for following in TRANSITIONS[state].values()}
    assert reachable == set(State)
    assert {happening for row in TRANSITIONS.values() for happening in row} == set(Happening)


@pytest.mark.parametrize("seed", range(20))
def test_random_histories_never_lose_or_share_an_environment(seed: int) -> None:
    rng = random.Random(seed)
    pool, now, serial = Pool(5.0), 0.0, 0
    alive: set[str] = set()
    busy: list[str] = []
    for _ in range(400):
        now += rng.random()
        action = rng.choice(["want", "want", "finish", "finish", "break", "expire", "retire", "provision", "release"])
        out: list[Instruction] = []
        if action == "want":
            serial += 1
            found = invoked(pool, f"r{serial // 40}", f"e{serial}")
            if isinstance(found, str):
                assert found in alive
                assert found not in busy
                busy.append(found)
            else:
                out, fresh = found, f"e{serial}"
                assert out[-1] == Start(fresh)
                alive.add(fresh)
                if rng.random() < 0.1:
                    out = [*out, *pool.init_failed(fresh)]
                else:
                    pool.initialised(fresh)
                    busy.append(fresh)
        elif action in ("finish", "break") and busy:
            each = busy.pop(rng.randrange(len(busy)))
            out = pool.finished(each, now) if action == "finish" else pool.broken(each)
        elif action == "expire":
            out = pool.expired(now)
        elif action == "retire":
            out = pool.retired()
        elif action == "provision":
            serial += 1
            *out, started = pool.provision(f"e{serial}", f"r{serial // 40}", now)
            assert started == Start(f"e{serial}")
            alive.add(f"e{serial}")
            out += pool.init_failed(f"e{serial}") if rng.random() < 0.1 else pool.prepared(f"e{serial}", now)
        elif action == "release":
            wanted = rng.randrange(4)
            out = pool.release(wanted)
            assert pool.provisioned <= wanted
        for instruction in out:
            if isinstance(instruction, Stop):
                alive.remove(instruction.environment_id)
                assert instruction.environment_id not in busy
        assert set(pool.states()) == alive, f"seed {seed}"

"""Turns between functions: own places, shared ones, growth, rest; and invariants under random histories."""

from __future__ import annotations

import random

import pytest

from lambent.engine.delivery.lanes import GROW_S, OWN, PLATEAU_S, REST_S_MAX, REST_S_MIN, SPARED, START, Lanes


def take(lanes: Lanes, now: float, more: bool = True) -> dict[str, int]:
    """Grant what is granted, with messages enough for all."""
    grants = dict(lanes.grants(now))
    for name, count in grants.items():
        lanes.taken(name, count, count, now if more else None, now)
    return grants


def test_a_flooded_function_leaves_the_others_their_own_places() -> None:
    lanes, now = Lanes(places=8), 0.0
    lanes.touched("flood", 0.0, now)
    for _ in range(20):
        take(lanes, now)
        now += GROW_S
    assert lanes.running == 8
    lanes.touched("other", now, now)
    assert take(lanes, now)["other"] >= OWN


def test_places_beyond_the_own_are_shared_evenly() -> None:
    lanes, now = Lanes(places=16), 0.0
    for name in "abcd":
        lanes.touched(name, 0.0, now)
    running = dict.fromkeys("abcd", 0)
    for _ in range(20):
        for name, count in take(lanes, now).items():
            running[name] += count
        now += GROW_S
    assert sum(running.values()) == 16 + 4 * OWN
    assert max(running.values()) - min(running.values()) <= 4


def test_a_lane_that_is_behind_doubles_and_goes_back_where_that_does_not_help() -> None:
    lanes = Lanes()
    lanes.touched("f", 0.0, 1.0)
    assert take(lanes, 1.0) == {"f": START}
    assert take(lanes, 1.0) == {}
    assert lanes.next_turn(1.0) == 1.0 + GROW_S
    assert take(lanes, 1.5) == {"f": START}  # nothing ended yet: more places may help
    for _ in range(10):
        lanes.left("f", 1.9)
        take(lanes, 1.9)
    assert take(lanes, 2.0) == {"f": START * 2}  # 10 in half a second, and nothing to compare with
    for _ in range(10):
        lanes.left("f", 2.4)
        take(lanes, 2.4)
    assert take(lanes, 2.5) == {}  # no faster than with half of the places
    for _ in range(START * 2):
        lanes.left("f", 2.6)
        assert take(lanes, 2.6) == {}
    lanes.left("f", 2.6)
    assert take(lanes, 2.6) == {"f": 1}
    assert take(lanes, 2.5 + PLATEAU_S + GROW_S) == {"f": START * 2}


def test_a_throttled_function_rests_longer_and_longer_and_keeps_nobody() -> None:
    lanes, now, pauses = Lanes(), 0.0, []
    lanes.touched("throttled", 0.0, now)
    for _ in range(10):
        assert take(lanes, now)
        lanes.rest("throttled", now)
        lanes.touched("other", now, now)
        assert list(take(lanes, now, more=False)) == ["other"]
        turn = lanes.next_turn(now)
        assert turn is not None
        for _ in range(4):
            lanes.left("other", now)
        while lanes.running:
            lanes.left("throttled", now)
        pauses.append(turn - now)
        now = turn
    assert pauses[0] == REST_S_MIN
    assert pauses[-1] == REST_S_MAX
    assert pauses == sorted(pauses)


def test_reserved_concurrency_is_the_most_that_runs_at_once() -> None:
    lanes, now = Lanes(), 0.0
    lanes.touched("f", 0.0, now)
    take(lanes, now)
    lanes.capped("f", 2)
    for _ in range(4):
        lanes.left("f", now)
    assert take(lanes, now) == {"f": 2}
    assert take(lanes, now + 60) == {}


def test_lanes_without_messages_are_forgotten() -> None:
    lanes = Lanes()
    for number in range(100):
        lanes.touched(str(number), 0.0, 0.0)
    grants = lanes.grants(0.0)
    for name, count in grants:
        lanes.taken(name, count, 1, None, 0.0)
    for name, _ in grants:
        lanes.left(name, 1.0)
    while len(lanes):
        for name, count in lanes.grants(1.0):
            lanes.taken(name, count, 0, None, 1.0)
    assert lanes.next_turn(1.0) is None


@pytest.mark.parametrize("seed", range(30))
def test_nothing_due_is_left_waiting_and_the_bounds_hold(seed: int) -> None:
    rng, now = random.Random(seed), 0.0
    lanes = Lanes(places=6, own=2)
    waiting: dict[str, list[float]] = {}
    running: dict[str, int] = {}
    for _ in range(400):
        name = str(rng.randrange(5))
        event = rng.random()
        if event < 0.4:
            due = now + rng.choice([0.0, 0.0, 3.0])
            waiting.setdefault(name, []).append(due)
            lanes.touched(name, due, now)
        elif event < 0.8 and running.get(name):
            running[name] -= 1
            if rng.random() < 0.2:
                lanes.rest(name, now)
            lanes.left(name, now)
        else:
            now += rng.random()
        for lane, count in lanes.grants(now):
            due_now = sorted(each for each in waiting.get(lane, []) if each <= now)[:count]
            for each in due_now:
                waiting[lane].remove(each)
            running[lane] = running.get(lane, 0) + len(due_now)
            lanes.taken(lane, count, len(due_now), min(waiting.get(lane) or [0.0]) if waiting.get(lane) else None, now)
        assert lanes.running == sum(running.values()), f"seed {seed}"
        assert sum(max(0, each - 2) for each in running.values()) <= 6, f"seed {seed}"
    for _ in range(2000):
        if not any(waiting.values()):
            break
        for name, count in list(running.items()):
            for _ in range(count):
                lanes.left(name, now)
        running.clear()
        turn = lanes.next_turn(now)
        now = now if turn is None else turn
        for lane, count in lanes.grants(now):
            due_now = sorted(each for each in waiting.get(lane, []) if each <= now)[:count]
            for each in due_now:
                waiting[lane].remove(each)
            running[lane] = running.get(lane, 0) + len(due_now)
            lanes.taken(lane, count, len(due_now), min(waiting[lane]) if waiting[lane] else None, now)
    assert not any(waiting.values()), f"seed {seed}: stuck {waiting}"


def test_a_place_is_kept_unless_another_is_due_it_or_the_lane_rests() -> None:
    lanes, now = Lanes(places=4, own=2), 0.0
    lanes.touched("a", 0.0, now)
    take(lanes, now)
    assert lanes.running == START
    assert lanes.keeps("a", now)
    lanes.touched("b", now, now)
    assert not lanes.keeps("a", now)  # it holds common places, and the other waits
    lanes.left("a", now)
    lanes.left("a", now)
    assert lanes.keeps("a", now)  # its own
    lanes.capped("a", 1)
    assert not lanes.keeps("a", now)
    lanes.left("a", now)
    assert lanes.keeps("a", now)
    lanes.rest("a", now)
    assert not lanes.keeps("a", now)


def test_while_something_else_matters_more_each_lane_has_few_places() -> None:
    lanes, now = Lanes(), 0.0
    lanes.sparing = True
    for name in "ab":
        lanes.touched(name, 0.0, now)
    assert take(lanes, now) == {"a": SPARED, "b": SPARED}
    assert take(lanes, now + 60) == {}
    assert lanes.next_turn(now + 60) is None  # nothing grows meanwhile
    assert lanes.keeps("a", now)
    lanes.sparing = False
    assert take(lanes, now + 60)["a"] >= START - SPARED
    lanes.sparing = True
    assert not lanes.keeps("a", now + 60)

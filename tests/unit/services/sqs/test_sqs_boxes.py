"""The order of messages as pure state: invariants over random histories."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.services.sqs.fifo import FifoBox
from lambent.services.sqs.letters import Letter, arrival_ms, next_sequence
from lambent.services.sqs.lines import Delays, Line
from lambent.services.sqs.standard import StandardBox

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("arrive"), st.sampled_from("abc"), st.sampled_from([0, 0, 0, 40, 500])),
        st.tuples(st.just("take"), st.integers(1, 4), st.sampled_from([0, 50, 300])),
        st.tuples(st.just("remove"), st.integers(0, 9), st.just(0)),
        st.tuples(st.just("hold"), st.integers(0, 9), st.sampled_from([0, 100, 700])),
        st.tuples(st.just("pass"), st.integers(1, 400), st.just(0)),
        st.tuples(st.just("reload"), st.just(0), st.just(0)),
    ),
    max_size=60,
)


@dataclass
class Record:
    """What a message's history must have been."""

    sequence: int
    group: str
    due_ms: int
    letter: Letter | None = None
    until_ms: int = 0


@dataclass
class History:
    """A box, and what is known of its messages from outside."""

    fifo: bool
    now_ms: int = 1_000_000
    last: int = 0
    messages: dict[int, Record] = field(default_factory=dict)
    nonces: itertools.count[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.box: StandardBox | FifoBox = self.empty()

    def empty(self) -> StandardBox | FifoBox:
        return FifoBox() if self.fifo else StandardBox()

    def step(self, what: str, which: object, milliseconds: int) -> None:
        getattr(self, f"do_{what}")(which, milliseconds)
        self.box.settle(self.now_ms)
        held = [each for each in self.messages.values() if each.until_ms > self.now_ms]
        assert self.box.in_flight == len(held)
        assert self.box.available + self.box.in_flight + self.box.delayed == len(self.messages)

    def do_arrive(self, group: str, delay_ms: int) -> None:
        self.last = next_sequence(self.last, self.now_ms)
        due_ms = self.now_ms + (0 if self.fifo else delay_ms)
        self.messages[self.last] = Record(self.last, group, due_ms)
        self.box.arrive(self.last, due_ms=due_ms, now_ms=self.now_ms, group=group)

    def do_take(self, limit: int, visible_ms: int) -> None:
        self.box.settle(self.now_ms)
        ready = self.box.ready()
        before = {each.sequence for each in self.messages.values() if each.until_ms > self.now_ms}
        taken = self.box.take(limit, now_ms=self.now_ms, until_ms=self.now_ms + visible_ms, nonce=lambda: str(next(self.nonces)))
        assert bool(taken) == ready
        assert len(taken) <= limit
        for position, letter in enumerate(taken):
            record = self.messages[letter.sequence]
            assert letter.sequence not in before, "it is in somebody's hands"
            assert record.due_ms <= self.now_ms, "its delay has not passed"
            if self.fifo:
                earlier = {each for each, other in self.messages.items() if other.group == record.group and each < letter.sequence}
                assert earlier <= {each.sequence for each in taken[:position]}, "an earlier message of its group was passed over"
            record.letter, record.until_ms = letter, self.now_ms + visible_ms

    def received(self, number: int) -> Record | None:
        known = [each for each in self.messages.values() if each.letter is not None]
        return known[number % len(known)] if known else None

    def do_remove(self, number: int, _: int) -> None:
        record = self.received(number)
        if record is not None and record.letter is not None:
            self.box.settle(self.now_ms)
            assert self.box.find(record.sequence) is record.letter
            self.box.remove(record.letter)
            del self.messages[record.sequence]

    def do_hold(self, number: int, milliseconds: int) -> None:
        record = self.received(number)
        if record is not None and record.letter is not None and (not self.fifo or record.until_ms > self.now_ms):
            self.box.settle(self.now_ms)
            self.box.hold(record.letter, self.now_ms + milliseconds)
            record.until_ms = self.now_ms + milliseconds

    def do_pass(self, milliseconds: int, _: int) -> None:
        self.now_ms += milliseconds

    def do_reload(self, *_: int) -> None:
        """What a restart makes of it: everything is read in the order of the sequences."""
        self.box = self.empty()
        for sequence, record in sorted(self.messages.items()):
            if record.letter is None:
                self.box.arrive(sequence, due_ms=record.due_ms, now_ms=self.now_ms, group=record.group)
            else:
                self.box.restore(record.letter)

    def drain(self) -> None:
        """Everything that is there can be had in the end."""
        for _ in range(200):
            self.now_ms += 10_000
            self.do_take(10, 1_000_000_000)
            for record in [each for each in self.messages.values() if each.until_ms > self.now_ms]:
                assert record.letter is not None
                self.box.remove(record.letter)
                del self.messages[record.sequence]
            if not self.messages:
                break
        assert not self.messages
        assert not self.box.ready()
        assert (self.box.available, self.box.in_flight, self.box.delayed) == (0, 0, 0)


@settings(max_examples=150, deadline=None)
@given(STEPS, st.booleans())
def test_nothing_is_lost_shared_or_out_of_order(steps: list[tuple[str, object, int]], fifo: bool) -> None:
    history = History(fifo)
    for step in steps:
        history.step(*step)
    history.drain()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.one_of(st.integers(0, 1 << 62), st.none()), max_size=300))
def test_a_line_is_first_in_first_out(steps: list[int | None]) -> None:
    line, model = Line(), list[int]()
    for step in steps:
        if step is not None:
            line.push(step)
            model.append(step)
        elif model:
            assert (line.peek(), line.pop()) == (model[0], model.pop(0))
        assert len(line) == len(model)


def test_a_long_line_gives_its_front_back() -> None:
    line = Line()
    for number in range(20_000):
        line.push(number)
    assert [line.pop() for _ in range(15_000)] == list(range(15_000))
    assert len(line._items) < 10_000
    assert [line.pop() for _ in range(5_000)] == list(range(15_000, 20_000))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 5_000), max_size=100))
def test_delays_end_in_order_and_never_early(dues: list[int]) -> None:
    delays = Delays()
    for number, due in enumerate(dues):
        delays.push(number, due)
    seen: list[int] = []
    for now in range(0, 5_100, 25):
        for number in delays.pop_due(now):
            assert dues[number] <= now < dues[number] + 75
            seen.append(number)
    assert sorted(seen) == list(range(len(dues)))
    assert (len(delays), delays.next_due_ms()) == (0, None)


def test_sequences_grow_and_know_their_time() -> None:
    first = next_sequence(0, 5_000)
    assert (arrival_ms(first), next_sequence(first, 5_000), next_sequence(first, 4_000)) == (5_000, first + 1, first + 1)
    assert next_sequence(first, 5_001) > first + 1


def test_what_came_back_does_not_keep_others_waiting() -> None:
    box = StandardBox()
    for number in range(1, 4):
        box.arrive(number, due_ms=0, now_ms=0)
    given_ = []
    for now in range(6):
        box.settle(now)
        given_ += [each.sequence for each in box.take(1, now_ms=now, until_ms=now, nonce=str)]
    assert given_[:5] == [1, 1, 2, 1, 3]


def test_groups_stand_in_line() -> None:
    box = FifoBox()
    for number, group in enumerate(("1", "2", "2", "3", "1"), 1):
        box.arrive(number, due_ms=0, now_ms=0, group=group)
    assert [each.sequence for each in box.take(3, now_ms=0, until_ms=0, nonce=str)] == [1, 5, 2]
    box.settle(0)
    assert [each.sequence for each in box.take(9, now_ms=0, until_ms=0, nonce=str)] == [4, 1, 5, 2, 3]


def test_an_earlier_message_may_come_again_while_a_later_one_is_held() -> None:
    box = FifoBox()
    for number in (1, 2, 3):
        box.arrive(number, due_ms=0, now_ms=0, group="g")
    first, second = box.take(2, now_ms=0, until_ms=30, nonce=str)
    box.hold(second, 0)
    box.settle(0)
    assert not box.ready()
    box.hold(first, 0)
    box.settle(0)
    assert [each.sequence for each in box.take(9, now_ms=0, until_ms=30, nonce=str)] == [1, 2, 3]
    box.hold(first, 0)
    box.settle(0)
    assert [each.sequence for each in box.take(9, now_ms=0, until_ms=30, nonce=str)] == [1]


def test_a_long_fifo_queue_is_looked_at_from_its_front() -> None:
    box = FifoBox(lookahead=10)
    for number in range(1, 101):
        box.arrive(number, due_ms=0, now_ms=0, group=str(number))
    assert (box.available, box.beyond, box.last, box.wants_more) == (100, 90, 10, False)
    for letter in box.take(6, now_ms=0, until_ms=30, nonce=str):
        box.remove(letter)
    assert (box.available, box.wants_more, box.room) == (94, True, 6)
    for number in range(11, 17):
        box.read_to = number
        box.admit(number, due_ms=0, now_ms=0, group=str(number))
    box.beyond -= 6
    box.arrive(16, due_ms=0, now_ms=0, group="16")
    assert (box.available, box.room) == (94, 0)


def box_with(**counts: int) -> tuple[StandardBox, dict[int, str]]:
    """Return a box with so many messages by tenant, one tenant's after the other's, and whose each is."""
    box, owners = StandardBox(), {}
    for tenant, count in counts.items():
        for _ in range(count):
            sequence = len(owners) + 1
            owners[sequence] = "" if tenant == "nobody" else tenant
            box.arrive(sequence, due_ms=0, now_ms=0, group=owners[sequence])
    return box, owners


def given(box: StandardBox, owners: dict[int, str], count: int) -> str:
    """Receive that many messages, one at a time, and return whose they were."""
    taken = [box.take(1, now_ms=0, until_ms=1000, nonce=lambda: "n") for _ in range(count)]
    return "".join(owners[letter.sequence] or "-" for letters in taken for letter in letters)


def test_others_go_before_a_tenant_that_holds_more_than_its_share() -> None:
    box, owners = box_with(a=100, b=2, nobody=2)
    assert given(box, owners, 40) == "a" * 30 + "bb--" + "a" * 6


def test_a_tenant_with_few_in_flight_is_not_noisy() -> None:
    box, owners = box_with(a=29, b=1)
    assert given(box, owners, 30) == "a" * 29 + "b"


def test_of_noisy_tenants_the_one_with_the_fewest_in_flight_is_next() -> None:
    box, owners = box_with(a=40, b=31, c=1)
    assert given(box, owners, 30) == "a" * 30
    assert given(box, owners, 31) == "b" * 30 + "c"
    assert given(box, owners, 3) == "aba"


def test_a_tenth_of_what_is_in_flight_is_no_noise() -> None:
    box, owners = box_with(nobody=400, a=60)
    assert given(box, owners, 400) == "-" * 400
    box.arrive(1000, due_ms=0, now_ms=0)
    owners[1000] = ""
    assert given(box, owners, 40) == "a" * 40


def test_what_came_back_of_a_noisy_tenant_waits_too() -> None:
    box, owners = box_with(a=50, b=3)
    letters = box.take(10, now_ms=0, until_ms=10, nonce=lambda: "n")
    box.take(31, now_ms=0, until_ms=1000, nonce=lambda: "n")
    box.settle(20)
    assert len(letters) == 10
    assert given(box, owners, 5) == "bbbaa"


def test_a_delayed_message_is_still_its_tenants() -> None:
    box, owners = box_with(a=60)
    box.arrive(100, due_ms=50, now_ms=0, group="a")
    box.arrive(101, due_ms=50, now_ms=0, group="b")
    owners |= {100: "a", 101: "b"}
    assert given(box, owners, 31) == "a" * 31
    box.settle(100)
    assert given(box, owners, 1) == "b"

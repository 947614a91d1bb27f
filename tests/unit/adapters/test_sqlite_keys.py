"""The encoding of keys: reversible, and sorted as keys are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent.adapters.sqlite import keys
from lambent.domain.storage import Key

INTEGERS = st.one_of(st.integers(-(1 << 63), (1 << 63) - 1), st.integers(-3, 3), st.integers(250, 260))
TEXTS = st.one_of(
    st.text(max_size=6),
    st.text(st.characters(codec=None), max_size=4),
    st.text(st.sampled_from("\0\x01\x02ab\xff\ud800\uffff\U00010000"), max_size=5),
)
KEYS = st.lists(st.one_of(INTEGERS, TEXTS), max_size=4).map(tuple)


def rank(key: Key) -> list[tuple[bool, str | int]]:
    """Python's own order of what ``Key`` says: integers before texts, by value and by code point, a prefix first."""
    return [(isinstance(part, str), part) for part in key]


@given(KEYS)
def test_what_was_encoded_is_decoded(key: Key) -> None:
    assert keys.decode(keys.encode(key)) == key


@given(KEYS, KEYS, KEYS)
def test_bytes_sort_as_keys_do(common: Key, left: Key, right: Key) -> None:
    left, right = common + left, common + right
    assert (keys.encode(left) < keys.encode(right)) == (rank(left) < rank(right))
    assert (keys.encode(left) == keys.encode(right)) == (left == right)


@given(KEYS, KEYS, st.booleans())
def test_a_span_holds_what_begins_with_the_parts_and_nothing_else(within: Key, other: Key, reverse: bool) -> None:
    low, high = keys.span(within, start=None, after=None, reverse=reverse)
    for key in (other, within + other, within, (*within, "\U0010ffff" * 3), (*within, (1 << 63) - 1)):
        assert (low <= keys.encode(key) < high) == (key[: len(within)] == within)


@given(KEYS, KEYS, KEYS, st.booleans())
def test_a_span_keeps_to_its_bounds(start: Key, after: Key, key: Key, reverse: bool) -> None:
    low, high = keys.span((), start=start, after=after, reverse=reverse, prefix=("t",))
    expected = (rank(key) <= rank(start) and rank(key) < rank(after)) if reverse else (rank(key) >= rank(start) and rank(key) > rank(after))
    assert (low <= keys.encode(("t", *key)) < high) == expected


def test_the_bytes_stay_as_they_are() -> None:
    """They are on people's disks: another encoding needs a migration."""
    assert keys.encode(("a\0b", 1, -1, "")).hex() == "026100ff6200" + "018000000000000001" + "017fffffffffffffff" + "0200"


@pytest.mark.parametrize("part", [b"bytes", None, 1.5, ("nested",)])
def test_other_parts_are_refused(part: object) -> None:
    with pytest.raises(TypeError, match="texts and integers"):
        keys.encode((part,))  # type: ignore[arg-type]


@pytest.mark.parametrize("part", [1 << 63, -(1 << 63) - 1])
def test_integers_beyond_64_bits_are_refused(part: int) -> None:
    with pytest.raises(OverflowError):
        keys.encode((part,))

"""What is remembered, and what isn't."""

from __future__ import annotations

import pytest

from lambent.base.memory import KEPT_CHARACTERS_MAX, Remembered, remembered


class Finder:
    """A function that counts how often it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []
        self.of = remembered(2)(self._find)

    def _find(self, text: str, more: int = 0) -> str:
        self.asked.append((text, more))
        return f"{text}{more}"


def test_what_was_found_for_a_text_is_found_once() -> None:
    finder = Finder()
    assert [finder.of("a"), finder.of("a"), finder.of("a", 1), finder.of("a", more=2)] == ["a0", "a0", "a1", "a2"]
    assert finder.asked == [("a", 0), ("a", 1), ("a", 2)]


def test_only_the_last_few_are_kept() -> None:
    finder = Finder()
    for text in "abca":
        finder.of(text)
    assert [text for text, _ in finder.asked] == ["a", "b", "c", "a"]


def test_long_texts_are_not_kept() -> None:
    finder, long = Finder(), "x" * (KEPT_CHARACTERS_MAX + 1)
    assert finder.of(long) == finder.of(long) == f"{long}0"
    assert len(finder.asked) == 2
    assert finder.of(long[1:]) == finder.of(long[1:])
    assert len(finder.asked) == 3


def test_a_table_asks_for_what_it_does_not_hold() -> None:
    asked = list[str]()

    def find(text: str) -> int:
        asked.append(text)
        return int(text)

    known = Remembered(find, 2)
    assert [known[text] for text in ("1", "2", "1", "2")] == [1, 2, 1, 2]
    assert asked == ["1", "2"]
    assert (known["3"], known["1"], known["3"]) == (3, 1, 3)
    assert asked == ["1", "2", "3", "1"]
    with pytest.raises(ValueError, match="one"):
        known["one"]
    long = "0" * (KEPT_CHARACTERS_MAX + 1)
    assert (known[long], known[long]) == (0, 0)
    assert len(known) <= 2
    assert asked[-2:] == [long, long]

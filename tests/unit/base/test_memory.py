"""What is remembered, and what isn't."""

from __future__ import annotations

from lambent.base.memory import KEPT_CHARACTERS_MAX, remembered


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

"""Regular expressions that are compiled at their first use do what compiled ones do."""

from __future__ import annotations

import re

import pytest

from lambent.base.regexes import Regex


def test_it_finds_what_a_compiled_one_finds() -> None:
    lazy, compiled = Regex(r"(a+)b"), re.compile(r"(a+)b")
    for text in ("aab", "xaab", "", "b"):
        for look in ("match", "fullmatch", "search"):
            ours, theirs = getattr(lazy, look)(text), getattr(compiled, look)(text)
            assert (ours and ours.groups()) == (theirs and theirs.groups())
    assert lazy.findall("ab aab") == ["a", "aa"]
    assert [each.start() for each in lazy.finditer("ab aab")] == [0, 3]
    assert lazy.sub(r"<\1>", "ab aab") == "<a> <aa>"
    found = lazy.match("xxab", 2)
    assert found is not None
    assert found.end() == 4


def test_flags_count() -> None:
    assert Regex("a.b", re.DOTALL | re.IGNORECASE).fullmatch("A\nB")


def test_nothing_is_compiled_before_it_is_used() -> None:
    wrong = Regex("(")
    with pytest.raises(re.error):
        wrong.match("")


def test_from_its_second_use_on_a_method_is_the_compiled_ones_own() -> None:
    lazy = Regex("a")
    assert lazy.match("a")
    assert vars(lazy)["match"].__self__ is vars(lazy)["_compiled"]

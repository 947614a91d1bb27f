"""Names that follow each other."""

from __future__ import annotations

import pytest

from lambent.base.ids import Ids, SeededIds, SystemIds


@pytest.mark.parametrize("ids", [SystemIds(), SeededIds(7)], ids=["system", "seeded"])
def test_ordered_names_sort_as_they_were_given(ids: Ids) -> None:
    names = [ids.ordered() for _ in range(70_000)]
    assert names == sorted(set(names))
    assert len({name[:-8] for name in names}) == 1, "they lie side by side"


def test_two_servers_never_give_the_same_name() -> None:
    first, second = SystemIds(), SystemIds()
    assert first.ordered()[:-8] != second.ordered()[:-8]
    assert SeededIds(1).ordered() == SeededIds(1).ordered() != SeededIds(2).ordered()

"""How records are laid out in rows."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lambent.adapters.sqlite import runs
from lambent.domain.storage import Entry, Record

SIZES = st.lists(st.one_of(st.integers(0, 9), st.integers(0, 2 * runs.BYTES_MAX)), max_size=200)


@given(SIZES, st.integers(1, 1 << 40))
def test_rows_follow_each_other_and_keep_their_bounds(sizes: list[int], first: int) -> None:
    records = [Record(-index * index, bytes([index % 251]) * size) for index, size in enumerate(sizes)]
    found: list[Entry] = []
    for log, last, count, earliest, latest, data in runs.rows(7, first, records):
        begin = first + len(found)
        assert (log, last) == (7, begin + count - 1)
        if count == 1:
            assert earliest == latest
            found.append(Entry(last, earliest, data))
            continue
        entries = runs.entries(begin, data, begin, last + 1)
        assert runs.entries(begin, data, begin + 1, last) == entries[1:-1]
        assert count <= runs.RECORDS_MAX
        assert sum(len(each.data) for each in entries) <= runs.BYTES_MAX
        assert (earliest, latest) == (min(each.time_ms for each in entries), max(each.time_ms for each in entries))
        found += entries
    assert found == [Entry(number, each.time_ms, each.data) for number, each in enumerate(records, first)]


def test_small_records_fill_their_runs() -> None:
    assert [row[2] for row in runs.rows(1, 1, [Record(0, b"x")] * 150)] == [64, 64, 22]

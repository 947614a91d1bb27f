"""``python -m benchmarks [name …]``: measure all rows, or those of the named groups; all of them write the table."""

from __future__ import annotations

import sys
from collections.abc import Callable

from benchmarks import cold, delivery, events, load, report, rest, warm

GROUPS: dict[str, Callable[[], list[report.Row]]] = {
    "warm": warm.rows,
    "events": events.rows,
    "delivery": delivery.rows,
    "cold": cold.rows,
    "scale": cold.scale,
    "rest": rest.rows,
}


def _measured(name: str) -> list[report.Row]:
    """Return a group's rows; an answer that isn't a success takes the place of its figures, for a benchmark of errors is worth nothing."""
    try:
        return GROUPS[name]()
    except load.Failed as failed:
        return [report.Row(f"all rows of `{name}`", "", "", absent=str(failed).strip().splitlines()[-1])]


def main(names: list[str]) -> int:
    """Measure; return 0 unless a name is unknown."""
    unknown = [each for each in names if each not in GROUPS]
    if unknown:
        print(f"there is no benchmark {', '.join(unknown)}; there are {', '.join(GROUPS)}", file=sys.stderr)
        return 2
    rows: list[report.Row] = []
    for name in names or GROUPS:
        for row in _measured(name):
            print(report.told(row), flush=True)
            rows.append(row)
    if not names:
        report.write(rows)
        print(f"written to {report.TABLE}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

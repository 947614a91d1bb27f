"""Rows of the table: what was measured against what, in how many rounds, and whether the goal is met."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

TABLE = Path(__file__).parent.parent / "docs" / "reference" / "benchmarks.md"
_HEAD = """\
# Benchmarks

Written by `make bench`; do not edit. Each row measured its own baseline in the same minutes, round by round in turn: read ratios, not
microseconds. "median (lowest … highest)" is over the rounds.

"""


@dataclass
class Row:
    """One line of the table."""

    what: str
    baseline: str  #: what is one
    goal: str
    ratios: Sequence[float] = ()
    measured: str = ""  #: in absolute figures
    goal_ratio: float | None = None
    at_least: bool = False  #: the goal is a floor, not a ceiling
    absent: str = ""  #: why there is no figure
    notes: list[str] = field(default_factory=list)

    @property
    def is_met(self) -> bool | None:
        """Whether the median meets the goal; ``None`` when that can't be said."""
        if self.goal_ratio is None or not self.ratios:
            return None
        middle = statistics.median(self.ratios)
        return middle >= self.goal_ratio if self.at_least else middle <= self.goal_ratio

    def cells(self) -> tuple[str, str, str, str, str, str]:
        """Return the line's cells."""
        if self.absent:
            return self.what, self.baseline, self.goal, f"not yet: {self.absent}", "", ""
        met = {True: "yes", False: "**no**", None: ""}[self.is_met]
        return self.what, self.baseline, self.goal, spread(self.ratios), met, "; ".join([self.measured, *self.notes])


def spread(values: Sequence[float]) -> str:
    """Return median and range."""
    if not values:
        return ""
    shown = [_number(each) for each in (statistics.median(values), min(values), max(values))]
    return f"{shown[0]} ({shown[1]} … {shown[2]})"


def _number(value: float) -> str:
    return f"{value:.3f}" if value < 1 else f"{value:.2f}" if value < 100 else f"{value:,.0f}"


def micros(values: Sequence[float]) -> str:
    """Return the median of seconds, in microseconds."""
    return f"{statistics.median(values) * 1e6:,.0f} µs"


def millis(values: Sequence[float]) -> str:
    """Return the median of seconds, in milliseconds."""
    return f"{statistics.median(values) * 1e3:,.1f} ms"


def machine() -> str:
    """Return what this ran on."""
    return f"{os.cpu_count()} processors, Linux {platform.release()}, Python {platform.python_version()}, {time.strftime('%Y-%m-%d')}"


def told(row: Row) -> str:
    """Return a row as one line for the terminal."""
    what, baseline, goal, ratio, met, measured = row.cells()
    return f"{what:<58} {ratio:<28} of {baseline} (goal {goal}{', met: ' + met.strip('*') if met else ''})  {measured}"


def write(rows: Sequence[Row]) -> None:
    """Write the table."""
    lines = [_HEAD + f"Last run: {machine()}; load average {os.getloadavg()[0]:.1f} at its end.\n"]
    lines.append("| what | baseline of the same run | goal | ratio | met | in figures |\n|---|---|---|---|---|---|")
    lines += ["| " + " | ".join(row.cells()) + " |" for row in rows]
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    TABLE.write_text("\n".join(lines) + "\n")
